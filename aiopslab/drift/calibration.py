"""Calibration: how likely each class is in truth, given what the model said and how sure it was."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.drift.isotonic import Curve, Points
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
    others
        Of each class, from the probability that the model gave it to how often it was true; empty
        where the model gave none.
    """

    curve: Curve
    filled: Floats
    mistaken: Floats
    others: tuple[Curve, ...]

    def truth(self, outcomes: Outcomes) -> Floats:
        """Return the probability of each class being the true one, ``(rows, classes)``."""
        predicted = outcomes.predicted.astype(np.intp)
        calibrated = self.curve(_complete(outcomes, self.filled))
        if outcomes.task == "binary":
            return np.column_stack([1 - calibrated, calibrated])
        row = np.arange(len(predicted))
        chances = self._shares(outcomes, predicted)
        chances[row, predicted] = 0.0
        rest = chances.sum(axis=1, keepdims=True)
        # Where no other class is likely by its probability, mistakes are those of the reference.
        chances = np.where(
            rest > 0, chances / np.where(rest > 0, rest, 1), self.mistaken[predicted]
        )
        chances *= 1 - calibrated[:, None]
        chances[row, predicted] = calibrated
        return chances

    def _shares(self, outcomes: Outcomes, predicted: Ints) -> Floats:
        """Return how likely each class is beside the others, of which mistakes are made."""
        if outcomes.chances is None or not self.others:
            return self.mistaken[predicted]
        shares = np.column_stack(
            [curve(given) for curve, given in zip(self.others, outcomes.chances.T, strict=True)]
        )
        return np.where(np.isnan(shares), self.mistaken[predicted], shares)


class Calibration:
    """Labelled rows to learn a calibrator from, time and again with other weights.

    Parameters
    ----------
    reference
        Labelled rows that the model was not trained on.

    Notes
    -----
    Isotonic regression, as B. Zadrozny and C. Elkan, "Transforming classifier scores into accurate
    multiclass probability estimates", KDD 2002. Of many classes the probability of the prediction
    is calibrated by itself, since how often the model is right is what matters most; the other
    classes share what is left by their own calibrated probabilities, or, where the model gave
    none, as they share the mistakes of that prediction.

    Examples
    --------
    >>> truth = np.array([0.0, 0, 1, 0, 1, 1])
    >>> score = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 0.9])
    >>> said = (score >= 0.5).astype(float)
    >>> outcomes = Outcomes("binary", (0, 1), said, truth, score)
    >>> Calibration(outcomes).fitted(np.ones(6)).truth(outcomes)[:, 1].tolist()
    [0.0, 0.0, 0.5, 0.5, 1.0, 1.0]
    """

    def __init__(self, reference: Outcomes) -> None:
        self.reference = reference
        self.classes = max(2, len(reference.classes))
        is_hit = (
            reference.truth == 1
            if reference.task == "binary"
            else reference.truth == reference.predicted
        )
        hits = np.asarray(is_hit, dtype=np.float64)
        self.filled = _shares(reference.predicted.astype(np.intp), hits, self.classes)
        self.points = Points(_complete(reference, self.filled), hits)
        self.others: list[tuple[npt.NDArray[np.bool_], Points]] = []
        if reference.task == "multiclass" and reference.given is not None:
            given = reference.given
            known = np.asarray(~np.isnan(given).any(axis=1), dtype=np.bool_)
            self.others = [
                (known, Points(given[known, code], (reference.truth[known] == code).astype(float)))
                for code in range(self.classes)
            ]

    def fitted(self, weights: Floats) -> Calibrator:
        """Learn how often each class is the true one, from rows of these weights."""
        return Calibrator(
            self.points.fitted(weights),
            self.filled,
            _mistaken(self.reference, weights, self.classes),
            tuple(points.fitted(weights[known]) for known, points in self.others),
        )


def held_out_truth(reference: Outcomes, weights: Floats) -> Floats:
    """Return the probabilities of each row, learnt from the blocks of rows that it is not in."""
    chances = np.empty((len(reference), max(2, len(reference.classes))))
    block = blocks_of(len(reference))
    for held in np.unique(block):
        others = block != held if len(reference) > 1 else block == held
        calibrator = Calibration(reference.take(others)).fitted(weights[others])
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


def _shares(predicted: Ints, hits: Floats, classes: int) -> Floats:
    """Return the share of hits by predicted class; that of all rows where a class is not there."""
    total = np.bincount(predicted, minlength=classes)
    found = np.bincount(predicted, hits, minlength=classes)
    overall = hits.mean() if len(hits) else 0.5
    return np.asarray(np.where(total > 0, found / np.maximum(total, 1), overall))


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
