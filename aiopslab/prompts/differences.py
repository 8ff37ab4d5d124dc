"""Differences: by how much a candidate scores more than a baseline, and how sure that is."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from aiopslab.prompts.pairs import Pairs

Floats = npt.NDArray[np.float64]
Method = Literal["exact", "resampled", "groups", "sequential", "none"]

ENOUGH = 5  # items, or groups of them, below which nothing is said of the mean
RESAMPLES = 2_000
PERMUTATIONS = 9_999


@dataclass(frozen=True)
class Difference:
    """By how much the candidate scores more than the baseline, paired by item.

    Parameters
    ----------
    value, low, high
        The mean difference and its interval; NaN where there are too few items.
    p
        Two-sided; 1 where there is nothing to test.
    confidence
        Of the interval.
    baseline, candidate
        The two means.
    items, groups
        It was taken from.
    wins, losses
        Items on which the candidate scored more, and less.
    method
        ``exact`` (right or wrong: McNemar), ``resampled`` (other scores), ``groups`` (items that
        belong together), ``sequential`` (looked at while items were asked) or ``none``, where there
        are too few.
    """

    value: float
    low: float
    high: float
    p: float
    confidence: float
    baseline: float
    candidate: float
    items: int
    groups: int
    wins: int
    losses: int
    method: Method

    @property
    def error(self) -> float:
        """The standard error that an interval of this width has."""
        from scipy.stats import norm

        return (self.high - self.low) / (2 * float(norm.ppf((1 + self.confidence) / 2)))

    def __str__(self) -> str:
        if self.method == "none":
            least = f"; at least {ENOUGH} are needed" if self.groups < ENOUGH else ""
            return f"not enough data: {self.groups} independent items{least}"
        value, low, high = (plain(each, "+") for each in (self.value, self.low, self.high))
        return f"{value} ({low} to {high})"


def plain(value: float, sign: str = "") -> str:
    """Return a number to three digits, as people write it.

    Examples
    --------
    >>> plain(0.12345), plain(1_234.5, "+")
    ('0.123', '+1,234')
    """
    return f"{value:{sign},.0f}" if abs(value) >= 1_000 else f"{value:{sign}.3g}"


def difference(pairs: Pairs, confidence: float = 0.95, seed: int = 0) -> Difference:
    """Measure by how much the candidate scores more, by the method that fits the scores.

    Parameters
    ----------
    pairs
        Scores of both on the same items.
    confidence
        Of the interval.
    seed
        Of the resampling.

    Returns
    -------
    Difference
        Right or wrong answers: the exact test of McNemar, and the interval of Bonett and Price.
        Other scores: a permutation test, and the wider of the studentised bootstrap, which follows
        skew, and Student's t, which few wild scores mislead less. Items in groups: a permutation
        test by group, and the jackknife over groups.

    Notes
    -----
    Q. McNemar, Psychometrika 12, 1947. D. G. Bonett and R. M. Price, "Adjusted Wald confidence
    interval for a difference of binomial proportions based on paired data", Journal of Educational
    and Behavioral Statistics 37, 2012. B. Efron and R. Tibshirani, "An introduction to the
    bootstrap", 1993, chapter 12. Clustered errors as in E. Miller, "Adding error bars to evals",
    2024.

    Examples
    --------
    >>> items = np.arange(40)
    >>> right = [(items % each > 0).astype(float) for each in (4, 8)]
    >>> pairs = Pairs(items.astype(object), *right, items)
    >>> print(difference(pairs))
    +0.125 (+0.000948 to +0.237)
    """
    counts = len(pairs), len(np.unique(pairs.groups))
    before, after = (
        float(each.mean()) if len(pairs) else math.nan for each in (pairs.baseline, pairs.candidate)
    )
    method: Method = "none"
    low = high = math.nan
    p = 1.0
    if counts[1] < ENOUGH:
        pass
    elif pairs.is_grouped:
        method, (low, high) = "groups", _grouped_interval(pairs, confidence)
        p = permutation_p(*pairs.by_group(), seed)
    elif pairs.is_binary:
        method, (low, high) = "exact", _binary_interval(pairs, confidence)
        p = mcnemar_p(pairs.wins, pairs.losses)
    else:
        method, (low, high) = "resampled", _resampled_interval(pairs.differences, confidence, seed)
        p = permutation_p(pairs.differences, np.ones(len(pairs)), seed)
    return Difference(
        after - before if method != "none" else math.nan,
        low,
        high,
        p,
        confidence,
        before,
        after,
        *counts,
        pairs.wins,
        pairs.losses,
        method,
    )


def mcnemar_p(wins: int, losses: int) -> float:
    """Return how often two equal prompts differ as much on the items that only one gets right.

    Examples
    --------
    >>> mcnemar_p(8, 0)
    0.0078125
    """
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def permutation_p(sums: Floats, sizes: Floats, seed: int = 0) -> float:
    """Return how often swapping the two prompts by chance, group by group, differs as much.

    Parameters
    ----------
    sums
        Of the differences of each group; an item by itself is a group.
    sizes
        Items in each.
    seed
        Of the swaps that are drawn, where there are too many to try them all.

    Examples
    --------
    >>> permutation_p(np.ones(6), np.ones(6))  # 2 of the 64 ways
    0.03125
    """
    from scipy.stats import permutation_test

    told = sums[sums != 0]  # swapping what is equal changes nothing
    if len(told) == 0:
        return 1.0
    found = permutation_test(
        (told / sizes.sum(), np.zeros(len(told))),
        lambda one, two, axis: one.sum(axis=axis) - two.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        batch=1_000,
        rng=np.random.default_rng(seed),
    )
    return float(min(found.pvalue, 1.0))


def _binary_interval(pairs: Pairs, confidence: float) -> tuple[float, float]:
    from scipy.stats import norm

    items = len(pairs) + 2
    more, less = (pairs.wins + 1) / items, (pairs.losses + 1) / items
    spread = math.sqrt((more + less - (more - less) ** 2) / items)
    half = float(norm.ppf((1 + confidence) / 2)) * spread
    value = (pairs.wins - pairs.losses) / len(pairs)
    # Around the shrunk difference; it still has to hold the difference that was seen.
    low, high = more - less - half, more - less + half
    return max(min(low, value), -1.0), min(max(high, value), 1.0)


def _grouped_interval(pairs: Pairs, confidence: float) -> tuple[float, float]:
    """Return the interval of a mean whose items come in groups."""
    from scipy.stats import t

    sums, sizes = pairs.by_group()
    mean = sums.sum() / sizes.sum()
    groups = len(sums)
    residuals = sums - mean * sizes
    # Leverage of the larger groups: CR3, the jackknife over groups.
    left_out = residuals / (1 - sizes / sizes.sum())
    error = math.sqrt((groups - 1) / groups * float((left_out**2).sum())) / sizes.sum()
    half = float(t.ppf((1 + confidence) / 2, groups - 1)) * error
    return mean - half, mean + half


def _resampled_interval(values: Floats, confidence: float, seed: int) -> tuple[float, float]:
    from scipy.stats import t

    mean, spread = float(values.mean()), float(values.std(ddof=1))
    if spread == 0:
        return mean, mean
    rng = np.random.default_rng(seed)
    rows = len(values)
    deviates = np.empty(RESAMPLES)
    for first in range(0, RESAMPLES, 200):  # at most 200 samples in memory at once
        drawn = values[rng.integers(rows, size=(min(200, RESAMPLES - first), rows))]
        spreads = drawn.std(axis=1, ddof=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = (drawn.mean(axis=1) - mean) / spreads
        deviates[first : first + len(part)] = np.where(spreads > 0, part, 0)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    students = np.asarray(t.ppf(tails, rows - 1)) / math.sqrt(rows)
    drawn_tails = np.quantile(deviates, tails)
    low = min(students[0], drawn_tails[0])
    high = max(students[1], drawn_tails[1])
    return mean - float(high) * spread, mean - float(low) * spread
