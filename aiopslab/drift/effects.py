"""How far two distributions are apart, without what chance alone adds, and with an interval.

A distance between two samples is above 0 even where nothing drifted. So the observed distance is
held against those that samples of these sizes show when the truth lies on the line from no
difference (both as the pooled counts) through the observed one to some times as far. The estimate
is the true distance whose samples show the observed one in the mean; the ends of the interval are
those whose samples exceed it, or fall below it, with half of what the confidence leaves. This is
indirect inference (Gouriéroux, Monfort and Renault, 1993) by a parametric bootstrap.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

Shares = npt.NDArray[np.float64]
Distance = Callable[[Shares, Shares], Shares]

DRAWS = 500  # pairs of samples
# How far along the line the truth is tried to lie, in observed differences.
STEPS = np.array([0, 0.4, 0.8, 1, 1.2, 1.6, 2.2, 3.5, 8, 30])
SMOOTHING = 0.5  # of a row, in each cell, so that the PSI of one that is empty is finite


@dataclass(frozen=True)
class Estimate:
    """A distance, with the interval that should hold the true one.

    Parameters
    ----------
    value, low, high
        In the unit of the distance; NaN where there is nothing to compare.
    """

    value: float
    low: float
    high: float


NOTHING = Estimate(np.nan, np.nan, np.nan)


def total_variation(p: Shares, q: Shares) -> Shares:
    """Return the share of rows that would have to change cells, 0 to 1.

    Parameters
    ----------
    p, q
        Shares by cell on the last axis, which sum to 1.

    Examples
    --------
    >>> total_variation(np.array([0.5, 0.5]), np.array([0.7, 0.3])).round(3).item()
    0.2
    """
    distance: Shares = np.abs(p - q).sum(axis=-1) / 2
    return distance


def jensen_shannon(p: Shares, q: Shares) -> Shares:
    """Return the Jensen–Shannon distance, the root of the divergence in bits, 0 to 1 (Lin, 1991).

    Examples
    --------
    >>> jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])).item()
    1.0
    """
    middle = (p + q) / 2
    nats = _entropy(middle) - (_entropy(p) + _entropy(q)) / 2
    distance: Shares = np.sqrt(np.maximum(nats / np.log(2), 0))
    return distance


def stability_index(p: Shares, q: Shares) -> Shares:
    """Return the population stability index: the symmetric Kullback–Leibler divergence, in nats.

    A cell that is empty on one side makes it infinite: smooth the shares first.

    Examples
    --------
    >>> stability_index(np.array([0.5, 0.5]), np.array([0.6, 0.4])).round(4).item()
    0.0405
    """
    distance: Shares = ((p - q) * np.log(p / q)).sum(axis=-1)
    return distance


def wasserstein(gaps: Shares) -> Distance:
    """Return the Wasserstein distance (of order 1) over cells that lie so far apart.

    Parameters
    ----------
    gaps
        From each cell to the next, one fewer than there are cells.

    Examples
    --------
    >>> distance = wasserstein(np.array([1.0, 2.0]))
    >>> distance(np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])).item()
    3.0
    """

    def distance(p: Shares, q: Shares) -> Shares:
        found: Shares = np.abs(np.cumsum(p - q, axis=-1)[..., :-1]) @ gaps
        return found

    return distance


def estimated(
    reference: npt.NDArray[np.int64],
    current: npt.NDArray[np.int64],
    distances: Sequence[Distance],
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[Estimate, ...]:
    """Estimate distances between the distributions that two samples came from.

    Parameters
    ----------
    reference, current
        Rows by cell, on the same cells.
    distances
        Each between two arrays of shares by cell.
    confidence
        Of the intervals.
    seed
        Of the bootstrap.

    Returns
    -------
    tuple of Estimate
        One a distance. The value is 0 where the observed distance is no more than chance; NaN
        without rows.

    Examples
    --------
    >>> (moved,) = estimated(np.array([500, 500]), np.array([400, 600]), [total_variation])
    >>> 0.05 < moved.low < moved.value < moved.high < 0.15
    True
    >>> estimated(np.array([500, 500]), np.array([495, 505]), [total_variation])[0].low
    0.0
    """
    sizes = int(reference.sum()), int(current.sum())
    if not all(sizes):
        return (NOTHING,) * len(distances)
    p, q = (smoothed(each) for each in (reference, current))
    pooled = smoothed(reference + current)
    noise = _noise(len(p), seed)
    least = SMOOTHING / sum(sizes)
    truth = np.empty((len(distances), len(STEPS)))
    seen = np.empty((len(distances), len(STEPS), DRAWS))
    for at, step in enumerate(STEPS):
        one, two = (_line(pooled, each, step, least) for each in (p, q))
        samples = [_drawn(*each) for each in zip((one, two), sizes, noise, strict=True)]
        for row, distance in enumerate(distances):
            truth[row, at] = distance(one, two)
            seen[row, at] = distance(samples[0], samples[1])
    left = (1 - confidence) / 2
    levels = np.quantile(seen, [1 - left, 0.5, left], axis=-1)
    truth, levels = (np.maximum.accumulate(each, axis=-1) for each in (truth, levels))
    found = []
    for row, distance in enumerate(distances):
        observed = distance(p, q).item()
        low, value, high = (float(np.interp(observed, each, truth[row])) for each in levels[:, row])
        # Where chance alone shows more than was observed the line says nothing of how far the
        # truth may be, and what was observed is a bound that errs on the wide side.
        found.append(Estimate(value, low, max(high, observed)))
    return tuple(found)


def estimated_wasserstein(
    reference: npt.NDArray[np.int64],
    current: npt.NDArray[np.int64],
    gaps: Shares,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Estimate the Wasserstein distance between the distributions that two samples came from.

    Parameters
    ----------
    reference, current, confidence, seed
        As in `estimated`; the cells are in order.
    gaps
        From each cell to the next.

    Returns
    -------
    Estimate
        As `estimated`, its upper end at least that of the delta method: which side is ahead in a
        cell is seen through noise, and signs that noise turned make the distance look steadier
        than it is. Where the sides cannot be told apart a cell goes with the nearest that can.

    Examples
    --------
    >>> cells = np.array([500, 500, 500]), np.array([300, 500, 700])
    >>> moved = estimated_wasserstein(*cells, gaps=np.array([1.0, 1.0]))
    >>> moved.low < 4 / 15 < moved.high
    True
    """
    from scipy.special import ndtri

    (estimate,) = estimated(reference, current, [wasserstein(gaps)], confidence, seed)
    n, m = reference.sum(), current.sum()
    if not (n and m and len(gaps)):
        return estimate
    ahead = np.cumsum(reference / n - current / m)[:-1]
    share = np.cumsum(reference + current)[:-1] / (n + m)
    is_told = np.abs(ahead) > np.sqrt(share * (1 - share) * (1 / n + 1 / m))
    sign = np.ones(len(gaps))
    if is_told.any():
        told = np.flatnonzero(is_told)
        sign = np.where(np.interp(np.arange(len(gaps)), told, np.sign(ahead[told])) < 0, -1, 1)
    height = np.concatenate([[0.0], np.cumsum(sign * gaps)])
    variance = sum(
        (side @ height**2 / size - (side @ height / size) ** 2) / size
        for side, size in ((reference, n), (current, m))
    )
    margin = ndtri((1 + confidence) / 2) * np.sqrt(variance)
    high = max(estimate.high, float(np.abs(ahead) @ gaps + margin))
    return Estimate(estimate.value, estimate.low, high)


def smoothed(counts: npt.NDArray[np.int64]) -> Shares:
    """Return the shares of cells, with half a row more in each so that none is empty."""
    shares: Shares = (counts + SMOOTHING) / (counts + SMOOTHING).sum()
    return shares


def _line(pooled: Shares, side: Shares, step: float, least: float) -> Shares:
    """Return the shares so many differences away from the pooled ones, none of them empty."""
    shares = np.maximum(pooled + step * (side - pooled), least)
    on_line: Shares = shares / shares.sum()
    return on_line


def _drawn(shares: Shares, size: int, noise: Shares) -> Shares:
    """Return the shares of samples: roots of counts are normal with a variance of a quarter."""
    counts: Shares = noise + np.sqrt(shares * size)
    counts *= counts
    counts += SMOOTHING / 10
    counts /= counts.sum(axis=-1, keepdims=True)
    return counts


@cache
def _noise(cells: int, seed: int) -> npt.NDArray[np.float64]:
    """Return normal deviates for two samples, of variance a quarter, each beside its opposite.

    They are made uncorrelated exactly, not only in the limit, so that whatever is a sum over the
    cells has exactly the variance that it should.
    """
    drawn = np.random.default_rng(seed).normal(size=(DRAWS // 2, 2 * cells))
    white = np.linalg.qr(drawn)[0] * np.sqrt(DRAWS // 2) / 2
    half = white.reshape(-1, 2, cells).transpose(1, 0, 2)
    return np.ascontiguousarray(np.concatenate([half, -half], axis=1))


def _entropy(p: Shares) -> Shares:
    """Return the entropy in nats."""
    entropy: Shares = -(p * np.log(np.maximum(p, np.finfo(float).tiny))).sum(axis=-1)
    return entropy
