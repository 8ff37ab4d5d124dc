"""Direct loss: what a regression should achieve on rows without labels, by its past errors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.calibration import blocks_of
from aiopslab.drift.encoding import encoded
from aiopslab.drift.expected import batches, deviations
from aiopslab.drift.losses import loss_columns
from aiopslab.drift.metrics import OF_LOSSES
from aiopslab.drift.observations import Roles
from aiopslab.drift.outcomes import Outcomes
from aiopslab.drift.trees import Trees

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

REPLICATES = 80
ROUNDS = 30  # of boosting; losses are noisy, and more rounds learn the noise
ROWS = 50_000  # of the reference that a model of the loss learns from


@dataclass(frozen=True)
class LossExpectation:
    """What is expected of a regression.

    Parameters
    ----------
    expected
        ``(rows, losses)`` of the rows without labels: absolute error, squared error, error.
    reference
        Labelled rows that the model of the loss was learnt from.
    held_out
        ``(reference rows, losses)``: expected without the block of rows they are of.
    seed
        Of the replicates.
    """

    expected: Floats
    reference: Outcomes
    held_out: Floats
    seed: int

    @property
    def method(self) -> str:
        """How the estimate was made, in words."""
        return "a model of the loss by features"

    @property
    def names(self) -> list[str]:
        """The metrics that are estimated."""
        return list(OF_LOSSES)

    def values(self, rows: Ints) -> dict[str, float]:
        """Return the metrics that are expected of some rows."""
        return {name: float(value) for name, value in _metrics(self.expected[rows]).items()}

    def spreads(self, parts: Sequence[Ints]) -> list[dict[str, float]]:
        """Return by how much the realised metrics of some parts may differ from the expected.

        One standard deviation, of the losses as drawn around what is expected of each row, and of
        the mean loss as learnt from a reference of this size.
        """
        rng = np.random.default_rng(self.seed)
        misfit = self._misfit
        found: list[list[dict[str, Floats]]] = [[] for _ in parts]
        rows = len(misfit)
        for count in batches(REPLICATES, self.expected.size):
            learnt = np.stack([misfit[rng.integers(rows, size=rows)].mean(0) for _ in range(count)])
            drawn = misfit[rng.integers(rows, size=(count, len(self.expected)))]
            losses = self.expected + (drawn + learnt[:, None]) * self._scale(self.expected)
            for part, replicates in zip(parts, found, strict=True):
                replicates.append(_metrics(losses[:, part]))
        return [deviations(each) for each in found]

    def misses(self) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
        """Return realised less expected metrics of held-out blocks, and their chance deviation."""
        rng = np.random.default_rng(self.seed)
        block = blocks_of(len(self.reference))
        losses, misfit = _losses(self.reference), self._misfit
        misfit = misfit - misfit.mean(axis=0)
        misses, chance = [], []
        for number in np.unique(block):
            expected = self.held_out[block == number]
            realised, estimated = _metrics(losses[block == number]), _metrics(expected)
            misses.append({name: float(realised[name] - estimated[name]) for name in realised})
            replicates = [
                _metrics(
                    expected
                    + misfit[rng.integers(len(misfit), size=(count, len(expected)))]
                    * self._scale(expected)
                )
                for count in batches(REPLICATES, expected.size)
            ]
            chance.append(deviations(replicates))
        return misses, chance

    def residuals(self, labelled: Outcomes, rows: Ints) -> Floats:
        """Return, for labelled rows, the absolute error less the expected one."""
        residuals: Floats = _losses(labelled)[:, 0] - self.expected[rows, 0]
        return residuals

    def realised(self, labelled: Outcomes) -> dict[str, float]:
        """Return the same metrics of labelled rows."""
        return {name: float(value) for name, value in _metrics(_losses(labelled)).items()}

    def resampled(
        self, labelled: Outcomes, rows: Ints, counts: Floats
    ) -> tuple[dict[str, Floats], dict[str, Floats]]:
        """Return realised and expected metrics of labelled rows, each taken so many times."""
        total = counts.sum(axis=1, keepdims=True)
        realised, expected = (
            _of_means(counts @ losses / total)
            for losses in (_losses(labelled), self.expected[rows])
        )
        return realised, expected

    @property
    def _misfit(self) -> Floats:
        """How far the held-out losses lay from what was expected, in units of that."""
        return (_losses(self.reference) - self.held_out) / self._scale(self.held_out)

    def _scale(self, expected: Floats) -> Floats:
        """Return the size of each loss: that of an error is the expected absolute one."""
        return expected[:, [0, 1, 0]]


def expect_losses(
    reference: Outcomes,
    reference_frame: pd.DataFrame,
    current_frame: pd.DataFrame,
    roles: Roles,
    seed: int = 0,
) -> LossExpectation:
    """Learn what to expect of a regression on rows without labels.

    Parameters
    ----------
    reference
        Labelled rows.
    reference_frame
        Their features and predictions.
    current_frame
        Those of the rows to judge.
    roles
        Which column is what.
    seed
        Of the models and replicates.

    Notes
    -----
    What NannyML calls direct loss estimation: a model of the loss as it depends on features and
    prediction. There are five, each of which has not seen a fifth of the reference: what they say
    of that fifth is what intervals and the test rest on, and the mean of the five is what is
    expected of the rows without labels.
    """
    everything = Roles("", "", roles.target, roles.timestamp, roles.ignored)
    encoding = encoded(reference_frame, current_frame, everything)
    codes = np.where(encoding.codes < 0, np.nan, encoding.codes)
    inputs = np.column_stack([encoding.values, codes])
    known, unknown = inputs[: len(reference)], inputs[len(reference) :]
    losses = _losses(reference)
    held_out = np.empty_like(losses)
    expected = []
    block = blocks_of(len(reference))
    for number in np.unique(block):
        held = block == number
        others = ~held if len(reference) > 1 else held
        wanted = np.concatenate([known[held], unknown])
        found = _fitted(known[others], losses[others], wanted, seed)
        held_out[held] = found[: held.sum()]
        expected.append(found[held.sum() :])
    return LossExpectation(np.mean(expected, axis=0), reference, held_out, seed)


def _fitted(inputs: Floats, losses: Floats, wanted: Floats, seed: int) -> Floats:
    """Return the losses that models expect, never less than nothing where that cannot be."""
    mean = losses.mean(axis=0)
    if len(inputs) < 2 or inputs.shape[1] == 0:
        return np.tile(mean, (len(wanted), 1))
    rng = np.random.default_rng(seed)
    rows = np.arange(len(inputs))
    rows = rng.choice(rows, ROWS, replace=False) if len(rows) > ROWS else rows
    expected = np.column_stack(
        [
            Trees("regressor", seed, max_iter=ROUNDS)
            .fit(inputs[rows], losses[rows, each])
            .predict(wanted)
            for each in range(losses.shape[1])
        ]
    )
    # An expected error of nothing would be certain; a hundredth of the usual one is the least.
    expected[:, :2] = np.maximum(expected[:, :2], np.maximum(mean[:2] / 100, 1e-12))
    return expected


def _losses(outcomes: Outcomes) -> Floats:
    return np.column_stack([loss_columns(outcomes)[name] for name in OF_LOSSES])


def _metrics(losses: Floats) -> dict[str, Floats]:
    """Return metrics of losses ``(…, rows, losses)``, of the leading shape."""
    if losses.shape[-2] == 0:
        return dict.fromkeys(OF_LOSSES, np.full(losses.shape[:-2], np.nan))
    return _of_means(losses.mean(axis=-2))


def _of_means(means: Floats) -> dict[str, Floats]:
    absolute, squared, error = np.moveaxis(means, -1, 0)
    return {"mae": absolute, "rmse": np.sqrt(np.maximum(squared, 0.0)), "bias": error}
