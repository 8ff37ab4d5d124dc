"""Some rows of each group on either side of a moment, evenly spread, found without a scan."""

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]


class Sides:
    """Rows sorted by group and time, of which few are picked on both sides of a moment.

    Parameters
    ----------
    groups
        Number of the group of each row, from 0.
    times
        When each row was, in UTC.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=6, freq="s", tz="UTC")
    >>> sides = Sides(np.array([0, 1, 0, 1, 0, 1]), pd.Series(times))
    >>> sides.pick(times[4], times[5], most=2).tolist()
    [0, 2, 4, 1, 3, 5]
    """

    def __init__(self, groups: npt.NDArray[np.integer], times: pd.Series) -> None:
        since = _microseconds(times)
        self._zero = int(since.min(initial=np.iinfo(np.int64).max)) if len(since) else 0
        since = since - self._zero
        # Every time of a group lies below every time of the next: one search finds all of them.
        self._width = int(since.max(initial=0)) + 2
        key = np.asarray(groups, dtype=np.int64) * self._width + since
        self._order: Ints = np.argsort(key, kind="stable")
        self._key: Ints = key[self._order]
        count = int(np.max(groups, initial=-1)) + 1
        self._starts = np.arange(count, dtype=np.int64) * self._width

    def pick(self, start: pd.Timestamp, end: pd.Timestamp, most: int) -> Ints:
        """Return places of rows: at most so many of each group before `start`, and up to `end`.

        Where a side of a group has more, every so-many-th is picked, from its first on.
        """
        low, middle, high = (
            np.searchsorted(self._key, self._starts + moment)
            for moment in (0, self._since(start), self._since(end, 1))
        )
        first = np.stack([low, middle], axis=1).ravel()
        rows = np.stack([middle - low, high - middle], axis=1).ravel()
        picked = np.minimum(rows, most)
        turn = np.arange(picked.sum()) - np.repeat(picked.cumsum() - picked, picked)
        step = turn * np.repeat(rows, picked) // np.repeat(np.maximum(picked, 1), picked)
        places: Ints = self._order[np.repeat(first, picked) + step]
        return places

    def _since(self, moment: pd.Timestamp, more: int = 0) -> int:
        """Return a moment as the keys have it, within the times of a group."""
        since = moment.value // 1000 - self._zero + more
        return min(max(since, 0), self._width - 1)


def spread(first: int, end: int, most: int) -> Ints:
    """Return at most so many whole numbers of a range, evenly spread.

    Examples
    --------
    >>> spread(10, 20, 5).tolist(), spread(0, 3, 5).tolist()
    ([10, 12, 14, 16, 18], [0, 1, 2])
    """
    rows = max(end - first, 0)
    picked = min(rows, most)
    numbers: Ints = first + np.arange(picked, dtype=np.int64) * rows // max(picked, 1)
    return numbers


def _microseconds(times: pd.Series) -> Ints:
    since: Ints = times.dt.as_unit("us").astype("int64").to_numpy(dtype=np.int64)
    return since
