"""How much is read at most, and a word where that is not all there is."""

import warnings
from collections.abc import Sequence
from typing import Any, TypeVar

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning

T = TypeVar("T")


def count(value: Any, name: str = "limit") -> int:
    """Read a number of things from an option.

    Raises
    ------
    SourceError
        If it is no whole number from 1.

    Examples
    --------
    >>> count("200")
    200
    """
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise SourceError(f"{name} is {value!r}; expected a number from 1", f"Write {name}=200.")
    return number


def cut(things: Sequence[T], limit: int, what: str) -> list[T]:
    """Keep the first of things, with a `FrameWarning` if there are more than the limit.

    Parameters
    ----------
    things
        One more than the limit is enough to tell.
    limit
        How many to keep.
    what
        What is read, e.g. ``"the latest 200 events"``.
    """
    if len(things) > limit:
        message = f"only {what} are read; narrow the selection, or pass a higher limit"
        warnings.warn(message, FrameWarning, stacklevel=2)
    return list(things[:limit])
