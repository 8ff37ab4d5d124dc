"""The judgement on a feature that was followed: whether it drifted, in what way, since when."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.bins import WASSERSTEIN
from aiopslab.drift.followed import COVERED, GROUPS, Compared, Followed, Timeline, groups_of, joined
from aiopslab.drift.onset import RESAMPLES, Onset, date_rows, evidence
from aiopslab.drift.pattern import (
    Pattern,
    Shape,
    fit_shapes,
    is_close,
    name_pattern,
)
from aiopslab.drift.rise import redate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ALPHA = 0.05  # of the features together, after Benjamini and Hochberg
MARGIN = 0.05  # reference SDs: a shift of a score by less changes no decision
OWN_ROWS = 1_000  # before the onset, from which they speak for themselves and not the reference
AROUND = 8  # the row is looked for within this part of the windows on either side


@dataclass(frozen=True)
class FeatureHistory:
    """What happened to one feature.

    Parameters
    ----------
    feature
        Its name, or ``whole``.
    measure
        Of its effects.
    drifted
        Whether it left the reference by more than chance and more than the margin, and more than
        the reference itself moves.
    pattern
        In what way.
    onset
        Since when; ``None`` without drift, and where only the season moved it.
    before, after
        Effect before the onset and after it, noise taken out; all rows count as after without one.
    p, q
        Of the strongest run of windows, and adjusted for the number of features.
    season
        ``"only the season"``, ``"beyond the season"``, ``"none"``, or empty without a period and
        where the reference holds too little of the season.
    """

    feature: str
    measure: str
    drifted: bool
    pattern: Pattern
    onset: Onset | None
    before: float
    after: float
    p: float
    q: float
    season: str

    @property
    def words(self) -> str:
        """One sentence on it."""
        if self.season == "only the season":
            return f"{self.feature} moves with the season only"
        if not self.drifted:
            return f"{self.feature} shows no drift"
        how = {"not enough windows to tell": "drifted", "none": "drifted"}.get(
            self.pattern, f"{self.pattern} drift"
        )
        since = f" since {self.onset}" if self.onset else ""
        unit = "reference SD" if self.measure == WASSERSTEIN else self.measure
        tail = ", beyond the season" if self.season == "beyond the season" else ""
        return f"{self.feature}: {how}{since}, {self.before:.2f} to {self.after:.2f} {unit}{tail}"


class Judge:
    """Names the pattern and dates the onset."""

    def __init__(
        self, line: Timeline, times: pd.Series | None, confidence: float, seed: int
    ) -> None:
        self.line, self.times = line, times
        self.confidence, self.seed = confidence, seed
        self.groups = groups_of(line.count)
        self.number = np.where(line.number >= 0, self.groups[line.number], -1)

    def feature(self, followed: Followed, q: float) -> FeatureHistory:
        """Judge one feature, whose strongest run has been adjusted for the others."""
        current = followed.current.grouped(self.groups)
        overall = followed.effect(*joined(current, slice(None)))
        quiet = FeatureHistory(
            followed.name,
            followed.bins.measure,
            drifted=False,
            pattern="none",
            onset=None,
            before=float("nan"),
            after=float(overall[0]),
            p=followed.scanned.p,
            q=q,
            season="",
        )
        if q > ALPHA or followed.scanned.size < MARGIN:
            return quiet
        series = self._series([followed])
        shapes = series.shapes(self.line.period)
        if shapes[0].pattern == "none":
            return quiet
        pattern = name_pattern(shapes, series.first)
        best = shapes[0]
        start, end = best.start - series.first, best.end - series.first
        drifted = replace(quiet, drifted=True, pattern=pattern)
        if best.pattern == "seasonal":
            return drifted
        since = (
            slice(start, end)
            if best.pattern != "gradual"
            else slice(min(end, len(current.rows) - 1), None)
        )
        return replace(
            drifted,
            onset=self._onset(shapes, series, [followed]),
            before=float(followed.effect(*joined(current, slice(0, start)))[0]) if start else 0.0,
            after=float(followed.effect(*joined(current, since))[0]),
        )

    def with_season(
        self, judged: FeatureHistory, followed: Followed, plain_q: float
    ) -> FeatureHistory:
        """Say what the season has to do with it."""
        season = self.line.season
        if season is None or season.covered < COVERED:
            return judged
        if judged.drifted:
            return replace(judged, season="beyond the season")
        if plain_q <= ALPHA and followed.plain.size >= MARGIN:
            return replace(judged, pattern="seasonal", season="only the season")
        return replace(judged, season="none")

    def whole(
        self, drifted: list[Followed], features: list[FeatureHistory], total: Floats
    ) -> FeatureHistory:
        """Judge all features that drifted together."""
        quiet = FeatureHistory(
            "whole",
            "shift, reference SD",
            drifted=bool(drifted),
            pattern="none",
            onset=None,
            before=float("nan"),
            after=float(total.mean()),
            p=min((each.p for each in features), default=1.0),
            q=min((each.q for each in features), default=1.0),
            season="",
        )
        if not drifted:
            is_season = any(each.season == "only the season" for each in features)
            return (
                replace(quiet, pattern="seasonal", season="only the season") if is_season else quiet
            )
        series = self._series(drifted)
        shapes = series.shapes(self.line.period)
        best = next((each for each in shapes if each.pattern != "none"), shapes[0])
        pattern = name_pattern(shapes, series.first)
        start = best.start - series.first
        if best.pattern in {"seasonal", "none"}:
            return replace(quiet, pattern=pattern)
        coarse = np.array(
            [np.sqrt((total[self.groups == each] ** 2).mean()) for each in np.unique(self.groups)]
        )
        return replace(
            quiet,
            pattern=pattern,
            onset=self._onset(shapes, series, drifted),
            before=float(coarse[:start].mean()) if start else 0.0,
            after=float(coarse[start : best.end - series.first].mean()),
        )

    def _series(self, followed: list[Followed]) -> "_Series":
        current = [each.current.grouped(self.groups) for each in followed]
        rows = np.min([each.rows for each in current], axis=0)
        means = np.hstack([each.means for each in current])
        moved = (means * rows[:, None]).T @ means
        direction = np.linalg.eigh(moved)[1][:, -1]
        factor = float(direction**2 @ np.concatenate([each.inflation for each in followed]))
        if self.line.is_before:
            nearest = slice(-GROUPS, None)
            past = np.hstack([each.reference.means for each in followed])[nearest] @ direction
            past_rows = np.min([each.reference.rows for each in followed], axis=0)[nearest]
            past_place = self.line.reference_place[nearest]
        else:
            past, past_place = np.zeros(1), np.array([-1.0])
            past_rows = np.array([min(each.reference_rows for each in followed)])
        place = np.array(
            [self.line.place[self.groups == each].mean() for each in np.unique(self.groups)]
        )
        return _Series(
            np.concatenate([past, means @ direction]),
            np.concatenate([past_rows, rows]) / factor,
            np.concatenate([past_place, place]),
            len(past),
        )

    def _onset(self, shapes: list[Shape], series: "_Series", followed: list[Followed]) -> Onset:
        """Date the best shape; the interval holds those of the shapes that fit as well."""
        dated = [each for each in shapes if each.pattern not in {"none", "seasonal"}]
        likely = {each.pattern: each for each in reversed(dated) if is_close(each, dated[0])}
        onsets = [
            self._window_onset(each, series)
            if each.pattern == "gradual"
            else self._row_onset(each.start - series.first, each.end - series.first, followed)
            for each in (dated[0], *(likely[name] for name in likely if name != dated[0].pattern))
        ]
        row, low = onsets[0].row, min(each.row_low for each in onsets)
        return self._at(row, low, max(each.row_high for each in onsets))

    def _window_onset(self, rise: Shape, series: "_Series") -> Onset:
        starts = redate(
            rise.fitted, series.shift, series.precision, series.first, RESAMPLES, self.seed
        )
        # As in `date_rows`, the error of the resamples is taken off the estimate.
        ends = rise.start - np.quantile(
            starts - rise.start, [(1 + self.confidence) / 2, (1 - self.confidence) / 2]
        )
        windows = [rise.start, int(np.floor(ends[0])), int(np.ceil(ends[1]))]
        first = self._first_rows()
        rows = [int(first[np.clip(each - series.first, 0, len(first) - 1)]) for each in windows]
        return self._at(rows[0], rows[1], rows[2])

    def _row_onset(self, start: int, end: int, followed: list[Followed]) -> Onset:
        groups = int(self.groups[-1]) + 1
        around = max(2, groups // AROUND)
        inside = (self.number >= start - around) & (self.number < min(end, start + around))
        for each in followed:
            inside &= each.window >= 0
        rows = np.flatnonzero(inside)
        if not rows.size:
            row = int(self._first_rows()[start])
            return self._at(row, row, row)
        ratio = np.zeros(rows.size)
        for each in followed:
            current = each.current.grouped(self.groups)
            old = slice(0, max(0, start - 1))
            new = slice(start + 1 if end - start > 1 else start, end)
            before = _mean(current, old, each.reference_rows)
            ratio += evidence(each.bins.scores, before, _mean(current, new, 0.0))[
                each.bins.current[rows]
            ]
        factor = float(np.concatenate([each.inflation for each in followed]).max())
        row, low, high = date_rows(ratio, factor, self.confidence, self.seed)
        if start == 0 and low == 0:
            row = 0  # as likely as any, and nothing else was ever seen
        last = rows.size - 1
        return self._at(*(int(rows[min(each, last)]) for each in (row, low, high)))

    def _first_rows(self) -> Ints:
        first: Ints = self.line.cut.table["first_row"].to_numpy(np.int64)
        return first[np.flatnonzero(np.diff(self.groups, prepend=-1))]

    def _at(self, row: int, low: int, high: int) -> Onset:
        low, high = min(row, low), max(row, high)
        when = [None if self.times is None else self.times.iloc[each] for each in (row, low, high)]
        return Onset(when[0], when[1], when[2], row, low, high, self.confidence)


@dataclass(frozen=True)
class _Series:
    """Shift of windows along one direction: the reference's, then the current ones."""

    shift: Floats
    precision: Floats
    place: Floats
    first: int

    def shapes(self, period: float | None) -> list[Shape]:
        return fit_shapes(self.shift, self.precision, self.first, self.place, period)


def _mean(compared: Compared, windows: slice, others: float) -> Floats:
    """Return the mean of the scores in windows, few of which are joined by others at 0."""
    rows = compared.rows[windows]
    if rows.sum() >= OWN_ROWS:
        others = 0.0
    mean: Floats = rows @ compared.means[windows] / max(1.0, float(rows.sum()) + others)
    return mean
