"""When an incident started: a change-point over all series together, with an interval."""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from aiopslab.incident.deviation import learn_normal

Floats = npt.NDArray[np.float64]

MIN_ROWS_BEFORE = 10  # fewer say too little about what is normal
MIN_ROWS_AFTER = 3
CANDIDATES = 400  # change-points tried; long windows are tried on a grid and then refined
NOISE = 3.0  # a standardised mean difference below this is chance
LEAST_SPREAD = 0.25  # of normal scores: a constant series that steps is not infinitely sure
EARLY = 0.2  # the quantile of the departures that is taken as the onset: causes come first
NEAR_PEAK = 0.6  # the first peak this close to the best one is the start, a later one the recovery
ALLOWANCE = (1.0, 3.0)  # robust σ that the CUSUM forgives: a quarter of the shift, within these
STEP = 6.0  # robust σ that one row may add to it, lest a single spike decide
RESAMPLES = 400


@dataclass(frozen=True)
class Onset:
    """When something changed.

    Parameters
    ----------
    time
        The best estimate.
    low, high
        The interval that should hold the true time, at `confidence`.
    strength
        How much changed: the excess of the standardised differences over chance, summed over the
        series and divided by the root of their number.
    confidence
        Of the interval.
    """

    time: pd.Timestamp
    low: pd.Timestamp
    high: pd.Timestamp
    strength: float
    confidence: float = 0.95


def find_onset(metrics: pd.DataFrame, confidence: float = 0.95, seed: int = 0) -> Onset | None:
    """Find when the services, taken together, left their normal.

    Parameters
    ----------
    metrics
        Metrics frame, ``(times, series)``. It should begin before the incident.
    confidence
        Of the interval, 0 to 1.
    seed
        Of the resampling behind the interval.

    Returns
    -------
    Onset or None
        ``None`` where there are too few rows, or where no series changes beyond chance.

    Notes
    -----
    Two steps. First a two-sample scan: each series is replaced by the normal scores of its ranks,
    which tames outliers, and for each candidate time the mean after it is compared with the mean
    before it, standardised with the lag-one autocorrelation of the series. The excess over chance
    is summed over the series, as in Cho and Fryzlewicz (2015), *Multiple-change-point detection
    for high dimensional time series via sparsified binary segmentation*. Then, with the rows
    before that time as normal, each changed series is followed with the cumulative sum of
    Page (1954), *Continuous inspection schemes*, whose last zero before its alarm tells when that
    series departed. The onset is an early quantile of these departures (causes precede what they
    cause) and its interval comes from resampling the series.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=60, freq="s", tz="UTC")
    >>> columns = pd.MultiIndex.from_product([["auth"], ["latency_ms", "cpu"]])
    >>> noise = np.random.default_rng(7).normal(size=(60, 2))
    >>> noise[40:] += 20
    >>> find_onset(pd.DataFrame(noise, times, columns)).time
    Timestamp('2026-03-01 00:00:40+0000', tz='UTC')
    """
    observed = metrics.loc[:, metrics.notna().sum() >= MIN_ROWS_BEFORE]
    rows = len(observed)
    if rows < MIN_ROWS_BEFORE + MIN_ROWS_AFTER or observed.empty:
        return None
    candidates = np.unique(
        np.linspace(MIN_ROWS_BEFORE, rows - MIN_ROWS_AFTER, CANDIDATES).astype(int)
    )
    strength = _scan(_normal_scores(observed.to_numpy()), candidates)
    peak = _first_peak(strength)
    departures, rises = _departures(observed, int(candidates[peak]))
    if strength[peak] <= 0 or departures.size == 0:
        return None
    rng = np.random.default_rng(seed)
    drawn = rng.integers(departures.size, size=(RESAMPLES, departures.size))
    # A slow rise began before it showed, by up to as long as it took to half of its height.
    earliest, latest = (departures - rises)[drawn], departures[drawn]
    low = np.quantile(np.quantile(earliest, EARLY, axis=1), (1 - confidence) / 2)
    high = np.quantile(np.quantile(latest, EARLY, axis=1), (1 + confidence) / 2)
    times = observed.index
    return Onset(
        times[round(np.quantile(departures, EARLY))],
        times[max(int(low) - 1, 0)],  # it began after the last row that was still normal
        times[min(int(np.ceil(high)), rows - 1)],
        float(strength[peak]),
        confidence,
    )


def _normal_scores(values: Floats) -> Floats:
    """Replace each column by the normal scores of its ranks; ties share theirs, NaN stays."""
    ranks = pd.DataFrame(values).rank().to_numpy()
    scores: Floats = ndtri(ranks / ((~np.isnan(values)).sum(axis=0) + 1))
    return scores


def _scan(scores: Floats, candidates: npt.NDArray[np.int_]) -> Floats:
    """Return how much the series together change at each candidate row."""
    rows, series = scores.shape
    seen = ~np.isnan(scores)
    total = np.vstack([np.zeros(series), np.nancumsum(scores, axis=0)])
    count = np.vstack([np.zeros(series), seen.cumsum(axis=0)])
    spread = _residual_spread(scores, total, count, candidates)
    best = np.zeros(len(candidates))
    # A fault may end before the window does, so what follows is also read over shorter spans.
    for span in {rows, rows // 4, rows // 8} - {0}:
        after = np.minimum(candidates + span, rows)
        mean_before, n_before = _mean(total, count, 0 * candidates, candidates)
        mean_after, n_after = _mean(total, count, candidates, after)
        error = spread * np.sqrt(1 / n_before + 1 / n_after)
        excess = np.nan_to_num(np.abs(mean_after - mean_before) / error) - NOISE
        best = np.maximum(best, np.maximum(excess, 0).sum(axis=1) / np.sqrt(series))
    return best


def _mean(
    total: Floats, count: Floats, start: npt.NDArray[np.int_], end: npt.NDArray[np.int_]
) -> tuple[Floats, Floats]:
    n = count[end] - count[start]
    with np.errstate(invalid="ignore"):
        return (total[end] - total[start]) / n, np.where(n > 0, n, np.nan)


def _residual_spread(
    scores: Floats, total: Floats, count: Floats, candidates: npt.NDArray[np.int_]
) -> Floats:
    """Return each series' σ around its own best split, inflated by its autocorrelation."""
    rows = len(scores)
    before, n_before = _mean(total, count, 0 * candidates, candidates)
    after, n_after = _mean(total, count, candidates, 0 * candidates + rows)
    gain = np.nan_to_num(np.abs(after - before) / np.sqrt(1 / n_before + 1 / n_after))
    split, column = gain.argmax(axis=0), np.arange(scores.shape[1])
    is_after = np.arange(rows)[:, None] >= candidates[split]
    level = np.where(is_after, after[split, column], before[split, column])
    residual = np.nan_to_num(scores - level)
    variance = np.maximum((residual**2).mean(axis=0), LEAST_SPREAD**2)
    lag_one = np.clip((residual[1:] * residual[:-1]).mean(axis=0) / variance, 0, 0.98)
    spread: Floats = np.sqrt(variance * (1 + lag_one) / (1 - lag_one))
    return spread


def _first_peak(strength: Floats) -> int:
    near = np.flatnonzero(strength >= NEAR_PEAK * strength.max())
    # Follow the first run of near-peak candidates to its own summit.
    ends = np.flatnonzero(np.diff(near) > 1)
    run = near[: ends[0] + 1] if ends.size else near
    return int(run[strength[run].argmax()])


def _departures(
    metrics: pd.DataFrame, change: int
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """Return the row at which each changed series left its normal, and the rows its rise took."""
    z = learn_normal(metrics.iloc[:change], metrics).deviations(metrics).to_numpy()
    after = z[change : change + max(len(z) // 8, MIN_ROWS_AFTER)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # series that fell silent
        level = np.nan_to_num(np.nanmedian(after, axis=0))
    changed = np.abs(level) >= NOISE
    allowance = np.clip(np.abs(level[changed]) / 4, *ALLOWANCE)
    height = np.nan_to_num(z[:, changed] * np.sign(level[changed]))
    drift = height - allowance
    sums, total = np.empty_like(drift), np.zeros(drift.shape[1])
    for row, step in enumerate(np.minimum(drift, STEP)):
        total = np.maximum(total + step, 0)
        sums[row] = total
    upto = change + len(after)
    summit = change + sums[change:upto].argmax(axis=0)
    is_zero = (sums == 0) & (np.arange(len(sums))[:, None] <= summit)
    last_zero = np.where(is_zero.any(axis=0), len(sums) - 1 - is_zero[::-1].argmax(axis=0), -1)
    departed = last_zero + 1
    is_half = (height >= np.abs(level[changed]) / 2) & (np.arange(len(z))[:, None] >= departed)
    return departed, is_half.argmax(axis=0) - departed
