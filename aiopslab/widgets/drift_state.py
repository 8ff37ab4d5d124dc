"""What a person looks at in the drift explorer: two windows, a threshold, and what follows."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.drift.analysis import NEEDED
from aiopslab.drift.binned import bin_tables
from aiopslab.drift.comparison import Comparison
from aiopslab.drift.feature import FeatureDrift, Margins
from aiopslab.drift.observations import PROBABILITY_OF, Roles
from aiopslab.drift.replay import Replay, Replayer
from aiopslab.drift.screening import screen
from aiopslab.drift.segments import Segments, find_segments
from aiopslab.drift.views import STAMP
from aiopslab.drift.windows import LENGTHS, ROWS
from aiopslab.errors import SourceError
from aiopslab.sources.evidence import Evidence
from aiopslab.widgets.drift_controls import duration

Window = tuple[pd.Timestamp, pd.Timestamp]
AT_ONCE = 5  # features whose intervals come with the answer to a brush
LEAST_WINDOWS = 2  # of history, in windows of the longest length that is offered
MOST_WINDOWS = 60  # by default


class DriftState:
    """Two windows of observations, and what is said of them.

    Parameters
    ----------
    tables
        One, on which both windows are set, or the reference and what is judged.
    roles
        Which column is what.
    told
        Is called with the share of the profiles that are made.

    Attributes
    ----------
    reference, current : tuple of int
        The bins of either window: the first, and the one after the last.
    feature : str
        The one that is picked.
    comparison : Comparison
        Of the two; not all features have an interval.
    replay : Replay
        Of history against the reference.

    Raises
    ------
    FrameError
        If a table cannot be read or has no times, or the two have no column in common.
    """

    def __init__(
        self,
        tables: list[Evidence | pd.DataFrame],
        roles: Roles | None = None,
        told: Callable[[float], None] | None = None,
    ) -> None:
        self.roles = roles or Roles()
        self.sources = [each.source if isinstance(each, Evidence) else None for each in tables]
        frames = [each.observations if isinstance(each, Evidence) else each for each in tables]
        self.margins = Margins()
        self.binned = bin_tables(frames, roles, told)
        self._replayer = Replayer(self.binned, self.margins)
        self.latest = len(tables) - 1
        low, high = self.binned.span(0)
        half = low + max(1, (high - low) // 2)
        self.reference = (low, half if self.latest == 0 else high)
        self.current = (min(half, high - 1), high) if self.latest == 0 else self.binned.span(1)
        self.lengths = self._lengths()
        self.length = self._usual()
        self.feature = ""
        self.compare()
        self.feature = self.comparison.features[0].feature
        self.look_back()

    def edges(self, table: int) -> pd.DatetimeIndex:
        """Return the times between which a window of a table can be set."""
        first, last = self.binned.span(table)
        own = self.binned.bins.iloc[first:last]
        return pd.DatetimeIndex([*own["start"], own["end"].iloc[-1]])

    def window(self, bins: tuple[int, int]) -> Window:
        """Return the times between which bins lie."""
        own = self.binned.bins.iloc[bins[0] : bins[1]]
        return own["start"].iloc[0], own["end"].iloc[-1]

    def set_reference(self, window: Window) -> None:
        """Compare with another reference, through all of history, too."""
        self.reference = self.binned.within(0, *window)
        self.compare()
        self.look_back()

    def set_current(self, window: Window) -> None:
        """Compare another window."""
        self.current = self.binned.within(self.latest, *window)
        self.compare()

    def compare(self, at_once: int = AT_ONCE) -> None:
        """Compare the windows, with intervals of the feature that is picked and of some more."""
        good, now = (self.binned.profile(*each) for each in (self.reference, self.current))
        told = [self.feature] if self.feature else []
        self.comparison: Comparison = screen(good, now, told, at_once, margins=self.margins)

    def pick(self, feature: str) -> None:
        """Look at a feature, whose effect then has an interval."""
        self.feature = feature
        if math.isnan(self.picked().effect.low):
            self.compare()

    def picked(self) -> FeatureDrift:
        """Return how far the feature moved that is picked."""
        return next(each for each in self.comparison.features if each.feature == self.feature)

    def look_back(self, length: pd.Timedelta | None = None) -> None:
        """Replay history in windows of another length."""
        self.length = self.length if length is None else length
        self.replay: Replay = self._replayer(self.reference, self.length)

    def segments(self) -> Segments:
        """Search for the segments in which the windows differ: seconds, and a minute where wide."""
        good, now = (self.binned.frame(*each) for each in (self.reference, self.current))
        return find_segments(good, now, self.roles)

    def notes(self) -> list[str]:
        """Return what a reader must know of the windows, worst first."""
        told = [
            f"Not enough data to tell: {rows:,} {name} rows; at least {NEEDED} are needed"
            for name, rows in zip(("reference", "current"), self.rows(), strict=True)
            if rows < NEEDED
        ]
        first = max(self.reference[0], self.current[0])
        shared = self.binned.rows(first, min(self.reference[1], self.current[1]))
        if first < min(self.reference[1], self.current[1]):
            told.append(f"The windows share {shared:,} rows, which cannot differ: drift looks less")
        if self.binned.untimed:
            told.append(f"{self.binned.untimed:,} rows have no time and are left out")
        if self.binned.alone:
            told.append(f"Only one of the tables has {', '.join(self.binned.alone)}")
        return told

    def rows(self) -> tuple[int, int]:
        """Return how many rows either window holds."""
        return self.binned.rows(*self.reference), self.binned.rows(*self.current)

    def headline(self) -> str:
        """Say how many columns drifted between the windows, and which did most."""
        drifted, count = self.comparison.drifted, len(self.comparison.features)
        if min(self.rows()) < NEEDED:
            return self.notes()[0]
        if not drifted:
            return f"None of {count} columns drifted"
        first = self.comparison.features[0]
        return f"{len(drifted)} of {count} columns drifted; {first.feature}: {first.direction}"

    def sides(self) -> str:
        """Say how many rows either window holds, and from when to when."""
        told = []
        for name, bins in (("reference", self.reference), ("current", self.current)):
            first, last = self.binned.times(*bins)
            rows = self.binned.rows(*bins)
            told.append(f"{rows:,} {name} rows, {first:{STAMP}} to {last:{STAMP}} UTC")
        return "; ".join(told)

    def chosen(self) -> dict[str, Any]:
        """Return what was chosen, in plain JSON values."""
        sides = {"reference": self.reference, "current": self.current}
        return {
            **{
                name: [each.isoformat() for each in self.binned.times(*bins)]
                for name, bins in sides.items()
            },
            "feature": self.feature,
            "windows": duration(self.length),
        }

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the template ``drift`` that compare the same rows.

        Raises
        ------
        SourceError
            If a table was not opened from a URL.
        """
        urls = [_url(each) for each in self.sources]
        sides = ("reference_start", "reference_end", self.reference), ("start", "end", self.current)
        times: dict[str, Any] = {}
        for start, end, bins in sides:
            first, last = self.binned.times(*bins)
            # No window is empty, and both ends of one are part of it.
            last = max(last, first + pd.Timedelta("1us"))
            times |= {start: first.isoformat(), end: last.isoformat()}
        named = _columns(self.roles)
        return {
            "reference": urls[0],
            "current": urls[-1],
            **times,
            **({"columns": named} if named else {}),
            **({"ignored": list(self.roles.ignored)} if self.roles.ignored else {}),
        }

    def _lengths(self) -> list[pd.Timedelta]:
        first, last = self.window(self.binned.span(self.latest))
        longest = max(self.binned.length, (last - first) / LEAST_WINDOWS)
        usual = [pd.Timedelta(each) for each in LENGTHS]
        return [each for each in usual if self.binned.length <= each <= longest]

    def _usual(self) -> pd.Timedelta:
        """Return the shortest length of windows that hold enough and can be told apart."""
        span = self.binned.span(self.latest)
        first, last = self.window(span)
        most = max(1.0, min(MOST_WINDOWS, self.binned.rows(*span) / ROWS))
        return next(
            (each for each in self.lengths if (last - first) / each <= most), self.lengths[-1]
        )


def _url(source: str | None) -> str:
    if source is None or not ("://" in source or Path(source).exists()):
        raise SourceError(
            "the observations are a table in memory, which no report can open",
            "Save them as Parquet, and explore drift.open_observations(path).",
        )
    return source


def _columns(roles: Roles) -> Mapping[str, str]:
    usual = Roles()
    named = {
        each: getattr(roles, each)
        for each in ("prediction", "score", "target", "timestamp")
        if getattr(roles, each) != getattr(usual, each)
    }
    classes = {f"{PROBABILITY_OF}{name}": each for name, each in roles.probabilities.items()}
    return named | classes
