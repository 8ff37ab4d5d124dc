"""Drift through time: how far each feature is from the reference, since when, and in what way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.bins import WASSERSTEIN, Bins, bin_feature, window_counts
from aiopslab.drift.observations import Roles, read_observations
from aiopslab.drift.onset import RESAMPLES, Onset, Scan, date_rows, evidence, inflation, scan
from aiopslab.drift.pattern import (
    Pattern,
    Shape,
    fit_shapes,
    is_close,
    name_pattern,
    redate_rise,
)
from aiopslab.drift.season import Season, check_times, find_season, roughness
from aiopslab.drift.windows import Windows, cut_windows, number_like

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ALPHA = 0.05  # of the features together, after Benjamini and Hochberg
MARGIN = 0.05  # reference SDs: a shift of a score by less changes no decision
FEW_ROWS = 30  # current rows from which anything is said
GROUPS = 60  # windows that are searched; more are searched in groups, and dated by row all the same
OWN_ROWS = 1_000  # before the onset, from which they speak for themselves and not the reference
AROUND = 8  # the row is looked for within this part of the windows on either side
DRAWS = 100  # of windows without drift, to learn the noise of an effect
COVERED = 0.5  # of the current rows need a like season for a word on it
FULL_COLOUR = 0.2  # effects are never drawn in full colour under this


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


@dataclass(frozen=True)
class DriftHistory:
    """Drift through time of every feature, and of the whole.

    Parameters
    ----------
    windows
        How the current observations were cut.
    effects
        ``(windows, features)``: effect of each, noise taken out; NaN where there is no row.
    total
        Of each window: root mean square over the features of the shift in reference SDs.
    features
        One a feature, prediction, score and target, in the order of the reference.
    whole
        All that drifted taken together.
    covered
        Share of the current rows for which the reference has the same season; 1 without a period.
    """

    windows: Windows
    effects: pd.DataFrame
    total: pd.Series
    features: tuple[FeatureHistory, ...]
    whole: FeatureHistory
    covered: float

    @property
    def onset(self) -> Onset | None:
        """Since when the observations as a whole drift; ``None`` where they do not."""
        return self.whole.onset

    def table(self) -> pd.DataFrame:
        """Return one row a feature, what drifted first and most on top."""
        rows = [
            {
                "feature": each.feature,
                "drifted": each.drifted,
                "pattern": each.pattern,
                "onset": each.onset.time if each.onset else None,
                "low": each.onset.low if each.onset else None,
                "high": each.onset.high if each.onset else None,
                "row": each.onset.row if each.onset else None,
                "row_low": each.onset.row_low if each.onset else None,
                "row_high": each.onset.row_high if each.onset else None,
                "before": each.before,
                "after": each.after,
                "measure": each.measure,
                "p": each.p,
                "q": each.q,
                "season": each.season,
                "words": each.words,
            }
            for each in sorted(self.features, key=lambda each: (not each.drifted, -each.after))
        ]
        table = pd.DataFrame(rows)
        whole = ["row", "row_low", "row_high"]
        return table.astype(dict.fromkeys(whole, "Int64"))

    def figure(self) -> "go.Figure":
        """Draw the effects as a heatmap, features × windows, with the onset of each."""
        from aiopslab.charts.heatmap import heatmap

        order = self.table()["feature"].tolist()
        first = self.windows.table["first_row"].to_numpy()
        size = self.windows.table["rows"].to_numpy()
        marks = {}
        for each in self.features:
            if each.onset:
                window = int(np.searchsorted(first, each.onset.row, side="right")) - 1
                within = (each.onset.row - first[window]) / max(1, size[window])
                marks[each.feature] = window + min(1.0, float(within))
        return heatmap(
            self.effects[order].T,
            "Drift through time",
            "effect (reference SD or total variation)",
            self.windows.labels,
            marks,
            FULL_COLOUR,
        )


def drift_over_time(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    roles: Roles | None = None,
    windows: str | pd.Timedelta | int | None = None,
    period: str | pd.Timedelta | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> DriftHistory:
    """Follow drift through time.

    Parameters
    ----------
    reference
        Observations that are known to be good.
    current
        Observations to judge, in order of time where they have no times.
    roles
        Which column is what. Prediction, score and target are followed like features where both
        have them; a target that is not known yet is no missing value.
    windows
        A duration such as ``"1D"``, or a number of rows; see `cut_windows`.
    period
        Of a season, e.g. ``"1Y"``, ``"7D"``, ``"24h"``. With it each row is compared with
        reference rows of the same phase, and what only the season moves is no drift.
    confidence
        Of the intervals.
    seed
        Of the resampling.

    Returns
    -------
    DriftHistory

    Raises
    ------
    FrameError
        If a table cannot be read, the windows are no windows, or a period is given without times.

    Notes
    -----
    A feature drifted where a run of windows lies further from the reference than chance explains
    (`scan`, Benjamini and Hochberg over the features), by more than the margin, and where some
    shape through time explains it better than the variation that the reference itself shows
    (`fit_shapes`). A step is then dated to the row (`date_rows`), a rise to the window.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> old, new = rng.normal(size=4_000), rng.normal(size=4_000)
    >>> new[2_500:] += 2
    >>> history = drift_over_time(pd.DataFrame({"age": old}), pd.DataFrame({"age": new}))
    >>> history.features[0].pattern, abs(history.onset.row - 2_500) < 10
    ('sudden', True)
    """
    named = roles or Roles()
    old = read_observations(reference, roles, "reference")
    new = read_observations(current, roles, "current observations")
    line = _Timeline(old, new, named, windows, period)
    followed = [
        _Followed(column, old[column], _column(new, column), line, column == named.target)
        for column in _columns(old, new, named)
    ]
    scans = [each.scanned for each in followed]
    q = _adjusted(np.array([each.p for each in scans]))
    plain = _adjusted(np.array([each.plain.p for each in followed]))
    judge = _Judge(line, new.get(named.timestamp), confidence, seed)
    features = []
    for each, adjusted, unadjusted in zip(followed, q, plain, strict=True):
        judged = judge.feature(each, float(adjusted))
        features.append(judge.with_season(judged, each, float(unadjusted)))
    drifted = [each for each, judged in zip(followed, features, strict=True) if judged.drifted]
    names = [each.name for each in followed]
    squares = np.array([each.squares for each in followed]).reshape(len(names), -1)
    total = np.sqrt(np.maximum(squares.mean(axis=0), 0.0)) if names else np.zeros(line.count)
    return DriftHistory(
        line.cut,
        pd.DataFrame({each.name: each.effects for each in followed}, columns=names),
        pd.Series(total, name="shift, reference SD"),
        tuple(features),
        judge.whole(drifted, features, total),
        line.season.covered if line.season else 1.0,
    )


class _Timeline:
    """Which window, and which phase of the season, every row is in."""

    def __init__(
        self,
        old: pd.DataFrame,
        new: pd.DataFrame,
        roles: Roles,
        windows: str | pd.Timedelta | int | None,
        period: str | pd.Timedelta | None,
    ) -> None:
        times, past = new.get(roles.timestamp), old.get(roles.timestamp)
        self.cut = cut_windows(times, len(new), windows)
        self.count = len(self.cut.table)
        self.number = self.cut.number
        self.rows = float(self.cut.table["rows"].median())
        self.season: Season | None = None
        if period is not None:
            check_times(old, new, roles)
            assert times is not None
            assert past is not None
            self.season = find_season(past, times, period)
        is_timed = times is not None and past is not None and past.notna().all()
        self.is_before = not is_timed or bool(past.max() < times.min())  # type: ignore[union-attr]
        if is_timed and self.is_before and isinstance(self.cut.length, pd.Timedelta):
            assert past is not None
            raw = number_like(past, self.cut)
            used, dense = np.unique(raw, return_inverse=True)
            starts = (self.cut.table["start"] - self.cut.table["start"].iloc[0]) / self.cut.length
            self.reference_number = dense.astype(np.int64)
            self.reference_count, self.reference_place = len(used), used.astype(np.float64)
            self.place = np.floor(starts.to_numpy(dtype=np.float64) + 0.5)
        else:
            rows = max(1, round(self.rows))
            self.reference_count = max(1, len(old) // rows)
            self.reference_number = np.minimum(
                np.arange(len(old)) // rows, self.reference_count - 1
            ).astype(np.int64)
            self.reference_place = np.arange(-self.reference_count, 0, dtype=np.float64)
            self.place = np.arange(self.count, dtype=np.float64)

    @property
    def period(self) -> float | None:
        """Of the season, in windows."""
        if self.season is None or not isinstance(self.cut.length, pd.Timedelta):
            return None
        return float(self.season.period / self.cut.length)


@dataclass(frozen=True)
class _Compared:
    """Counts of windows beside what the reference expects of them."""

    counts: Floats
    expected: Floats
    rows: Floats
    means: Floats

    def grouped(self, groups: Ints) -> "_Compared":
        """Join neighbouring windows."""
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        rows = np.add.reduceat(self.rows, starts)
        weights = self.rows[:, None] / np.maximum(rows, 1e-9)[groups][:, None]
        return _Compared(
            np.add.reduceat(self.counts, starts),
            np.add.reduceat(self.expected * weights, starts),
            rows,
            np.add.reduceat(self.means * weights, starts),
        )


class _Followed:
    """A feature in counts, against the whole reference and against the same season of it."""

    def __init__(
        self, name: str, old: pd.Series, new: pd.Series, line: _Timeline, is_target: bool
    ) -> None:
        self.name = name
        self.bins = bin_feature(old, new, line.rows)
        self.window = self._known(self.bins.current, line.number, is_target)
        past = self._known(self.bins.reference, line.reference_number, is_target)
        everything = window_counts(self.bins.reference, np.minimum(past, 0), 1, self._size)
        self.reference_rows = max(1.0, float(everything.sum()))
        self.shares = everything / self.reference_rows
        current = self._against_all(self.bins.current, self.window, line.count)
        reference = self._against_all(self.bins.reference, past, line.reference_count)
        rough = np.ones(self.bins.scores.shape[1])
        self.plain, _ = self._scan(current, reference, line, rough)
        if line.season is not None and line.season.covered >= COVERED:
            seasonal = _Seasonal(self.bins, past, line.season)
            rough = roughness(reference.means, reference.rows, line.reference_place, line.period)
            self.window = np.where(line.season.current >= 0, self.window, -1)
            current = seasonal.compare(
                self.bins.current, self.window, line.season.current, line.count
            )
            in_season = np.where(line.season.reference >= 0, past, -1)
            reference = seasonal.compare(
                self.bins.reference, in_season, line.season.reference, line.reference_count
            )
        self.current, self.reference = current, reference
        self.scanned, self.inflation = self._scan(current, reference, line, rough)
        self.noise = self._learn_noise(line.rows)
        noise = 1 / np.maximum(current.rows, 1) + 1 / self.reference_rows
        self.squares = np.where(
            current.rows > 0, (current.means**2).sum(axis=1) - self.inflation.sum() * noise, 0.0
        )
        self.effects = self.effect(current.counts, current.expected)

    @property
    def _size(self) -> int:
        return len(self.bins.scores)

    def effect(self, counts: Floats, expected: Floats) -> Floats:
        """Return effects with what noise alone adds to them taken out."""
        rows = counts.sum(axis=1)
        raw = self.bins.effects(counts, expected)
        noise = self.noise * (1 / np.maximum(rows, 1) + 1 / self.reference_rows)
        effect = np.sqrt(np.maximum(raw**2 - noise, 0.0))
        return np.where(rows > 0, effect, np.nan)

    def _known(self, codes: npt.NDArray[np.uint8], window: Ints, is_target: bool) -> Ints:
        return np.where(codes == self.bins.missing, -1, window) if is_target else window

    def _against_all(self, codes: npt.NDArray[np.uint8], window: Ints, count: int) -> _Compared:
        counts = window_counts(codes, window, count, self._size)
        rows = counts.sum(axis=1)
        expected = np.repeat(self.shares, count, axis=0)
        return _compared(self.bins, counts, expected, rows)

    def _scan(
        self, current: _Compared, reference: _Compared, line: _Timeline, least: Floats
    ) -> tuple[Scan, Floats]:
        # A shuffled reference tells nothing of the dependence in time: the greater counts.
        past = inflation(reference.means, reference.rows, 2)
        factor = np.maximum.reduce([least, past, inflation(current.means, current.rows, 1)])
        if current.rows.sum() < FEW_ROWS:
            return Scan(1.0, 0.0), factor
        groups = current.grouped(_groups(line.count))
        return scan(groups.means, groups.rows, self.reference_rows, factor), factor

    def _learn_noise(self, rows: float) -> float:
        """Return the mean square of the effect of one row without drift."""
        size = max(1, round(rows))
        drawn = np.random.default_rng(0).multinomial(
            size, self.shares[0] / self.shares[0].sum() if self.shares.sum() else [1.0], DRAWS
        )
        effects = self.bins.effects(drawn.astype(np.float64), np.repeat(self.shares, DRAWS, axis=0))
        there = effects[np.isfinite(effects)]
        if not there.size or not self.inflation.size:
            return 0.0
        return size * float(self.inflation.mean() * (there**2).mean())


class _Seasonal:
    """What the reference expects of rows by their phase of the season."""

    def __init__(self, bins: Bins, window: Ints, season: Season) -> None:
        phase = np.where(window >= 0, season.reference, -1)
        held = window_counts(bins.reference, phase, season.phases, len(bins.scores))
        self.bins, self.phases = bins, season.phases
        self.rows = np.maximum(held.sum(axis=1), 1.0)
        self.shares = held / self.rows[:, None]

    def compare(
        self, codes: npt.NDArray[np.uint8], window: Ints, phase: Ints, count: int
    ) -> _Compared:
        counts = window_counts(codes, window, count, len(self.bins.scores))
        there = window >= 0
        flat = np.bincount(
            window[there] * self.phases + phase[there], minlength=count * self.phases
        )
        mix = flat.reshape(count, self.phases) / np.maximum(counts.sum(axis=1), 1)[:, None]
        rows = counts.sum(axis=1)
        # What is expected of a phase is itself known from so many rows only.
        noise = np.divide(1.0, rows, where=rows > 0, out=np.zeros(count)) + mix**2 @ (1 / self.rows)
        worth = np.divide(1.0, noise, where=rows > 0, out=np.zeros(count))
        return _compared(self.bins, counts, mix @ self.shares, worth)


class _Judge:
    """Names the pattern and dates the onset."""

    def __init__(
        self, line: _Timeline, times: pd.Series | None, confidence: float, seed: int
    ) -> None:
        self.line, self.times = line, times
        self.confidence, self.seed = confidence, seed
        self.groups = _groups(line.count)
        self.number = np.where(line.number >= 0, self.groups[line.number], -1)

    def feature(self, followed: _Followed, q: float) -> FeatureHistory:
        """Judge one feature, whose strongest run has been adjusted for the others."""
        current = followed.current.grouped(self.groups)
        overall = followed.effect(*_joined(current, slice(None)))
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
            before=float(followed.effect(*_joined(current, slice(0, start)))[0]) if start else 0.0,
            after=float(followed.effect(*_joined(current, since))[0]),
        )

    def with_season(
        self, judged: FeatureHistory, followed: _Followed, plain_q: float
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
        self, drifted: list[_Followed], features: list[FeatureHistory], total: Floats
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

    def _series(self, followed: list[_Followed]) -> "_Series":
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

    def _onset(self, shapes: list[Shape], series: "_Series", followed: list[_Followed]) -> Onset:
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
        starts = redate_rise(
            rise, series.shift, series.precision, series.first, RESAMPLES, self.seed
        )
        # As in `date_rows`, the error of the resamples is taken off the estimate.
        ends = rise.start - np.quantile(
            starts - rise.start, [(1 + self.confidence) / 2, (1 - self.confidence) / 2]
        )
        windows = [rise.start, int(np.floor(ends[0])), int(np.ceil(ends[1]))]
        first = self._first_rows()
        rows = [int(first[np.clip(each - series.first, 0, len(first) - 1)]) for each in windows]
        return self._at(rows[0], rows[1], rows[2])

    def _row_onset(self, start: int, end: int, followed: list[_Followed]) -> Onset:
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


def _compared(bins: Bins, counts: Floats, expected: Floats, rows: Floats) -> _Compared:
    size = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    means = np.where(rows[:, None] > 0, (counts / size - expected) @ bins.scores, 0.0)
    return _Compared(counts, expected, rows, means)


def _mean(compared: _Compared, windows: slice, others: float) -> Floats:
    """Return the mean of the scores in windows, few of which are joined by others at 0."""
    rows = compared.rows[windows]
    if rows.sum() >= OWN_ROWS:
        others = 0.0
    mean: Floats = rows @ compared.means[windows] / max(1.0, float(rows.sum()) + others)
    return mean


def _joined(compared: _Compared, windows: slice) -> tuple[Floats, Floats]:
    """Return counts and expected shares of windows taken together, as one window."""
    counts = compared.counts[windows]
    weights = counts.sum(axis=1) / max(1.0, float(counts.sum()))
    return counts.sum(axis=0)[None], (weights @ compared.expected[windows])[None]


def _groups(windows: int) -> Ints:
    each = np.arange(windows)
    return each if windows <= GROUPS else each * GROUPS // windows


def _columns(old: pd.DataFrame, new: pd.DataFrame, roles: Roles) -> Iterator[str]:
    yield from roles.features(old)
    for role in (roles.prediction, roles.score, roles.target):
        if role in old and role in new:
            yield role


def _column(table: pd.DataFrame, name: str) -> pd.Series:
    """Return a column, all of it missing where there is none."""
    return table[name] if name in table else pd.Series([None] * len(table), dtype=object)


def _adjusted(p: Floats) -> Floats:
    """Adjust p-values for the false discovery rate (Benjamini and Hochberg 1995)."""
    order = np.argsort(p)
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(adjusted, 1.0)
