"""A measure: one reading of a window, how it changed in it, and what its target says of it."""

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from aiopslab.findings import Effect, Interval, Level
from aiopslab.overview.readings import Reading
from aiopslab.overview.targets import SHARES, TargetName, Targets
from aiopslab.overview.written import difference_of, interval_of, value_of
from aiopslab.prompts.changes import ENOUGH, Change

Direction = Literal["better", "worse", "steady", "not enough data to tell"]
_DIRECTIONS: dict[str, Direction] = {"better": "better", "worse": "worse", "equivalent": "steady"}

_RELATIVE = {"ms", "USD"}  # told as a share of what was


@dataclass(frozen=True)
class Measure:
    """What was measured in a window.

    Parameters
    ----------
    effect
        The value, with its interval unless it is a state that was read.
    target
        Name of the target that it is held against.
    series
        Slice by slice: ``timestamp, value, low, high, rows``.
    change
        The later half of the window against the earlier.
    rows
        It rests on: predictions, answers, requests.
    is_sampled
        Whether more rows would say more.
    note
        What a reader should know; empty for nothing.
    """

    effect: Effect
    target: TargetName
    series: pd.DataFrame = field(compare=False)
    change: Change = field(compare=False)
    rows: int
    is_sampled: bool
    note: str = ""

    @classmethod
    def of(
        cls, reading: Reading, start: pd.Timestamp, end: pd.Timestamp, confidence: float
    ) -> "Measure | None":
        """Measure a reading in a window; ``None`` where it has no value there."""
        part = reading.within(start, end)
        if not part.rows:
            return None
        series = part.sliced(start, end, confidence)
        change = part.change(series, confidence)
        effect = part.effect(confidence)
        return cls(effect, part.target, series, change, part.rows, part.is_sampled, reading.note)

    @property
    def direction(self) -> Direction:
        """Where it goes, from the earlier half of the window to the later."""
        return _DIRECTIONS.get(self.change.outcome, "not enough data to tell")

    @property
    def trend(self) -> Effect:
        """The difference of the two halves; NaN, without an interval, where there is none."""
        low, high = self.change.low, self.change.high
        interval = None if np.isnan(low) else Interval(low, high, self.change.confidence)
        name = f"change of {self.effect.name}"
        return Effect(name, self.change.value, self.effect.unit, interval)

    @property
    def is_enough(self) -> bool:
        """Whether there is enough of it to speak of."""
        return not self.is_sampled or (self.rows >= ENOUGH and self.effect.interval is not None)

    def surely_worsens(self, targets: Targets) -> bool:
        """Whether all of the interval of its change is for the worse, by more than is ordinary."""
        if self.direction != "worse":
            return False
        margin = targets.margin(self.target, self.change.before)
        is_share = self.target in SHARES
        return -self.change.high > margin if is_share else self.change.low > margin

    def level(self, targets: Targets) -> Level:
        """Judge it.

        Returns
        -------
        str
            ``act`` where the target is surely missed: the whole interval lies on the wrong side.
            ``watch`` where it is missed but not surely, where it is met but surely worsens, and
            where there is not enough data. Else ``ok``.
        """
        if not self.is_enough:
            return "watch"
        if self.surely_misses(targets):
            return "act"
        if not targets.holds(self.target, self.effect.value) or self.surely_worsens(targets):
            return "watch"
        return "ok"

    def surely_misses(self, targets: Targets) -> bool:
        """Whether no value of the interval meets the target."""
        return not targets.holds(self.target, self._best())

    def surely_meets(self, targets: Targets) -> bool:
        """Whether every value of the interval meets the target."""
        interval = self.effect.interval
        ends = (self.effect.value,) if interval is None else (interval.low, interval.high)
        return all(targets.holds(self.target, each) for each in ends)

    def sentence(self, targets: Targets) -> str:
        """Say what it is, whether it meets its target and where it goes."""
        unit = self.effect.unit
        bound = "at least" if self.target in SHARES else "at most"
        told = value_of(self.effect.value, unit)
        span = interval_of(self.effect.interval, unit)
        what = f"{_capital(self.effect.name)}: {told}" + (f" ({span})" if span else "")
        target = f"the target of {bound} {value_of(targets.of(self.target), unit)}"
        if not self.is_enough:
            return f"{what}; not enough data to tell whether {target} is met."
        if self.surely_meets(targets):
            verdict = f"{target} is met"
        elif self.surely_misses(targets):
            verdict = f"{target} is missed"
        elif targets.holds(self.target, self.effect.value):
            verdict = f"{target} is met, though not surely"
        else:
            verdict = f"{target} is missed, though not surely"
        return f"{what}; {verdict}. {self._moves(targets)}"

    def _moves(self, targets: Targets) -> str:
        if self.direction == "steady":
            return "It is steady."
        if self.direction == "not enough data to tell":
            return "Whether it changes, there is not enough data to tell."
        change, unit = self.change, self.effect.unit
        ends = (change.value, change.low, change.high)
        if unit in _RELATIVE and change.before:
            value, low, high = (_signed_share(each / change.before) for each in ends)
        else:
            value, low, high = (difference_of(each, unit) for each in ends)
        by = f"{value} ({low} to {high})"
        ordinary = self.direction == "worse" and not self.surely_worsens(targets)
        how = f"{self.direction}, by no more than is ordinary" if ordinary else self.direction
        return f"It became {how}: {by} from the earlier half to the later."

    def _best(self) -> float:
        interval = self.effect.interval
        if interval is None:
            return self.effect.value
        return interval.high if self.target in SHARES else interval.low


def _signed_share(share: float) -> str:
    return f"{'−' if share < 0 else '+'}{value_of(abs(share), '')}"


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
