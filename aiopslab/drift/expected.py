"""Expected metrics: those of predictions whose true classes are known by their chances alone."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from aiopslab.drift.losses import class_losses
from aiopslab.drift.metrics import OF_SCORES, metrics_of_cells
from aiopslab.drift.outcomes import Outcomes
from aiopslab.drift.ranking import expected_ranking

Floats = npt.NDArray[np.float64]

NUMBERS = 4_000_000  # held at once, some 32 MB


def expected_metrics(
    outcomes: Outcomes, mass: Floats, costs: Floats | None, names: Sequence[str]
) -> dict[str, Floats]:
    """Compute metrics of predictions against chances of the true class.

    Parameters
    ----------
    outcomes
        Predictions and scores of ``rows``; their own truth is not looked at.
    mass
        ``(…, rows, classes)``: the chance of each class to be the true one, ones and zeros where
        it is known, times the weight of the row.
    costs
        ``(truths, predictions)``.
    names
        Of the metrics.

    Returns
    -------
    dict
        Arrays of the leading shape, by name.

    Examples
    --------
    >>> said = np.array([0.0, 1.0])
    >>> outcomes = Outcomes("binary", (0, 1), said, said, np.array([0.2, 0.9]))
    >>> chances = np.array([[0.8, 0.2], [0.1, 0.9]])
    >>> found = expected_metrics(outcomes, chances, None, ["accuracy", "roc_auc"])
    >>> {name: round(float(value), 3) for name, value in found.items()}
    {'accuracy': 0.85, 'roc_auc': 0.973}
    """
    if len(outcomes) == 0:
        return {name: np.full(mass.shape[:-2], np.nan) for name in names}
    # Sums by einsum: the threads of BLAS cost more than they save where cores are shared.
    said = [outcomes.predicted == code for code in range(mass.shape[-1])]
    cells = np.stack([np.einsum("...nk->...k", mass[..., rows, :]) for rows in said], axis=-1)
    found = metrics_of_cells(cells, costs)
    if OF_SCORES[0] in names:
        found |= _of_scores(outcomes, mass)
    return {name: found[name] for name in names}


def one_hot(codes: Floats, classes: int) -> Floats:
    """Write codes as ones and zeros, with an axis of classes behind the others.

    Examples
    --------
    >>> one_hot(np.array([1.0]), 3).tolist()
    [[0.0, 1.0, 0.0]]
    """
    return np.asarray(codes[..., None] == np.arange(classes), dtype=np.float64)


def drawn(chances: Floats, replicates: int, rng: np.random.Generator) -> Floats:
    """Draw true classes from their chances, ``(replicates, rows, classes)``, as ones and zeros."""
    rows, classes = chances.shape
    below = np.cumsum(chances, axis=1) < rng.random((replicates, rows, 1))
    codes = np.minimum(below.sum(axis=-1), classes - 1)
    return one_hot(codes.astype(np.float64), classes)


def batches(replicates: int, numbers: int) -> Iterator[int]:
    """Yield how many replicates of so many numbers each are held at once, until all are done.

    Examples
    --------
    >>> list(batches(5, 2_000_000))
    [2, 2, 1]
    """
    at_once = max(1, NUMBERS // max(numbers, 1))
    for start in range(0, replicates, at_once):
        yield min(at_once, replicates - start)


def deviations(parts: Sequence[dict[str, Floats]]) -> dict[str, float]:
    """Return the standard deviation of every metric over the replicates of all parts.

    NaN where it can hardly ever be told.
    """
    found = {}
    for name in parts[0]:
        values = np.concatenate([each[name] for each in parts])
        told = values[np.isfinite(values)]
        found[name] = float(told.std(ddof=1)) if len(told) > len(values) / 2 else float("nan")
    return found


def _of_scores(outcomes: Outcomes, mass: Floats) -> dict[str, Floats]:
    given = outcomes.given
    if given is None:
        return {name: np.full(mass.shape[:-2], np.nan) for name in OF_SCORES}
    known = ~np.isnan(given).any(axis=1)
    given, mass = given[known], mass[..., known, :]
    found = {"roc_auc": expected_ranking(given, mass)}
    total = np.einsum("...nk->...", mass)
    with np.errstate(invalid="ignore"):
        for name, losses in class_losses(given).items():
            found[name] = np.einsum("...nk,nk->...", mass, losses) / total
    return found
