"""A feature followed through windows: counts, what the reference expects of them, and noise."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.bins import Bins, bin_feature, window_counts
from aiopslab.drift.observations import Roles
from aiopslab.drift.scan import Scan, freedom_of, inflation, scan
from aiopslab.drift.season import Season, check_times, find_season, roughness
from aiopslab.drift.windows import cut_windows, number_like

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEW_ROWS = 30  # current rows from which anything is said
GROUPS = 60  # windows that are searched; more are searched in groups, and dated by row all the same
DRAWS = 100  # of windows without drift, to learn the noise of an effect
COVERED = 0.5  # of the current rows need a like season for a word on it


class Timeline:
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
class Compared:
    """Counts of windows beside what the reference expects of them."""

    counts: Floats
    expected: Floats
    rows: Floats
    means: Floats

    def grouped(self, groups: Ints) -> "Compared":
        """Join neighbouring windows."""
        starts = np.flatnonzero(np.diff(groups, prepend=-1))
        rows = np.add.reduceat(self.rows, starts)
        weights = self.rows[:, None] / np.maximum(rows, 1e-9)[groups][:, None]
        return Compared(
            np.add.reduceat(self.counts, starts),
            np.add.reduceat(self.expected * weights, starts),
            rows,
            np.add.reduceat(self.means * weights, starts),
        )


class Followed:
    """A feature in counts, against the whole reference and against the same season of it."""

    def __init__(
        self, name: str, old: pd.Series, new: pd.Series, line: Timeline, is_target: bool
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

    def _against_all(self, codes: npt.NDArray[np.uint8], window: Ints, count: int) -> Compared:
        counts = window_counts(codes, window, count, self._size)
        rows = counts.sum(axis=1)
        expected = np.repeat(self.shares, count, axis=0)
        return _compared(self.bins, counts, expected, rows)

    def _scan(
        self, current: Compared, reference: Compared, line: Timeline, least: Floats
    ) -> tuple[Scan, Floats]:
        # A shuffled reference tells nothing of the dependence in time: the greater counts.
        past = inflation(reference.means, reference.rows, 2)
        factor = np.maximum.reduce([least, past, inflation(current.means, current.rows, 1)])
        if current.rows.sum() < FEW_ROWS:
            return Scan(1.0, 0.0), factor
        groups = current.grouped(groups_of(line.count))
        known = freedom_of(factor, max(line.count, line.reference_count))
        return scan(groups.means, groups.rows, self.reference_rows, factor, known), factor

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
    ) -> Compared:
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


def joined(compared: Compared, windows: slice) -> tuple[Floats, Floats]:
    """Return counts and expected shares of windows taken together, as one window."""
    counts = compared.counts[windows]
    weights = counts.sum(axis=1) / max(1.0, float(counts.sum()))
    return counts.sum(axis=0)[None], (weights @ compared.expected[windows])[None]


def groups_of(windows: int) -> Ints:
    """Return the group that each window is searched in, at most 60 of them."""
    each = np.arange(windows)
    return each if windows <= GROUPS else each * GROUPS // windows


def _compared(bins: Bins, counts: Floats, expected: Floats, rows: Floats) -> Compared:
    size = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    means = np.where(rows[:, None] > 0, (counts / size - expected) @ bins.scores, 0.0)
    return Compared(counts, expected, rows, means)
