"""Whether the same features still mean the same outcome: what is concept and what is not."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.trees import Trees
from aiopslab.findings import Effect, Interval

Floats = npt.NDArray[np.float64]

ROWS = 10_000  # of each side that are used at most
ENOUGH = 200  # on either side, with the outcome known
FOLDS = 4
COMMON = 20  # classes that are kept apart at most; the rarest are one
LEAST_PROBABILITY = 1e-3
RECENT = "is it recent"  # the pseudo-feature; no column of the user's has this name by accident


@dataclass(frozen=True)
class ConditionalShift:
    """Whether an outcome given the features differs between reference and current.

    Parameters
    ----------
    outcome
        The column that is explained.
    gain
        How much better the outcome of a current row is foretold where it is known that it is one:
        nats a row of a class, shares of the variance of a number. ``None`` without enough rows.
    p
        One-sided, that there is no gain; 1 without enough rows.
    adjusted
        The same after the shares of the classes were made those of the reference; ``None`` for a
        number. What vanishes with it is a shift of the labels alone.
    adjusted_p
        One-sided, likewise.
    rows
        Used, of reference and current.
    """

    outcome: str
    gain: Effect | None
    p: float
    adjusted: Effect | None
    adjusted_p: float
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
        Of the subsample and the folds.

    Returns
    -------
    ConditionalShift

    Notes
    -----
    Gradient-boosted trees foretell the outcome of all rows, with and without being told which
    side a row is from, cross-fitted. Where the outcome depends on the features alone, whatever
    their distribution, being told is of no use; so a gain is no covariate shift. The difference of
    the losses over the same current rows gives the interval. Weights that restore the shares of
    the classes tell a shift of the labels (Lipton et al. 2018, *Detecting and Correcting for Label
    Shift with Black Box Predictors*) from one of the concept.

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
        return ConditionalShift(outcome, None, 1.0, None, 1.0, rows)
    table = pd.concat(sides, ignore_index=True)
    recent = np.repeat([0.0, 1.0], rows)
    inputs = _encoded(table[shared])
    told = np.column_stack([inputs, recent])
    values = table[outcome]
    if _is_number(values):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
        losses = [_squared(each, numbers, seed) for each in (inputs, told)]
        gain, p = _gained(outcome, losses, recent, float(numbers.var()), "of the variance")
        return ConditionalShift(outcome, gain, p, None, p, rows)
    classes = _classes(values)
    if classes.max() == 0:
        return ConditionalShift(outcome, None, 1.0, None, 1.0, rows)
    even = np.ones(len(table))
    weights = _restoring(classes, recent)
    found = []
    for weight in (even, weights):
        losses = [_logarithmic(each, classes, weight, seed) for each in (inputs, told)]
        found.append(_gained(outcome, losses, recent, 1.0, "nats", weight))
    (gain, p), (adjusted, adjusted_p) = found
    return ConditionalShift(outcome, gain, p, adjusted, adjusted_p, rows)


def _known(table: pd.DataFrame, outcome: str, rng: np.random.Generator) -> pd.DataFrame:
    """Return the rows whose outcome is known, at most `ROWS` of them."""
    if outcome not in table:
        return table.iloc[:0]
    known = table[table[outcome].notna()]
    if len(known) <= ROWS:
        return known
    return known.iloc[np.sort(rng.choice(len(known), ROWS, replace=False))]


def _is_number(values: pd.Series) -> bool:
    is_numeric = pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)
    return bool(is_numeric and values.nunique() > COMMON)


def _encoded(features: pd.DataFrame) -> Floats:
    """Return numbers as they are, and the rest as the rank of how common a value is."""
    columns = []
    for _, values in features.items():
        if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
            numbers = pd.to_numeric(values).to_numpy(dtype=float, na_value=np.nan)
            columns.append(np.where(np.isfinite(numbers), numbers, np.nan))
        elif pd.api.types.is_datetime64_any_dtype(values):
            continue  # when it was tells which side it is from
        else:
            texts = values.astype(str).where(values.notna())
            order = texts.value_counts().index
            columns.append(texts.map({each: rank for rank, each in enumerate(order)}).to_numpy())
    return np.column_stack(columns).astype(float) if columns else np.zeros((len(features), 1))


def _classes(values: pd.Series) -> npt.NDArray[np.int64]:
    """Number the classes by how common they are, the rarest as one."""
    texts = values.astype(str)
    order = {each: rank for rank, each in enumerate(texts.value_counts().index)}
    numbers: npt.NDArray[np.int64] = texts.map(order).clip(upper=COMMON).to_numpy(dtype=np.int64)
    return numbers


def _restoring(classes: npt.NDArray[np.int64], recent: Floats) -> Floats:
    """Weigh the current rows so that their classes have the shares of the reference."""
    size = int(classes.max()) + 1
    counts = [np.bincount(classes[recent == side], minlength=size) for side in (0, 1)]
    shares = [each / each.sum() for each in counts]
    ratio = np.where(shares[1] > 0, shares[0] / np.maximum(shares[1], 1e-12), 0.0)
    weights: Floats = np.where(recent == 1, ratio[classes], 1.0)
    return weights


def _folds(rows: int, seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).permutation(rows) % FOLDS


def _logarithmic(
    inputs: Floats, classes: npt.NDArray[np.int64], weight: Floats, seed: int
) -> Floats:
    """Return the log loss of each row by a model that has not seen it.

    Rows are drawn by their weights, since trees take long to bin weighted ones.
    """
    loss = np.zeros(len(classes))
    rng = np.random.default_rng(seed)
    for fold, held in _held(len(classes), seed):
        drawn = np.flatnonzero(fold)
        if (weight != 1).any():
            share = weight[fold] / weight[fold].sum()
            drawn = rng.choice(drawn, drawn.size, p=share)
        model = Trees("classifier", seed).fit(inputs[drawn], classes[drawn])
        likely = np.full((int(held.sum()), int(classes.max()) + 1), LEAST_PROBABILITY)
        likely[:, model.classes] = model.predict_proba(inputs[held])
        said = likely[np.arange(len(likely)), classes[held]]
        loss[held] = -np.log(np.maximum(said, LEAST_PROBABILITY))
    return loss


def _squared(inputs: Floats, values: Floats, seed: int) -> Floats:
    loss = np.zeros(len(values))
    for fold, held in _held(len(values), seed):
        model = Trees("regressor", seed).fit(inputs[fold], values[fold])
        loss[held] = (values[held] - model.predict(inputs[held])) ** 2
    return loss


def _held(rows: int, seed: int) -> list[tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]]:
    number = _folds(rows, seed)
    return [(number != each, number == each) for each in range(FOLDS)]


def _gained(
    outcome: str,
    losses: list[Floats],
    recent: Floats,
    unit: float,
    name: str,
    weight: Floats | None = None,
) -> tuple[Effect, float]:
    """Return what being told is worth to a current row, and how likely no gain would do so."""
    from scipy import stats

    is_recent = recent == 1
    weights = np.ones(int(is_recent.sum())) if weight is None else weight[is_recent]
    gains = (losses[0] - losses[1])[is_recent] / max(unit, 1e-12)
    share = weights / max(float(weights.sum()), 1e-12)
    mean = float(share @ gains)
    error = float(np.sqrt((share**2) @ (gains - mean) ** 2))
    half = 1.96 * error
    p = float(stats.norm.sf(mean / error)) if error > 0 else float(mean <= 0)
    effect = Effect(f"{outcome} given the features", mean, name, Interval(mean - half, mean + half))
    return effect, p
