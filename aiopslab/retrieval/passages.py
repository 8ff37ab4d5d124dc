"""Passages: where a quotation is in a text, whatever the white space of either."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Span = tuple[int, int]


@dataclass(frozen=True)
class Quoted:
    r"""A text in which quotations are found.

    Parameters
    ----------
    text
        Of a document.

    Examples
    --------
    >>> Quoted("They\n  fill up.").find("They fill up."), Quoted("They fill.").find("empty")
    ((0, 15), None)
    """

    text: str

    def find(self, passage: str) -> Span | None:
        """Return the first place of a passage: as it is, else but for white space.

        Parameters
        ----------
        passage
            What is quoted.

        Returns
        -------
        tuple of int and int
            Half-open; ``None`` where it is not there.
        """
        passage = passage.strip()
        if not passage:
            return None
        start = self.text.find(passage)
        if start >= 0:
            return start, start + len(passage)
        letters, places = self._visible
        wanted = "".join(passage.split())
        start = letters.find(wanted)
        if start < 0:
            return None
        return int(places[start]), int(places[start + len(wanted) - 1]) + 1

    @cached_property
    def _visible(self) -> tuple[str, npt.NDArray[np.intp]]:
        """The text without white space, and where each of its characters was."""
        places = np.array(
            [place for place, each in enumerate(self.text) if not each.isspace()], dtype=np.intp
        )
        return "".join(self.text.split()), places
