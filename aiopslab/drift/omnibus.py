"""A test of whether two distributions differ in any way that matters in practice.

Several tests, each strong against another kind of drift, are joined by the Cauchy combination (Liu
and Xie, 2020), which holds its level whatever the dependence between them. Those on numbers are
linear in scores of the ranks, whose mean and variance under permutation of the rows are known
exactly whatever the distribution and however many ties (Hájek, Šidák and Sen, 1999): normal scores
are as strong as the t-test against a shift, their squares (Klotz, 1962) as the F-test against a
change of spread, and neither is thrown by outliers; with their cubes, jointly, they see rows that
moved far while the rest stayed.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# How much of the level each test is given. A shift of the mean is the drift most often met and the
# one hardest to see, so half is for it.
LOCATION, WILCOXON, SCALE, JOINT, CELLS = 0.55, 0.1, 0.1, 0.15, 0.1
ALL_CATEGORIES, ONE_CATEGORY = 0.3, 0.7
FLAT = 1e-9  # a variance below that, of scores of order 1, is rounding
LEAST_EXPECTED = 5  # rows in a cell on either side, for the chi-square test
EQUAL_CELLS = 20  # that numbers are cut into for it
DULL = 0.9  # p-values above it count as it, else one that is nearly 1 would silence the others


def cauchy_combination(p_values: Sequence[float], weights: Sequence[float]) -> float:
    """Join p-values into one.

    Parameters
    ----------
    p_values, weights
        Those that are NaN are left out with their weight.

    Returns
    -------
    float
        NaN if there is none.

    Examples
    --------
    >>> round(cauchy_combination([0.001, 0.5], [1, 1]), 4)
    0.002
    """
    kept = [(p, weight) for p, weight in zip(p_values, weights, strict=True) if not np.isnan(p)]
    if not kept:
        return np.nan
    p, weight = (np.array(each, float) for each in zip(*kept, strict=True))
    if not p.min():
        return 0.0
    # 1 / tan(πp) is tan(π(1/2 - p)) without the loss of digits where p is small.
    statistic = (weight / np.tan(np.pi * np.minimum(p, DULL))).sum() / weight.sum()
    joined = np.arctan2(1, statistic) / np.pi
    return float(joined)


def ordered_test(reference: Counts, current: Counts) -> tuple[float, float, float]:
    """Test whether two samples of ordered values differ.

    Parameters
    ----------
    reference, current
        Rows by bin, in order of the values.

    Returns
    -------
    tuple of float
        The p-value, and the deviates of location (above 0: the current values are higher) and of
        scale (above 0: they are spread wider).

    Examples
    --------
    >>> same = np.array([10, 20, 10])
    >>> p, location, scale = ordered_test(same, same)
    >>> p > 0.5, abs(location) < 1e-9
    (True, True)
    >>> ordered_test(np.array([90, 10]), np.array([60, 40]))[1] > 4
    True
    """
    from scipy.special import ndtr, ndtri

    pooled = reference + current
    held = pooled > 0
    pooled, moved = pooled[held], current[held]
    total, size = int(pooled.sum()), int(current.sum())
    if len(pooled) < 2 or not 0 < size < total:
        return np.nan, 0.0, 0.0
    rank = (np.cumsum(pooled) - pooled / 2) / total
    normal = ndtri(rank)
    scores = np.stack([normal, 2 * rank - 1, normal**2, normal**3])
    scores -= np.einsum("ij,j->i", scores, pooled / total)[:, None]  # no threads for so little
    # Of a sum of scores over a random sample of the rows, without replacement.
    factor = size * (total - size) / (total * (total - 1))
    covariance = factor * np.einsum("ij,kj->ik", scores * pooled, scores)
    spread = np.sqrt(np.diag(covariance))
    known = spread > FLAT * np.sqrt(factor * total)
    sums = np.einsum("ij,j->i", scores, moved)
    z = np.divide(sums, spread, out=np.zeros(len(scores)), where=known)
    p = np.where(known, 2 * ndtr(-np.abs(z)), np.nan)
    joint, directions = _joint(z, covariance, known)
    cells = np.minimum((rank * EQUAL_CELLS).astype(int), EQUAL_CELLS - 1)
    statistic, freedom = _chi_square(
        np.bincount(cells, pooled - moved, EQUAL_CELLS), np.bincount(cells, moved, EQUAL_CELLS)
    )
    joined = cauchy_combination(
        [*p[:3].tolist(), _upper(joint, directions), _upper(statistic, freedom)],
        [LOCATION, WILCOXON, SCALE, JOINT, CELLS],
    )
    return joined, float(z[0]), float(z[2])


def _joint(z: Floats, covariance: Floats, known: npt.NDArray[np.bool_]) -> tuple[float, int]:
    """Return the squared length of the deviates of normal scores, squares and cubes, uncorrelated.

    With it comes of how many directions: fewer than three where there are few distinct values.
    """
    kept = [at for at in (0, 2, 3) if known[at]]
    if not kept:
        return 0.0, 0
    spread = np.sqrt(np.diag(covariance)[kept])
    correlation = covariance[np.ix_(kept, kept)] / np.outer(spread, spread)
    sizes, axes = np.linalg.eigh(correlation)
    there = sizes > FLAT
    along = (axes.T @ z[kept])[there]
    return float((along**2 / sizes[there]).sum()), int(there.sum())


def category_test(reference: Counts, current: Counts) -> float:
    """Test whether the shares of categories differ, in all of them or in one.

    Parameters
    ----------
    reference, current
        Rows by category.

    Returns
    -------
    float
        The p-value of a chi-square test of homogeneity joined with those of each category, whose
        weights are the variances of their presence: five points are harder to see of a frequent
        category than of a rare one. NaN with fewer than two categories or no rows.

    Examples
    --------
    >>> category_test(np.array([500, 500]), np.array([400, 600])) < 1e-4
    True
    """
    from scipy.special import ndtr

    one, two = _enough_expected(reference, current)
    statistic, freedom = _chi_square(one, two)
    if not freedom:
        return np.nan
    share = (one + two) / (one + two).sum()
    weight = share * (1 - share)
    single = 2 * ndtr(-np.abs(share_deviates(one, two)))
    return cauchy_combination(
        [_upper(statistic, freedom), *single],
        [ALL_CATEGORIES, *(ONE_CATEGORY * weight / weight.sum())],
    )


def share_deviates(reference: Counts | Floats, current: Counts | Floats) -> Floats:
    """Return the standard normal deviate of the change of each cell's share (pooled variance)."""
    n, m = reference.sum(), current.sum()
    pooled = (reference + current) / (n + m)
    variance = pooled * (1 - pooled) * (1 / n + 1 / m)
    change = current / m - reference / n
    deviates: Floats = np.divide(
        change, np.sqrt(variance), out=np.zeros(len(change)), where=variance > 0
    )
    return deviates


def benjamini_hochberg(p_values: npt.ArrayLike) -> Floats:
    """Return the false discovery rate at which each test is called (Benjamini, Hochberg, 1995).

    Parameters
    ----------
    p_values
        Those that are NaN stay so and do not count as tests.

    Examples
    --------
    >>> benjamini_hochberg([0.01, 0.04, np.nan, 0.03]).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    p = np.asarray(p_values, float)
    q = np.full(p.shape, np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested])[::-1]]
    rank = np.arange(len(order), 0, -1)
    q[order] = np.minimum(np.minimum.accumulate(p[order] * len(order) / rank), 1)
    return q


def _upper(statistic: float, freedom: int) -> float:
    """Return the p-value of a chi-square statistic; NaN without a degree of freedom."""
    from scipy.special import chdtrc

    return float(chdtrc(freedom, statistic)) if freedom else np.nan


def _chi_square(reference: Counts | Floats, current: Counts | Floats) -> tuple[float, int]:
    """Return Pearson's statistic of homogeneity and its degrees of freedom."""
    pooled = reference + current
    held = pooled > 0
    n, m = reference.sum(), current.sum()
    if held.sum() < 2 or not (n and m):
        return 0.0, 0
    expected = pooled[held] * m / (n + m)
    statistic = ((current[held] - expected) ** 2 / expected).sum() * (n + m) / n
    return float(statistic), int(held.sum()) - 1


def _enough_expected(reference: Counts, current: Counts) -> tuple[Counts, Counts]:
    """Put together the cells of which fewer than five rows are expected on a side."""
    pooled = reference + current
    n, m = int(reference.sum()), int(current.sum())
    rare = pooled * min(n, m) < LEAST_EXPECTED * (n + m)
    if rare.sum() < 2:
        return reference, current
    one, two = (np.append(each[~rare], each[rare].sum()) for each in (reference, current))
    return one, two
