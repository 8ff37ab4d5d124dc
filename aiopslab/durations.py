"""Durations as people write them, for arguments and for the parameters of a template."""

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

if TYPE_CHECKING:
    import pandas as pd


def parse(given: "str | pd.Timedelta") -> "pd.Timedelta | None":
    """Read a duration; ``None`` for what is none, has no unit, or is not above 0.

    Examples
    --------
    >>> parse("90min")
    Timedelta('0 days 01:30:00')
    >>> [parse(each) for each in ("soon", "90", "-1h")]
    [None, None, None]
    """
    import pandas as pd

    if isinstance(given, str) and not any(letter.isalpha() or letter == ":" for letter in given):
        return None  # pandas would take a bare number for nanoseconds
    try:
        duration = pd.Timedelta(given)
    except ValueError:
        return None
    return duration if duration > pd.Timedelta(0) else None


def _valid(given: str) -> str:
    if parse(given) is None:
        raise PydanticCustomError("duration", 'expected a duration above 0, e.g. "30min" or "7D"')
    return given


Duration = Annotated[str, AfterValidator(_valid)]
"""A pydantic field that takes what `parse` reads."""
