"""Confidence: what a classifier should achieve on rows without labels, by how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.drift.calibration import (
    Calibration,
    blocks_of,
    held_out_truth,
)
from aiopslab.drift.expected import batches, deviations, drawn, expected_metrics, one_hot
from aiopslab.drift.metrics import HIGHER_IS_BETTER, metric_names
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
        found = self._metrics(self.outcomes.take(rows), self.chances[rows])
        return {name: float(value) for name, value in found.items()}

    def spreads(self, parts: Sequence[Ints]) -> list[dict[str, float]]:
        """Return by how much the realised metrics of some parts may differ from the expected.

        One standard deviation, of the labels as drawn from their chances and of the chances as
        learnt from a reference of this size.
        """
        rng = np.random.default_rng(self.seed)
        calibration = Calibration(self.reference)
        size = len(self.reference)

        def replicate() -> Floats:
            counts = np.bincount(rng.integers(size, size=size), minlength=size)
            return calibration.fitted(counts * self.weights).truth(self.outcomes)

        found: list[list[dict[str, Floats]]] = [[] for _ in parts]
        for count in batches(REPLICATES, self.chances.size):
            truth = np.concatenate([drawn(replicate(), 1, rng) for _ in range(count)])
            for part, replicates in zip(parts, found, strict=True):
                replicates.append(self._metrics(self.outcomes.take(part), truth[:, part]))
        # A reference without a single mistake does not prove that there is none.
        least = {name: 1 / (size + 4) if name in HIGHER_IS_BETTER else 0.0 for name in self.names}
        return [
            {name: float(np.maximum(spread, least[name])) for name, spread in each.items()}
            for each in map(deviations, found)
        ]

    def misses(self) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
        """Return realised less expected metrics of held-out blocks, and their deviation by chance.

        A block is left out of what its own chances are learnt from.
        """
        rng = np.random.default_rng(self.seed)
        block = blocks_of(len(self.reference))
        misses, chance = [], []
        for number in np.unique(block):
            part = self.reference.take(block == number)
            chances, weights = self.held_out[block == number], self.weights[block == number, None]
            expected = self._metrics(part, chances * weights)
            realised = self._metrics(part, one_hot(part.truth, chances.shape[1]) * weights)
            misses.append({name: float(realised[name] - expected[name]) for name in expected})
            replicates = [
                self._metrics(part, drawn(chances, count, rng) * weights)
                for count in batches(REPLICATES, chances.size)
            ]
            chance.append(deviations(replicates))
        return misses, chance

    def residuals(self, labelled: Outcomes, rows: Ints) -> Floats:
        """Return, for labelled rows, whether the model was right less the chance that it was."""
        return _residuals(labelled, self.chances[rows])

    def realised(self, labelled: Outcomes) -> dict[str, float]:
        """Return the same metrics of labelled rows."""
        found = self._metrics(labelled, one_hot(labelled.truth, self.chances.shape[1]))
        return {name: float(value) for name, value in found.items()}

    def resampled(
        self, labelled: Outcomes, rows: Ints, counts: Floats
    ) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Return realised and expected metrics of labelled rows, each taken so many times."""
        chances = self.chances[rows]
        truth = one_hot(labelled.truth, chances.shape[1])
        parts: tuple[list[dict[str, Floats]], list[dict[str, Floats]]] = ([], [])
        start = 0
        for count in batches(len(counts), chances.size):
            times = counts[start : start + count, :, None]
            start += count
            for found, mass in zip(parts, (truth, chances), strict=True):
                found.append(self._metrics(labelled, mass * times))
        realised, expected = (
            {name: np.concatenate([each[name] for each in found]) for name in self.names}
            for found in parts
        )
        return realised, expected

    def _metrics(self, outcomes: Outcomes, mass: Floats) -> dict[str, Floats]:
        return expected_metrics(outcomes, mass, self.costs, self.names)


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
    weights = np.ones(len(reference))
    held_out = held_out_truth(reference, weights)
    if _off(_residuals(reference, held_out), likeness) > DIFFERS:
        weights = likeness
        held_out = held_out_truth(reference, weights)
    chances = Calibration(reference).fitted(weights).truth(outcomes)
    return ClassExpectation(outcomes, reference, weights, costs, chances, held_out, seed)


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
