"""Whether the same features still mean the same outcome: what is concept and what is not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.encoding import encoded
from aiopslab.drift.moments import foretold, moments, within
from aiopslab.drift.observations import Roles
from aiopslab.findings import Effect, Interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ROWS = 10_000  # of each side that are used at most
ENOUGH = 200  # on either side, with the outcome known
COMMON = 12  # classes that are kept apart at most; the rarest are one
DOUBTFUL = 0.05  # p above which nothing differs
RARER = 10.0  # times, a kind of row may be on one side; of rarer ones only the other side tells
NEARLY_ALL = 0.95  # of the rows: to leave the rest out changes little
LEAF = 20  # known values of a feature, from which trees can split it
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
        number, or where nothing was restored, is `shift`. What vanishes with it is a shift of the
        labels alone.
    adjusted_p
        Likewise.
    within
        The largest difference, between the rows of one class now and before, in how likely that
        class was by their features. Where only the labels shifted there is none. ``None`` for a
        number, or where nothing was adjusted.
    within_p
        That there is none.
    rows
        Used, of reference and current, and of a kind that both have.
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
    restoring: bool = True,
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
    restoring
        Whether, where something differs, to ask the same with the shares of the classes restored,
        which takes as long again.

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

    Where something differs, rows of a kind that hardly occurs on one side are left out, since what
    they mean there is guessed and not seen (Crump et al. 2009, *Dealing with limited overlap in
    estimation of average treatment effects*).

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
    if min(rows) < ENOUGH or not shared:
        return _untold(outcome, rows)
    values = _alike(pd.concat(sides, ignore_index=True)[outcome])
    recent = np.repeat([False, True], rows)
    inputs = _inputs(sides[0][shared], sides[1][shared])
    found, likely = _compared(values, inputs, recent, seed)
    if found.p > DOUBTFUL:
        return found
    common = _common(inputs, recent, seed)
    if common.mean() <= NEARLY_ALL:
        rows = int((common & ~recent).sum()), int((common & recent).sum())
        if min(rows) < ENOUGH:
            return _untold(outcome, rows)
        values, inputs, recent = values[common], inputs[common], recent[common]
        found, likely = _compared(values, inputs, recent, seed)
    # Where nothing differs there is nothing that could vanish.
    if likely is None or found.p > DOUBTFUL or not restoring:
        return found
    return _restored(found, _classes(values), likely, inputs, recent, seed)


def _untold(outcome: str, rows: tuple[int, int]) -> ConditionalShift:
    return ConditionalShift(outcome, None, 1.0, None, 1.0, None, 1.0, rows)


def _common(inputs: Floats, recent: npt.NDArray[np.bool_], seed: int) -> npt.NDArray[np.bool_]:
    """Tell which rows are of a kind that both sides have."""
    share = recent.mean()
    likely = foretold(inputs, recent.astype(np.int64), np.ones(len(recent)), seed)[:, 1]
    odds = likely / np.maximum(1 - likely, 1e-12) * (1 - share) / share
    return np.asarray((odds < RARER) & (odds > 1 / RARER))


def _compared(
    values: pd.Series, inputs: Floats, recent: npt.NDArray[np.bool_], seed: int
) -> tuple[ConditionalShift, Floats | None]:
    """Return what differs, and how likely each class was, where there are classes."""
    outcome = str(values.name)
    rows = int((~recent).sum()), int(recent.sum())
    even = np.ones(len(values))
    if _is_number(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        deviation = float(numbers.std())
        if deviation == 0:
            return _untold(outcome, rows), None
        known = ((numbers - numbers.mean()) / deviation)[:, None]
        shift, p = moments(known, foretold(inputs, known[:, 0], even, seed), inputs, recent, even)
        effect = _effect(outcome, shift, "SD")
        return ConditionalShift(outcome, effect, p, effect, p, None, 1.0, rows), None
    classes = _classes(values)
    if classes.max() == 0:
        return _untold(outcome, rows), None
    known = np.eye(int(classes.max()) + 1)[classes]
    likely = foretold(inputs, classes, even, seed)
    shift, p = moments(known, likely, inputs, recent, even)
    effect = _effect(outcome, shift, "of the rows")
    return ConditionalShift(outcome, effect, p, effect, p, None, 1.0, rows), likely


def _restored(
    found: ConditionalShift,
    classes: Ints,
    likely: Floats,
    inputs: Floats,
    recent: npt.NDArray[np.bool_],
    seed: int,
) -> ConditionalShift:
    """Return the same with what is left of it once the classes have the shares of the reference."""
    weight = _restoring(classes, recent)
    known = np.eye(int(classes.max()) + 1)[classes]
    again = foretold(inputs, classes, weight, seed)
    shift, p = moments(known, again, inputs, recent, weight)
    between, within_p = within(classes, likely, recent)
    return replace(
        found,
        adjusted=_effect(found.outcome, shift, "of the rows"),
        adjusted_p=p,
        within=_effect(found.outcome, between, "of the rows"),
        within_p=within_p,
    )


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


def _effect(outcome: str, shift: tuple[float, float], unit: str) -> Effect:
    value, error = shift
    interval = Interval(value - Z * error, value + Z * error)
    return Effect(f"{outcome} given the features", value, unit, interval)
