"""Conditions on features: what a segment is made of, and which rows meet it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from aiopslab.drift.encoding import Encoding

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Bins = npt.NDArray[np.intp]

PARTS = 64  # of a number, by quantiles: conditions are then true to 2 % of the rows
VALUES = 30  # most frequent categories that a condition may name; fewer than the parts
MISSING = PARTS  # the bin of a missing value, of numbers and of categories alike
OTHER = MISSING + 1  # the bin of categories that no condition names
WIDTH = OTHER + 1  # bins of every feature


@dataclass(frozen=True)
class Condition:
    """What a row has to meet in one feature.

    Parameters
    ----------
    feature
        Its name.
    low, high
        Of a number: above `low`, up to and with `high`; infinite where there is no bound.
    values
        Of a category: one of these.
    is_missing
        The value is missing; neither bounds nor values then hold.
    is_truth
        The number is a truth value, 0 or 1.

    Examples
    --------
    >>> print(Condition("age", high=25))
    age ≤ 25
    >>> print(Condition("country", values=("FR", "BE")))
    country is one of FR, BE
    """

    feature: str
    low: float = -np.inf
    high: float = np.inf
    values: tuple[str, ...] = ()
    is_missing: bool = False
    is_truth: bool = False

    def __str__(self) -> str:
        if self.is_missing:
            return f"{self.feature} is missing"
        if self.values:
            listed = ", ".join(self.values)
            return f"{self.feature} {'is one of' if len(self.values) > 1 else '='} {listed}"
        if self.is_truth:
            return f"{self.feature} is {'true' if self.high == np.inf else 'false'}"
        if self.low == -np.inf:
            return f"{self.feature} ≤ {self.high:,.6g}"
        if self.high == np.inf:
            return f"{self.feature} > {self.low:,.6g}"
        return f"{self.low:,.6g} < {self.feature} ≤ {self.high:,.6g}"

    def met(self, encoding: Encoding) -> Booleans:
        """Return which rows meet it."""
        if self.feature in encoding.numeric:
            numbers = encoding.values[:, encoding.numeric.index(self.feature)]
            if self.is_missing:
                return np.isnan(numbers)
            return np.asarray((numbers > self.low) & (numbers <= self.high), dtype=np.bool_)
        place = encoding.categorical.index(self.feature)
        codes = encoding.codes[:, place]
        if self.is_missing:
            return codes < 0
        known = encoding.categories[place]
        return np.isin(codes, [known.index(each) for each in self.values])


Conditions = tuple[Condition, ...]


def met(conditions: Conditions, encoding: Encoding) -> Booleans:
    """Return which rows meet all of them."""
    return reduce(np.logical_and, (each.met(encoding) for each in conditions))


def words(conditions: Sequence[Condition]) -> str:
    """Return conditions as a reader would say them.

    Examples
    --------
    >>> words([Condition("age", high=25), Condition("country", values=("FR",))])
    'age ≤ 25 and country = FR'
    """
    return " and ".join(map(str, conditions))


@dataclass(frozen=True)
class Grid:
    """Every feature cut into bins, from which conditions are put together.

    Parameters
    ----------
    encoding
        What was cut.
    bins
        The bin of every row and feature, numbers first, less than `WIDTH`.
    edges
        Of each numeric feature, ascending: bin i is above edge i - 1, up to and with edge i.
    """

    encoding: Encoding
    bins: Bins
    edges: tuple[Floats, ...]

    def meeting(self, conditions: Conditions, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Return those of the rows that meet conditions made by this grid."""
        for each in conditions:
            feature = self.encoding.features.index(each.feature)
            rows = rows[self._allowed(each, feature)[self.bins[rows, feature]]]
        return rows

    def _allowed(self, condition: Condition, feature: int) -> Booleans:
        """Return which bins of the feature meet the condition."""
        allowed = np.zeros(WIDTH, dtype=np.bool_)
        if condition.is_missing:
            allowed[MISSING] = True
        elif feature < len(self.edges):
            uppers = np.append(self.edges[feature], np.inf)
            allowed[: len(uppers)] = (uppers > condition.low) & (uppers <= condition.high)
        else:
            known = self.encoding.categories[feature - len(self.edges)]
            allowed[[known.index(each) for each in condition.values]] = True
        return allowed

    def interval(self, feature: int, first: int, last: int) -> Condition:
        """Return the condition of a number to lie in the bins from `first` to `last`."""
        name = self.encoding.numeric[feature]
        edges = self.edges[feature]
        low = float(edges[first - 1]) if first > 0 else -np.inf
        high = float(edges[last]) if last < len(edges) else np.inf
        return Condition(name, low, high, is_truth=name in self.encoding.booleans)

    def one_of(self, feature: int, bins: Sequence[int]) -> Condition:
        """Return the condition of a category to be one of those of the bins."""
        place = feature - len(self.encoding.numeric)
        values = [self.encoding.categories[place][each] for each in sorted(bins)]
        return Condition(self.encoding.categorical[place], values=tuple(values))

    def missing(self, feature: int) -> Condition:
        """Return the condition of a feature to be missing."""
        return Condition(self.encoding.features[feature], is_missing=True)


def cut(encoding: Encoding, rows: Booleans) -> Grid:
    """Cut every feature into bins by what the given rows hold.

    Parameters
    ----------
    encoding
        Of both samples.
    rows
        That quantiles and frequencies are taken from; both samples weigh the same.

    Returns
    -------
    Grid
        Of all rows. Numbers are cut at quantiles, rounded as far as that keeps them apart; of
        categories the most frequent are told apart.
    """
    is_current = encoding.is_current
    sides = [np.flatnonzero(rows & side) for side in (~is_current, is_current)]
    least = min(map(len, sides))
    even = np.concatenate(
        [each[np.linspace(0, len(each) - 1, least).astype(int)] for each in sides]
    )
    edges, columns = [], []
    for values in encoding.values.T:
        known = values[even][~np.isnan(values[even])]
        edges.append(_edges(known))
        part = np.searchsorted(edges[-1], values, "left")  # NaN sorts last, and is set below
        columns.append(np.where(np.isnan(values), MISSING, part))
    for codes in encoding.codes.T:
        named = np.where(codes < VALUES, codes, OTHER)
        columns.append(np.where(codes < 0, MISSING, named))
    bins = np.column_stack([np.empty((len(is_current), 0)), *columns]).astype(np.intp)
    return Grid(encoding, bins, tuple(edges))


def _edges(known: Floats) -> Floats:
    """Return edges between the parts; none where all values are one."""
    distinct = np.unique(known)
    if len(distinct) < 2:
        return np.empty(0)
    if len(distinct) <= PARTS:
        return distinct[:-1]
    quantiles = np.quantile(known, np.arange(1, PARTS) / PARTS, method="inverted_cdf")
    apart = np.unique(quantiles[quantiles < distinct[-1]])
    step = np.diff(apart).min() if len(apart) > 1 else np.ptp(known)
    digits = int(np.clip(1 - np.floor(np.log10(step)), -300, 300)) if step > 0 else 0
    return np.unique(np.round(apart, digits))
