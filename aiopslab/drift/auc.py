"""Area under the ROC curve of scores of rows that no part of the classifier had seen."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from aiopslab.drift.measure import Measure, Z

Floats = npt.NDArray[np.float64]

AUC = "domain classifier AUC"
SAME = 0.5
MARGIN = 0.015  # what one feature gives that moved by .05 of its standard deviation


def auc_with_variance(current: Floats, reference: Floats) -> tuple[float, float]:
    """Return how often a score of a current row exceeds one of a reference row, and its variance.

    Parameters
    ----------
    current, reference
        Scores, at least two of each; ties count one half.

    Notes
    -----
    E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the areas under two or more
    correlated receiver operating characteristic curves", Biometrics 44, 1988; in n log n as
    X. Sun and W. Xu, IEEE Signal Processing Letters 21, 2014.

    Examples
    --------
    >>> auc, variance = auc_with_variance(np.array([2.0, 3.0, 5.0]), np.array([1.0, 2.0, 4.0]))
    >>> round(auc, 3), round(variance, 3)
    (0.722, 0.062)
    """
    above = _share_below(current, np.sort(reference))
    below = 1 - _share_below(reference, np.sort(current))
    variance = above.var(ddof=1) / len(current) + below.var(ddof=1) / len(reference)
    return float(above.mean()), float(variance)


def cross_validated_auc(
    name: str, folds: Sequence[tuple[Floats, Floats]], rows: tuple[int, int], needed: int
) -> Measure:
    """Join the AUC of held-out folds.

    Parameters
    ----------
    name
        Of the measure.
    folds
        The scores of the current and of the reference rows of every fold, given by the classifier
        that was fitted on the other folds.
    rows
        Of the reference and of the current sample.
    needed
        Rows of each that the caller asked for.

    Returns
    -------
    Measure
        The mean over the folds, with a one-sided p-value against .5.

    Notes
    -----
    Folds share most of their training rows, so that their AUC rise and fall together: of a linear
    classifier the variance of the mean of K is near twice that of independent folds. The variance
    is multiplied by 1 + K / (K - 1), as C. Nadeau and Y. Bengio, "Inference for the
    generalization error", Machine Learning 52, 2003, do.
    """
    each = [auc_with_variance(current, reference) for current, reference in folds]
    count = len(folds)
    shared = 1 + count / (count - 1)
    value = float(np.mean([auc for auc, _ in each]))
    spread = math.sqrt(shared * sum(variance for _, variance in each)) / count
    spread = max(spread, 0.5 / min(rows))  # scores that part perfectly have no spread of their own
    by_chance = [(len(a) + len(b) + 1) / (12 * len(a) * len(b)) for a, b in folds]
    deviate = (value - SAME) / (math.sqrt(shared * sum(by_chance)) / count)
    return Measure(
        name,
        value,
        max(value - Z * spread, 0.0),
        min(value + Z * spread, 1.0),
        SAME,
        MARGIN,
        0.5 * math.erfc(deviate / math.sqrt(2)),
        "",
        *rows,
        needed,
    )


def folds_of(rows: int, folds: int, generator: np.random.Generator) -> npt.NDArray[np.intp]:
    """Deal rows out to folds in blocks of neighbours.

    Rows beside each other are often of one machine or minute; where one is in the training rows
    and the next is held out, a classifier knows the period by heart and finds drift in none.

    Examples
    --------
    >>> folds_of(10, 2, np.random.default_rng(0)).shape
    (10,)
    """
    blocks = min(rows, 10 * folds)
    dealt = generator.permutation(np.arange(blocks) % folds)
    return np.asarray(dealt[np.arange(rows) * blocks // max(rows, 1)], dtype=np.intp)


def _share_below(scores: Floats, ordered: Floats) -> Floats:
    ties = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    return np.asarray(ties / (2 * len(ordered)), dtype=np.float64)
