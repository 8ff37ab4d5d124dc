"""Bins that reference and current share, and the scores by which a move shows.

A feature of any kind becomes a number from 0 to some thirty for each row. Windows are then counts,
which add up, and everything that follows works on counts: it costs the same for a million rows.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.kinds import kind_of

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.uint8]

SAMPLE = 100_000  # values that quantiles are read from
QUANTILES = np.array([0.001, 0.01, *np.arange(1, 16) / 16, 0.99, 0.999])
BEYOND = np.array([1.0, 2.0, 4.0, 8.0, 16.0])  # reference SDs outside of them; farther is the same
CATEGORIES = 20  # that are told apart; the others are one
EXPECTED = 5.0  # rows of a category in a window, from which its count is near enough to normal
LEAST_ROWS = 50  # a window is never taken for smaller, lest that floor fill it
DEGREE = 3  # of the polynomial of ranks: place, spread, skewness
WASSERSTEIN = "Wasserstein, reference SD"
VARIATION = "total variation"


@dataclass(frozen=True)
class Bins:
    """A feature on bins of its reference.

    Parameters
    ----------
    feature
        Its name.
    measure
        Of its effects: Wasserstein distance in reference SDs, or total variation.
    reference, current
        The bin of each row; the last bin is for missing values.
    scores
        ``(bins, scores)``, orthonormal in the reference: each has mean 0 and variance 1 there.
    widths
        Of the axis that the distribution at each bin's upper edge stands for, in reference SDs;
        empty for categories.
    """

    feature: str
    measure: str
    reference: Codes
    current: Codes
    scores: Floats
    widths: Floats

    @property
    def missing(self) -> int:
        """The bin of missing values."""
        return len(self.scores) - 1

    def effects(self, counts: Floats, expected: Floats) -> Floats:
        """Return how far counts lie from the shares expected of them, noise included.

        Parameters
        ----------
        counts, expected
            ``(windows, bins)``.
        """
        if not self.widths.size:
            shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
            variation: Floats = 0.5 * np.abs(shares - expected).sum(axis=1)
            return variation
        # What is missing has no place on the axis: distance is that of the values there are.
        known, hoped = counts[:, :-1], expected[:, :-1]
        known = known / np.maximum(known.sum(axis=1, keepdims=True), 1)
        hoped = hoped / np.maximum(hoped.sum(axis=1, keepdims=True), 1e-12)
        apart: Floats = np.abs((known - hoped).cumsum(axis=1)) @ self.widths
        return np.where(counts[:, :-1].sum(axis=1) > 0, apart, np.nan)


def bin_feature(reference: pd.Series, current: pd.Series, rows: float) -> Bins:
    """Put a feature on bins of its reference.

    Parameters
    ----------
    reference, current
        Of any kind. Of text the number of characters counts, of embeddings the place along the
        direction in which the reference varies most.
    rows
        In a window, typically. Categories that are rarer than five in a window are one.

    Returns
    -------
    Bins

    Notes
    -----
    Values that occur once in the reference count there as never seen before, since the rest of
    the reference did not see them: so many are expected to be new in rows like it (Good 1953,
    *The population frequencies of species and the estimation of population parameters*).

    Examples
    --------
    >>> old, new = pd.Series(["a"] * 60 + ["b"] * 40), pd.Series(["a"] * 20 + ["c"] * 80)
    >>> bins = bin_feature(old, new, 100)
    >>> np.bincount(bins.current).tolist()  # a, b, others, never seen
    [20, 0, 0, 80]
    """
    numbers = _as_numbers(reference, current)
    if numbers is not None:
        old, new = numbers
        known = old[np.isfinite(old)]
        if known.size and known.min() < known.max():
            return _bin_numbers(str(reference.name), old, new, known, rows)
        reference, current = pd.Series(old, name=reference.name), pd.Series(new)
    return _bin_categories(reference, current, rows)


def window_counts(codes: Codes, window: npt.NDArray[np.int64], windows: int, bins: int) -> Floats:
    """Count the rows of each window in each bin; rows whose window is negative are left out."""
    if (window < 0).any():
        codes, window = codes[window >= 0], window[window >= 0]
    flat = np.bincount(window * bins + codes, minlength=windows * bins)
    return flat.reshape(windows, bins).astype(np.float64)


def _bin_numbers(feature: str, old: Floats, new: Floats, known: Floats, rows: float) -> Bins:
    ordered = np.sort(known[:: max(1, known.size // SAMPLE)])
    inner = ordered[np.minimum((QUANTILES * ordered.size).astype(int), ordered.size - 1)]
    if inner[0] == inner[-1]:  # but for one value in a thousand it is constant
        inner = np.array([known.min(), inner[0], known.max()])
    # One absurd value would make every other distance small.
    scale = float(np.clip(ordered, inner[0], inner[-1]).std())
    first = np.nextafter(inner[0], -np.inf)  # what is under the least value is not that value
    edges = np.unique([*(inner[0] - BEYOND * scale), first, *inner, *(inner[-1] + BEYOND * scale)])
    missing = len(edges) + 1
    codes = [
        np.where(np.isnan(each), missing, np.searchsorted(edges, each)).astype(np.uint8)
        for each in (old, new)
    ]
    shares = np.bincount(codes[0], minlength=missing + 1) / len(old)
    there = shares[:-1] / shares[:-1].sum()
    rank = np.append(there.cumsum() - there / 2 - 0.5, 0.0)
    columns = [rank**degree for degree in range(1, DEGREE + 1)]
    if any((each == missing).any() for each in codes):
        columns.append(np.arange(missing + 1) == missing)
    scores = _orthonormal(shares, columns, np.arange(missing + 1) == missing, rows)
    widths = np.append(np.diff(edges), [0.0, 0.0]) / scale
    if np.unique(ordered).size > ordered.size / 2:
        # Between edges the distribution climbs, where values repeat it stands still.
        widths = (widths + np.append(0.0, widths[:-1])) / 2
    return Bins(feature, WASSERSTEIN, codes[0], codes[1], scores, widths)


def _bin_categories(reference: pd.Series, current: pd.Series, rows: float) -> Bins:
    (old, old_names), (new, new_names) = _factorised(reference), _factorised(current)
    occurs = np.bincount(old[old >= 0], minlength=len(old_names))
    least = max(2.0, EXPECTED * len(old) / max(rows, LEAST_ROWS))
    frequent = [each for each in np.argsort(-occurs, kind="stable") if occurs[each] >= least]
    named = {old_names[each]: place for place, each in enumerate(frequent[:CATEGORIES])}
    others = len(named)
    unseen, missing = others + 1, others + 2
    # The rest of the reference never saw the one row of a category; a current row did not either
    # where the whole reference did not.
    once = {name for name, times in zip(old_names, occurs, strict=True) if times == 1}
    seen = set(old_names)
    old_codes = [named.get(each, unseen if each in once else others) for each in old_names]
    new_codes = [named.get(each, others if each in seen else unseen) for each in new_names]
    codes = [
        np.array([*places, missing], dtype=np.uint8)[numbers]  # −1 is the last: missing
        for places, numbers in ((old_codes, old), (new_codes, new))
    ]
    shares = np.bincount(codes[0], minlength=missing + 1) / len(old)
    occupied = np.bincount(np.concatenate(codes), minlength=missing + 1) > 0
    columns = [np.arange(missing + 1) == each for each in range(missing + 1) if occupied[each]]
    rare = np.arange(missing + 1) >= others
    # A rare category may be less rare than it was in the reference by chance.
    likely = shares + np.sqrt(shares * (1 - shares) / len(old))
    # The first column is what the others are told against.
    scores = _orthonormal(likely, columns[1:], rare, rows)
    return Bins(str(reference.name), VARIATION, codes[0], codes[1], scores, np.empty(0))


def _orthonormal(
    shares: Floats, columns: list[Any], rare: npt.NDArray[np.bool_], rows: float
) -> Floats:
    """Return combinations of the columns with mean 0 and variance 1, uncorrelated, by shares.

    Rare bins are taken for more frequent than they are: a single row in one is no event.
    """
    floor = EXPECTED / max(rows, LEAST_ROWS)
    weights = np.where(rare, np.maximum(shares, floor), shares)
    weights = weights / weights.sum()
    kept = [np.ones(len(shares))]
    for column in columns:
        rest = np.asarray(column, dtype=np.float64)
        size = np.sqrt(weights @ rest**2)
        for _ in range(2):  # the second time takes out what rounding left
            for other in kept:
                rest = rest - (weights * other) @ rest * other
        length = np.sqrt(weights @ rest**2)
        if length > 1e-3 * size:
            kept.append(rest / length)
    return np.column_stack(kept)[:, 1:]


def _as_numbers(reference: pd.Series, current: pd.Series) -> tuple[Floats, Floats] | None:
    """Return both as numbers where the kind has an order; what cannot be read is missing."""
    kind = kind_of(reference if reference.notna().any() else current)
    if kind == "numeric":
        return _numbers(reference), _numbers(current)
    if kind == "datetime":
        return _seconds(reference), _seconds(current)
    if kind == "text":
        return _lengths(reference), _lengths(current)
    if kind == "embedding":
        return _along_the_reference(reference, current)
    return None


def _numbers(values: pd.Series) -> Floats:
    if pd.api.types.is_timedelta64_dtype(values.dtype):
        values = values.dt.total_seconds()
    if not pd.api.types.is_numeric_dtype(values.dtype):
        values = pd.to_numeric(values.astype(object), errors="coerce")
    numbers: Floats = np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
    return numbers


def _seconds(values: pd.Series) -> Floats:
    times = pd.to_datetime(values, utc=True, errors="coerce")
    since = (times - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    seconds: Floats = np.asarray(since.to_numpy(dtype=np.float64, na_value=np.nan))
    return seconds


def _lengths(values: pd.Series) -> Floats:
    there = values.notna().to_numpy()
    lengths = np.full(len(values), np.nan)
    lengths[there] = [len(str(each)) for each in values[there]]
    return lengths


def _along_the_reference(reference: pd.Series, current: pd.Series) -> tuple[Floats, Floats]:
    known = reference if reference.notna().any() else current
    size = len(known.dropna().iloc[0])

    def matrix(values: pd.Series) -> Floats:
        cells = [
            each if hasattr(each, "__len__") and len(each) == size else None for each in values
        ]
        absent = np.full(size, np.nan)
        return np.array([absent if each is None else each for each in cells], dtype=np.float64)

    old, new = matrix(reference), matrix(current)
    sample = old[~np.isnan(old).any(axis=1)][:SAMPLE]
    if len(sample) < 2:  # no direction is the main one of so few
        return np.full(len(old), np.nan), np.full(len(new), np.nan)
    direction = np.linalg.eigh(np.cov(sample.T).reshape(size, size))[1][:, -1]
    return old @ direction, new @ direction


def _factorised(values: pd.Series) -> tuple[npt.NDArray[np.intp], list[str]]:
    try:
        numbers, names = pd.factorize(values)
    except TypeError:  # lists and the like have no hash
        numbers, names = pd.factorize(values.astype(str).where(values.notna()))
    return numbers, [_name(each) for each in names]


def _name(value: object) -> str:
    """Name a category so that 1, 1.0 and True of two exports are one."""
    if isinstance(value, bool | np.bool_ | float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
