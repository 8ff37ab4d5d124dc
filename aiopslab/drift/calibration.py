"""Calibration: how likely each class is in truth, given what the model said and how sure it was."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.drift.outcomes import UNKNOWN, Outcomes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

BLOCKS = 5  # of neighbouring reference rows, each held out in turn
BINS = 20  # of equally many rows, for the calibration error
TIE = 1e-9  # by which a score counts as higher where the prediction is the positive class


@dataclass(frozen=True)
class Calibrator:
    """Probabilities of the true class, learnt from labelled rows.

    Parameters
    ----------
    curve
        From scores to probabilities: of the positive class (binary), of being right (multiclass).
    filled
        Score that stands in for a missing one, by predicted class.
    mistaken
        ``(predictions, truths)``: where a prediction is wrong, how likely each class is.
    """

    curve: Callable[[Floats], Floats]
    filled: Floats
    mistaken: Floats

    def truth(self, outcomes: Outcomes) -> Floats:
        """Return the probability of each class being the true one, ``(rows, classes)``."""
        predicted = outcomes.predicted.astype(np.intp)
        calibrated = self.curve(_complete(outcomes, self.filled))
        if outcomes.task == "binary":
            return np.column_stack([1 - calibrated, calibrated])
        chances = self.mistaken[predicted] * (1 - calibrated[:, None])
        chances[np.arange(len(predicted)), predicted] = calibrated
        return chances


def fit_calibrator(reference: Outcomes, weights: Floats | None = None) -> Calibrator:
    """Learn how often each class is the true one.

    Parameters
    ----------
    reference
        Labelled rows that the model was not trained on.
    weights
        Of the rows.

    Notes
    -----
    Isotonic regression, as B. Zadrozny and C. Elkan, "Transforming classifier scores into accurate
    multiclass probability estimates", KDD 2002. A multiclass score is of the prediction alone: the
    other classes share what is left as they share the mistakes of that prediction.

    Examples
    --------
    >>> truth = np.array([0.0, 0, 1, 0, 1, 1])
    >>> score = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 0.9])
    >>> said = (score >= 0.5).astype(float)
    >>> calibrator = fit_calibrator(Outcomes("binary", (0, 1), said, truth, score))
    >>> calibrator.truth(Outcomes("binary", (0, 1), said, truth, score))[:, 1].tolist()
    [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]
    """
    each = np.ones(len(reference)) if weights is None else weights
    hit = (
        reference.truth == 1
        if reference.task == "binary"
        else reference.truth == reference.predicted
    )
    classes = max(2, len(reference.classes))
    predicted = reference.predicted.astype(np.intp)
    filled = _shares(predicted, hit * each, each, classes)
    score = _complete(reference, filled)
    return Calibrator(_isotonic(score, hit, each), filled, _mistaken(reference, each, classes))


def held_out_truth(reference: Outcomes, weights: Floats | None = None) -> Floats:
    """Return the probabilities of each row, learnt from the blocks of rows that it is not in."""
    chances = np.empty((len(reference), max(2, len(reference.classes))))
    block = blocks_of(len(reference))
    for held in np.unique(block):
        others = block != held if len(reference) > 1 else block == held
        calibrator = fit_calibrator(
            reference.take(others), None if weights is None else weights[others]
        )
        chances[block == held] = calibrator.truth(reference.take(block == held))
    return chances


def blocks_of(rows: int) -> Ints:
    """Return the block of neighbouring rows that each row is in."""
    return np.arange(rows) * min(BLOCKS, rows) // max(rows, 1)


def calibration_error(score: Floats, truth: npt.NDArray[np.bool_]) -> float:
    """Return the expected calibration error.

    Parameters
    ----------
    score
        Probability of what `truth` tells.
    truth
        Whether it came true.

    Returns
    -------
    float
        The mean over the rows of how far the mean score of its bin lies from the share that came
        true, in bins of equally many rows (M. Naeini et al., AAAI 2015); some of it is chance.

    Examples
    --------
    >>> round(calibration_error(np.full(100, 0.9), np.arange(100) < 80), 3)
    0.1
    """
    order = np.argsort(score, kind="stable")
    tied = np.searchsorted(score[order], score[order], "left")  # equal scores share a bin
    number = tied * BINS // max(len(score), 1)
    rows = np.bincount(number, minlength=BINS)
    gap = np.bincount(number, score[order] - truth[order], minlength=BINS)
    return float(np.abs(gap).sum() / max(rows.sum(), 1))


def _complete(outcomes: Outcomes, filled: Floats) -> Floats:
    """Return scores with none missing, equal ones told apart by what was predicted."""
    predicted = outcomes.predicted.astype(np.intp)
    score = np.where(np.isnan(outcomes.score), filled[predicted], outcomes.score)
    return score + TIE * (predicted == 1) if outcomes.task == "binary" else score


def _isotonic(
    score: Floats, hit: npt.NDArray[np.bool_], weights: Floats
) -> Callable[[Floats], Floats]:
    from sklearn.isotonic import IsotonicRegression

    if len(score) == 0:
        return lambda scores: scores
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    model.fit(score, hit.astype(np.float64), sample_weight=weights)
    return lambda scores: np.asarray(model.predict(scores), dtype=np.float64)


def _shares(predicted: Ints, hits: Floats, weights: Floats, classes: int) -> Floats:
    """Return the share of hits by predicted class; that of all rows where a class is not there."""
    total = np.bincount(predicted, weights, minlength=classes)
    found = np.bincount(predicted, hits, minlength=classes)
    overall = hits.sum() / weights.sum() if len(weights) else 0.5
    return np.asarray(np.where(total > 0, found / np.maximum(total, 1e-300), overall))


def _mistaken(reference: Outcomes, weights: Floats, classes: int) -> Floats:
    """Return, by prediction, how likely each class is where the prediction is wrong."""
    known = reference.truth != UNKNOWN
    truth = reference.truth[known].astype(np.intp)
    predicted = reference.predicted[known].astype(np.intp)
    counts = np.bincount(predicted * classes + truth, weights[known], minlength=classes**2)
    frequent = np.bincount(truth, weights[known], minlength=classes) + 1e-9
    table = counts.reshape(classes, classes) + frequent / frequent.sum()  # one row of prior belief
    np.fill_diagonal(table, 0)
    return np.asarray(table / np.maximum(table.sum(axis=1, keepdims=True), 1e-300))
