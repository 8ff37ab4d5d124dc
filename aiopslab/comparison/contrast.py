"""Contrast: what two estimates with intervals say of how far apart the truth is."""

import math
from dataclasses import dataclass

from aiopslab.findings import Effect, Interval


@dataclass(frozen=True)
class Contrast:
    """Two estimates of one thing, held against each other.

    Parameters
    ----------
    change
        After less before; of ratios (unit ``×``) after over before.
    unit
        Of the change.
    overlap
        Whether their intervals share values; ``None`` where one has none.
    interval
        Of the change; ``None`` where none can be given.
    reason
        Why there is none, in words; empty where there is one.

    Examples
    --------
    >>> before = Effect("latency", 100.0, "ms", Interval(90, 110))
    >>> print(contrast(before, Effect("latency", 150.0, "ms", Interval(130, 170)), ""))
    +50 ms (95 % interval 27.64 to 72.36); the intervals do not overlap
    """

    change: float
    unit: str
    overlap: bool | None
    interval: Interval | None
    reason: str

    @property
    def is_clear(self) -> bool:
        """Whether the interval of the change leaves out that there is none."""
        if self.interval is None:
            return False
        nothing = 1.0 if self.unit == "×" else 0.0
        return not self.interval.low <= nothing <= self.interval.high

    def __str__(self) -> str:
        is_ratio = self.unit == "×"
        size = f"{self.change:.4g}×" if is_ratio else f"{self.change:+.4g} {self.unit}".rstrip()
        if self.interval is not None:
            size += f" ({100 * self.interval.confidence:g} % interval {self.interval})"
        said = [size]
        if self.overlap is not None:
            said.append(f"the intervals {'overlap' if self.overlap else 'do not overlap'}")
        if self.reason:
            said.append(f"no interval of the change: {self.reason}")
        return "; ".join(said)


def contrast(before: Effect, after: Effect, dependence: str) -> Contrast:
    """Hold two estimates against each other.

    Parameters
    ----------
    before, after
        Of the same thing, in the same unit.
    dependence
        Why the two may rest on the same data; empty where they are independent. The interval of a
        change is that of independent estimates only: shared noise would make it too wide, or too
        narrow.

    Notes
    -----
    The interval of the change is recovered from the two intervals (MOVER; Zou and Donner, 2008,
    Statistics in Medicine 27: 1693-1702), which keeps them as lopsided as they are; of ratios on
    the logarithmic scale. Intervals that overlap do not say that nothing changed.
    """
    is_ratio = after.unit == "×" and min(before.value, after.value) > 0
    change = after.value / before.value if is_ratio else after.value - before.value
    unit = after.unit if is_ratio or after.unit != "×" else ""
    one, other = before.interval, after.interval
    if one is None or other is None:
        return Contrast(change, unit, None, None, "an estimate has no interval")
    ends = (one.low, one.high, other.low, other.high)
    if not all(map(math.isfinite, (*ends, change))):
        return Contrast(change, unit, None, None, "an interval has no end")
    overlap = one.low <= other.high and other.low <= one.high
    reason = dependence or _misfit(before, after, one, other, is_ratio)
    if reason:
        return Contrast(change, unit, overlap, None, reason)
    scale = math.log if is_ratio else float
    low, high = _mover(
        [scale(each) for each in (one.low, before.value, one.high)],
        [scale(each) for each in (other.low, after.value, other.high)],
    )
    if is_ratio:
        low, high = math.exp(low), math.exp(high)
    return Contrast(change, unit, overlap, Interval(low, high, one.confidence), "")


def _misfit(before: Effect, after: Effect, one: Interval, other: Interval, is_ratio: bool) -> str:
    if one.confidence != other.confidence:
        return "the two intervals are of different confidence"
    inside = one.low <= before.value <= one.high and other.low <= after.value <= other.high
    if not inside:
        return "an estimate lies outside its interval"
    if is_ratio and min(one.low, other.low) <= 0:
        return "an interval of a ratio reaches 0"
    return ""


def _mover(before: list[float], after: list[float]) -> tuple[float, float]:
    """Return the interval of a difference from low end, value and high end of its terms."""
    (low0, value0, high0), (low1, value1, high1) = before, after
    change = value1 - value0
    return (
        change - math.hypot(value1 - low1, high0 - value0),
        change + math.hypot(high1 - value1, value0 - low0),
    )
