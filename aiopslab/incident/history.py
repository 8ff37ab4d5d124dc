"""The history of a resource, as a forecast reads it: the peaks of equal stretches of time."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import FrameError
from aiopslab.frames.times import to_utc
from aiopslab.incident.trend import WINDOWS

Floats = npt.NDArray[np.float64]

BLOCKS = 120  # stretches a history is cut into: more take time and tell little
MIN_BLOCKS = 40  # with fewer a backtest has hardly two independent tests
HISTORY = 12  # horizons of history that are used, lest a stretch outlast the horizon
RESET = 0.5  # of a history's range; a fall of more from one stretch to the next empties it


@dataclass(frozen=True)
class Blocks:
    """The peak of each equal stretch of a history, standardised; NaN where it has no value."""

    values: Floats
    width: pd.Timedelta
    centre: float
    scale: float

    @property
    def span(self) -> pd.Timedelta:
        """How long the stretches are together."""
        return self.values.size * self.width

    @property
    def resets(self) -> int:
        """How often it was emptied."""
        seen = self.values[np.isfinite(self.values)]
        return int((-np.diff(seen) > RESET * np.ptp(seen)).sum())

    @property
    def is_constant(self) -> bool:
        """Whether no stretch differs from another."""
        return bool(np.nanmax(self.values) == np.nanmin(self.values))


def read_history(series: "pd.Series[float]") -> "pd.Series[float]":
    """Return the finite values of a series by time, in UTC and in order.

    Raises
    ------
    FrameError
        If the series has no times or no numbers.

    Examples
    --------
    >>> times = pd.to_datetime(["2026-03-01T12:01Z", "2026-03-01T12:00Z", "2026-03-01T12:02Z"])
    >>> read_history(pd.Series([2, 1, np.nan], times)).tolist()
    [1.0, 2.0]
    """
    if not isinstance(series.index, pd.DatetimeIndex):
        raise FrameError(
            f"the series is indexed by {series.index.dtype}; expected times",
            "Index it by time, e.g. series.set_axis(pd.to_datetime(times, utc=True)).",
        )
    try:
        values = series.astype("float64")
    except (TypeError, ValueError) as error:
        raise FrameError(
            f"the series holds values that are not numbers: {error}",
            "Convert it with pd.to_numeric(series, errors='coerce').",
        ) from error
    values = values.set_axis(pd.DatetimeIndex(to_utc(series.index, "series index")))
    return values[np.isfinite(values.to_numpy()) & values.index.notna()].sort_index(kind="stable")


def step_of(history: "pd.Series[float]") -> pd.Timedelta | None:
    """Return the median time between two values; ``None`` where there is none."""
    gaps = history.index.to_series().diff()
    gaps = gaps[gaps > pd.Timedelta(0)]
    return None if gaps.empty else pd.Timedelta(gaps.median())


def cut_windows(history: "pd.Series[float]", ahead: pd.Timedelta) -> list[Blocks]:
    """Cut the whole, the last half and the last quarter, as far as they hold enough values.

    It goes no further back than what tells of a horizon of `ahead`.
    """
    step = step_of(history)
    if step is None:
        return []
    end = history.index[-1]
    span = min(max(HISTORY * ahead, BLOCKS * step), end - history.index[0] + step)
    parts = [_blocks(history[history.index > end - span / part]) for part in WINDOWS]
    return [each for each in parts if np.isfinite(each.values).sum() >= MIN_BLOCKS]


def _blocks(history: "pd.Series[float]") -> Blocks:
    """Keep the peak of each of equal stretches, for it is peaks that reach a limit."""
    step = step_of(history) or pd.Timedelta(1, "s")
    # Counted in rounded steps, so that a scrape that jitters neither doubles nor skips one.
    steps = np.rint((history.index[-1] - history.index) / step).astype(int)
    each = -(-(int(steps.max()) + 1) // BLOCKS)
    whole = max((int(steps.max()) + 1) // each, 1)
    position = whole - 1 - steps // each
    kept = position >= 0  # the oldest stretch may be cut
    peaks = np.full(whole, -np.inf)
    np.maximum.at(peaks, position[kept], history.to_numpy()[kept])
    peaks[np.isneginf(peaks)] = np.nan
    centre, scale = float(np.nanmean(peaks)), float(np.nanstd(peaks))
    return Blocks((peaks - centre) / (scale or 1.0), each * step, centre, scale or 1.0)
