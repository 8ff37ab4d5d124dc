"""Metrics of a model's outcomes, each with the interval that its labels allow."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.drift.losses import loss_columns, score_losses
from aiopslab.drift.outcomes import Outcomes
from aiopslab.drift.ranking import Ranking, ranked
from aiopslab.statistics.intervals import deviate, wilson

Floats = npt.NDArray[np.float64]

OF_SCORES = ("roc_auc", "log_loss", "brier")
OF_LOSSES = ("mae", "rmse", "bias")
HIGHER_IS_BETTER = frozenset({"accuracy", "balanced_accuracy", "f1", "roc_auc"})
WORDS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "log_loss": "log loss",
    "brier": "Brier score",
    "cost": "cost per prediction",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "bias": "bias (prediction − target)",
}
RESAMPLES = 500
GROUPS = 500  # of rows, that are resampled as one where there are more rows


@dataclass(frozen=True)
class Measured:
    """A metric with its interval.

    Parameters
    ----------
    value, low, high
        NaN where it cannot be told, such as an AUC of one class.
    """

    value: float
    low: float
    high: float

    def minus(self, other: "Measured") -> "Measured":
        """Return the difference to another, measured on other rows.

        Notes
        -----
        The square-and-add interval of G. Y. Zou and A. Donner, "Construction of confidence limits
        about effect measures", Statistics in Medicine 27, 2008.

        Examples
        --------
        >>> print(Measured(0.8, 0.75, 0.85).minus(Measured(0.9, 0.9, 0.9)).value.__round__(2))
        -0.1
        """
        value = self.value - other.value
        below = math.hypot(self.value - self.low, other.high - other.value)
        above = math.hypot(self.high - self.value, other.value - other.low)
        return Measured(value, value - below, value + above)


NOTHING = Measured(math.nan, math.nan, math.nan)


def metric_names(outcomes: Outcomes, costs: Floats | None = None) -> list[str]:
    """Return the metrics that such outcomes have, in the order in which they are shown."""
    if outcomes.task == "regression":
        return list(OF_LOSSES)
    names = ["accuracy", "balanced_accuracy", "f1"]
    if outcomes.given is not None:
        names += OF_SCORES
    return names + (["cost"] if costs is not None else [])


def measure(
    outcomes: Outcomes,
    costs: Floats | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Measured]:
    """Measure a model where its targets are known.

    Parameters
    ----------
    outcomes
        Rows without a target, and of the metrics of scores those without a score, are left out.
    costs
        ``(truths, predictions)``, see `cost_matrix`.
    confidence
        Of the intervals.
    seed
        Of the resampling.

    Returns
    -------
    dict
        `Measured` by name.

    Notes
    -----
    Accuracy has the interval of E. B. Wilson, JASA 22, 1927; what is computed from the confusion
    matrix, that of its Dirichlet posterior (C. Goutte and E. Gaussier, "A probabilistic
    interpretation of precision, recall and F-score", ECIR 2005); the AUC, which of many classes is
    the mean of each against the rest, that of DeLong; means of losses, a bootstrap over groups of
    rows.

    Examples
    --------
    >>> ones = np.ones(20)
    >>> right = Outcomes("binary", (0, 1), ones, ones, ones)
    >>> found = measure(right)["accuracy"]
    >>> found.value, round(found.low, 2)
    (1.0, 0.84)
    """
    known = outcomes.take(outcomes.labelled)
    names = metric_names(outcomes, costs)
    if len(known) == 0:
        return dict.fromkeys(names, NOTHING)
    rng = np.random.default_rng(seed)
    if outcomes.task == "regression":
        return _of_losses(loss_columns(known), confidence, rng)
    found = _of_cells(cells_of(known), costs, confidence, rng)
    if "roc_auc" in names:
        found["roc_auc"] = _auc(ranked(known), confidence)
        losses = score_losses(known)
        told = ~np.isnan(losses["brier"])
        found |= _means({name: each[told] for name, each in losses.items()}, confidence, rng)
    return {name: found[name] for name in names}


def cells_of(outcomes: Outcomes) -> Floats:
    """Return the confusion matrix of labelled rows, ``(truths, predictions)``."""
    size = len(outcomes.classes)
    cell = outcomes.truth * size + outcomes.predicted
    counts = np.bincount(cell.astype(np.int64), minlength=size * size)
    return counts.reshape(size, size).astype(np.float64)


def metrics_of_cells(cells: Floats, costs: Floats | None = None) -> dict[str, Floats]:
    """Compute metrics of confusion matrices.

    Parameters
    ----------
    cells
        Counts, or expected ones, ``(…, truths, predictions)``.
    costs
        ``(truths, predictions)``.

    Returns
    -------
    dict
        Arrays of the leading shape. F1 is that of the positive class where there are two, else
        the mean over the classes that occur; the balanced accuracy is the mean recall of the
        classes that occur among the targets.

    Examples
    --------
    >>> found = metrics_of_cells(np.array([[8.0, 2.0], [0.0, 10.0]]))
    >>> float(found["accuracy"]), float(found["balanced_accuracy"]), round(float(found["f1"]), 3)
    (0.9, 0.9, 0.909)
    """
    total = cells.sum(axis=(-1, -2))
    right = np.diagonal(cells, axis1=-2, axis2=-1)
    true, said = cells.sum(axis=-1), cells.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(true > 0, right / true, 0.0)
        f1 = np.where(true + said > 0, 2 * right / (true + said), 0.0)
        found = {
            "accuracy": right.sum(axis=-1) / total,
            "balanced_accuracy": recall.sum(axis=-1) / (true > 0).sum(axis=-1),
            "f1": f1[..., 1]
            if cells.shape[-1] == 2
            else f1.sum(axis=-1) / (true + said > 0).sum(axis=-1),
        }
        if costs is not None:
            found["cost"] = (cells * costs).sum(axis=(-1, -2)) / total
    return found


def group_means(columns: Floats, rng: np.random.Generator) -> Floats:
    """Return the means of random groups of rows, ``(groups, columns)``.

    The variance of the mean of all is the same whether rows or groups of them are resampled, and
    a million rows cost little more than a thousand.
    """
    rows = len(columns)
    if rows <= GROUPS:
        return columns
    whole = rows - rows % GROUPS  # equal groups
    order = rng.permutation(rows)[:whole]
    means: Floats = columns[order].reshape(GROUPS, -1, columns.shape[1]).mean(axis=1)
    return means


def _of_cells(
    cells: Floats, costs: Floats | None, confidence: float, rng: np.random.Generator
) -> dict[str, Measured]:
    values = metrics_of_cells(cells, costs)
    # What never occurred may occur: all such cells share one row, save of a class never seen.
    unseen = (cells == 0) & (cells.sum(axis=1, keepdims=True) > 0)
    drawn = rng.standard_gamma(cells + unseen / cells.size, size=(RESAMPLES, *cells.shape))
    spread = metrics_of_cells(drawn, costs)
    found = {}
    for name, value in values.items():
        low, high = np.quantile(spread[name], [(1 - confidence) / 2, (1 + confidence) / 2])
        found[name] = Measured(float(value), min(float(low), float(value)), max(high, float(value)))
    low, high = wilson(float(np.trace(cells)), float(cells.sum()), confidence)
    found["accuracy"] = Measured(float(values["accuracy"]), low, high)
    return found


def _auc(found: Ranking, confidence: float) -> Measured:
    if math.isnan(found.value):
        return NOTHING
    half = deviate(confidence) * found.spread
    return Measured(found.value, max(found.value - half, 0.0), min(found.value + half, 1.0))


def _of_losses(
    columns: dict[str, Floats], confidence: float, rng: np.random.Generator
) -> dict[str, Measured]:
    means = _means(columns, confidence, rng)
    squared = means["rmse"]
    root = [math.sqrt(max(each, 0.0)) for each in (squared.value, squared.low, squared.high)]
    return means | {"rmse": Measured(*root)}


def _means(
    columns: dict[str, Floats], confidence: float, rng: np.random.Generator
) -> dict[str, Measured]:
    matrix = np.column_stack(list(columns.values()))
    if len(matrix) == 0:
        return dict.fromkeys(columns, NOTHING)
    if len(matrix) == 1:
        return {
            name: Measured(float(each[0]), -math.inf, math.inf) for name, each in columns.items()
        }
    groups = group_means(matrix, rng)
    drawn = groups[rng.integers(len(groups), size=(RESAMPLES, len(groups)))].mean(axis=1)
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2], axis=0)
    value = matrix.mean(axis=0)
    # The bootstrap of few rows is too narrow by (n - 1) / n and by the tails of Student's t.
    wide = _small_sample(len(groups), confidence)
    return {
        name: Measured(float(v), float(v - wide * (v - a)), float(v + wide * (b - v)))
        for name, v, a, b in zip(columns, value, low, high, strict=True)
    }


def _small_sample(rows: int, confidence: float) -> float:
    from scipy.stats import t

    quantile = float(t.ppf((1 + confidence) / 2, rows - 1))
    return quantile / deviate(confidence) * math.sqrt(rows / (rows - 1))
