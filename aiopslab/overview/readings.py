"""Readings: one quantity by time, of the rows, requests or levels that it is measured in."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.findings import Effect, Interval
from aiopslab.incident.burn import burn_of
from aiopslab.overview.targets import TargetName
from aiopslab.prompts.changes import Change, changes
from aiopslab.prompts.quantities import Quantity
from aiopslab.statistics.intervals import student, wilson

SLICES = 24  # equal parts of the window: enough in each half to be compared, few enough to be seen
COLUMNS = ["timestamp", "value", "low", "high", "rows"]
_VERSION = "all"  # the halves are compared whatever the version was
BEFORE, NOW = "before", "now"

Floats = npt.NDArray[np.float64]
_NOTHING = (float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Reading:
    """Values of a quantity, each a row of its own: predictions that were right, costs of calls.

    Parameters
    ----------
    quantity
        What is measured.
    target
        Name of the target that it is held against.
    values
        By UTC time, sorted; NaN is left out.
    note
        What a reader should know about it; empty for nothing.
    """

    quantity: Quantity
    target: TargetName
    values: "pd.Series[float]"
    note: str = ""

    def within(self, start: pd.Timestamp, end: pd.Timestamp) -> Self:
        """Return what lies in a window, both ends included."""
        return replace(self, values=self.values.loc[start:end])

    @property
    def rows(self) -> int:
        """How many values there are."""
        return len(self.values)

    @property
    def numbers(self) -> Floats:
        """The values alone."""
        return np.asarray(self.values, np.float64)

    @property
    def is_sampled(self) -> bool:
        """Whether more of it would say more: a state that was read is known as it is."""
        return True

    def effect(self, confidence: float) -> Effect:
        """Return the mean, with Wilson's interval of a share and Student's of any other."""
        values = self.numbers
        mean = float(values.mean()) if len(values) else float("nan")
        return self._told(mean, *self._interval(values, confidence), confidence)

    def sliced(self, start: pd.Timestamp, end: pd.Timestamp, confidence: float) -> pd.DataFrame:
        """Return the value in each equal slice of a window, NaN where it has none.

        Returns
        -------
        pandas.DataFrame
            ``timestamp`` (the middle of the slice), ``value, low, high, rows``.
        """
        values = self.numbers
        rows = []
        for middle, first, last in _cuts(self.values.index, start, end):
            told = self._point(values[first:last], confidence) if last > first else _NOTHING
            rows.append((middle, *told, last - first))
        return pd.DataFrame(rows, columns=COLUMNS)

    def change(self, slices: pd.DataFrame, confidence: float) -> Change:
        """Compare the later half with the earlier."""
        return halves(self.quantity, self.compared(slices), confidence)

    def compared(self, slices: pd.DataFrame) -> Floats:
        """Return what is compared: the values themselves, each of which is a sample."""
        return self.numbers

    def against(self, before: Floats, now: Floats, confidence: float) -> Change:
        """Compare what `compared` returned of this with what it returned of another time."""
        return between(self.quantity, before, now, confidence)

    def _point(self, values: Floats, confidence: float) -> tuple[float, float, float]:
        """Return the value of a slice and its interval."""
        return float(values.mean()), *self._interval(values, confidence)

    def _interval(self, values: Floats, confidence: float) -> tuple[float, float]:
        if self.quantity.is_share(values):
            return wilson(float(values.sum()), len(values), confidence)
        return student(values, confidence)

    def _told(self, value: float, low: float, high: float, confidence: float) -> Effect:
        interval = None if np.isnan(low) else Interval(low, high, confidence)
        return Effect(self.quantity.name, value, self.quantity.unit, interval)


@dataclass(frozen=True)
class Level(Reading):
    """A level that a system has, such as its latency: neighbouring values are alike.

    So it is the slices that are compared, and the interval is that of their mean.
    """

    def effect(self, confidence: float) -> Effect:
        """Return the mean, with Student's interval of the means of consecutive stretches."""
        values = self.numbers
        parts = np.array_split(values, SLICES) if len(values) > SLICES else [values]
        means = np.array([part.mean() for part in parts], np.float64) if len(parts) > 1 else values
        mean = float(values.mean()) if len(values) else float("nan")
        return self._told(mean, *student(means, confidence), confidence)

    def compared(self, slices: pd.DataFrame) -> Floats:
        """Return what is compared: the means of the slices."""
        return np.asarray(slices["value"].dropna(), np.float64)

    def _point(self, values: Floats, confidence: float) -> tuple[float, float, float]:
        return float(values.mean()), *_NOTHING[1:]


@dataclass(frozen=True)
class State(Level):
    """A state that is read, such as an age: the last one holds, and it is not a sample."""

    @property
    def is_sampled(self) -> bool:
        """Whether more of it would say more: no."""
        return False

    def effect(self, confidence: float) -> Effect:
        """Return the last value, without an interval: it is no estimate."""
        last = float(self.values.iloc[-1]) if len(self.values) else float("nan")
        return Effect(self.quantity.name, last, self.quantity.unit)

    def _point(self, values: Floats, confidence: float) -> tuple[float, float, float]:
        return float(values[-1]), *_NOTHING[1:]


@dataclass(frozen=True)
class Snapshot(State):
    """A state that was read once, at a time of its own: no window leaves it out."""

    def within(self, start: pd.Timestamp, end: pd.Timestamp) -> Self:
        """Return it as it is."""
        return self


@dataclass(frozen=True)
class Requests(Level):
    """Shares of requests that were good, with how many requests there were at each time."""

    total: "pd.Series[float]" = None  # type: ignore[assignment]

    def within(self, start: pd.Timestamp, end: pd.Timestamp) -> Self:
        """Return what lies in a window, both ends included."""
        return replace(self, values=self.values.loc[start:end], total=self.total.loc[start:end])

    @property
    def rows(self) -> int:
        """How many requests there were, about."""
        return round(float(self.total.sum()))

    def effect(self, confidence: float) -> Effect:
        """Return the share of all, with an interval that failures in bursts widen."""
        total = np.asarray(self.total, np.float64)
        if not total.sum():
            return Effect(self.quantity.name, float("nan"))
        # Every row stands for as long, so that the window is covered whatever the clock did.
        second = pd.Timedelta("1s")
        times = pd.date_range("2000-01-01", periods=len(total), freq=second, tz="UTC")
        table = {"failures": (1 - self.numbers) * total, "total": total, "length": second}
        counts = pd.DataFrame(table, times)
        # Of an objective of 0 the burn rate is the share that failed.
        burn = burn_of(counts, len(total) * second, 0.0, confidence).rate
        low, high = _bounds(burn)
        return self._told(1 - burn.value, 1 - high, 1 - low, confidence)

    def change(self, slices: pd.DataFrame, confidence: float) -> Change:
        """Compare the later half of the slices with the earlier.

        They are compared as means: that none failed in a slice is not one request that was good.
        """
        plain = replace(self.quantity, margin=None)
        found = halves(plain, self.compared(slices), confidence)
        return replace(found, quantity=self.quantity)

    def against(self, before: Floats, now: Floats, confidence: float) -> Change:
        """Compare the slices of two times, as means."""
        plain = replace(self.quantity, margin=None)
        return replace(between(plain, before, now, confidence), quantity=self.quantity)

    def sliced(self, start: pd.Timestamp, end: pd.Timestamp, confidence: float) -> pd.DataFrame:
        """Return the share in each equal slice of a window, with Wilson's interval."""
        total = np.asarray(self.total, np.float64)
        good = self.numbers * total
        rows = []
        for middle, first, last in _cuts(self.values.index, start, end):
            right, asked = good[first:last].sum(), total[first:last].sum()
            share = round(right / asked, 12) if asked else float("nan")
            rows.append((middle, share, *wilson(right, asked, confidence), round(asked)))
        return pd.DataFrame(rows, columns=COLUMNS)


def by_time(values: Any, times: "pd.Series | pd.DatetimeIndex") -> "pd.Series[float]":
    """Return values by time, sorted, without those that are missing.

    Examples
    --------
    >>> times = pd.to_datetime(["2026-03-01T12:01Z", "2026-03-01T12:00Z"])
    >>> by_time([1.0, 2.0], times).tolist()
    [2.0, 1.0]
    """
    series = pd.Series(np.asarray(values, np.float64), pd.DatetimeIndex(times, name="timestamp"))
    series = series[np.isfinite(series.to_numpy())]
    return series if series.index.is_monotonic_increasing else series.sort_index(kind="stable")


def halves(quantity: Quantity, values: Floats, confidence: float) -> Change:
    """Compare the later half of values with the earlier; see `aiopslab.prompts.changes`.

    Examples
    --------
    >>> right = np.array([1.0] * 40 + [0.0] * 40)
    >>> halves(Quantity("accuracy", wanted="more", margin=0.02), right, 0.95).outcome
    'worse'
    """
    found = _changes(quantity, {_VERSION: values}, confidence)
    return found[0] if found else _unknown(quantity, confidence)


def between(quantity: Quantity, before: Floats, now: Floats, confidence: float) -> Change:
    """Compare values with those of another time.

    Examples
    --------
    >>> accuracy = Quantity("accuracy", wanted="more", margin=0.02)
    >>> between(accuracy, np.zeros(40), np.ones(40), 0.95).outcome
    'better'
    """
    found = _changes(quantity, {BEFORE: before, NOW: now}, confidence)
    told = (each for each in found if each.against == BEFORE)
    return next(told, _unknown(quantity, confidence))


def _changes(
    quantity: Quantity, values: Mapping[str, Floats], confidence: float
) -> tuple[Change, ...]:
    together = np.concatenate(list(values.values()))
    # A category, since as many texts would take longer than all the rest.
    codes = np.repeat(np.arange(len(values)), [len(each) for each in values.values()])
    version = pd.Categorical.from_codes(codes.astype(np.int8), pd.Index(list(values)))
    times = pd.date_range("2000-01-01", periods=len(together), freq="1s", tz="UTC")
    table = {"timestamp": times, "prompt_version": version, quantity.name: together}
    with warnings.catch_warnings():
        # Of a half in which nothing varies, such as one without a failure, nothing is lost.
        warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)
        return changes(pd.DataFrame(table), [quantity], next(iter(values)), confidence)


def _unknown(quantity: Quantity, confidence: float) -> Change:
    nothing = float("nan")
    return Change(
        *(quantity, _VERSION, _VERSION, nothing, nothing, nothing, nothing),
        *(1.0, 1.0, (0, 0), confidence),
    )


def _cuts(
    times: pd.Index, start: pd.Timestamp, end: pd.Timestamp
) -> list[tuple[pd.Timestamp, int, int]]:
    """Return the middle of each slice, and which rows lie in it."""
    width = (end - start) / SLICES
    edges = [start + width * number for number in range(1, SLICES)]
    inner = times.searchsorted(pd.DatetimeIndex(edges))
    bounds = [0, *map(int, inner), len(times)]
    return [
        (start + width * (number + 0.5), bounds[number], bounds[number + 1])
        for number in range(SLICES)
    ]


def _bounds(effect: Effect | None) -> tuple[float, float]:
    if effect is None or effect.interval is None:
        return float("nan"), float("nan")
    return effect.interval.low, effect.interval.high
