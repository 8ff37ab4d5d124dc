"""Arguments that several analyses take, checked and read."""

import math

import pandas as pd

from aiopslab.durations import parse
from aiopslab.errors import AIOpsLabError


def check_confidence(confidence: float) -> None:
    """Refuse what is no confidence of an interval.

    Raises
    ------
    AIOpsLabError
        If it is below 0.5, or not below 1.
    """
    if not 0.5 <= confidence < 1:
        raise AIOpsLabError(
            f"confidence is {confidence}; expected 0.5 to below 1", "Write 95 % as 0.95."
        )


def check_limit(limit: float) -> None:
    """Refuse what is no limit of a resource.

    Raises
    ------
    AIOpsLabError
        If it is not finite.
    """
    if not math.isfinite(limit):
        raise AIOpsLabError(
            f"limit is {limit}; expected a finite number", "Pass the value that exhausts it."
        )


def read_horizon(horizon: str | pd.Timedelta) -> pd.Timedelta:
    """Read how far ahead a forecast shall look; raises as `read_duration`."""
    return read_duration("horizon", horizon, '"30min" or "7D"')


def read_duration(name: str, given: str | pd.Timedelta, example: str) -> pd.Timedelta:
    """Read a duration.

    Parameters
    ----------
    name
        Of the argument, for the message.
    given
        What was passed for it.
    example
        How to write it, for the message.

    Raises
    ------
    AIOpsLabError
        If it is none, or not above 0.

    Examples
    --------
    >>> read_duration("horizon", "90min", '"2h"')
    Timedelta('0 days 01:30:00')
    """
    duration = parse(given)
    if duration is None:
        raise AIOpsLabError(
            f"{name} is {given!r}; expected a duration above 0", f"Write it as {example}."
        )
    return duration
