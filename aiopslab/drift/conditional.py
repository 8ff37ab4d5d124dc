"""Whether the same features still mean the same outcome: what is concept and what is not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.encoding import encoded
from aiopslab.drift.observations import Roles
from aiopslab.drift.trees import Trees
from aiopslab.findings import Effect, Interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROWS = 10_000  # of each side that are used at most
ENOUGH = 200  # on either side, with the outcome known
FOLDS = 3
COMMON = 12  # classes that are kept apart at most; the rarest are one
ROUNDS, SOME = 50, 15  # of trees for two classes, and at least for many, each of which costs trees
DOUBTFUL = 0.05  # p above which nothing differs
FEW = 30  # rows of a class on either side, from which they are compared
LEAF = 20  # known values of a feature, from which trees can split it
FAR = 3.0  # SDs of a feature beyond which it counts no more
Z = 1.96


@dataclass(frozen=True)
class ConditionalShift:
    """Whether an outcome given the features differs between reference and current.

    Parameters
    ----------
    outcome
        The column that is explained.
    shift
        The largest difference between what the same features mean now and before: shares of the
        rows for a class, SDs of the outcome for a number. ``None`` without enough rows.
    p
        That there is none; 1 without enough rows.
    adjusted
        The same after the shares of the classes were made those of the reference; that of a
        number is `shift`. What vanishes with it is a shift of the labels alone.
    adjusted_p
        Likewise.
    within
        The largest difference, between the rows of one class now and before, in how likely that
        class was by their features. Where only the labels shifted there is none. ``None`` for a
        number, or where nothing was adjusted.
    within_p
        That there is none.
    rows
        Used, of reference and current.
    """

    outcome: str
    shift: Effect | None
    p: float
    adjusted: Effect | None
    adjusted_p: float
    within: Effect | None
    within_p: float
    rows: tuple[int, int]


def conditional_shift(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    outcome: str,
    features: Sequence[str],
    seed: int = 0,
) -> ConditionalShift:
    """Test whether the same features mean another outcome than before.

    Parameters
    ----------
    reference, current
        Observations with the outcome, where it is known, and the features that both have.
    outcome
        Name of a column: the target (has the world changed?) or the prediction (has the model?).
    features
        Names of columns that may explain it.
    seed
        Of the subsample, the folds and the trees.

    Returns
    -------
    ConditionalShift

    Notes
    -----
    Gradient-boosted trees, cross-fitted, foretell the outcome of all rows together without being
    told which side a row is from. Where the outcome depends on the features alone, whatever their
    distribution, what is left over is as large on either side, for any kind of row: on average, by
    what was foretold, by each feature, and by what other trees make of it on rows that they have
    not seen (a conditional moment test, Newey 1985, with Bonferroni's correction). Weights that
    restore the shares of the classes tell a shift of the labels (Lipton et al. 2018, *Detecting
    and Correcting for Label Shift with Black Box Predictors*) from one of the concept: under the
    former, what is left over vanishes with the weights, and the rows of each class look as before.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = pd.DataFrame({"x": rng.normal(size=4_000)})
    >>> same = x.assign(y=np.where(x["x"] + rng.normal(size=4_000) > 0, "yes", "no"))
    >>> turned = same.assign(y=same["y"].map({"yes": "no", "no": "yes"}))
    >>> shift = conditional_shift(same[:2_000], same[2_000:], "y", ["x"])
    >>> other = conditional_shift(same[:2_000], turned[2_000:], "y", ["x"])
    >>> shift.p > 0.01, other.p < 0.001
    (True, True)
    """
    rng = np.random.default_rng(seed)
    sides = [_known(each, outcome, rng) for each in (reference, current)]
    rows = (len(sides[0]), len(sides[1]))
    shared = [each for each in features if each in reference and each in current]
    nothing = ConditionalShift(outcome, None, 1.0, None, 1.0, None, 1.0, rows)
    if min(rows) < ENOUGH or not shared:
        return nothing
    table = pd.concat(sides, ignore_index=True)
    recent = np.repeat([False, True], rows)
    inputs = _inputs(sides[0][shared], sides[1][shared])
    values = _alike(table[outcome])
    even = np.ones(len(table))
    if _is_number(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        deviation = float(numbers.std())
        if deviation == 0:
            return nothing
        known = ((numbers - numbers.mean()) / deviation)[:, None]
        shift, p = _moments(known, _foretold(inputs, known[:, 0], even, seed), inputs, recent, even)
        effect = _effect(outcome, shift, "SD")
        return ConditionalShift(outcome, effect, p, effect, p, None, 1.0, rows)
    classes = _classes(values)
    if classes.max() == 0:
        return nothing
    known = np.eye(int(classes.max()) + 1)[classes]
    likely = _foretold(inputs, classes, even, seed)
    shift, p = _moments(known, likely, inputs, recent, even)
    effect = _effect(outcome, shift, "of the rows")
    if p > DOUBTFUL:  # where nothing differs there is nothing that could vanish
        return ConditionalShift(outcome, effect, p, effect, p, None, 1.0, rows)
    weight = _restoring(classes, recent)
    restored = _foretold(inputs, classes, weight, seed)
    shift, adjusted_p = _moments(known, restored, inputs, recent, weight)
    adjusted = _effect(outcome, shift, "of the rows")
    between, within_p = _within(classes, likely, recent)
    within = _effect(outcome, between, "of the rows")
    return ConditionalShift(outcome, effect, p, adjusted, adjusted_p, within, within_p, rows)


def _known(table: pd.DataFrame, outcome: str, rng: np.random.Generator) -> pd.DataFrame:
    """Return the rows whose outcome is known, at most `ROWS` of them."""
    if outcome not in table:
        return table.iloc[:0]
    is_known = table[outcome].notna()
    if pd.api.types.is_float_dtype(table[outcome]):
        numbers = table[outcome].to_numpy(dtype=float, na_value=np.nan)
        is_known &= np.isfinite(numbers)
    known = table[is_known]
    if len(known) <= ROWS:
        return known
    return known.iloc[np.sort(rng.choice(len(known), ROWS, replace=False))]


def _alike(values: pd.Series) -> pd.Series:
    """Return classes that one side has as numbers and the other as booleans as numbers."""
    if values.dtype != object or not all(isinstance(each, (bool, int, float)) for each in values):
        return values
    return values.astype(float)


def _is_number(values: pd.Series) -> bool:
    is_numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return bool(is_numeric and values.nunique() > COMMON)


def _inputs(reference: pd.DataFrame, current: pd.DataFrame) -> Floats:
    """Return numbers as they are, and the rest as the rank of how common a value is.

    Identifiers and counters are left out: by them trees would tell which side a row is from.
    """
    encoding = encoded(reference, current, Roles("", "", "", ""))
    codes = np.where(encoding.codes < 0, np.nan, encoding.codes)
    columns = np.hstack([encoding.values, codes])
    columns = columns[:, np.isfinite(columns).sum(axis=0) >= LEAF]
    return columns if columns.shape[1] else np.zeros((len(columns), 1))


def _classes(values: pd.Series) -> Ints:
    """Number the classes by how common they are, the rarest as one."""
    texts = values.astype(str)
    order = {each: rank for rank, each in enumerate(texts.value_counts().index)}
    numbers: Ints = texts.map(order).clip(upper=COMMON).to_numpy(dtype=np.int64)
    return numbers


def _restoring(classes: Ints, recent: npt.NDArray[np.bool_]) -> Floats:
    """Weigh the current rows so that their classes have the shares of the reference."""
    size = int(classes.max()) + 1
    before, now = (np.bincount(classes[recent == side], minlength=size) for side in (False, True))
    ratio = (before / before.sum()) / np.maximum(now / now.sum(), 1e-12)
    weights: Floats = np.where(recent, np.where(now > 0, ratio, 0.0)[classes], 1.0)
    return weights


def _foretold(inputs: Floats, outcome: Floats | Ints, weight: Floats, seed: int) -> Floats:
    """Return what trees that have not seen a row foretell of it, ``(rows, classes or 1)``.

    Rows are drawn by their weights, since trees take long to bin weighted ones.
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


def _moments(
    known: Floats, told: Floats, inputs: Floats, recent: npt.NDArray[np.bool_], weight: Floats
) -> tuple[tuple[float, float], float]:
    """Return the most telling difference of what is left over, its error, and the p of all."""
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


def _within(
    classes: Ints, likely: Floats, recent: npt.NDArray[np.bool_]
) -> tuple[tuple[float, float], float]:
    """Return by how much rows of one class were likelier to be of it, its error, and the p."""
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


def _effect(outcome: str, shift: tuple[float, float], unit: str) -> Effect:
    value, error = shift
    interval = Interval(value - Z * error, value + Z * error)
    return Effect(f"{outcome} given the features", value, unit, interval)
