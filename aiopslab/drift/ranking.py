"""Ranking: how well the probabilities of classes put rows of a class above the others."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.drift.outcomes import Outcomes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

LEAST = 2  # rows of a class, and of the others, fewer of which have no AUC


@dataclass(frozen=True)
class Ranking:
    """An AUC with what each row has to do with it.

    Parameters
    ----------
    value
        Area under the ROC curve; of many classes the mean over those that occur, each against the
        rest. NaN where none can be told.
    influence
        Of each row; the sum of their squares is the variance.
    fewest
        Rows on the smaller side of the rarest class.
    """

    value: float
    influence: Floats
    fewest: int

    @property
    def spread(self) -> float:
        """The standard deviation of the value."""
        # Scores that part perfectly have no spread of their own.
        least = 0.5 / self.fewest if self.fewest else math.nan
        return max(math.sqrt(float((self.influence**2).sum())), least)


def ranking(given: Floats, truth: Floats) -> Ranking:
    """Measure how well probabilities tell the classes apart.

    Parameters
    ----------
    given
        ``(rows, classes)``.
    truth
        Codes of the classes.

    Notes
    -----
    The structural components of E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, "Comparing the
    areas under two or more correlated receiver operating characteristic curves", Biometrics 44,
    1988, added up row by row over the classes, so that the interval of the mean, and of a
    difference of two models on the same rows, knows how they depend on each other.

    Examples
    --------
    >>> score = np.array([0.1, 0.4, 0.35, 0.8])
    >>> ranking(np.column_stack([1 - score, score]), np.array([0.0, 0, 1, 1])).value
    0.75
    """
    values, influences, fewest = [], [], []
    for code in _judged(given.shape[1]):
        score, positive = given[:, code], truth == code
        sides = int(positive.sum()), int((~positive).sum())
        if min(sides) < LEAST:
            continue
        places = np.empty(len(score))
        places[positive] = _share_below(score[positive], score[~positive])
        places[~positive] = 1 - _share_below(score[~positive], score[positive])
        value = float(places[positive].mean())
        # Divided by one row less, as the variance of a sample is.
        scale = [math.sqrt(each * (each - 1)) for each in sides]
        influences.append((places - value) / np.where(positive, *scale))
        values.append(value)
        fewest.append(min(sides))
    if not values:
        return Ranking(math.nan, np.full(len(truth), math.nan), 0)
    return Ranking(float(np.mean(values)), np.mean(influences, axis=0), min(fewest))


def expected_ranking(given: Floats, mass: Floats) -> Floats:
    """Return the AUC that is expected of rows whose true class is a matter of chance.

    Parameters
    ----------
    given
        ``(rows, classes)``: the probabilities that the model gave.
    mass
        ``(…, rows, classes)``: weight of each row times the chance of each class to be true.

    Returns
    -------
    numpy.ndarray
        Of the leading shape: the expected share of pairs, one of a class and one of the rest, that
        the probabilities put in the right order, ties counting half. Of many classes the mean over
        those that occur; NaN where none does.

    Examples
    --------
    >>> given = np.array([[0.8, 0.2], [0.1, 0.9]])
    >>> round(float(expected_ranking(given, np.array([[0.8, 0.2], [0.1, 0.9]]))), 3)
    0.973
    """
    total = np.einsum("...k->...", mass)
    found = np.stack(
        [
            _expected(given[:, code], mass[..., code], total - mass[..., code])
            for code in _judged(given.shape[1])
        ]
    )
    told = np.isfinite(found)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(told, found, 0.0).sum(axis=0) / told.sum(axis=0)
    return mean


def ranked(outcomes: Outcomes) -> Ranking:
    """Measure the ranking of labelled rows; those without probabilities are left out.

    Their influence is nought.
    """
    given = outcomes.given
    if given is None:
        return Ranking(math.nan, np.full(len(outcomes), math.nan), 0)
    known = ~np.isnan(given).any(axis=1)
    found = ranking(given[known], outcomes.truth[known])
    influence = np.zeros(len(outcomes))
    influence[known] = found.influence
    return Ranking(found.value, influence, found.fewest)


def _judged(classes: int) -> range:
    """Return the classes that are set against the rest; of two, one says it all."""
    return range(1, 2) if classes == 2 else range(classes)


def _expected(score: Floats, above: Floats, below: Floats) -> Floats:
    itself = np.einsum("...n,...n->...", above, below)  # a row is no pair with itself
    pairs = above.sum(axis=-1) * below.sum(axis=-1) - itself
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf))
    if len(starts) == 0:
        return np.full(above.shape[:-1], np.nan)
    above, below = (np.add.reduceat(each[..., order], starts, axis=-1) for each in (above, below))
    ordered = np.einsum("...n,...n->...", above, np.cumsum(below, axis=-1) - below / 2)
    ordered -= itself / 2
    told = pairs > 1e-12 * len(score)
    return np.asarray(np.where(told, ordered / np.where(told, pairs, 1.0), np.nan))


def _share_below(scores: Floats, others: Floats) -> Floats:
    ordered = np.sort(others)
    ties = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    return np.asarray(ties / (2 * len(ordered)), dtype=np.float64)
