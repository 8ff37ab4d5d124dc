"""Durations as people say them."""

import pandas as pd

UNITS = {"d": pd.Timedelta("1D"), "h": pd.Timedelta("1h"), "min": pd.Timedelta("1min")}


def spoken(duration: pd.Timedelta) -> str:
    """Write a duration as people say it.

    Examples
    --------
    >>> spoken(pd.Timedelta("90min")), spoken(pd.Timedelta("12s"))
    ('1.5 h', '12 s')
    """
    unit, per = unit_of(duration)
    return f"{duration / per:.3g} {unit}"


def unit_of(duration: pd.Timedelta) -> tuple[str, pd.Timedelta]:
    """Return the largest unit that a duration holds, and how long that is.

    Examples
    --------
    >>> unit_of(pd.Timedelta("90min"))
    ('h', Timedelta('0 days 01:00:00'))
    """
    return next((each for each in UNITS.items() if duration >= each[1]), ("s", pd.Timedelta("1s")))
