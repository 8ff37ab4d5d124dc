"""What a reader makes of a file, and why it may not be able to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from aiopslab.retrieval.sections import Heading

Scalar = str | int | float | bool


class Unreadable(Exception):  # noqa: N818 - said of the file, not of the program
    """A file that no text can be taken from; the message says why in a few words."""


@dataclass(frozen=True)
class Reading:
    """The text of a file, and what else is in it.

    Parameters
    ----------
    text
        Plain or Markdown.
    headings
        By position in the text.
    title
        Empty where the file has none.
    modified
        When the file itself says that it was; ``None`` where it does not.
    metadata
        What else it says about itself.
    troubles
        What could not be read, in a few words each, such as ``page 3 cannot be read``.
    """

    text: str
    headings: tuple[Heading, ...] = ()
    title: str = ""
    modified: pd.Timestamp | None = None
    metadata: Mapping[str, Scalar] = field(default_factory=dict)
    troubles: tuple[str, ...] = ()


def instant(value: object) -> pd.Timestamp | None:
    """Return a time that a file states, in UTC; ``None`` where it is none.

    Examples
    --------
    >>> instant("2026-03-01"), instant("soon")
    (Timestamp('2026-03-01 00:00:00+0000', tz='UTC'), None)
    """
    try:
        time: Any = pd.Timestamp(value)  # type: ignore[arg-type]  # it may be refused
    except (ValueError, TypeError, OverflowError):
        return None
    if time is pd.NaT:
        return None
    is_naive = time.tzinfo is None
    found: pd.Timestamp = time.tz_localize("UTC") if is_naive else time.tz_convert("UTC")
    return found
