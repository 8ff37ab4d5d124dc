"""Which features go together otherwise than they did, whatever each does alone."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.encoding import Encoding
from aiopslab.drift.measure import Measure, Z, unmeasured

Floats = npt.NDArray[np.float64]

NAME = "change of correlation"
NEEDED = 100  # rows of each side that have both values: an r is then known to ± .2
MARGIN = 0.05  # of r: a quarter of a percent of the variance


@dataclass(frozen=True)
class Dependence:
    """How far the correlations of pairs of numeric features moved.

    Parameters
    ----------
    measure
        Of the pair that moved most; its p-value is that of the greatest of all pairs.
    pairs
        One row a pair, most moved first: ``first, second, reference, current, change, low, high,
        p``; intervals are of the pair alone, p is Bonferroni's.
    """

    measure: Measure
    pairs: pd.DataFrame

    def table(self) -> pd.DataFrame:
        """Return the pairs, most moved first."""
        return self.pairs.copy()


def compare_correlations(encoding: Encoding) -> Dependence:
    """Compare the correlations of all pairs of numeric features.

    Parameters
    ----------
    encoding
        Of both samples.

    Returns
    -------
    Dependence
        "Not enough data" where no pair has 100 rows on each side.

    Notes
    -----
    Values are replaced by the normal scores of their ranks within their own sample, so that what
    each feature does alone takes no part. Fisher's z of two samples is compared with the variance
    that the samples show (A. W. van der Vaart, Asymptotic Statistics, 1998, example 3.5), since
    1 / (n - 3) holds for the normal distribution only.
    """
    rows = (encoding.reference_rows, len(encoding.values) - encoding.reference_rows)
    count = len(encoding.numeric)
    if count < 2 or min(rows) < NEEDED:
        return Dependence(unmeasured(NAME, 0, MARGIN, "", rows, NEEDED), _pairs([], []))
    split = encoding.reference_rows
    sides = [_correlations(each) for each in (encoding.values[:split], encoding.values[split:])]
    first, second = np.triu_indices(count, 1)
    (r0, v0, n0), (r1, v1, n1) = [tuple(each[first, second] for each in side) for side in sides]
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(v0 / (1 - r0**2) ** 2 + v1 / (1 - r1**2) ** 2)
        deviate = np.abs(np.arctanh(r1) - np.arctanh(r0)) / spread
    there = np.isfinite(deviate) & (np.minimum(n0, n1) >= NEEDED)
    if not there.any():
        return Dependence(unmeasured(NAME, 0, MARGIN, "", rows, NEEDED), _pairs([], []))
    first, second, r0, r1, v0, v1, deviate = (
        each[there] for each in (first, second, r0, r1, v0, v1, deviate)
    )
    p = np.minimum(2 * _normal_tail(deviate) * len(deviate), 1)
    half = Z * np.sqrt(v0 + v1)
    order = np.argsort(-deviate, kind="stable")
    numbers = np.column_stack([r0, r1, r1 - r0, r1 - r0 - half, r1 - r0 + half, p])[order]
    names = [(encoding.numeric[first[each]], encoding.numeric[second[each]]) for each in order]
    pairs = _pairs(names, numbers.tolist())
    _, _, change, low, high, least = numbers[0].tolist()
    named = f"{NAME} of {names[0][0]} and {names[0][1]}"
    return Dependence(Measure(named, change, low, high, 0, MARGIN, least, "", *rows, NEEDED), pairs)


def _pairs(names: list[tuple[str, str]], numbers: list[list[float]]) -> pd.DataFrame:
    columns = ["first", "second", "reference", "current", "change", "low", "high", "p"]
    rows = [(*pair, *row) for pair, row in zip(names, numbers, strict=True)]
    return pd.DataFrame(rows, columns=columns)


def _correlations(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the correlation of every pair, its variance and the number of rows that have both."""
    scores, there = _normal_scores(values)
    squares = scores**2
    count = there.T @ there
    with np.errstate(invalid="ignore", divide="ignore"):
        product = scores.T @ scores / count
        square = squares.T @ there / count  # of the first, where the second is there too
        r = np.clip(product / np.sqrt(square * square.T), -1, 1)
        # The influence of a row is ab - r (a² + b²) / 2, of scores of variance one.
        cross = squares.T @ squares / count
        cubes = (scores**3).T @ scores / count
        fourth = (squares**2).T @ there / count
        variance = (
            cross - r * (cubes + cubes.T) + r**2 * (fourth + fourth.T + 2 * cross) / 4
        ) / count
    return r, np.maximum(variance, 1e-12), count


def _normal_scores(values: Floats) -> tuple[Floats, Floats]:
    """Return normal scores of the ranks, 0 where missing, and 1 where there, 0 where missing."""
    from scipy import special, stats

    there = ~np.isnan(values)
    ranks = stats.rankdata(values, axis=0, nan_policy="omit")
    scores = special.ndtri((ranks - 0.5) / np.maximum(there.sum(axis=0), 1))
    scores[~there] = 0
    spread = np.sqrt((scores**2).sum(axis=0) / np.maximum(there.sum(axis=0), 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = scores / spread  # a constant has no correlation: NaN
    return scores, there.astype(np.float64)


def _normal_tail(deviate: Floats) -> Floats:
    from scipy import special

    return np.asarray(special.ndtr(-deviate), dtype=np.float64)
