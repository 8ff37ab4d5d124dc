"""Confidence: what a classifier should achieve on rows without labels, by how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.drift.calibration import (
    blocks_of,
    calibration_error,
    fit_calibrator,
    held_out_truth,
)
from aiopslab.drift.metrics import metric_names, metrics_of_cells, score_losses
from aiopslab.drift.outcomes import Outcomes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

REPLICATES = 80  # of the reference and of the labels that are to come
DIFFERS = 3.0  # standard errors, from which weighting corrects more than it adds


@dataclass(frozen=True)
class ClassExpectation:
    """What is expected of a classifier.

    Parameters
    ----------
    outcomes
        The rows without labels; labels are not looked at.
    reference
        Labelled rows that calibration was learnt from.
    weights
        Of the reference rows; all 1 where the plain calibration held on rows like the current.
    costs
        ``(truths, predictions)``.
    chances
        ``(rows, classes)``: of each class being the true one.
    held_out
        ``(reference rows, classes)``: chances learnt without the block of rows they are of.
    seed
        Of the replicates.
    """

    outcomes: Outcomes
    reference: Outcomes
    weights: Floats
    costs: Floats | None
    chances: Floats
    held_out: Floats
    seed: int

    @property
    def method(self) -> str:
        """How the estimate was made, in words."""
        if (self.weights == 1).all():
            return "calibrated confidence"
        return "calibrated confidence, reference rows weighted by their likeness to the current"

    @property
    def names(self) -> list[str]:
        """The metrics that are estimated."""
        return metric_names(self.outcomes, self.costs)

    def values(self, rows: Ints) -> dict[str, float]:
        """Return the metrics that are expected of some rows."""
        return self._metrics(self.outcomes.take(rows), self.chances[rows])

    def spreads(self, parts: Sequence[Ints]) -> list[dict[str, float]]:
        """Return by how much the realised metrics of some parts may differ from the expected.

        One standard deviation, of the labels as drawn from their chances and of the chances as
        learnt from a reference of this size.
        """
        rng = np.random.default_rng(self.seed)
        found: list[list[dict[str, float]]] = [[] for _ in parts]
        size = len(self.reference)
        for _ in range(REPLICATES):
            counts = np.bincount(rng.integers(size, size=size), minlength=size)
            drawn = counts > 0
            calibrator = fit_calibrator(self.reference.take(drawn), (counts * self.weights)[drawn])
            truth = _draw(calibrator.truth(self.outcomes), rng)
            for part, replicates in zip(parts, found, strict=True):
                replicates.append(self._metrics(self.outcomes.take(part), truth[part]))
        return [_deviations(each) for each in found]

    def misses(self) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
        """Return realised less expected metrics of held-out blocks, and their deviation by chance.

        A block is left out of what its own chances are learnt from.
        """
        rng = np.random.default_rng(self.seed)
        block = blocks_of(len(self.reference))
        misses, chance = [], []
        for number in np.unique(block):
            part = self.reference.take(block == number)
            chances, weights = self.held_out[block == number], self.weights[block == number]
            expected = self._metrics(part, chances, weights)
            realised = self._metrics(part, _one_hot(part.truth, chances.shape[1]), weights)
            misses.append({name: realised[name] - expected[name] for name in expected})
            draws = [self._metrics(part, _draw(chances, rng), weights) for _ in range(REPLICATES)]
            chance.append(_deviations(draws))
        return misses, chance

    def residuals(self, labelled: Outcomes, rows: Ints) -> Floats:
        """Return, for labelled rows, whether the model was right less the chance that it was."""
        return _residuals(labelled, self.chances[rows])

    def realised(self, labelled: Outcomes) -> dict[str, float]:
        """Return the same metrics of labelled rows."""
        return self._metrics(labelled, _one_hot(labelled.truth, self.chances.shape[1]))

    @property
    def calibration_error(self) -> float:
        """The expected calibration error of the held-out chances of being right."""
        chance = _chance_of_being_right(self.reference, self.held_out)
        return calibration_error(chance, self.reference.truth == self.reference.predicted)

    def _metrics(
        self, outcomes: Outcomes, chances: Floats, weights: Floats | None = None
    ) -> dict[str, float]:
        return expected_metrics(outcomes, chances, self.costs, self.names, weights)


def expect_classes(
    reference: Outcomes,
    outcomes: Outcomes,
    likeness: Floats,
    costs: Floats | None = None,
    seed: int = 0,
) -> ClassExpectation:
    """Learn what to expect of a classifier on rows without labels.

    Parameters
    ----------
    reference
        Labelled rows.
    outcomes
        Rows to judge.
    likeness
        Weights of the reference rows, by how much they are like the rows to judge.
    costs
        ``(truths, predictions)``.
    seed
        Of the replicates behind intervals.

    Notes
    -----
    The expected confusion matrix of calibrated scores, which NannyML calls confidence-based
    performance estimation. Under covariate shift calibration on the reference may be off on the
    current rows even though nothing else changed, and weighting the reference mends that (J.
    Białek et al., "Estimating model performance under covariate shift without labels", 2024) at
    the price of variance. Which of the two is taken needs no labels of the current rows: on
    held-out reference rows, weighted, the plain calibration is right or it is not. Only where it
    is off by three standard errors are the weights used.
    """
    ones = np.ones(len(reference))
    plain = held_out_truth(reference)
    if _off(_residuals(reference, plain), likeness) > DIFFERS:
        return ClassExpectation(
            outcomes,
            reference,
            likeness,
            costs,
            fit_calibrator(reference, likeness).truth(outcomes),
            held_out_truth(reference, likeness),
            seed,
        )
    chances = fit_calibrator(reference).truth(outcomes)
    return ClassExpectation(outcomes, reference, ones, costs, chances, plain, seed)


def expected_metrics(
    outcomes: Outcomes,
    chances: Floats,
    costs: Floats | None,
    names: Sequence[str],
    weights: Floats | None = None,
) -> dict[str, float]:
    """Compute metrics of predictions against chances of the true class.

    Parameters
    ----------
    outcomes
        Predictions and scores; their own truth is not looked at.
    chances
        ``(rows, classes)``; ones and zeros where the truth is known.
    costs
        ``(truths, predictions)``.
    names
        Of the metrics.
    weights
        Of the rows.

    Examples
    --------
    >>> said = np.array([0.0, 1.0])
    >>> outcomes = Outcomes("binary", (0, 1), said, said, np.array([0.2, 0.9]))
    >>> chances = np.array([[0.8, 0.2], [0.1, 0.9]])
    >>> found = expected_metrics(outcomes, chances, None, ["accuracy", "roc_auc"])
    >>> {name: round(value, 3) for name, value in found.items()}
    {'accuracy': 0.85, 'roc_auc': 0.973}
    """
    if len(outcomes) == 0:
        return dict.fromkeys(names, np.nan)
    each = np.ones(len(outcomes)) if weights is None else weights
    said = _one_hot(outcomes.predicted, chances.shape[1])
    cells = (chances * each[:, None]).T @ said
    found = {name: float(value) for name, value in metrics_of_cells(cells, costs).items()}
    if "roc_auc" in names:
        known = ~np.isnan(outcomes.score)
        score, positive, each = outcomes.score[known], chances[known, 1], each[known]
        found["roc_auc"] = expected_auc(score, positive, each)
        certain = (score_losses(score, np.full(len(score), truth)) for truth in (1.0, 0.0))
        right, wrong = certain
        for name in right:
            loss = positive * right[name] + (1 - positive) * wrong[name]
            found[name] = float(np.average(loss, weights=each)) if each.sum() > 0 else np.nan
    return {name: found[name] for name in names}


def expected_auc(score: Floats, positive: Floats, weights: Floats) -> float:
    """Return the expected share of pairs that scores put in the right order, ties counting half.

    Parameters
    ----------
    score
        Of each row.
    positive
        The chance of each row to be positive.
    weights
        Of the rows.
    """
    _, place = np.unique(score, return_inverse=True)
    above = np.bincount(place, positive * weights)
    below = np.bincount(place, (1 - positive) * weights)
    itself = float((weights**2 * positive * (1 - positive)).sum())  # a row is no pair with itself
    pairs = float(above.sum() * below.sum()) - itself
    if pairs <= 1e-12 * len(score):
        return float("nan")
    ordered = float((above * (np.cumsum(below) - below / 2)).sum()) - itself / 2
    return ordered / pairs


def _off(residuals: Floats, weights: Floats) -> float:
    """Return how many standard errors the weighted mean of residuals lies from nought."""
    mean = np.average(residuals, weights=weights)
    error = np.sqrt((weights**2 * (residuals - mean) ** 2).sum()) / weights.sum()
    return float(abs(mean) / error) if error > 0 else 0.0


def _residuals(outcomes: Outcomes, chances: Floats) -> Floats:
    right = np.asarray(outcomes.truth == outcomes.predicted, dtype=np.float64)
    return right - _chance_of_being_right(outcomes, chances)


def _chance_of_being_right(outcomes: Outcomes, chances: Floats) -> Floats:
    chance: Floats = chances[np.arange(len(outcomes)), outcomes.predicted.astype(np.intp)]
    return chance


def _one_hot(codes: Floats, classes: int) -> Floats:
    return np.asarray(codes[:, None] == np.arange(classes), dtype=np.float64)


def _draw(chances: Floats, rng: np.random.Generator) -> Floats:
    """Draw a true class for every row, as ones and zeros."""
    below = np.cumsum(chances, axis=1) < rng.random((len(chances), 1))
    return _one_hot(np.minimum(below.sum(axis=1), chances.shape[1] - 1), chances.shape[1])


def _deviations(replicates: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the standard deviation of every metric; NaN where it can hardly ever be told."""
    found = {}
    for name in replicates[0]:
        values = np.array([each[name] for each in replicates])
        told = values[np.isfinite(values)]
        found[name] = float(told.std(ddof=1)) if len(told) > len(values) / 2 else float("nan")
    return found
