"""Breaks of data quality: what changed in the data and not in the world that they describe."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.observations import Roles
from aiopslab.drift.units import unit_change
from aiopslab.findings import Interval

Floats = npt.NDArray[np.float64]
Kind = Literal[
    "column is missing",
    "column is new",
    "type changed",
    "missing values",
    "infinite values",
    "one value surged",
    "stuck at one value",
    "unit changed",
    "new category",
    "duplicate rows",
    "order leaks",
]

NOTABLE = 0.01  # share of the rows that a break concerns at least, with 95 % confidence
ENOUGH = 30  # values on either side to compare a unit, or an order
ORDERED = 0.99  # rank correlation with the order of the rows


@dataclass(frozen=True)
class Break:
    """One break of data quality.

    Parameters
    ----------
    feature
        The column; empty for whole rows.
    kind
        What kind of break.
    before, after
        Shares of the rows that it concerns, or numbers that say it, in reference and current.
    interval
        Of the difference after - before, at 95 %; ``None`` where the break is not one of shares.
    words
        What happened, in a sentence.
    """

    feature: str
    kind: Kind
    before: float
    after: float
    interval: Interval | None
    words: str


def quality_breaks(
    reference: pd.DataFrame, current: pd.DataFrame, roles: Roles | None = None
) -> tuple[Break, ...]:
    """Find breaks of data quality between a reference and current observations.

    Parameters
    ----------
    reference, current
        Observations, see `aiopslab.drift.observations.read_observations`.
    roles
        Which column is what; the usual names where ``None``.

    Returns
    -------
    tuple of Break
        Whole columns first, then by how many rows are concerned.

    Notes
    -----
    Shares differ where the interval of their difference (Newcombe 1998, method 10) lies above 1 %.
    For units see `aiopslab.drift.units.unit_change`.

    Examples
    --------
    >>> before = pd.DataFrame({"weight": np.random.default_rng(0).normal(70, 9, 200)})
    >>> for each in quality_breaks(before, before * 2.2046):
    ...     print(each.words)
    weight is 2.205 times what it was: a change of unit
    """
    named = roles or Roles()
    features = named.features(reference)
    breaks = list(_of_schema(reference, current, features, named.features(current)))
    broken = {each.feature for each in breaks}
    for feature in features:
        if feature in current and feature not in broken:
            breaks += _of_values(feature, reference[feature], current[feature])
    breaks += _of_rows(reference[features], current)
    return tuple(sorted(breaks, key=lambda each: (each.interval is not None, -each.after)))


def _of_schema(
    reference: pd.DataFrame, current: pd.DataFrame, old: list[str], new: list[str]
) -> Iterator[Break]:
    for each in old:
        if each not in current:
            yield Break(each, "column is missing", 1.0, 0.0, None, f"{each} is no longer there")
            continue
        was, now = _type(reference[each]), _type(current[each])
        if was != now and "empty" not in (was, now):
            yield Break(each, "type changed", 0.0, 1.0, None, f"{each} was {was} and is {now}")
    for each in new:
        if each not in reference:
            yield Break(each, "column is new", 0.0, 1.0, None, f"{each} was not there before")


def _type(values: pd.Series) -> str:
    """Return what the values are, by what they hold rather than by how they are stored."""
    seen = values.dropna()
    if seen.empty:
        return "empty"
    if pd.api.types.is_bool_dtype(seen):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(seen):
        return "a time"
    if pd.api.types.is_numeric_dtype(seen):
        return "a number"
    kinds = {_kind_of(each) for each in seen.sample(min(len(seen), 1_000), random_state=0)}
    return kinds.pop() if len(kinds) == 1 else "of mixed types"


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "a number"
    if isinstance(value, list | tuple | np.ndarray):
        return "a vector"  # which one file gives as a list and another as an array
    return "text" if isinstance(value, str) else type(value).__name__


def _of_values(feature: str, old: pd.Series, new: pd.Series) -> Iterator[Break]:
    yield from _surge(feature, "missing values", old.isna(), new.isna(), "{} is missing")
    type_now = _type(new)
    if type_now == "a number" and _type(old) == "a number":
        yield from _of_numbers(feature, _numbers(old), _numbers(new))
    elif type_now == "text":
        known, texts = set(old.dropna().astype(str).unique()), new.dropna().astype(str)
        unseen = ~texts.isin(known)
        if len(known) < max(ENOUGH, len(old) // 20):  # else it is free text, of which all is new
            names = texts[unseen].value_counts().head(3).index
            yield from _surge(
                feature,
                "new category",
                pd.Series(False, old.index),
                unseen,
                "{} " + f"has a new category, {', '.join(map(repr, names))},",
            )


def _of_numbers(feature: str, old: Floats, new: Floats) -> Iterator[Break]:
    yield from _surge(feature, "infinite values", np.isinf(old), np.isinf(new), "{} is infinite")
    old, new = old[np.isfinite(old)], new[np.isfinite(new)]
    if min(len(old), len(new)) < ENOUGH:
        return
    values, counts = np.unique(new, return_counts=True)
    common = float(values[counts.argmax()])
    # What only ever rose, as years do, and stays at its last value is a calendar.
    is_calendar = common >= old[-1] and bool((np.diff(old) >= 0).all())
    if len(values) == 1 and np.ptp(old) > 0 and not is_calendar:
        share = float((old == common).mean())
        words = f"{feature} is stuck at {common:g}"
        yield Break(feature, "stuck at one value", share, 1.0, None, words)
        return
    changed = unit_change(old, new)
    if changed:
        yield Break(feature, "unit changed", 1.0, changed[0], None, f"{feature} is {changed[1]}")
        return
    # Of a number that hardly ever repeats itself, one value that does stands for something else,
    # unless it was one of those that did before, such as the limit of an instrument.
    if np.unique(old).size > len(old) / 20 and (old == common).mean() < NOTABLE:
        at = f"{common:g}"
        yield from _surge(
            feature, "one value surged", old == common, new == common, "{} is " + f"exactly {at}"
        )


def _of_rows(reference: pd.DataFrame, current: pd.DataFrame) -> Iterator[Break]:
    shared = [each for each in reference.columns if each in current]
    if not shared or len(current) < ENOUGH:
        return
    old, new = (_hashable(table[shared]).duplicated() for table in (reference, current))
    yield from _surge(
        "", "duplicate rows", _as_many(old, new), new, "a row repeats another", of="of the rows"
    )
    for each in shared:
        if _type(current[each]) == "a number":
            before, after = (_order(table[each]) for table in (reference, current))
            if after >= ORDERED:
                since = "" if before >= ORDERED else ", and did not before"
                words = f"{each} counts the rows up{since}: it says when, not what"
                yield Break(each, "order leaks", before, after, None, words)


def _hashable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with cells that cannot be compared, such as embeddings, as text."""
    texts = {str(each): table[each].astype(str) for each in table if table[each].dtype == object}
    return table.assign(**texts)


def _as_many(old: Any, new: Any) -> Any:
    """Return as many repeats as the reference would have with as many rows as now, at most.

    Among few possible rows some are alike by chance, the more of them the more rows there are.
    """
    grown = int(old.sum() * max(1.0, len(new) / len(old)))
    return np.arange(len(old)) < grown


def _order(values: pd.Series) -> float:
    """Return the rank correlation with the order of the rows; 0 with too few or equal values."""
    numbers = _numbers(values)
    numbers = numbers[np.isfinite(numbers)]
    if len(numbers) < ENOUGH or np.unique(numbers).size < len(numbers) / 2:
        return 0.0
    ranks = pd.Series(numbers).rank().to_numpy()
    return float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1])


def _numbers(values: pd.Series) -> Floats:
    numbers: Floats = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return numbers


def _surge(
    feature: str, kind: Kind, old: Any, new: Any, words: str, of: str = "of its values"
) -> Iterator[Break]:
    """Yield a break where the share of something rose by more than is negligible."""
    old, new = np.asarray(old, dtype=bool), np.asarray(new, dtype=bool)
    if not len(old) or not len(new):
        return
    before, after = float(old.mean()), float(new.mean())
    low, high = _difference(before, len(old), after, len(new))
    if low > NOTABLE:
        told = words.format(feature).strip()
        told += f" in {100 * after:.3g} % {of}, {100 * before:.2g} % before"
        yield Break(feature, kind, before, after, Interval(low, high), told)


def _difference(before: float, old: int, after: float, new: int) -> tuple[float, float]:
    """Return the 95 % interval of after - before."""
    from statsmodels.stats.proportion import confint_proportions_2indep

    counts = round(after * new), new, round(before * old), old
    low, high = confint_proportions_2indep(*counts, method="newcomb")
    return float(low), float(high)
