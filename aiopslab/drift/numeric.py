"""The profile of a column of numbers or times: exact counts on the bins of an axis."""

import warnings
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.axis import BINS, Axis, axis_of
from aiopslab.drift.tally import Tally

SAMPLE = 100_000  # values that an axis is laid from, spread over the column
ROUNDING = 1e-14  # of a mean of squares: a variance below that is rounding
EPOCH = pd.Timestamp(0, tz="UTC")


@dataclass(frozen=True, eq=False)
class Numeric:
    """What is kept of a column of numbers or times.

    Parameters
    ----------
    kind
        ``numeric``, or ``datetime``, whose values are seconds since 1970 in UTC.
    dtype
        As it was found; of several parts all that were found.
    axis
        Where the bins lie.
    rows, missing, unreadable
        How many rows there are, and how many of them hold nothing, or no number.
    below, above
        How many are minus and plus infinity.
    zeros
        How many are exactly 0.
    bins, counts
        The bins that hold anything, ascending, and how many finite values each holds.
    total, squares
        Sums of ``z = (value - centre) / scale`` and of its square.
    low, high
        Least and greatest finite value; NaN without any.

    Notes
    -----
    Counts are exact and add up exactly; the sums do but for rounding. A quantile, and the place of
    a value in a distance, is right to one part in 1,024 of its distance from the centre.
    """

    kind: Literal["numeric", "datetime"]
    dtype: str
    axis: Axis
    rows: int
    missing: int
    unreadable: int
    below: int
    above: int
    zeros: int
    bins: npt.NDArray[np.uint16]
    counts: npt.NDArray[np.int64]
    total: float
    squares: float
    low: float
    high: float

    def __add__(self, other: "Numeric") -> "Numeric":
        """Return the profile of both parts together; their axes must be the same."""
        counts = np.zeros(BINS, np.int64)
        for part in (self, other):
            counts[part.bins] += part.counts
        bins = np.flatnonzero(counts)
        return replace(
            self,
            dtype=joined_dtypes(self.dtype, other.dtype),
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            unreadable=self.unreadable + other.unreadable,
            below=self.below + other.below,
            above=self.above + other.above,
            zeros=self.zeros + other.zeros,
            bins=bins.astype(np.uint16),
            counts=counts[bins],
            total=self.total + other.total,
            squares=self.squares + other.squares,
            low=float(np.fmin(self.low, other.low)),
            high=float(np.fmax(self.high, other.high)),
        )

    @property
    def finite(self) -> int:
        """How many values are finite numbers."""
        return int(self.counts.sum())

    @property
    def distinct(self) -> int:
        """At least so many values differ: the bins that are occupied."""
        return len(self.bins)

    @property
    def mean(self) -> float:
        """Mean of the finite values; NaN without any."""
        n = self.finite
        return self.axis.centre + self.axis.scale * self.total / n if n else np.nan

    @property
    def std(self) -> float:
        """Standard deviation of the finite values; NaN with fewer than two."""
        n = self.finite
        if n < 2:
            return np.nan
        variance = self.squares / n - (self.total / n) ** 2
        if variance <= ROUNDING * self.squares / n:
            variance = 0.0
        return float(self.axis.scale * np.sqrt(variance * n / (n - 1)))

    def values(self) -> npt.NDArray[np.float64]:
        """Return a value for each occupied bin, within the least and the greatest."""
        values: npt.NDArray[np.float64] = self.axis.values()[self.bins]
        return values.clip(self.low, self.high)

    def quantile(self, share: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return quantiles of the finite values, interpolated within their bins.

        Parameters
        ----------
        share
            Between 0 and 1.

        Returns
        -------
        numpy.ndarray
            In the unit of the feature; NaN without values.
        """
        wanted = np.asarray(share, float)
        if not len(self.bins):
            return np.full(wanted.shape, np.nan)
        # Of n values in order the first is quantile 0 and the last is quantile 1.
        rank = wanted * (self.finite - 1)
        below = np.floor(rank)
        lower, upper = self._ranked(below), self._ranked(np.ceil(rank))
        found: npt.NDArray[np.float64] = (1 - (rank - below)) * lower + (rank - below) * upper
        return found

    def _ranked(self, rank: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the values of these ranks, those of one bin spread evenly over it."""
        ends = np.cumsum(self.counts)
        at = np.searchsorted(ends, rank, side="right")
        within = (rank - (ends[at] - self.counts[at]) + 0.5) / self.counts[at]
        edges, first = self.axis.edges(), self.bins.astype(np.intp)[at]
        left, right = (np.clip(edges[each], self.low, self.high) for each in (first, first + 1))
        ranked: npt.NDArray[np.float64] = (1 - within) * left + within * right
        return ranked


def numeric_profile(
    series: pd.Series,
    kind: Literal["numeric", "datetime"] = "numeric",
    axis: Axis | None = None,
) -> Numeric:
    """Profile a column of numbers or times in one pass.

    Parameters
    ----------
    series
        One row a value. What is no number, nor text that reads as one, is counted as unreadable.
    kind
        Whether the values are numbers or times.
    axis
        Where the bins lie; about the median of a sample where ``None``.

    Examples
    --------
    >>> part = numeric_profile(pd.Series([1.0, 2.0, 4.0, None, np.inf]))
    >>> part.finite, part.missing, part.above, round(part.mean, 3)
    (3, 1, 1, 2.333)
    """
    values, unreadable = numbers(series, kind)
    tally = Tally(axis or axis_of(_sample(values)))
    tally.add(values)
    return counted(tally, kind, str(series.dtype), unreadable)


def counted(
    tally: Tally, kind: Literal["numeric", "datetime"], dtype: str, unreadable: int = 0
) -> Numeric:
    """Return the profile of the numbers of a tally, of which those unreadable are NaN in it."""
    bins = np.flatnonzero(tally.counts)
    return Numeric(
        kind=kind,
        dtype=dtype,
        axis=tally.axis,
        rows=tally.rows,
        missing=tally.missing - unreadable,
        unreadable=unreadable,
        below=tally.below,
        above=tally.above,
        zeros=tally.zeros,
        bins=bins.astype(np.uint16),
        counts=tally.counts[bins],
        total=tally.total,
        squares=tally.squares,
        low=tally.low,
        high=tally.high,
    )


def joined_dtypes(one: str, other: str) -> str:
    """Return the names of both dtypes, each once.

    Examples
    --------
    >>> joined_dtypes("float64", "int64 | str")
    'float64 | int64 | str'
    """
    if one == other:
        return one
    return " | ".join(sorted({*one.split(" | "), *other.split(" | ")}))


def numbers(series: pd.Series, kind: str) -> tuple[npt.NDArray[Any], int]:
    """Return a column as numbers, NaN where it holds none, and how many were unreadable.

    Parameters
    ----------
    series
        Of any dtype.
    kind
        ``numeric``, or ``datetime`` for seconds since 1970 in UTC.
    """
    plain = series
    if isinstance(series.dtype, pd.CategoricalDtype):
        plain = series.astype(series.dtype.categories.dtype)
    if kind == "datetime":
        return _seconds(plain)
    if pd.api.types.is_timedelta64_dtype(plain.dtype):
        return plain.dt.total_seconds().to_numpy(float, na_value=np.nan), 0
    if isinstance(plain.dtype, np.dtype) and plain.dtype.kind in "fiub":
        values = plain.to_numpy()
        # Half precision is too coarse to compute in, and booleans cannot be subtracted.
        return (
            values.astype(float) if values.dtype.kind == "b" or values.itemsize < 4 else values
        ), 0
    if pd.api.types.is_numeric_dtype(plain.dtype) or pd.api.types.is_bool_dtype(plain.dtype):
        return np.asarray(plain.to_numpy(float, na_value=np.nan)), 0
    if pd.api.types.is_datetime64_any_dtype(plain.dtype):
        return np.full(len(plain), np.nan), int(plain.notna().sum())
    read = _read(plain)
    return read, int((np.isnan(read) & plain.notna().to_numpy()).sum())


def _read(series: pd.Series) -> npt.NDArray[np.float64]:
    """Read text and objects as numbers, NaN where they are none."""
    try:
        read = pd.to_numeric(series, errors="coerce")
    except (TypeError, ValueError):  # cells that are lists, say
        read = pd.to_numeric(series.map(str), errors="coerce")
    values: npt.NDArray[np.float64] = read.to_numpy(float, na_value=np.nan)
    return values


def _seconds(series: pd.Series) -> tuple[npt.NDArray[np.float64], int]:
    """Return times as seconds since 1970; those without a zone are taken for UTC."""
    if pd.api.types.is_numeric_dtype(series.dtype) or pd.api.types.is_bool_dtype(series.dtype):
        return np.full(len(series), np.nan), int(series.notna().sum())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a format that it must guess
        times = pd.to_datetime(series, utc=True, errors="coerce", format="mixed")
    seconds = np.asarray((times - EPOCH) / pd.Timedelta(1, "s"), float)
    return seconds, int((np.isnan(seconds) & series.notna().to_numpy()).sum())


def _sample(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    step = max(1, -(-len(values) // SAMPLE))
    some: npt.NDArray[np.float64] = values[::step].astype(float)
    return some[np.isfinite(some)]
