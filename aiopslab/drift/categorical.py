"""The profile of a column of categories: how often each is there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.numeric import joined_dtypes

KEPT = 1 << 17  # categories, the most frequent ones; up to so many every count is exact
TRUTHS = {"true": "True", "1": "True", "1.0": "True", "false": "False", "0": "False"}
TRUTHS |= {"0.0": "False"}


@dataclass(frozen=True, eq=False)
class Categorical:
    """What is kept of a column of categories or truth values.

    Parameters
    ----------
    kind
        ``categorical`` or ``boolean``.
    dtype
        As it was found; of several parts all that were found.
    rows, missing
        How many rows there are, and how many of them hold nothing. Empty text is a category.
    labels, counts
        The categories, the most frequent first, and how often each is there.
    others
        Rows whose category was not kept.
    error
        No count is more than this below the truth; 0 where all categories were kept.

    Notes
    -----
    Of more than 131,072 categories the most frequent are kept at every addition, and ``error``
    grows by the largest count that was let go.
    """

    kind: Literal["categorical", "boolean"]
    dtype: str
    rows: int
    missing: int
    labels: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    others: int
    error: int

    def __add__(self, other: "Categorical") -> "Categorical":
        """Return the profile of both parts together."""
        merged = dict(zip(self.labels, self.counts.tolist(), strict=True))
        for name, count in zip(other.labels, other.counts.tolist(), strict=True):
            merged[name] = merged.get(name, 0) + count
        labels, counts, dropped, largest = kept_most(merged)
        return replace(
            self,
            dtype=joined_dtypes(self.dtype, other.dtype),
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            labels=labels,
            counts=counts,
            others=self.others + other.others + dropped,
            error=self.error + other.error + largest,
        )

    @property
    def distinct(self) -> int:
        """How many categories there are; at least so many where not all were kept."""
        return len(self.labels)


def categorical_profile(
    series: pd.Series, kind: Literal["categorical", "boolean"] = "categorical"
) -> Categorical:
    """Profile a column of categories.

    Parameters
    ----------
    series
        Of any dtype; values are told apart by how they read, so that ``1``, ``1.0`` and ``"1"``
        are one category.
    kind
        Of truth values, 1 and "true" are ``True``.

    Examples
    --------
    >>> part = categorical_profile(pd.Series(["a", "b", "a", None]))
    >>> part.labels, part.counts.tolist(), part.missing
    (('a', 'b'), [2, 1], 1)
    """
    found: dict[str, int] = {}
    for value, count in _counted(series):
        name = _name(value)
        if kind == "boolean":
            name = TRUTHS.get(name.lower(), name)
        found[name] = found.get(name, 0) + count
    labels, counts, dropped, largest = kept_most(found)
    return Categorical(
        kind=kind,
        dtype=str(series.dtype),
        rows=len(series),
        missing=len(series) - int(counts.sum()) - dropped,
        labels=labels,
        counts=counts,
        others=dropped,
        error=largest,
    )


def counts_of(part: Categorical, labels: Iterable[str]) -> npt.NDArray[np.int64]:
    """Return how often each of the labels is in a part.

    Examples
    --------
    >>> counts_of(categorical_profile(pd.Series(["a", "a"])), ["b", "a"]).tolist()
    [0, 2]
    """
    known = dict(zip(part.labels, part.counts.tolist(), strict=True))
    return np.array([known.get(name, 0) for name in labels], np.int64)


def _counted(series: pd.Series) -> list[tuple[Any, int]]:
    """Return each distinct value that is there with its count."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not isinstance(series.dtype, pd.CategoricalDtype | pd.DatetimeTZDtype):
        try:
            counted = pc.value_counts(pa.array(series, from_pandas=True))
        except (pa.ArrowException, TypeError, OverflowError, ValueError):
            pass  # objects of mixed types, or of types that it does not know
        else:
            values, counts = (counted.field(each).to_pylist() for each in (0, 1))
            return [
                (value, count)
                for value, count in zip(values, counts, strict=True)
                if value is not None
            ]
    there = series.dropna()
    try:
        table = there.value_counts(sort=False)
    except TypeError:  # cells that cannot be hashed
        table = there.map(str).value_counts(sort=False)
    return [(value, int(count)) for value, count in table.items() if count]


def _name(value: Any) -> str:
    """Return how a category reads: a number that is whole, without its fraction."""
    if isinstance(value, str):
        return value
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def kept_most(found: Mapping[str, int]) -> tuple[tuple[str, ...], npt.NDArray[np.int64], int, int]:
    """Return the most frequent, their counts, the rows of the rest and the largest of the rest."""
    order = sorted(found.items(), key=lambda each: (-each[1], each[0]))
    rest = order[KEPT:]
    return (
        tuple(name for name, _ in order[:KEPT]),
        np.array([count for _, count in order[:KEPT]], np.int64),
        sum(count for _, count in rest),
        rest[0][1] if rest else 0,
    )
