"""Resampling: how sure means of paired differences are, of many contrasts at once.

Differences come as sums over groups of questions that belong together, so that one product of
matrices serves every contrast; a question by itself is a group.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RESAMPLES = 2_000
FLIPS = 9_999  # at least
EXACT = 13  # groups of which all flips are tried: 8,192
BLOCK = 4_096  # flips at a time
POWER = 0.8


def intervals(
    sums: Floats, sizes: Floats, confidence: float, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return the means of many paired differences, their intervals and standard errors.

    Parameters
    ----------
    sums, sizes
        Of the differences of each group, and how many questions it has, ``(groups, contrasts)``.
    confidence
        Of the intervals.
    rng
        Draws the samples of groups, the same for all contrasts.

    Returns
    -------
    tuple of ndarray
        Mean, low, high, error, each ``(contrasts,)``.

    Examples
    --------
    >>> drawn = np.random.default_rng(0).normal(1, 1, (100, 1))
    >>> told = intervals(drawn, np.ones((100, 1)), 0.95, np.random.default_rng(0))
    >>> [round(float(each[0]), 2) for each in told]
    [1.08, 0.89, 1.27, 0.1]
    """
    from scipy.stats import t

    groups = (sizes > 0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = sums.sum(axis=0) / sizes.sum(axis=0)
        # Large groups weigh more than they tell; leaving each out in turn holds that.
        left_out = (sums - means * sizes) / (1 - sizes / sizes.sum(axis=0))
        errors = np.sqrt((groups - 1) / groups * (left_out**2).sum(axis=0)) / sizes.sum(axis=0)
    tails = np.array([(1 - confidence) / 2, (1 + confidence) / 2])
    deviates = np.quantile(_deviates(sums, sizes, means, rng), tails, axis=0)
    student = t.ppf(tails[:, None], np.maximum(groups - 1, 1))
    low, high = np.minimum(student[0], deviates[0]), np.maximum(student[1], deviates[1])
    return means, means - high * errors, means - low * errors, errors


def flip_p(sums: Floats, finest: float, rng: np.random.Generator) -> Floats:
    """Return how often swapping the two by chance, group by group, differs as much.

    Parameters
    ----------
    sums
        Of the differences of each group, ``(groups, contrasts)``.
    finest
        The least p-value that has to be told apart; as many swaps are drawn.
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
    groups = len(sums)
    if groups <= EXACT:
        ways = np.arange(1 << groups)[:, None] >> np.arange(groups) & 1
        return np.asarray((np.abs((2.0 * ways - 1) @ sums) >= least).mean(axis=0), np.float64)
    flips = max(FLIPS, math.ceil(1 / finest) - 1)
    reached = np.zeros(sums.shape[1])
    for first in range(0, flips, BLOCK):
        drawn = rng.integers(0, 2, size=(min(BLOCK, flips - first), groups), dtype=np.int8)
        reached += (np.abs((2.0 * drawn - 1) @ sums) >= least).sum(axis=0)
    return np.asarray((1 + reached) / (1 + flips), np.float64)


def questions_needed(effect: float, spread: float, alpha: float = 0.05) -> int:
    """Return how many questions show a mean difference in four of five cases.

    Parameters
    ----------
    effect
        Mean difference that is to be shown, above 0.
    spread
        Standard deviation of the differences of questions. For questions in groups, that of a
        single one times the square root of the design effect.
    alpha
        Of the test, two-sided.

    Returns
    -------
    int
        0 where nothing is known of the spread.

    Notes
    -----
    W. C. Guenther, "Sample size formulas for normal theory t tests", The American Statistician 35,
    1981.

    Examples
    --------
    >>> questions_needed(0.05, 0.3)
    285
    """
    from scipy.stats import norm

    if not spread > 0:
        return 0
    tail = float(norm.ppf(1 - alpha / 2))
    return math.ceil(((tail + float(norm.ppf(POWER))) * spread / effect) ** 2 + tail**2 / 2)


def _deviates(sums: Floats, sizes: Floats, means: Floats, rng: np.random.Generator) -> Floats:
    """Return the errors of the means of samples in their own standard errors, per contrast."""
    groups = len(sums)
    drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES).astype(np.float64)
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
