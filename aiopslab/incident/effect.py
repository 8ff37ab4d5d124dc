"""How much a metric changed at the onset, in a unit people use, with an interval."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.findings import Effect, Interval

BLOCKS = 12  # neighbouring values are alike, so whole stretches of time are resampled
RESAMPLES = 1_000
NEGLIGIBLE = 1e-3  # beside what came after: a ratio to next to nothing says nothing
UNITS = {"_ms": "ms", "_s": "s", "_mb": "MB", "_usd": "$", "_rate": "/s"}


def change(
    series: pd.Series, onset: pd.Timestamp, confidence: float = 0.95, seed: int = 0
) -> Effect:
    """Measure how a metric's mean changed at the onset.

    Parameters
    ----------
    series
        Values by time; its name, or the last level of it, is the metric.
    onset
        Where before ends and after begins.
    confidence
        Of the interval, 0 to 1.
    seed
        Of the resampling.

    Returns
    -------
    Effect
        The ratio after : before (``×``) where both are positive and no resample of the latter is
        negligible, else the difference in the metric's own unit. Without a value on either
        side the estimate is NaN, and with fewer than two it has no interval.

    Notes
    -----
    The interval is the percentile interval of a block bootstrap (Künsch 1989), in which stretches
    of time are drawn with replacement, since neighbouring values resemble each other.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=40, freq="s", tz="UTC")
    >>> latency = pd.Series([10.0] * 20 + [40.0] * 20, times, name="latency_ms")
    >>> print(change(latency, times[20]))
    latency_ms 4× (95 % interval 4 to 4)
    """
    metric = str(series.name[-1] if isinstance(series.name, tuple) else series.name)
    before = series[series.index < onset].dropna().to_numpy(dtype=float)
    after = series[series.index >= onset].dropna().to_numpy(dtype=float)
    if before.size == 0 or after.size == 0:
        return Effect(metric, float("nan"))
    rng = np.random.default_rng(seed)
    old, new = _resampled_means(before, rng), _resampled_means(after, rng)
    if after.mean() > 0 and old.min() > NEGLIGIBLE * after.mean():
        estimate, unit = after.mean() / before.mean(), "×"
        draws = new / old
    else:
        estimate, draws = after.mean() - before.mean(), new - old
        unit = next((unit for ending, unit in UNITS.items() if metric.endswith(ending)), "")
    if min(before.size, after.size) < 2:
        return Effect(metric, float(estimate), unit)
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    interval = Interval(float(min(low, estimate)), float(max(high, estimate)), confidence)
    return Effect(metric, float(estimate), unit, interval)


def _resampled_means(
    values: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float64]:
    blocks = np.array_split(values, min(BLOCKS, values.size))
    sums = np.array([block.sum() for block in blocks])
    sizes = np.array([block.size for block in blocks])
    drawn = rng.integers(len(blocks), size=(RESAMPLES, len(blocks)))
    means: npt.NDArray[np.float64] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return means
