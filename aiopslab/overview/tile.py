"""A tile: one side of the health of a system, held against its targets."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pandas as pd

from aiopslab.findings import LEVELS, Effect, Finding, Interval, Level
from aiopslab.overview.measure import Direction, Measure
from aiopslab.overview.targets import SHARES, TargetName, Targets
from aiopslab.overview.written import ago, value_of
from aiopslab.wording import listed

State = Literal["ok", "watch", "act", "stale", "no data"]
GLYPHS: dict[State, str] = {"ok": "✓", "watch": "◐", "act": "▲", "stale": "◷", "no data": "–"}


@dataclass(frozen=True)
class Link:
    """Where a tile is looked into: a template with its parameters.

    Parameters
    ----------
    template
        Its name.
    parameters
        Those that the overview knows; empty where it was not told where the evidence is.
    report
        Address of a report that did so, relative to where the overview is shown; empty for none.
    """

    template: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    report: str = ""

    @property
    def command(self) -> str:
        """The command that makes the report; empty where its evidence is not known.

        Examples
        --------
        >>> Link("drift", {"current": "sample://no-fault"}).command
        'aiopslab run drift -p current=sample://no-fault'
        """
        told = (f"-p {shlex.quote(f'{name}={value}')}" for name, value in self.parameters.items())
        return " ".join(("aiopslab run", self.template, *told)) if self.parameters else ""


@dataclass(frozen=True, repr=False)
class Tile:
    """One of the five.

    Parameters
    ----------
    name
        Such as ``"model accuracy"``.
    measures
        What was measured, in the order in which it is told; none without data.
    targets
        That they are held against.
    seen
        The last time that it has data of; ``None`` where it never had.
    now
        When it is judged.
    link
        Where to look into it.
    reason
        Why there is no data; else empty.
    notes
        What a reader should know, such as clocks that differ.
    """

    name: str
    measures: tuple[Measure, ...]
    targets: Targets
    seen: pd.Timestamp | None
    now: pd.Timestamp | None
    link: Link
    reason: str = ""
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Tile({self.name!r}: {self.state}, {value_of(self.value, self.unit)})"

    @property
    def worst(self) -> Measure | None:
        """The measure that speaks for the tile: the first of those that are judged worst."""
        key = lambda each: -LEVELS.index(each.level(self.targets))  # noqa: E731
        return min(self.measures, key=key, default=None)

    @property
    def state(self) -> State:
        """How it stands; what is stale is never ok, and what is missing neither."""
        if self.worst is None:
            return "no data"
        return "stale" if self.is_stale else self.worst.level(self.targets)

    @property
    def level(self) -> Level | None:
        """What is to be done: of what is stale to look, of what has no data nobody can tell."""
        if self.worst is None:
            return None
        return "watch" if self.state == "stale" else self.worst.level(self.targets)

    @property
    def glyph(self) -> str:
        """A sign of its state, so that colour is never alone."""
        return GLYPHS[self.state]

    @property
    def age(self) -> pd.Timedelta | None:
        """How old its data is."""
        if self.seen is None or self.now is None:
            return None
        return max(self.now - self.seen, pd.Timedelta(0))

    @property
    def is_stale(self) -> bool:
        """Whether its data is too old to say anything about now."""
        return self.age is not None and self.age > self.targets.fresh_for

    @property
    def value(self) -> float:
        """Of the measure that speaks for it; NaN without data."""
        return self.worst.effect.value if self.worst else float("nan")

    @property
    def unit(self) -> str:
        """Of the value; empty for a share."""
        return self.worst.effect.unit if self.worst else ""

    @property
    def interval(self) -> Interval | None:
        """Of the value."""
        return self.worst.effect.interval if self.worst else None

    @property
    def trend(self) -> Effect | None:
        """The later half of the window against the earlier."""
        return self.worst.trend if self.worst else None

    @property
    def direction(self) -> Direction:
        """Where it goes."""
        return self.worst.direction if self.worst else "not enough data to tell"

    @property
    def target_name(self) -> TargetName | None:
        """Which target speaks for it."""
        return self.worst.target if self.worst else None

    @property
    def target(self) -> float:
        """The target, in the unit of the value; NaN without data."""
        return self.targets.of(self.worst.target) if self.worst else float("nan")

    @property
    def good_side(self) -> Literal["above", "below"]:
        """On which side of its target the value is good."""
        return "above" if self.worst is None or self.worst.target in SHARES else "below"

    @property
    def freshness(self) -> str:
        """How old its data is, in words."""
        return "never seen" if self.age is None else f"last seen {ago(self.age)}"

    @property
    def sentence(self) -> str:
        """What to know about it, in a sentence or two."""
        if self.worst is None:
            return f"No data: {self.reason}."
        if self.is_stale:
            return (
                f"Stale: {self.freshness}, so nobody knows how it is now. "
                f"It was {value_of(self.value, self.unit)}."
            )
        told = self.worst.sentence(self.targets)
        beside = [
            f"{each.effect.name} {value_of(each.effect.value, each.effect.unit)}"
            for each in self.measures
            if each is not self.worst
        ]
        return f"{told} Beside it: {listed(beside)}." if beside else told

    def finding(self) -> Finding | None:
        """Return it as a finding; ``None`` without data."""
        if self.worst is None or self.level is None:
            return None
        evidence = f"{self.worst.rows:,} rows, {self.freshness}"
        return Finding(self.sentence, self.name, self.level, evidence, self.worst.effect)

    def against(self, targets: Targets) -> "Tile":
        """Return it held against other targets."""
        return replace(self, targets=targets)

    def linked(self, report: str) -> "Tile":
        """Return it with the address of the report that looks into it."""
        return replace(self, link=replace(self.link, report=report))
