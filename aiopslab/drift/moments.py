"""What trees leave over of an outcome, and whether it is as large on either side."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from aiopslab.drift.trees import Trees

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FOLDS = 3
ROUNDS, SOME = 50, 15  # of trees for two classes, and at least for many, each of which costs trees
FEW = 30  # rows of a class on either side, from which they are compared
FAR = 3.0  # SDs of a feature beyond which it counts no more


def foretold(inputs: Floats, outcome: Floats | Ints, weight: Floats, seed: int) -> Floats:
    """Return what trees that have not seen a row foretell of it.

    Parameters
    ----------
    inputs
        ``(rows, features)``, NaN where missing.
    outcome
        Numbers, or classes from 0 as integers.
    weight
        Of the rows, which are drawn by it, since trees take long to bin weighted ones.
    seed
        Of the folds and the trees.

    Returns
    -------
    numpy.ndarray
        ``(rows, classes)`` of probabilities, or ``(rows, 1)`` of a number.

    Examples
    --------
    >>> x = np.random.default_rng(0).normal(size=(600, 1))
    >>> told = foretold(x, (x[:, 0] > 0).astype(np.int64), np.ones(600), 0)
    >>> told.shape, bool(((told[:, 1] > 0.5) == (x[:, 0] > 0)).mean() > 0.95)
    ((600, 2), True)
    """
    rng = np.random.default_rng(seed)
    is_class = outcome.dtype.kind == "i"
    told = np.zeros((len(outcome), int(outcome.max()) + 1 if is_class else 1))
    for learnt, held in _folds(len(outcome), seed):
        drawn = np.flatnonzero(learnt)
        if (weight != 1).any():
            drawn = rng.choice(drawn, drawn.size, p=weight[drawn] / weight[drawn].sum())
        rounds = max(SOME, 2 * ROUNDS // told.shape[1]) if is_class else ROUNDS
        model = Trees("classifier" if is_class else "regressor", seed, max_iter=min(ROUNDS, rounds))
        model.fit(inputs[drawn], outcome[drawn])
        if is_class:
            told[np.ix_(held, model.classes)] = model.predict_proba(inputs[held])
        else:
            told[held, 0] = model.predict(inputs[held])
    return told


def moments(
    known: Floats, told: Floats, inputs: Floats, recent: npt.NDArray[np.bool_], weight: Floats
) -> tuple[tuple[float, float], float]:
    """Return the most telling difference of what is left over, its error, and the p of all.

    Parameters
    ----------
    known, told
        The outcome and what was foretold of it, ``(rows, classes or 1)``.
    inputs
        ``(rows, features)``.
    recent
        Which rows are the current ones.
    weight
        Of the rows.
    """
    from scipy import stats

    left = known - told
    # Of two classes, one says all.
    left = left[:, 1:] if left.shape[1] == 2 else left
    kinds = np.column_stack([np.ones(len(left)), _standard(told), _standard(inputs)])
    # Trees learn too little, which shows where one side has more rows: what both sides have left
    # over in common is taken off.
    root = np.sqrt(weight)[:, None]
    left = left - kinds @ np.linalg.lstsq(kinds * root, left * root, rcond=None)[0]
    if left.shape[1] == 1:
        kinds = np.column_stack([kinds, _standard(_hunted(inputs, left[:, 0], recent))])
    largest, strongest, tests = (0.0, 1.0), 0.0, left.shape[1] * kinds.shape[1]
    for column in left.T:
        products = column[:, None] * kinds
        means, errors = [], []
        for side in (~recent, recent):
            share = weight[side] / weight[side].sum()
            mean = share @ products[side]
            means.append(mean)
            errors.append((share**2) @ (products[side] - mean) ** 2)
        difference, error = means[1] - means[0], np.sqrt(errors[0] + errors[1])
        z = np.divide(difference, error, out=np.zeros_like(error), where=error > 0)
        place = int(np.abs(z).argmax())
        if abs(z[place]) > strongest:
            strongest = float(abs(z[place]))
            largest = float(difference[place]), float(error[place])
    return largest, min(1.0, 2 * float(stats.norm.sf(strongest)) * tests)


def within(
    classes: Ints, likely: Floats, recent: npt.NDArray[np.bool_]
) -> tuple[tuple[float, float], float]:
    """Return by how much rows of one class were likelier to be of it, its error, and the p.

    Parameters
    ----------
    classes
        Of each row, from 0.
    likely
        Foretold, ``(rows, classes)``.
    recent
        Which rows are the current ones.
    """
    from scipy import stats

    largest, strongest, tests = (0.0, 1.0), 0.0, 0
    for each in range(likely.shape[1]):
        before, now = (likely[(classes == each) & (recent == side), each] for side in (False, True))
        if min(before.size, now.size) < FEW:
            continue
        tests += 1
        difference = float(now.mean() - before.mean())
        error = float(np.sqrt(before.var() / before.size + now.var() / now.size))
        if error > 0 and abs(difference) / error > strongest:
            strongest, largest = abs(difference) / error, (difference, error)
    return largest, min(1.0, 2 * float(stats.norm.sf(strongest)) * max(tests, 1))


def _hunted(inputs: Floats, left: Floats, recent: npt.NDArray[np.bool_]) -> Floats:
    """Return what trees make of what is left over of the current rows, on rows not seen."""
    told = np.zeros((len(left), 1))
    for learnt, held in _folds(len(left), 1):
        seen = learnt & recent
        model = Trees("regressor", max_iter=20, min_samples_leaf=40).fit(inputs[seen], left[seen])
        told[held, 0] = model.predict(inputs[held])
    return told


def _standard(columns: Floats) -> Floats:
    """Return columns in SDs from their means, what is missing at the mean, ends drawn in."""
    there = np.isfinite(columns)
    count = np.maximum(there.sum(axis=0), 1)
    largest = np.abs(np.where(there, columns, 0.0)).max(axis=0)
    filled = np.where(there, columns, 0.0) / np.where(largest > 0, largest, 1.0)
    middle = filled.sum(axis=0) / count
    apart = np.where(there, filled - middle, 0.0)
    spread = np.sqrt((apart**2).sum(axis=0) / count)
    drawn: Floats = np.clip(apart / np.where(spread > 0, spread, 1.0), -FAR, FAR)
    return drawn


def _folds(rows: int, seed: int) -> Iterator[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    number = np.random.default_rng(seed).permutation(rows) % FOLDS
    for each in range(FOLDS):
        yield number != each, number == each
