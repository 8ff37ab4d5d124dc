"""Embedders: whatever turns texts into vectors, from this machine or from an endpoint."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from aiopslab.errors import ModelError

Vectors = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]


class Embedder(Protocol):
    """Turns texts into vectors, each by its text alone.

    Any object with these three fits; nothing is inherited.

    Examples
    --------
    A function of one's own, of an endpoint or of another library:

    >>> from types import SimpleNamespace
    >>> def letters(texts):
    ...     return np.array([[text.count(letter) for letter in "abc"] for text in texts], float)
    >>> embedder: Embedder = SimpleNamespace(name="letters-1", dimensions=3, embed=letters)
    >>> embedder.embed(["cab", "bb"])
    array([[1., 1., 1.],
           [0., 2., 0.]])
    """

    @property
    def name(self) -> str:
        """What it is, to the revision: vectors of one name can be compared."""

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has."""

    def embed(self, texts: list[str], /) -> npt.NDArray[np.floating[Any]]:
        """Return one vector a text, ``(texts, dimensions)``."""


@runtime_checkable
class Truncating(Protocol):
    """An embedder that tells how much of the end of each text it did not read."""

    def embed_truncated(self, texts: Sequence[str], /) -> tuple[Vectors, Counts]:
        """Return one vector a text, and the tokens of each that were not read."""


def as_texts(texts: Iterable[str]) -> list[str]:
    """Return texts as a list.

    Raises
    ------
    ModelError
        If what is given is one text, or one of them is none.

    Examples
    --------
    >>> as_texts(("a", ""))
    ['a', '']
    """
    if isinstance(texts, str):
        raise ModelError(f"{texts[:40]!r} is one text; expected several", "Pass a list of it.")
    listed = list(texts)
    for place, text in enumerate(listed):
        if not isinstance(text, str):
            raise ModelError(
                f"text {place} is {text!r:.40}; expected a string",
                "Leave it out, or replace it by an empty string.",
            )
    return listed


def warn_of_truncation(name: str, lost: Counts) -> None:
    """Warn of texts that were not read to their ends.

    Parameters
    ----------
    name
        Of the embedder.
    lost
        How many tokens of each text.
    """
    if cut := int((lost > 0).sum()):
        warnings.warn(
            f"{cut} of {len(lost)} texts are longer than {name} reads: {int(lost.sum())} tokens at "
            "their ends are not in the vectors",
            UserWarning,
            stacklevel=3,
        )
