"""Paired differences: how sure their means are, of many contrasts at once.

Differences come as sums over groups of items that belong together, so that one product of matrices
serves every contrast; an item by itself is a group.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

ENOUGH = 5  # items, or groups of them, below which nothing is said of the mean
RESAMPLES = 2_000
FLIPS = 9_999  # at least
EXACT = 13  # groups of which all flips are tried: 8,192
BLOCK = 2_000_000  # numbers drawn at a time


def jackknife(sums: Floats, sizes: Floats) -> tuple[Floats, Floats]:
    """Return the means of many paired differences, and their standard errors.

    Parameters
    ----------
    sums, sizes
        Of the differences of each group, and how many items it has, ``(groups, contrasts)``.

    Returns
    -------
    tuple of ndarray
        Mean and error, each ``(contrasts,)``.

    Notes
    -----
    Large groups weigh more than they tell; leaving each out in turn holds that. Of items that are
    each by itself it is the usual error of a mean. B. Efron and C. Stein, "The jackknife estimate
    of variance", Annals of Statistics 9, 1981.

    Examples
    --------
    >>> mean, error = jackknife(np.array([[1.0], [2.0], [3.0]]), np.ones((3, 1)))
    >>> float(mean[0]), round(float(error[0]), 3)
    (2.0, 0.577)
    """
    groups = (sizes > 0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums.sum(axis=0) / sizes.sum(axis=0)
        left_out = (sums - means * sizes) / (1 - sizes / sizes.sum(axis=0))
        errors = np.sqrt((groups - 1) / groups * (left_out**2).sum(axis=0)) / sizes.sum(axis=0)
    return means, errors


def intervals(
    sums: Floats, sizes: Floats, confidence: float, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the means of many paired differences, their intervals and standard errors.

    Parameters
    ----------
    sums, sizes
        As in `jackknife`.
    confidence
        Of the intervals.
    rng
        Draws the samples of groups, the same for all contrasts.

    Returns
    -------
    tuple of ndarray
        Mean, low, high, error, each ``(contrasts,)``. An interval is the wider of Student's t,
        which few wild scores mislead less, and the studentised bootstrap, which follows the skew
        that many equal items and a few wild ones give.

    Notes
    -----
    B. Efron and R. Tibshirani, "An introduction to the bootstrap", 1993, chapter 12. Neither is
    enough by itself: of 30 groups of uneven size that differ by a skewed amount, intervals of 95 %
    from Student's t alone held the truth in 92 % of 10,000 simulations, of 12 groups in 91 %; the
    wider ones in 95 and 94 %.

    Examples
    --------
    >>> drawn = np.random.default_rng(0).normal(1, 1, (100, 1))
    >>> told = intervals(drawn, np.ones((100, 1)), 0.95, np.random.default_rng(0))
    >>> [round(float(each[0]), 2) for each in told]
    [1.08, 0.89, 1.28, 0.1]
    """
    from scipy.stats import t

    means, errors = jackknife(sums, sizes)
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    deviates = np.quantile(_deviates(sums, sizes, means, rng), tails, axis=0)
    student = t.ppf(tails[:, None], np.maximum((sizes > 0).sum(axis=0) - 1, 1))
    low, high = np.minimum(student[0], deviates[0]), np.maximum(student[1], deviates[1])
    return means, means - high * errors, means - low * errors, errors


def flip_p(sums: Floats, finest: float, rng: np.random.Generator) -> Floats:
    """Return how often swapping the two by chance, group by group, differs as much.

    Parameters
    ----------
    sums
        Of the differences of each group, ``(groups, contrasts)``.
    finest
        The least p-value that has to be told apart; as many swaps are drawn, 9,999 at least.
    rng
        Draws them, where there are too many to try them all.

    Returns
    -------
    ndarray
        ``(contrasts,)``, two-sided.

    Examples
    --------
    >>> flip_p(np.ones((6, 1)), 0.01, np.random.default_rng(0))  # 2 of the 64 ways
    array([0.03125])
    """
    seen = np.abs(sums.sum(axis=0))
    # Sums that are equal on paper differ in the last digits, depending on their order.
    least = seen - 1e-9 * np.abs(sums).sum(axis=0)
    told = sums[(sums != 0).any(axis=1)]  # swapping what is equal changes nothing
    groups = len(told)
    if groups <= EXACT:
        ways = np.arange(1 << groups)[:, None] >> np.arange(groups) & 1
        return np.asarray((np.abs((2.0 * ways - 1) @ told) >= least).mean(axis=0), np.float64)
    flips = max(FLIPS, math.ceil(1 / finest) - 1)
    reached = np.zeros(sums.shape[1])
    for rows in _blocks(flips, groups):
        drawn = rng.integers(0, 2, size=(rows, groups), dtype=np.int8)
        reached += (np.abs((2.0 * drawn - 1) @ told) >= least).sum(axis=0)
    return np.asarray((1 + reached) / (1 + flips), np.float64)


def _deviates(sums: Floats, sizes: Floats, means: Floats, rng: np.random.Generator) -> Floats:
    """Return the errors of the means of samples in their own standard errors, per contrast."""
    groups = len(sums)
    parts = [np.zeros((0, sums.shape[1]))]
    for rows in _blocks(RESAMPLES, groups):
        places = rng.integers(groups, size=(rows, groups)) + groups * np.arange(rows)[:, None]
        counts = np.bincount(places.ravel(), minlength=rows * groups).reshape(rows, groups)
        parts.append(_of_samples(counts.astype(np.float64), sums, sizes, means))
    return np.concatenate(parts)


def _of_samples(drawn: Floats, sums: Floats, sizes: Floats, means: Floats) -> Floats:
    """Return those of samples that hold each group so many times, ``(samples, groups)``."""
    totals = drawn @ sizes
    with np.errstate(divide="ignore", invalid="ignore"):
        sample = drawn @ sums / totals
        squares = drawn @ sums**2 - 2 * sample * (drawn @ (sums * sizes))
        squares += sample**2 * (drawn @ sizes**2)
        parts = drawn @ (sizes > 0)
        errors = np.sqrt(np.maximum(squares, 0) * parts / (parts - 1)) / totals
        # A sample without any spread tells nothing; rounding leaves it a little.
        told = errors > 1e-9 * np.abs(sums).max(axis=0)
        return np.where(told, (sample - means) / errors, 0.0)


def _blocks(rows: int, width: int) -> list[int]:
    """Cut rows into blocks of a size that memory holds."""
    block = max(1, BLOCK // max(width, 1))
    return [min(block, rows - first) for first in range(0, rows, block)]
