"""How drift goes on: at once, little by little, with the season, or in episodes that come back.

Each shape is fitted to the shift of windows and pays for its parameters; the best one names the
pattern, unless another is as good.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from aiopslab.drift.rise import SHORTEST, Rises

Floats = npt.NDArray[np.float64]
Pattern = Literal[
    "sudden", "gradual", "seasonal", "recurring", "none", "not enough windows to tell"
]

LEAST = 8  # current windows from which shapes are told apart
CLEAR = 2.0  # units of the criterion by which the best has to lead: "positive" of Kass and Raftery
CHANGES = 8  # of level, at most
AWAY = 0.5  # of the farthest level: nearer to the first one is a return to it
STAIRS = 0.6  # of the whole way: where no step is as large, they are a rise
CYCLES, KNOWN_CYCLES = 2.0, 1.25  # that have to be seen of an unknown and of a known period
PER_CYCLE = 4  # windows, at least, for each harmonic
HARMONICS = 3  # of a season, at most


@dataclass(frozen=True)
class Shape:
    """A shape that was fitted.

    Parameters
    ----------
    pattern
        Its name.
    start, end
        The windows at which drift begins and ends: of a step the first window after it and the
        end of the level that follows, of a rise those between which it climbs.
    criterion
        The lower the better, see `fit_shapes`.
    fitted
        The shift of each window by the shape.
    """

    pattern: Pattern
    start: int
    end: int
    criterion: float
    fitted: Floats


def fit_shapes(
    shift: Floats, precision: Floats, first: int, place: Floats, period: float | None = None
) -> list[Shape]:
    """Fit every shape to the shift of windows, the best first.

    Parameters
    ----------
    shift
        Of each window along the direction of the drift, ``(windows,)``: those of the reference,
        then the current ones.
    precision
        One over the variance of each.
    first
        The first current window.
    place
        The middle of each window in time, in any unit.
    period
        Of the season in that unit, where it is known.

    Returns
    -------
    list of Shape
        Pattern ``none`` is a shift that stays the same throughout.

    Notes
    -----
    The Bayesian information criterion of Schwarz (1978) with a variance that is estimated, but
    never taken for less than that of the rows: beyond it no shape fits better than another.

    Examples
    --------
    >>> shift, flat = np.repeat([0.0, 1.0], [20, 10]), np.full(30, 100.0)
    >>> best = fit_shapes(shift, flat, 10, np.arange(30.0))[0]
    >>> best.pattern, best.start
    ('sudden', 20)
    """
    used = np.flatnonzero(precision > 0)
    fits = _Fits(shift[used], precision[used])
    start = int(np.searchsorted(used, first))
    shapes = [fits.shape("none", start, len(used), np.zeros((len(used), 0)), 0)]
    shapes += [_step(fits, start), *_levels(fits, start)]
    shapes += _rises(fits, start)
    shapes += _seasons(fits, start, place[used], period)
    ends = np.append(used, len(shift))
    whole = [
        Shape(
            each.pattern,
            int(ends[each.start]),
            int(ends[each.end]),
            each.criterion,
            np.interp(np.arange(len(shift)), used, each.fitted),
        )
        for each in shapes
    ]
    return sorted(whole, key=lambda each: each.criterion)


def name_pattern(shapes: list[Shape], first: int) -> Pattern:
    """Name the pattern of the best shape, or say that there are too few windows to tell.

    Parameters
    ----------
    shapes
        From `fit_shapes`.
    first
        The first current window.

    Examples
    --------
    >>> name_pattern([Shape("sudden", 9, 12, 3.0, np.zeros(12))], 8)
    'not enough windows to tell'
    """
    best = shapes[0]
    windows = len(best.fitted)
    is_late = best.pattern == "sudden" and windows - best.start < SHORTEST
    is_rivalled = any(is_close(each, best) for each in shapes if each.pattern != best.pattern)
    if windows - first < LEAST or is_late or is_rivalled:
        return "not enough windows to tell"
    return best.pattern


def is_close(shape: Shape, best: Shape) -> bool:
    """Tell whether a shape fits nearly as well as the best."""
    return shape.criterion - best.criterion < CLEAR


class _Fits:
    """Least squares on windows, in units of their noise."""

    def __init__(self, shift: Floats, precision: Floats) -> None:
        self.weight = np.sqrt(precision)
        self.shift = shift
        self.windows = len(shift)

    def shape(self, pattern: Pattern, start: int, end: int, columns: Floats, placed: int) -> Shape:
        """Fit a constant and columns; `placed` parameters more were spent on placing them."""
        design = np.column_stack([np.ones(self.windows), columns])
        weighted = design * self.weight[:, None]
        solution = np.linalg.lstsq(weighted, self.weight * self.shift, rcond=None)[0]
        fitted = design @ solution
        rest = float((self.weight**2 * (self.shift - fitted) ** 2).sum())
        spent = design.shape[1] + placed
        return Shape(pattern, start, end, self.criterion(rest, spent), fitted)

    def best_of(self, common: Floats, columns: Floats) -> int:
        """Return which of many sets of columns, ``(sets, windows, columns)``, fits best."""
        shared = np.column_stack([np.ones(self.windows), common])
        shared = np.broadcast_to(shared, (len(columns), *shared.shape))
        design = np.concatenate([shared, columns], axis=2) * self.weight[:, None]
        explained = np.einsum("swc,w->sc", np.linalg.qr(design)[0], self.weight * self.shift)
        return int((explained**2).sum(axis=1).argmax())

    def criterion(self, rest: float, spent: int) -> float:
        noise = max(rest / self.windows, 1.0)
        return float(self.windows * np.log(noise) + rest / noise + spent * np.log(self.windows))


def _step(fits: _Fits, first: int) -> Shape:
    """Return the best single step, which may fall within a window and leave it in between."""
    squared = fits.weight**2
    mass, moment, square = (
        np.append(0.0, (squared * fits.shift**power).cumsum()) for power in range(3)
    )
    within = np.arange(max(first, 1), fits.windows)
    rest = np.full(fits.windows, np.inf)
    level = moment[within] / mass[within]
    after = within + 1
    mass_after = np.maximum(mass[-1] - mass[after], 1e-300)
    last = after == fits.windows
    next_level = np.where(last, fits.shift[-1], (moment[-1] - moment[after]) / mass_after)
    split = np.clip(fits.shift[within], *np.sort([level, next_level], axis=0))
    rest[within] = (
        square[within]
        - moment[within] * level
        + (square[-1] - square[after])
        - np.where(last, 0.0, (moment[-1] - moment[after]) * next_level)
        + squared[within] * (fits.shift[within] - split) ** 2
    )
    best = int(rest.argmin())
    fitted = np.repeat(
        [level[best - within[0]], next_level[best - within[0]]], [best, fits.windows - best]
    )
    fitted[best] = split[best - within[0]]
    is_nearer = abs(fitted[best] - fitted[0]) < abs(fitted[best] - fitted[-1])
    start = best + 1 if is_nearer and best + 1 < fits.windows else best
    return Shape("sudden", start, fits.windows, fits.criterion(float(rest[best]), 3), fitted)


def _levels(fits: _Fits, first: int) -> Iterator[Shape]:
    """Yield the best shape of each number of levels, and the same with two levels that return."""
    for changes in _best_changes(fits, first):
        bounds = [0, *changes, fits.windows]
        steps = (np.arange(fits.windows)[:, None] >= changes).astype(np.float64)
        free = fits.shape("sudden", changes[0], bounds[2], steps, len(changes))
        levels = free.fitted[bounds[:-1]]
        away = np.abs(levels - levels[0])
        is_away = away > AWAY * away.max()
        episodes = int(is_away[0]) + int((is_away[1:] & ~is_away[:-1]).sum())
        begins = int(np.flatnonzero(is_away)[0])
        start, end = bounds[begins], bounds[begins + 1]
        if episodes > 1:
            two = np.repeat(is_away.astype(np.float64), np.diff(bounds))[:, None]
            yield fits.shape("recurring", start, end, two, len(changes))
        pattern: Pattern = "recurring" if episodes > 1 else "sudden"
        jumps = np.diff(levels)
        is_stair = (jumps > 0).all() or (jumps < 0).all()
        if len(changes) > 2 and is_stair and np.abs(jumps).max() < STAIRS * np.abs(jumps.sum()):
            pattern, start, end = "gradual", changes[0], changes[-1]
        yield Shape(pattern, start, end, free.criterion, free.fitted)


def _best_changes(fits: _Fits, first: int) -> Iterator[list[int]]:
    """Yield where 1, 2, … changes of level lie best, by dynamic programming (Bellman 1961)."""
    windows = fits.windows
    squared = fits.weight**2
    sums = [np.append(0.0, (squared * fits.shift**power).cumsum()) for power in range(3)]
    begin, end = np.meshgrid(np.arange(windows + 1), np.arange(windows + 1), indexing="ij")
    mass, moment, square = (each[end] - each[begin] for each in sums)
    with np.errstate(invalid="ignore", divide="ignore"):
        cost = np.where(end > begin, square - moment**2 / mass, np.inf)
    cost[:first] = np.where(begin[:first] == 0, cost[:first], np.inf)
    best = cost[0].copy()
    choices: list[npt.NDArray[np.intp]] = []
    for _ in range(min(CHANGES, windows - first)):
        options = best[:, None] + cost
        options[: max(first, 1)] = np.inf
        choices.append(options.argmin(axis=0))
        best = options.min(axis=0)
        if not np.isfinite(best[windows]):
            return
        changes = [windows]
        for choice in reversed(choices):
            changes.append(int(choice[changes[-1]]))
        yield changes[:0:-1]


def _rises(fits: _Fits, first: int) -> Iterator[Shape]:
    """Yield the best rise that begins at one window and has ended, or not, by another."""
    table = Rises(fits.weight, first)
    if table.bounds.size:
        best = int(table.best(fits.shift[None])[0])
        start, end = table.bounds[best]
        yield fits.shape("gradual", int(start), int(end), table.rises[best][:, None], 2)


def _seasons(fits: _Fits, first: int, place: Floats, period: float | None) -> Iterator[Shape]:
    """Yield the best waves, through all windows and through the current ones alone."""
    is_current = (np.arange(fits.windows) >= first).astype(np.float64)[:, None]
    for begin, level in ((0, np.empty((fits.windows, 0))), (first, is_current)):
        seen = place[begin:]
        span = float(seen[-1] - seen[0]) if len(seen) > 1 else 0.0
        for harmonics in range(1, HARMONICS + 1):
            shortest = PER_CYCLE * harmonics * span / max(1, len(seen) - 1)
            if period is None:
                most = span / shortest if shortest else 0.0
                periods = span / np.arange(CYCLES, most, 0.1)
            else:
                is_seen = period >= shortest and span >= KNOWN_CYCLES * period
                periods = np.array([period] if is_seen else [])
            if len(periods):
                waves = _waves(place, periods, harmonics) * (is_current if begin else 1.0)
                best = fits.best_of(level, waves)
                columns = np.hstack([level, waves[best]])
                placed = int(period is None)
                shape = fits.shape("seasonal", first, fits.windows, columns, placed)
                away = np.abs(shape.fitted[first:] - shape.fitted[0])
                if not begin or away.min() <= AWAY * away.max():  # else it is a step that ripples
                    yield shape


def _waves(place: Floats, periods: Floats, harmonics: int) -> Floats:
    """Return ``(periods, windows, 2 × harmonics)``."""
    turns = 2 * np.pi * place[None, :, None] / periods[:, None, None]
    turns = turns * np.arange(1, harmonics + 1)
    return np.concatenate([np.cos(turns), np.sin(turns)], axis=2)
