"""Written: values, intervals and ages as people read them."""

import numpy as np
import pandas as pd

from aiopslab.findings import Interval
from aiopslab.incident.durations import spoken


def value_of(value: float, unit: str) -> str:
    """Write a value: a share as per cent, seconds as people say them.

    Examples
    --------
    >>> value_of(0.9534, ""), value_of(5_400, "s"), value_of(0.0001432, "USD")
    ('95.3 %', '1.5 h', '0.000143 USD')
    """
    if np.isnan(value):
        return "–"
    match unit:
        case "":
            return f"{_plain(100 * value)} %"
        case "s":
            return spoken(pd.Timedelta(seconds=value))
    return f"{_plain(value)} {unit}"


def interval_of(interval: Interval | None, unit: str) -> str:
    """Write an interval in the unit of what it bounds; empty where there is none.

    Examples
    --------
    >>> interval_of(Interval(0.94, 0.9612), "")
    '94 % to 96.1 %'
    """
    if interval is None:
        return ""
    return f"{value_of(interval.low, unit)} to {value_of(interval.high, unit)}"


def difference_of(value: float, unit: str) -> str:
    """Write a difference with its sign: of shares in points, of seconds as people say them.

    Examples
    --------
    >>> difference_of(-0.082, ""), difference_of(61, "s"), difference_of(12.25, "ms")
    ('−8.2 points', '+1.02 min', '+12.2 ms')
    """
    sign = "−" if value < 0 else "+"
    match unit:
        case "":
            return f"{sign}{_plain(abs(100 * value))} points"
        case "s":
            return f"{sign}{spoken(pd.Timedelta(seconds=abs(value)))}"
    return f"{sign}{_plain(abs(value))} {unit}"


def chance_of(probability: float) -> str:
    """Write a probability; nothing is sure.

    Examples
    --------
    >>> chance_of(0.9999), chance_of(0.42), chance_of(0.001)
    ('over 99 %', '42 %', 'under 1 %')
    """
    if probability > 0.99:
        return "over 99 %"
    return "under 1 %" if probability < 0.01 else f"{100 * probability:.0f} %"


def ago(age: pd.Timedelta) -> str:
    """Write how long ago something was last seen.

    Examples
    --------
    >>> ago(pd.Timedelta("26h")), ago(pd.Timedelta("200ms"))
    ('1.08 d ago', 'just now')
    """
    return "just now" if age < pd.Timedelta("1s") else f"{spoken(age)} ago"


def _plain(value: float) -> str:
    """Write a number in three digits, never with an exponent."""
    return np.format_float_positional(value, precision=3, fractional=False, trim="-")
