"""Shifts: outcomes that moved, since when and by how much, with one correction over all of them."""

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.findings import Effect, Interval
from aiopslab.overview.layers import LAYERS, Frames
from aiopslab.overview.readings import Level, Reading, Snapshot
from aiopslab.overview.shift_readings import beside
from aiopslab.overview.shift_scan import dated, scan
from aiopslab.overview.written import difference_of, value_of
from aiopslab.prompts.changes import ENOUGH
from aiopslab.statistics.intervals import deviate
from aiopslab.statistics.multiplicity import holm
from aiopslab.statistics.outcomes import MARGIN
from aiopslab.statistics.samplesize import items_for_mean

Outcome = Literal["quality", "cost", "service", "accuracy", "freshness"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
State = Literal["moved", "steady", "not enough data"]
Floats = npt.NDArray[np.float64]

LAYER_OF: dict[Outcome, str] = {
    "quality": "response quality",
    "cost": "cost per query",
    "service": "infrastructure health",
    "accuracy": "model accuracy",
    "freshness": "knowledge freshness",
}
MATTERS: dict[str, float] = {"ms": 0.2, "USD": 0.2}  # share of what was, less of which is ordinary
SMALL = 0.125  # of what is ordinary, above which a layer that moved with it makes it a shift
STRETCHES = 30  # of a level, whose neighbouring values are alike


@dataclass(frozen=True)
class Shift:
    """One measure of an outcome, before and after it may have moved.

    Parameters
    ----------
    outcome
        What people feel.
    measure
        What was measured, in words.
    state
        Whether it moved, kept to what it was, or nobody can tell.
    since, low, high
        When it moved most, with an interval; ``None`` where there are too few rows.
    before, after
        Means on the two sides.
    effect
        The difference with its interval; ``None`` where there are too few rows.
    p, q
        That as much is chance: as it is, and corrected for all measures of all outcomes.
    rows
        On each side.
    wanted
        Whether more of it or less is good.
    enough
        Rows that would be enough to tell where there are not; 0 else.
    margin
        Difference up to which it is ordinary.
    is_level
        Whether neighbouring values are alike, so that all of the interval has to lie past it.
    is_small
        Whether it is no more than ordinary, though sure: it needs a layer that moved with it.
    """

    outcome: Outcome
    measure: str
    state: State
    since: pd.Timestamp | None
    low: pd.Timestamp | None
    high: pd.Timestamp | None
    before: float
    after: float
    effect: Effect | None
    p: float
    q: float
    rows: tuple[int, int]
    wanted: Literal["more", "less"]
    enough: int = 0
    margin: float = 0.0
    is_level: bool = False
    is_small: bool = False

    @property
    def is_worse(self) -> bool:
        """Whether it moved to the side that is not wanted."""
        return self.state == "moved" and (self.after > self.before) != (self.wanted == "more")

    @property
    def unit(self) -> str:
        """Of its values; empty for a share."""
        return "" if self.effect is None else self.effect.unit

    def is_about(self, time: pd.Timestamp | None, near: pd.Timedelta) -> bool:
        """Whether it may have moved at a time, or near it."""
        if time is None or self.low is None or self.high is None:
            return False
        return bool(self.low - near <= time <= self.high + near)

    @property
    def sentence(self) -> str:
        """What happened, in a sentence."""
        if self.state == "not enough data":
            size = f" by {difference_of(self.margin, self.unit)[1:]}" if self.margin else ""
            more = f"; about {self.enough:,} rows would be enough" if self.enough else ""
            return f"Not enough data to tell whether {self.measure} moved{size}{more}."
        if self.state == "steady" or self.since is None or self.effect is None:
            return f"{self.measure.capitalize()} kept to what it was."
        interval = self.effect.interval
        span = (
            ""
            if interval is None
            else f" ({difference_of(interval.low, self.unit)} to "
            f"{difference_of(interval.high, self.unit)})"
        )
        return (
            f"{self.measure.capitalize()} went from {value_of(self.before, self.unit)} to "
            f"{value_of(self.after, self.unit)}, {difference_of(self.effect.value, self.unit)}"
            f"{span}, at about {self.since:%H:%M:%S} UTC."
        )


def find_shifts(frames: Frames, confidence: float = 0.95, seed: int = 0) -> tuple[Shift, ...]:
    """Look at every measure of every outcome for the time at which it moved most.

    Parameters
    ----------
    frames
        Conformed frames by name; any may be missing.
    confidence
        Of the intervals; what it lacks to 1 is the chance that any shift is a false alarm.
    seed
        Of the permutations.

    Returns
    -------
    tuple of Shift
        One a measure, those that moved first, the surest of them first.

    Notes
    -----
    The two-sample statistic is taken at every time that leaves enough rows on both sides; how
    often its maximum is as large by chance is counted over permutations of the rows (of stretches
    of time where neighbouring values are alike). P-values are corrected by S. Holm, 1979, over all
    measures. Less than a share of what was (of shares: two points) is ordinary, however sure.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=200, freq="s", tz="UTC")
    >>> target = ["cat"] * 120 + ["cat", "dog"] * 40
    >>> seen = pd.DataFrame({"timestamp": times, "prediction": "cat", "target": target})
    >>> [(each.outcome, each.state) for each in find_shifts({"observations": seen})]
    [('accuracy', 'moved')]
    """
    looked = [
        _look(outcome, reading, confidence, seed)
        for outcome in OUTCOMES
        for reading in (*LAYERS[LAYER_OF[outcome]](frames).readings, *beside(outcome, frames))
        if not isinstance(reading, Snapshot)
    ]
    if not looked:
        return ()
    corrected = holm([each.p for each in looked])
    told = [_judged(each, float(q), confidence) for each, q in zip(looked, corrected, strict=True)]
    return tuple(sorted(told, key=_surest_first))


def _surest_first(shift: Shift) -> tuple[object, ...]:
    return shift.state != "moved", shift.is_small, shift.q, -abs(_size(shift))


def _look(outcome: Outcome, reading: Reading, confidence: float, seed: int) -> Shift:
    values, times = _compared(reading)
    nothing = float("nan")
    wanted: Literal["more", "less"] = "more" if reading.quantity.wanted == "more" else "less"
    blank = Shift(
        *(outcome, reading.quantity.name, "not enough data", None, None, None),
        *(nothing, nothing, None, 1.0),
        q=1.0,
        rows=(len(values), 0),
        wanted=wanted,
        enough=4 * ENOUGH,
    )
    if len(values) < 2 * ENOUGH:
        return blank
    scale = np.log1p if reading.quantity.unit in {"ms", "s"} else _same
    row, p = scan(scale(values), seed)
    before, after = values[:row], values[row:]
    since, low, high = dated(scale(values), row, times, confidence, seed)
    return replace(
        blank,
        margin=_margin(reading, before),
        is_level=isinstance(reading, Level),
        since=since,
        low=low,
        high=high,
        before=float(before.mean()),
        after=float(after.mean()),
        effect=_difference(reading, before, after, confidence),
        p=p,
        rows=(len(before), len(after)),
    )


def _compared(reading: Reading) -> tuple[Floats, pd.DatetimeIndex]:
    """Return the values that are compared and their times: of a level its stretches."""
    times = pd.DatetimeIndex(reading.values.index)
    values = reading.numbers
    if not isinstance(reading, Level) or len(values) <= STRETCHES:
        return values, times
    parts = np.array_split(np.arange(len(values)), STRETCHES)
    means = np.array([values[part].mean() for part in parts])
    return means, pd.DatetimeIndex([times[part[0]] for part in parts])


def _difference(reading: Reading, before: Floats, after: Floats, confidence: float) -> Effect:
    value = float(after.mean() - before.mean())
    error = math.sqrt(
        before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after)
        if min(len(before), len(after)) > 1
        else float("nan")
    )
    name = f"change of {reading.quantity.name}"
    if math.isnan(error):
        return Effect(name, value, reading.quantity.unit)
    half = deviate(confidence) * error
    interval = Interval(value - half, value + half, confidence)
    return Effect(name, value, reading.quantity.unit, interval)


def _judged(look: Shift, q: float, confidence: float) -> Shift:
    """Return it with what it comes to after the correction."""
    if look.effect is None or look.effect.interval is None:
        return replace(look, q=q)
    interval, margin = look.effect.interval, look.margin
    least = min(abs(interval.low), abs(interval.high)) * (interval.low * interval.high > 0)
    size = least if look.is_level else abs(look.effect.value)
    if q <= 1 - confidence:
        # Of single rows little is seen for sure, too; it takes a layer that moved with it.
        is_small = not look.is_level and SMALL * margin < size <= margin and bool(look.unit)
        moved = size > margin or is_small
        state: State = "moved" if moved else "steady"
        return replace(look, q=q, state=state, is_small=is_small, enough=0)
    # Where it moved most is chosen, so that what is within the margin there is so everywhere.
    if look.is_level or (interval.high < margin and interval.low > -margin):
        return replace(look, q=q, state="steady", enough=0)
    rows = sum(look.rows)
    spread = (interval.high - interval.low) / (2 * deviate(confidence)) * math.sqrt(rows)
    enough = items_for_mean(margin, spread) if spread > 0 and margin > 0 else 0
    state = "not enough data" if enough > rows else "steady"
    return replace(look, q=q, state=state, enough=enough if state != "steady" else 0)


def _margin(reading: Reading, before: Floats) -> float:
    """Return the difference up to which it is ordinary: of an age, to the oldest that was seen."""
    unit = reading.quantity.unit
    if unit == "s":
        return float(before.max())
    return MATTERS[unit] * abs(float(before.mean())) if unit in MATTERS else MARGIN


def _size(shift: Shift) -> float:
    """Return the difference in its standard errors."""
    effect = shift.effect
    if effect is None or effect.interval is None:
        return 0.0
    width = effect.interval.high - effect.interval.low
    return effect.value / width if width else 0.0


def _same(values: Floats) -> Floats:
    return values
