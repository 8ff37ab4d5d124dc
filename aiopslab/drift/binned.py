"""Bins of time: tables profiled once, so that any two windows are compared at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.drift.observations import Roles, read_observations
from aiopslab.drift.profiles import Profile, column_profile
from aiopslab.drift.stacks import Stack, stacked
from aiopslab.drift.windows import LENGTHS
from aiopslab.errors import FrameError

MOST = 200  # bins of a table; a window on a screen is not set finer
SAMPLE = 100_000  # rows that the kind and the axis of a column are told from


@dataclass(frozen=True, eq=False)
class Binned:
    """Tables of observations in bins of time.

    Parameters
    ----------
    tables
        In order of time; rows without a time are left out.
    bins
        One row a bin that holds rows, table by table: ``table, start, end, first, last,
        first_row, rows``, where `first` and `last` are the times of its first and last row.
    length
        Of a bin.
    stacks
        The profiles of each column.
    alone
        Columns that only one of the tables has.
    untimed
        How many rows were left out.
    """

    tables: tuple[pd.DataFrame, ...]
    bins: pd.DataFrame
    length: pd.Timedelta
    stacks: Mapping[str, Stack]
    alone: tuple[str, ...]
    untimed: int

    def span(self, table: int) -> tuple[int, int]:
        """Return the first bin of a table and the one after its last."""
        own = np.flatnonzero(self.bins["table"] == table)
        return int(own[0]), int(own[-1]) + 1

    def within(self, table: int, start: pd.Timestamp, end: pd.Timestamp) -> tuple[int, int]:
        """Return the bins of a table most of which lies in a window; at least one.

        Returns
        -------
        tuple of int
            The first, and the one after the last.
        """
        low, high = self.span(table)
        middles = (self.bins["start"] + self.length / 2).iloc[low:high]
        first = min(low + int((middles < start).sum()), high - 1)
        return first, max(first + 1, low + int((middles <= end).sum()))

    def profile(self, first: int, last: int) -> Profile:
        """Return the profile of the rows in the bins from `first` to before `last`."""
        features = {name: stack.between(first, last) for name, stack in self.stacks.items()}
        return Profile(self.rows(first, last), features)

    def rows(self, first: int, last: int) -> int:
        """Return how many rows the bins from `first` to before `last` hold."""
        return int(self.bins["rows"].iloc[first:last].sum())

    def times(self, first: int, last: int) -> tuple[pd.Timestamp, pd.Timestamp]:
        """Return the times of the first and the last row in bins: both ends of their window."""
        return self.bins["first"].iloc[first], self.bins["last"].iloc[last - 1]

    def frame(self, first: int, last: int) -> pd.DataFrame:
        """Return the rows in bins of one table."""
        start = int(self.bins["first_row"].iloc[first])
        table = self.tables[int(self.bins["table"].iloc[first])]
        return table.iloc[start : start + self.rows(first, last)]


def bin_tables(
    tables: Sequence[pd.DataFrame],
    roles: Roles | None = None,
    told: Callable[[float], None] | None = None,
) -> Binned:
    """Profile tables in bins of time, the shortest usual duration that makes at most 200 of them.

    Parameters
    ----------
    tables
        Of observations with times: one, or the reference before what is judged.
    roles
        Which column is what; the usual names where ``None``.
    told
        Is called with the share that is done, after each column.

    Returns
    -------
    Binned

    Raises
    ------
    FrameError
        If a table cannot be read or has no times, or the tables have no column in common.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=2_000, freq="min", tz="UTC")
    >>> binned = bin_tables([pd.DataFrame({"timestamp": times, "age": np.arange(2_000) % 90})])
    >>> binned.length, len(binned.bins), binned.profile(0, 6)["age"].rows
    (Timedelta('0 days 00:20:00'), 100, 120)
    """
    named = roles or Roles()
    whole = [_timed(each, roles, named.timestamp) for each in tables]
    read = [each[each[named.timestamp].notna()] for each in whole]
    spans = [each[named.timestamp].iloc[-1] - each[named.timestamp].iloc[0] for each in read]
    lengths = [pd.Timedelta(each) for each in LENGTHS]
    length = next((each for each in lengths if max(spans) < (MOST - 1) * each), lengths[-1])
    cut = [_bins(each[named.timestamp], length).assign(table=at) for at, each in enumerate(read)]
    bins = pd.concat(cut, ignore_index=True)
    columns = [_columns(each, named) for each in read]
    shared = [name for name in columns[0] if all(name in each for each in columns)]
    if not shared:
        raise FrameError(
            "the tables have no column in common that could be compared",
            "Pass tables of the same features, and name the roles of their columns.",
        )
    stacks: dict[str, Stack] = {}
    for done, name in enumerate(shared, start=1):
        stacks[name] = _stack([each[name] for each in read], cut)
        if told is not None:
            told(done / len(shared))
    alone = dict.fromkeys(name for each in columns for name in each if name not in shared)
    untimed = sum(map(len, whole)) - sum(map(len, read))
    return Binned(tuple(read), bins, length, stacks, tuple(alone), untimed)


def _timed(table: pd.DataFrame, roles: Roles | None, timestamp: str) -> pd.DataFrame:
    read = read_observations(table, roles)
    if timestamp not in read or not read[timestamp].notna().any():
        raise FrameError(
            f"the observations have no times in a column {timestamp!r}, by which windows are set",
            "Name the column of times: Roles(timestamp=…). Without any, use drift.analyse.",
        )
    return read


def _columns(table: pd.DataFrame, roles: Roles) -> list[str]:
    outcomes = (roles.prediction, roles.score, roles.target)
    return [*roles.features(table), *(each for each in outcomes if each in table)]


def _bins(times: pd.Series, length: pd.Timedelta) -> pd.DataFrame:
    starts = times.dt.floor(length)
    first_rows = np.flatnonzero(starts.ne(starts.shift()).to_numpy())
    rows = np.diff([*first_rows, len(times)])
    start = starts.iloc[first_rows].reset_index(drop=True)
    return pd.DataFrame(
        {
            "start": start,
            "end": start + length,
            "first": times.iloc[first_rows].reset_index(drop=True),
            "last": times.iloc[first_rows + rows - 1].reset_index(drop=True),
            "first_row": first_rows,
            "rows": rows,
        }
    )


def _stack(columns: list[pd.Series], cut: list[pd.DataFrame]) -> Stack:
    """Profile a column in every bin, on an axis that a sample of the first table lays."""
    like = column_profile(columns[0].iloc[:: -(-len(columns[0]) // SAMPLE)])
    return stacked(
        [
            column_profile(column.iloc[first : first + rows], like)
            for column, bins in zip(columns, cut, strict=True)
            for first, rows in zip(bins["first_row"], bins["rows"], strict=True)
        ]
    )
