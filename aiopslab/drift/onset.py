"""Since when: whether windows left the reference, and the row at which they did."""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

SIMULATIONS = 500  # of windows without drift
SCORES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)  # numbers of them that are simulated
QUANTILE = 0.95  # at which the simulated scan is set against a single test
STEADY = 0.75  # of the steps between windows that are taken for noise; the largest may be drift
RESAMPLES = 400
FORGOTTEN = 40.0  # nats: evidence after which the row of the onset is beyond doubt
POSITIONS = 1_000  # on either side that an onset may be moved to in a resample


@dataclass(frozen=True)
class Onset:
    """When drift began.

    Parameters
    ----------
    time, low, high
        The best estimate and the interval that should hold the true time; ``None`` where the
        observations have no times.
    row, row_low, row_high
        The same as rows of the current observations in order of time, from 0.
    confidence
        Of the interval.
    """

    time: pd.Timestamp | None
    low: pd.Timestamp | None
    high: pd.Timestamp | None
    row: int
    row_low: int
    row_high: int
    confidence: float = 0.95

    @property
    def from_the_start(self) -> bool:
        """Whether the current observations had drifted when they begin."""
        return self.row_low == 0

    def __str__(self) -> str:
        if self.row == 0:
            return "before the current observations begin"
        if self.time is None:
            return f"row {self.row:,} ({self.row_low:,} to {self.row_high:,})"
        low, high = self.low, self.high
        return f"{self.time:%Y-%m-%d %H:%M} ({low:%Y-%m-%d %H:%M} to {high:%Y-%m-%d %H:%M})"


@dataclass(frozen=True)
class Scan:
    """Whether any run of windows left the reference.

    Parameters
    ----------
    p
        Of the strongest run, corrected for all that were looked at.
    size
        Of its shift in reference SDs, noise taken out.
    """

    p: float
    size: float


def scan(means: Floats, rows: Floats, reference_rows: float, inflation: Floats) -> Scan:
    """Test every run of windows against the reference.

    Parameters
    ----------
    means
        Of the scores, ``(windows, scores)``; 0 in the reference, see `Bins`.
    rows
        Of each window.
    reference_rows
        The noise of the reference is that of so many.
    inflation
        How many times the variance of each score is that of independent rows, see `inflation`.

    Returns
    -------
    Scan

    Notes
    -----
    The scan statistic of Naus (1965), *The distribution of the size of the maximum cluster of
    points on a line*, over all runs from a single window to all: windows without drift are
    simulated to find how many independent tests the scan is worth.

    Examples
    --------
    >>> quiet, rows = np.zeros((20, 1)), np.full(20, 400.0)
    >>> moved = quiet + 0.5 * (np.arange(20) >= 12)[:, None]
    >>> [scan(each, rows, 8_000, np.ones(1)).p < 1e-6 for each in (quiet, moved)]
    [False, True]
    """
    from scipy.special import gammaincc

    scores = means.shape[1]
    if not scores or not rows.sum():
        return Scan(1.0, 0.0)
    first, last = np.triu_indices(len(rows) + 1, 1)
    count = np.append(0.0, rows.cumsum())
    sums = np.vstack([np.zeros(scores), (rows[:, None] * means).cumsum(axis=0)])
    size = np.maximum(count[last] - count[first], 1e-9)
    shift = ((sums[last] - sums[first]) / size[:, None]) ** 2
    noise = 1 / size + 1 / reference_rows
    statistic = np.where(size >= 1, (shift / inflation).sum(axis=1) / noise, 0.0)
    best = int(statistic.argmax())
    simulated = next(each for each in SCORES if each >= scores)
    tests = _worth(tuple(np.round(rows, 3)), float(reference_rows), simulated)
    p = min(1.0, tests * float(gammaincc(scores / 2, statistic[best] / 2)))
    excess = float(shift[best].sum() - inflation.sum() * noise[best])
    return Scan(p, float(np.sqrt(max(excess, 0.0))))


def inflation(means: Floats, rows: Floats, lag: int) -> Floats:
    """Return how many times the variance of each score in windows is that of independent rows.

    Parameters
    ----------
    means
        Of the scores in consecutive windows, ``(windows, scores)``.
    rows
        Of each window.
    lag
        Windows between those that are compared: 2 where nothing drifts, since neighbours depend
        on each other, and 1 where something may swing.

    Returns
    -------
    numpy.ndarray
        ``(scores,)``, at least 1.

    Notes
    -----
    From the differences of windows (von Neumann 1941), which a slow movement leaves alone. The
    largest quarter is left out, which a few steps leave alone, and one standard error is added: a
    variance that is taken for too small makes drift of noise, one too great only asks for more
    rows.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(2_000, 1)) / 10
    >>> inflation(noise, np.full(2_000, 100.0), 2).round(1).tolist()
    [1.0]
    """
    none = np.ones(means.shape[1])
    used = rows > 0
    if used.sum() < lag + 3 or not means.shape[1]:
        return none
    kept = rows[used]
    step = means[used][lag:] - means[used][:-lag]
    squared = np.sort(step**2 / (1 / kept[lag:] + 1 / kept[:-lag])[:, None], axis=0)
    typical = squared[: max(2, int(STEADY * len(squared)))].mean(axis=0) / _steady_share()
    found: Floats = np.maximum(none, typical * (1 + np.sqrt(3 / len(squared))))
    return found


def evidence(scores: Floats, before: Floats, after: Floats) -> Floats:
    """Return what a row in each bin says for after and against before, in nats.

    Parameters
    ----------
    scores
        Of each bin, ``(bins, scores)``, see `Bins`.
    before, after
        Mean of the scores, ``(scores,)``.

    Notes
    -----
    The linear discriminant of Fisher (1936), since scores have unit variance. A ratio for each bin
    by itself would be sharper, had a window rows enough to know it.

    Examples
    --------
    >>> evidence(np.array([[-1.0], [1.0]]), np.array([0.0]), np.array([0.5])).tolist()
    [-0.625, 0.375]
    """
    direction = after - before
    said: Floats = (scores - (before + after) / 2) @ direction
    return said


def date_rows(
    ratio: Floats, inflation: float = 1.0, confidence: float = 0.95, seed: int = 0
) -> tuple[int, int, int]:
    """Find the row at which the evidence turns, with an interval.

    Parameters
    ----------
    ratio
        Log likelihood ratio of after to before of each row, in order of time.
    inflation
        Of the variance: rows are resampled in blocks of so many.
    confidence
        Of the interval.
    seed
        Of the resampling.

    Returns
    -------
    tuple of int
        The first row after the change, and the low and the high end of its interval.

    Notes
    -----
    The maximum-likelihood change point of Hinkley (1970), *Inference about the change-point in a
    sequence of random variables*; its interval by resampling the rows on either side.

    Examples
    --------
    >>> date_rows(np.repeat([-1.0, 1.0], [300, 100]))
    (300, 300, 300)
    """
    row = _turn(ratio)
    rng = np.random.default_rng(seed)
    before = _steps(ratio[:row][::-1], -1, inflation, rng)
    after = _steps(ratio[row:], 1, inflation, rng)
    # Towards either side the sum climbs from the turn: it turns where the climb is least.
    back, ahead = before[0].argmin(axis=1), after[0].argmin(axis=1)
    is_back = before[0].min(axis=1) < after[0].min(axis=1)
    moved = np.where(is_back, -back * before[1], ahead * after[1])
    # A resample errs from the estimate as the estimate errs from the truth, the other way round.
    low, high = np.quantile(-moved, [(1 - confidence) / 2, (1 + confidence) / 2])
    return row, max(0, row + int(np.floor(low))), min(len(ratio), row + int(np.ceil(high)))


def _turn(ratio: Floats) -> int:
    return int(np.append(0.0, ratio.cumsum()).argmin())


def _steps(
    ratio: Floats, sign: int, inflation: float, rng: np.random.Generator
) -> tuple[Floats, int]:
    """Return resampled climbs ``(resamples, positions)`` away from the turn, and their stride."""
    if not len(ratio):
        return np.zeros((RESAMPLES, 1)), 1
    climb = sign * float(ratio.mean())
    far = len(ratio) if climb <= 0 else min(len(ratio), int(FORGOTTEN / climb) + 10)
    block = int(np.ceil(inflation))
    stride = max(1, block, -(-far // POSITIONS))
    positions = max(1, far // stride)
    running = np.append(0.0, sign * ratio.cumsum())
    starts = rng.integers(max(1, len(ratio) - stride + 1), size=(RESAMPLES, positions))
    ends = np.minimum(starts + stride, len(ratio))
    climbs = (running[ends] - running[starts]).cumsum(axis=1)
    return np.hstack([np.zeros((RESAMPLES, 1)), climbs]), stride


@lru_cache(maxsize=256)
def _worth(rows: tuple[float, ...], reference_rows: float, scores: int) -> float:
    """Return how many independent tests a scan is worth."""
    from scipy.special import gammaincc

    rng = np.random.default_rng(len(rows))
    sizes = np.array(rows)
    first, last = np.triu_indices(len(rows) + 1, 1)
    count = np.append(0.0, sizes.cumsum())
    size = count[last] - count[first]
    used = size >= 1
    first, last, size = first[used], last[used], size[used]
    statistic = np.zeros((SIMULATIONS, len(size)))
    for _ in range(scores):
        sums = (rng.normal(size=(SIMULATIONS, len(sizes))) * np.sqrt(sizes)).cumsum(axis=1)
        sums = np.hstack([np.zeros((SIMULATIONS, 1)), sums])
        shared = rng.normal(size=(SIMULATIONS, 1)) / np.sqrt(reference_rows)
        statistic += ((sums[:, last] - sums[:, first]) / size - shared) ** 2
    statistic /= 1 / size + 1 / reference_rows
    limit = np.quantile(statistic.max(axis=1), QUANTILE)
    return float((1 - QUANTILE) / gammaincc(scores / 2, limit / 2))


@cache
def _steady_share() -> float:
    """Return what the mean of the lesser squared steps is, where their whole mean is 1."""
    drawn = np.random.default_rng(0).chisquare(1, 100_000)
    return float(np.sort(drawn)[: int(STEADY * len(drawn))].mean())
