"""Times of any common form, as UTC."""

import warnings
from typing import Literal

import pandas as pd

from aiopslab.errors import FrameError
from aiopslab.frames.schemas import FrameWarning

_EARLIEST, _LATEST = pd.Timestamp("1970-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC")
_YEAR_2001 = 1e9  # in seconds since 1970
_OFFSET = r"[T ]\S*?(?:[Zz]|[+-]\d{2}(?::?\d{2})?)$"


def to_utc(values: "pd.Series | pd.Index", label: str) -> pd.Series:
    """Read times of any common form as UTC.

    Numbers are taken as seconds, milliseconds, microseconds or nanoseconds since 1970, whichever
    puts their median between 2001 and 2100; times without a zone are taken as UTC, with a warning.

    Parameters
    ----------
    values
        Times as datetimes, ISO 8601 text, or numbers.
    label
        What to call them in a message, e.g. ``"logs.timestamp"``.

    Returns
    -------
    pandas.Series
        ``datetime64[us, UTC]``, in the order given.

    Raises
    ------
    FrameError
        If a value is not a time.

    Examples
    --------
    >>> to_utc(pd.Series([1_760_000_000, 1_760_000_060]), "t").iloc[0]
    Timestamp('2025-10-09 08:53:20+0000', tz='UTC')
    """
    series = pd.Series(values)
    known = series.notna()
    if pd.api.types.is_datetime64_any_dtype(series):
        times, naive = pd.to_datetime(series, utc=True), series.dt.tz is None
    else:
        numbers = _epochs(series)
        if numbers is None:
            times = pd.to_datetime(series, utc=True, format="ISO8601", errors="coerce")
            naive = not series[known].astype("str").str.contains(_OFFSET, regex=True).all()
        else:
            unit = _epoch_unit(numbers, label)
            times = pd.to_datetime(numbers, unit=unit, utc=True, errors="coerce").dt.round("us")
            naive = False
    wrong = known & ~times.between(_EARLIEST, _LATEST)
    if wrong.any():
        raise FrameError(
            f"{label} is not a time between 1970 and 2100 in {int(wrong.sum())} rows; "
            f"the first is '{series[wrong].iloc[0]}'",
            "Write times as ISO 8601 with an offset, e.g. 2026-03-01T12:00:00+00:00.",
        )
    if naive:
        warnings.warn(f"{label} has no time zone; taken as UTC", FrameWarning, stacklevel=2)
    return times.astype("datetime64[us, UTC]")


def _epochs(series: pd.Series) -> pd.Series | None:
    """Return numbers, or text that holds numbers (CSV, JSON), as numbers; ``None`` for dates."""
    if pd.api.types.is_numeric_dtype(series):
        return series.astype("float64") if pd.api.types.is_bool_dtype(series) else series
    numbers = pd.to_numeric(series, errors="coerce")
    # 20260301 is a date, not a number of seconds.
    all_numbers = numbers.notna().equals(series.notna()) and numbers.abs().median() >= _YEAR_2001
    return numbers if all_numbers else None


def _epoch_unit(numbers: pd.Series, label: str) -> Literal["s", "ms", "us", "ns"]:
    magnitude = numbers.abs().median()
    if magnitude < _YEAR_2001:
        raise FrameError(
            f"{label} holds numbers around {magnitude:g}, too small for a time since 1970",
            "Write times as ISO 8601, or as seconds since 1970-01-01T00:00:00Z.",
        )
    units: list[tuple[float, Literal["s", "ms", "us"]]] = [(1e11, "s"), (1e14, "ms"), (1e17, "us")]
    return next((unit for bound, unit in units if not magnitude >= bound), "ns")
