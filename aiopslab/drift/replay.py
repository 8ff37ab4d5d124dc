"""Replay: the alarms that a threshold would have raised on what has been observed so far."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.binned import Binned
from aiopslab.drift.feature import LEAST_ROWS, Margins
from aiopslab.drift.gauges import Gauge, gauge
from aiopslab.errors import FrameError
from aiopslab.statistics.intervals import deviate

Ints = npt.NDArray[np.int64]

FALSE = 0.05  # chance of an alarm in a history without drift, where rows are independent


@dataclass(frozen=True)
class Replay:
    """How far every column was from a reference in each window of history.

    Parameters
    ----------
    windows
        One row a window, in order of time: ``start, end, rows``.
    sizes
        ``(windows, columns)``: sizes of the drift in margins, so that 1 is the least that matters;
        noise is taken out, 0 is no more than noise, NaN are windows with too few rows.
    """

    windows: pd.DataFrame
    sizes: pd.DataFrame

    def alarms(self, threshold: float) -> pd.DataFrame:
        """Return the alarms of a threshold.

        Parameters
        ----------
        threshold
            In margins.

        Returns
        -------
        pandas.DataFrame
            One row an alarm, which is a run of windows in each of which some column reached the
            threshold: ``raised`` (when the first of them was over), ``start, end, windows,
            feature, size``, where the last two are of the column that went farthest.
        """
        sizes = self.sizes.to_numpy(np.float64)
        highest = np.fmax.reduce(sizes, axis=1, initial=np.nan)
        is_over = np.concatenate([[False], highest >= threshold, [False]])
        changes = np.flatnonzero(np.diff(is_over))
        rows = []
        for first, last in zip(changes[::2], changes[1::2], strict=True):
            run = sizes[first:last]
            farthest = int(np.argmax(np.fmax.reduce(run, axis=0)))
            ends = self.windows["start"].iloc[first], self.windows["end"].iloc[last - 1]
            rows.append(
                (
                    *(self.windows["end"].iloc[first], *ends, last - first),
                    *(self.sizes.columns[farthest], float(np.nanmax(run[:, farthest]))),
                )
            )
        columns = ["raised", "start", "end", "windows", "feature", "size"]
        return pd.DataFrame(rows, columns=columns)

    def told(self, threshold: float) -> str:
        """Return in a sentence how many alarms there would have been, and when the first.

        Examples
        --------
        >>> start = pd.date_range("2026-03-01", periods=3, freq="D", tz="UTC")
        >>> windows = pd.DataFrame({"start": start, "end": start + pd.Timedelta("1D"), "rows": 99})
        >>> replay = Replay(windows, pd.DataFrame({"age": [0.2, 4.0, 5.0]}))
        >>> replay.told(3)
        '1 alarm in 3 days, raised at 2026-03-03 00:00 UTC by age'
        """
        known = self.sizes.notna().any(axis=1)
        if not known.any():
            return f"no window has {LEAST_ROWS} rows, so none could have raised an alarm"
        alarms = self.alarms(threshold)
        over = _span(self.windows["end"].iloc[-1] - self.windows["start"].iloc[0])
        few = f"; {(~known).sum():,} windows have too few rows" if not known.all() else ""
        if alarms.empty:
            return f"no alarm in {over}{few}"
        first = alarms.iloc[0]
        count = "1 alarm" if len(alarms) == 1 else f"{len(alarms):,} alarms"
        when = "raised" if len(alarms) == 1 else "the first raised"
        at = f"{first['raised']:%Y-%m-%d %H:%M} UTC by {first['feature']}"
        return f"{count} in {over}, {when} at {at}{few}"


class Replayer:
    """Replays the history of tables in bins of time, for any reference and length of windows.

    Parameters
    ----------
    binned
        The tables; history is the last of them.
    margins
        The effects that are too small to act on.
    """

    def __init__(self, binned: Binned, margins: Margins | None = None) -> None:
        limits = margins or Margins()
        self.binned = binned
        self.gauges: dict[str, Gauge] = {
            name: gauge(stack, limits) for name, stack in binned.stacks.items()
        }

    def __call__(self, reference: tuple[int, int], length: pd.Timedelta) -> Replay:
        """Measure every window of history.

        Parameters
        ----------
        reference
            The first bin, and the one after the last.
        length
            Of the windows, a whole number of bins.

        Raises
        ------
        FrameError
            If it is shorter than a bin.
        """
        if length < self.binned.length:
            raise FrameError(
                f"windows of {length} are shorter than the bins of {self.binned.length}",
                "Choose longer windows.",
            )
        edges = self._edges(length)
        rows = [self.binned.rows(*each) for each in pairwise(edges.tolist())]
        begun = self.binned.bins["start"].iloc[edges[:-1]].reset_index(drop=True)
        starts = begun.iloc[0] + (begun - begun.iloc[0]) // length * length
        ends = (starts + length).clip(upper=self.binned.bins["end"].iloc[edges[-1] - 1])
        windows = pd.DataFrame({"start": starts, "end": ends, "rows": rows})
        # Over all windows and columns one false alarm in twenty histories (Bonferroni).
        looks = len(windows) * len(self.gauges)
        least = deviate(1 - FALSE / looks)
        sizes = {name: each(reference, edges, least) for name, each in self.gauges.items()}
        return Replay(windows, pd.DataFrame(sizes))

    def _edges(self, length: pd.Timedelta) -> Ints:
        """Return the bins at which windows begin, and the one after the last."""
        first, last = self.binned.span(len(self.binned.tables) - 1)
        starts = self.binned.bins["start"].iloc[first:last]
        window = ((starts - starts.iloc[0]) // length).to_numpy(np.int64)
        begin = np.flatnonzero(np.diff(window, prepend=-1))
        return np.append(first + begin, last).astype(np.int64)


def _span(span: pd.Timedelta) -> str:
    """Say how long it was in the largest unit of which there are two.

    Examples
    --------
    >>> _span(pd.Timedelta("40D")), _span(pd.Timedelta("90min"))
    ('40 days', '90 minutes')
    """
    units = (("days", "1D"), ("hours", "1h"), ("minutes", "1min"))
    for name, unit in units:
        if span >= 2 * pd.Timedelta(unit):
            return f"{span / pd.Timedelta(unit):.0f} {name}"
    return f"{span.total_seconds():.0f} seconds"
