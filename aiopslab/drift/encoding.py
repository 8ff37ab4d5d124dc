"""Features of two samples as numbers, made without a look at which sample a row is of."""

import re
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.kinds import HARDLY_REPEAT, Kind, kind_of, some_of
from aiopslab.drift.observations import Roles

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int32]

FEW = 20  # rows or values, of which nothing can be said about repeats and order

_DATE = re.compile(r"\s*\d{4}-\d{2}(-\d{2})?([T ]\d{2}:\d{2}.*)?\s*$")
_CALENDAR = re.compile(r"(^|[_\W])(yr|year|quarter|month|week|date|time|epoch|ts)($|[_\W])", re.I)
_ID = re.compile(r"(^|[_\W])(id|uuid|guid|key|index|rownum)($|[_\W])|[a-z]I[dD]$", re.IGNORECASE)


@dataclass(frozen=True)
class Encoding:
    """Features of the reference rows and, below them, of the current ones.

    Parameters
    ----------
    numeric, values
        Names of the features that are numbers or truth values (0 and 1), and their matrix, one
        row an observation; NaN is missing. An infinite value is the greatest finite one.
    categorical, codes, categories
        Names of the others, a matrix of the places of their values among `categories` (most
        frequent of both samples first), where -1 is missing.
    booleans
        Those of `numeric` that are truth values.
    reference_rows
        How many of the rows are of the reference.
    left_out
        Features that tell the samples apart without any drift, or are compared by other means,
        with the reason.
    texts, embeddings
        Names of those that hold text, and vectors.
    """

    numeric: tuple[str, ...]
    values: Floats
    booleans: frozenset[str]
    categorical: tuple[str, ...]
    codes: Codes
    categories: tuple[tuple[str, ...], ...]
    reference_rows: int
    left_out: dict[str, str]
    texts: tuple[str, ...]
    embeddings: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of what is encoded, the numbers first."""
        return self.numeric + self.categorical

    @property
    def is_current(self) -> npt.NDArray[np.bool_]:
        """Whether a row is of the current sample."""
        return np.arange(len(self.values)) >= self.reference_rows


def sampled(frame: pd.DataFrame, most: int, generator: np.random.Generator) -> pd.DataFrame:
    """Return at most so many rows, drawn at random, in the order that they had."""
    if len(frame) <= most:
        return frame
    return frame.iloc[np.sort(generator.choice(len(frame), most, replace=False))]


def encoded(reference: pd.DataFrame, current: pd.DataFrame, roles: Roles) -> Encoding:
    """Encode the features that both samples have.

    Parameters
    ----------
    reference, current
        One row an observation, in the order that they came in.
    roles
        Which column is what.

    Returns
    -------
    Encoding
        Numbers that came as strings on one side are read as numbers. What an encoding knows of
        a value (its code, its frequency) comes from both samples alike, so that it gives nothing
        away. Identifiers, times, text and embeddings are left out.

    Examples
    --------
    >>> frame = pd.DataFrame({"timestamp": ["2026-03-01"], "age": [30], "land": ["FR"]})
    >>> encoding = encoded(frame, frame.assign(age="31", land=None), Roles())
    >>> encoding.features, encoding.values.ravel().tolist(), encoding.codes.ravel().tolist()
    (('age', 'land'), [30.0, 31.0], [0, -1])
    """
    numbers: dict[str, Floats] = {}
    factors: dict[str, tuple[Codes, tuple[str, ...]]] = {}
    booleans, left_out = set(), {}
    apart: dict[Kind, list[str]] = {"text": [], "embedding": []}
    there = {str(each): each for each in current.columns}
    for column in reference.columns:
        name = str(column)
        if name not in roles.features(reference) or name not in there:
            continue
        sides = reference[column], current[there[name]]
        kind = _joint_kind(*sides)
        if kind in _WHY:
            left_out[name] = _WHY[kind]
            apart.setdefault(kind, []).append(name)
            continue
        if not any(each.notna().any() for each in sides):
            left_out[name] = "no value at all"
            continue
        if kind == "categorical":
            codes, categories = _factorized(*sides)
            left_out |= _why_not_factor(name, codes, categories)
            factors[name] = codes, categories
        else:
            numbers[name] = _finite(np.concatenate([_numbers(each) for each in sides]))
            left_out |= _why_not_numbers(name, numbers[name], len(reference))
            booleans |= {name} if kind == "boolean" else set()
    numeric = tuple(each for each in numbers if each not in left_out)
    categorical = tuple(each for each in factors if each not in left_out)
    rows = len(reference) + len(current)
    return Encoding(
        numeric,
        np.column_stack([np.empty((rows, 0)), *(numbers[each] for each in numeric)]),
        frozenset(booleans),
        categorical,
        np.column_stack(
            [np.empty((rows, 0), dtype=np.int32), *(factors[each][0] for each in categorical)]
        ),
        tuple(factors[each][1] for each in categorical),
        len(reference),
        left_out,
        tuple(apart["text"]),
        tuple(apart["embedding"]),
    )


_WHY: dict[Kind, str] = {
    "datetime": "a time, which tells the samples apart by itself",
    "text": "text, compared by its words",
    "embedding": "an embedding, compared as a whole",
}


def _joint_kind(reference: pd.Series, current: pd.Series) -> Kind:
    """Return what the reference holds; the current rows count where it holds nothing."""
    series = reference if reference.notna().any() else current
    kind = kind_of(series)
    if kind == "categorical" and all(_is_a_date(each) for each in some_of(series)):
        return "datetime" if series.notna().any() else kind
    return kind


def _is_a_date(cell: object) -> bool:
    return isinstance(cell, pd.Period) or (isinstance(cell, str) and bool(_DATE.match(cell)))


def _numbers(series: pd.Series) -> Floats:
    """Return numbers, and NaN for what is none; durations in seconds."""
    if pd.api.types.is_timedelta64_dtype(series.dtype):
        series = series.dt.total_seconds()
    if not pd.api.types.is_numeric_dtype(series.dtype):
        series = pd.to_numeric(series.astype(object).map(_plain), errors="coerce")
    return np.asarray(series.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def _plain(cell: object) -> object:
    """Return a cell that can be read as a number, else nothing."""
    if isinstance(cell, str) and cell.strip().lower() in {"true", "false"}:
        return float(cell.strip().lower() == "true")
    return cell if isinstance(cell, (str, int, float, np.number, np.bool_)) else None


def _finite(values: Floats) -> Floats:
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return np.where(np.isinf(values), np.sign(values), values)
    return np.clip(values, finite.min(), finite.max())


def _factorized(reference: pd.Series, current: pd.Series) -> tuple[Codes, tuple[str, ...]]:
    """Return codes of both, and the categories, most frequent first."""
    cells = pd.concat([reference.astype(object), current.astype(object)], ignore_index=True)
    try:
        codes, distinct = pd.factorize(cells)
    except TypeError:  # a cell that cannot be hashed
        codes, distinct = pd.factorize(cells.map(str, na_action="ignore"))
    names = [_named(each) for each in distinct]
    merged, categories = pd.factorize(pd.Series(names, dtype=object))  # 1 and "1" are one
    codes = np.where(codes < 0, -1, merged[codes] if len(merged) else -1)
    counts = np.bincount(codes[codes >= 0], minlength=len(categories))
    order = sorted(range(len(categories)), key=lambda each: (-counts[each], categories[each]))
    places = np.empty(len(categories) + 1, dtype=np.int32)
    places[order] = np.arange(len(categories))
    places[-1] = -1
    return places[codes], tuple(str(categories[each]) for each in order)


def _named(value: Hashable) -> str:
    """Return the same name for 1, 1.0 and "1"."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _why_not_factor(name: str, codes: Codes, categories: tuple[str, ...]) -> dict[str, str]:
    known = int((codes >= 0).sum())
    if len(categories) == 1 and known == len(codes):
        return {name: "one value only"}
    if known > FEW and len(categories) > HARDLY_REPEAT * known:
        return {name: "an identifier: hardly a value comes twice"}
    return {}


def _why_not_numbers(name: str, values: Floats, reference_rows: int) -> dict[str, str]:
    known = values[~np.isnan(values)]
    if len(known) == len(values) and len(known) and (known == known[0]).all():
        return {name: "one value only"}
    if len(known) <= FEW:
        return {}
    sides = values[:reference_rows], values[reference_rows:]
    rising = all(len(each) > FEW and bool((np.diff(each) >= 0).all()) for each in sides)
    ordered = np.sort(known)
    distinct = 1 + int((np.diff(ordered) > 0).sum())
    if rising and (distinct > FEW or _CALENDAR.search(name)):
        return {name: "a clock or counter: it only ever rises from row to row"}
    whole = bool((known == np.round(known)).all())
    if not whole or distinct < len(known):
        return {}
    fills_its_range = ordered[-1] - ordered[0] < 2 * len(known)
    if fills_its_range or _ID.search(name):
        return {name: "an identifier: whole numbers that never come twice"}
    return {}
