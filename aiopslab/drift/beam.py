"""Beam search for the conjunction of conditions whose rows differ most from the others."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.drift.conditions import (
    MISSING,
    PARTS,
    VALUES,
    WIDTH,
    Condition,
    Conditions,
    Grid,
)
from aiopslab.drift.contrast import Contrast

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]

WIDTHS = (40, 15)  # candidates that are refined by a second and by a third condition, the last
A_FEATURE = 2  # candidates with the same features, so that one feature does not fill the beam
TOGETHER = 3  # categories in one condition, at most
PASSES = 3  # over the conditions of the best, each chosen again given the others


@dataclass(frozen=True)
class Candidate:
    """A segment with its score, less what its description costs."""

    conditions: Conditions
    score: float
    worth: float


class Search:
    """The best segment of some rows.

    Parameters
    ----------
    grid
        The features in bins.
    contrast
        What segments are to differ in.

    Notes
    -----
    W. Duivesteijn, A. J. Feelders and A. Knobbe, "Exceptional model mining", Data Mining and
    Knowledge Discovery 30, 2016; slices of a model's errors are those of S. Sagadeeva and
    M. Boehm, "SliceLine", SIGMOD 2021. One histogram of all features over the rows of a candidate
    gives the score of every further condition. A condition has to pay for the choices that it was
    made from, twice their logarithm, as a likelihood ratio grows by about that much by chance.
    """

    def __init__(self, grid: Grid, contrast: Contrast) -> None:
        self.grid = grid
        self.contrast = contrast
        self.numeric = len(grid.edges)
        cell, self.sums = contrast.cells()
        features = grid.bins.shape[1]
        self.a_feature = 2 * float(np.log(max(features, 2)))
        # One number for feature, bin and cell, so that one count over rows gives all histograms.
        self.places = (grid.bins + WIDTH * np.arange(features)) * len(self.sums) + cell[:, None]

    def best(self, rows: Rows) -> Candidate | None:
        """Return the best segment among the rows, or nothing if no condition tells anything."""
        whole = self._tally(rows)[0].sum(axis=0)
        level = _kept(self._refined((), rows, whole), WIDTHS[0])
        found = list(level)
        for width in WIDTHS:
            refined = []
            for each in level[:width]:
                inside = self.grid.meeting(each.conditions, rows)
                refined += self._refined(each.conditions, inside, whole)
            level = _kept(refined, WIDTHS[-1])
            found += level
        if not found:
            return None
        return self._polished(max(found, key=lambda each: each.worth), rows, whole)

    def _polished(self, best: Candidate, rows: Rows, whole: Floats) -> Candidate:
        """Choose every condition again given the others, as long as that helps."""
        for _ in range(PASSES):
            before = best
            for place in range(len(best.conditions)):
                others = best.conditions[:place] + best.conditions[place + 1 :]
                if not others:
                    continue
                inside = self.grid.meeting(others, rows)
                for each in self._refined(others, inside, whole):
                    if each.worth > best.worth and len(each.conditions) == len(best.conditions):
                        best = each
            if best is before:
                break
        return best

    def _refined(self, given: Conditions, rows: Rows, whole: Floats) -> list[Candidate]:
        """Return the best further conditions in every feature that has none yet."""
        tally = self._tally(rows)
        paid = sum(map(self._cost, given))
        taken = {each.feature for each in given}
        features = [
            place for place, name in enumerate(self.grid.encoding.features) if name not in taken
        ]
        found = []
        for score, condition in self._conditions(tally, whole, features):
            if score > 0:
                worth = score - paid - self._cost(condition)
                found.append(Candidate((*given, condition), score, worth))
        return found

    def _tally(self, rows: Rows) -> Floats:
        """Return the sums of the contrast in every bin, ``(features, bins, sums)``."""
        features = self.places.shape[1]
        counts = np.bincount(self.places[rows].ravel(), minlength=features * WIDTH * len(self.sums))
        tally: Floats = counts.reshape(features, WIDTH, len(self.sums)) @ self.sums
        return tally

    def _conditions(
        self, tally: Floats, whole: Floats, features: list[int]
    ) -> Iterator[tuple[float, Condition]]:
        """Yield the best conditions of every feature, with their scores."""
        numeric = [each for each in features if each < self.numeric]
        categorical = [each for each in features if each >= self.numeric]
        yield from self._intervals(tally[numeric], whole, numeric)
        yield from self._sets(tally[categorical], whole, categorical)
        missing = np.abs(self.contrast.score(tally[features, MISSING], whole))
        for place in np.flatnonzero(missing > 0):
            yield float(missing[place]), self.grid.missing(features[place])

    def _intervals(
        self, tally: Floats, whole: Floats, features: list[int]
    ) -> Iterator[tuple[float, Condition]]:
        sums = np.zeros((len(features), PARTS + 1, tally.shape[-1]))
        np.cumsum(tally[:, :PARTS], axis=1, out=sums[:, 1:])
        scores = np.abs(self.contrast.score(sums[:, LAST + 1] - sums[:, FIRST], whole))
        last = np.array([len(self.grid.edges[each]) for each in features], dtype=int)[:, None]
        below, above = FIRST > 0, last > LAST  # is there a bound
        fits = (last >= LAST) & (below | above) & (scores > 0)
        worth = np.where(fits, scores - 2 * np.log(PARTS) * (below.astype(int) + above), -np.inf)
        for place, each in _best(worth):
            condition = self.grid.interval(features[place], int(FIRST[each]), int(LAST[each]))
            yield float(scores[place, each]), condition

    def _sets(
        self, tally: Floats, whole: Floats, features: list[int]
    ) -> Iterator[tuple[float, Condition]]:
        """Yield single categories, and the few that differ most in one direction."""
        signed = self.contrast.score(tally[:, NAMED], whole)
        for direction in (1, -1):
            order = np.argsort(-direction * signed, axis=1, kind="stable")[:, :TOGETHER]
            chosen = NAMED[order]
            sums = np.cumsum(np.take_along_axis(tally, chosen[..., None], axis=1), axis=1)
            scores = direction * self.contrast.score(sums, whole)
            fits = np.logical_and.accumulate(
                direction * np.take_along_axis(signed, order, axis=1) > 0, axis=1
            )
            paid = 2 * np.log(VALUES) * np.arange(1, TOGETHER + 1)
            for place, each in _best(np.where(fits, scores - paid, -np.inf)):
                condition = self.grid.one_of(features[place], chosen[place, : each + 1].tolist())
                yield float(scores[place, each]), condition

    def _cost(self, condition: Condition) -> float:
        bounds = int(np.isfinite(condition.low)) + int(np.isfinite(condition.high))
        choices = bounds * np.log(PARTS) + len(condition.values) * np.log(VALUES)
        return self.a_feature + 2 * float(choices)


FIRST, LAST = np.triu_indices(PARTS)
NAMED = np.arange(VALUES)


def _best(worth: Floats) -> Iterator[tuple[int, int]]:
    """Yield the places of the few best of every row."""
    for place, order in enumerate(np.argsort(-worth, axis=1)[:, :A_FEATURE]):
        for each in order.tolist():
            if np.isfinite(worth[place, each]):
                yield place, each


def _kept(found: list[Candidate], width: int) -> list[Candidate]:
    """Return the candidates of the highest scores, few with the same features."""
    kept: list[Candidate] = []
    seen: dict[frozenset[str], int] = {}
    for each in sorted(found, key=lambda each: -each.score):
        features = frozenset(condition.feature for condition in each.conditions)
        if seen.get(features, 0) < A_FEATURE:
            seen[features] = seen.get(features, 0) + 1
            kept.append(each)
        if len(kept) == width:
            break
    return kept
