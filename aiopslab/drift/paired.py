"""Paired differences: by how much one model is better than another on the same rows."""

import math

import numpy as np
import numpy.typing as npt

from aiopslab.drift.losses import loss_columns, score_losses
from aiopslab.drift.metrics import (
    HIGHER_IS_BETTER,
    NOTHING,
    RESAMPLES,
    Measured,
    group_means,
    metric_names,
    metrics_of_cells,
)
from aiopslab.drift.outcomes import Outcomes
from aiopslab.drift.ranking import ranked
from aiopslab.statistics.intervals import deviate, student

Floats = npt.NDArray[np.float64]


def gains(
    old: Outcomes,
    new: Outcomes,
    costs: Floats | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Measured]:
    """Return by how much the new model is better, metric by metric.

    Parameters
    ----------
    old, new
        Of the same labelled rows.
    costs
        ``(truths, predictions)``.
    confidence
        Of the intervals.
    seed
        Of the resampling.

    Returns
    -------
    dict
        `Measured` by metric, positive where the new model is better; of the bias, by how much it
        is nearer to nought.

    Examples
    --------
    >>> truth = np.array([0.0, 1.0] * 50)
    >>> old = Outcomes("binary", (0, 1), np.ones(100), truth, np.full(100, np.nan))
    >>> new = Outcomes("binary", (0, 1), truth, truth, np.full(100, np.nan))
    >>> gains(old, new)["accuracy"].value
    0.5
    """
    rng = np.random.default_rng(seed)
    names = [each for each in metric_names(old, costs) if each in metric_names(new, costs)]
    if len(old) == 0:
        return dict.fromkeys(names, NOTHING)
    if old.task == "regression":
        return _of_losses(old, new, confidence, rng)
    found = _of_cells(old, new, costs, confidence, rng)
    if "roc_auc" in names:
        before, after = (score_losses(each) for each in (old, new))
        known = ~np.isnan(before["brier"]) & ~np.isnan(after["brier"])
        found["roc_auc"] = _auc(old.take(known), new.take(known), confidence)
        for name in before:
            found[name] = mean_gain((before[name] - after[name])[known], confidence)
    return {name: found[name] for name in names}


def mean_gain(gain: Floats, confidence: float) -> Measured:
    """Return the mean of paired differences with the interval of Student's t."""
    if len(gain) == 0:
        return NOTHING
    ends = student(gain, confidence) if len(gain) > 1 else (-math.inf, math.inf)
    return Measured(float(gain.mean()), *ends)


def _of_cells(
    old: Outcomes,
    new: Outcomes,
    costs: Floats | None,
    confidence: float,
    rng: np.random.Generator,
) -> dict[str, Measured]:
    """Resample the kinds of rows: truth, old and new prediction."""
    size = len(old.classes)
    rows = np.column_stack([old.truth, old.predicted, new.predicted]).astype(np.intp)
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    drawn = rng.multinomial(counts.sum(), counts / counts.sum(), size=RESAMPLES)
    both = np.vstack([counts, drawn]).astype(np.float64)
    before, after = (
        metrics_of_cells(_cells(both, kinds[:, 0], kinds[:, each], size), costs) for each in (1, 2)
    )
    return {name: _gain(name, before[name], after[name], confidence) for name in before}


def _cells(
    counts: Floats, truth: npt.NDArray[np.intp], predicted: npt.NDArray[np.intp], size: int
) -> Floats:
    """Add up counts of kinds of rows, ``(draws, kinds)``, to ``(draws, truths, predictions)``."""
    cells = np.zeros((size * size, len(counts)))
    np.add.at(cells, truth * size + predicted, counts.T)
    return cells.T.reshape(-1, size, size)


def _gain(name: str, before: Floats, after: Floats, confidence: float) -> Measured:
    """Return the gain of the first, with the interval of the others."""
    sign = 1 if name in HIGHER_IS_BETTER else -1
    gain = sign * (after - before)
    told = gain[1:][np.isfinite(gain[1:])]
    if len(told) == 0 or math.isnan(gain[0]):
        return NOTHING
    low, high = np.quantile(told, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Measured(float(gain[0]), min(float(low), gain[0]), max(float(high), gain[0]))


def _of_losses(
    old: Outcomes, new: Outcomes, confidence: float, rng: np.random.Generator
) -> dict[str, Measured]:
    before, after = (loss_columns(each) for each in (old, new))
    columns = np.column_stack([*before.values(), *after.values()])
    groups = group_means(columns, rng)
    drawn = groups[rng.integers(len(groups), size=(RESAMPLES, len(groups)))].mean(axis=1)
    both = np.vstack([columns.mean(axis=0), drawn])
    width = len(before)
    found = {}
    for place, name in enumerate(before):
        was, now = both[:, place], both[:, width + place]
        if name == "rmse":
            was, now = np.sqrt(was), np.sqrt(now)
        if name == "bias":
            was, now = np.abs(was), np.abs(now)
        found[name] = _gain(name, was, now, confidence)
    return found


def _auc(old: Outcomes, new: Outcomes, confidence: float) -> Measured:
    """Return the gain in AUC (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988)."""
    before, after = (ranked(each) for each in (old, new))
    gain = after.value - before.value
    if math.isnan(gain):
        return NOTHING
    spread = math.sqrt(float(((after.influence - before.influence) ** 2).sum()))
    half = deviate(confidence) * spread
    return Measured(gain, gain - half, gain + half)
