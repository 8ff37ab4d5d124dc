"""Windows: the stretches of time, or of rows, that drift is followed through."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.durations import parse
from aiopslab.errors import FrameError

Ints = npt.NDArray[np.int64]

ROWS = 100  # that a window holds by default, at least: fewer say little about a distribution
MOST = 60  # windows by default; more are hard to read, and no onset is dated by the window alone
BEGUN = 0.75  # of a window: what has less at the end belongs to the one before
LIMIT = 500  # windows at all
# Lengths that people think in. A window of whole days does not see the hours of the day as drift.
LENGTHS = (
    *("1s", "2s", "5s", "10s", "20s", "30s", "1min", "2min", "5min", "10min", "20min", "30min"),
    *("1h", "2h", "3h", "6h", "12h", "1D", "2D", "7D", "14D", "28D", "91D", "182D", "365D"),
    *("730D", "1825D"),
)


@dataclass(frozen=True)
class Windows:
    """How rows in order of time are cut.

    Parameters
    ----------
    number
        Of the window that each row is in, ``(rows,)``; −1 for a row without a time.
    table
        One row a window: ``rows``, ``first_row`` and, where there are times, ``start``, ``end``.
    length
        Of a window: a duration, or a number of rows.
    """

    number: Ints
    table: pd.DataFrame
    length: pd.Timedelta | int

    @property
    def labels(self) -> list[str]:
        """What to call each window: when it starts, else its first row."""
        if "start" not in self.table:
            return [f"row {each:,}" for each in self.table["first_row"]]
        assert isinstance(self.length, pd.Timedelta)
        form = "%Y-%m-%d" if self.length % pd.Timedelta("1D") == pd.Timedelta(0) else "%m-%d %H:%M"
        return [f"{each:{form}}" for each in self.table["start"]]


def cut_windows(
    times: pd.Series | None, rows: int, windows: str | pd.Timedelta | int | None = None
) -> Windows:
    """Cut rows into windows.

    Parameters
    ----------
    times
        In ascending order, UTC; ``None`` to cut by rows.
    rows
        How many there are.
    windows
        A duration such as ``"1D"``, or a number of rows. Without one, the shortest of the usual
        durations that makes at most 60 windows with on average at least 100 rows, and at least
        that many rows where there are no times.

    Returns
    -------
    Windows
        Windows of time begin with the first row, and those without rows are left out. What is left
        at the end is part of the last one: up to three quarters of a window of time, or half of
        one of rows.

    Raises
    ------
    FrameError
        If the windows are neither, are of time without times, or are more than 500.

    Examples
    --------
    >>> cut_windows(None, 1_000).table["rows"].tolist()[:2]
    [100, 100]
    >>> times = pd.Series(pd.date_range("2026-03-01", periods=5_000, freq="h", tz="UTC"))
    >>> cut = cut_windows(times, 5_000)
    >>> cut.length, len(cut.table)
    (Timedelta('7 days 00:00:00'), 30)
    """
    if isinstance(windows, bool | float) or (isinstance(windows, int) and windows < 1):
        raise _unknown(windows)
    if times is None or times.notna().sum() == 0 or isinstance(windows, int):
        if windows is not None and not isinstance(windows, int):
            raise FrameError(
                f"windows are {windows!r}, but the observations have no times",
                "Name the column of times in the roles, or give windows as a number of rows.",
            )
        return _of_rows(rows, windows or max(ROWS, -(-rows // MOST)))
    length = _usual(times) if windows is None else parse(windows)
    if length is None:
        raise _unknown(windows)
    return _of_time(times, length)


def number_like(times: pd.Series, cut: Windows) -> Ints:
    """Number rows of other times by the grid of windows of time; earlier ones are negative."""
    assert isinstance(cut.length, pd.Timedelta)
    numbers: Ints = ((times - cut.table["start"].iloc[0]) // cut.length).to_numpy(np.int64)
    return numbers


def _of_rows(rows: int, length: int) -> Windows:
    count = max(1, int(rows / length + 0.5))
    _check(count)
    number = np.minimum(np.arange(rows) // length, count - 1)
    table = pd.DataFrame({"rows": np.bincount(number), "first_row": np.arange(count) * length})
    return Windows(number, table, length)


def _of_time(times: pd.Series, length: pd.Timedelta) -> Windows:
    known = times.dropna()
    first = known.iloc[0]
    _check((known.iloc[-1] - first) // length + 1)
    raw = ((known - first) // length).to_numpy(np.int64)
    whole = (known.iloc[-1] - first) / length
    if raw[-1] and whole % 1.0 < BEGUN:
        raw = np.minimum(raw, raw[-1] - 1)  # the first days of a week are no week
    used, dense = np.unique(raw, return_inverse=True)
    number = np.full(len(times), -1, dtype=np.int64)
    number[: len(known)] = dense  # rows without a time are last
    starts = first + used * length
    table = pd.DataFrame({"rows": np.bincount(dense)})
    table["first_row"] = np.searchsorted(dense, np.arange(len(used)))
    table["start"], table["end"] = starts, starts + length
    table.loc[table.index[-1], "end"] = max(table["end"].iloc[-1], known.iloc[-1])
    return Windows(number, table, length)


def _usual(times: pd.Series) -> pd.Timedelta:
    known = times.dropna()
    span = known.iloc[-1] - known.iloc[0]
    most = max(1.0, min(MOST, len(known) / ROWS))
    lengths = [pd.Timedelta(each) for each in LENGTHS]
    return next((each for each in lengths if span / each <= most), span + pd.Timedelta("1s"))


def _check(count: int) -> None:
    if count > LIMIT:
        raise FrameError(
            f"that makes {count:,} windows; expected at most {LIMIT}", "Give longer windows."
        )


def _unknown(windows: object) -> FrameError:
    return FrameError(
        f"windows are {windows!r}; expected a duration or a number of rows",
        'Pass e.g. windows="1D" or windows=500.',
    )
