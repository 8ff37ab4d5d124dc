"""Gauges: how far a column lies from its reference in each of many windows, all at once.

As in the history of drift, what noise alone adds to an effect is taken out, and an effect that may
be noise is none. Noise is bounded in closed form here: the root of the mean square of a sum is at
most the sum of such roots (Minkowski), and the error of a share p of n rows has the mean square
p (1 - p) / n.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from aiopslab.drift.axis import middles
from aiopslab.drift.cells import Ordered, deviation, winsorised
from aiopslab.drift.embedding import DIRECTIONS
from aiopslab.drift.feature import LEAST_ROWS, Margins
from aiopslab.drift.stacks import Categories, Numbers, Stack, Texts, Vectors

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Gauge = Callable[[tuple[int, int], Ints, float], Floats]

CELLS = 64  # that a column is looked at in


def gauge(stack: Stack, margins: Margins) -> Gauge:
    """Return what tells the size of the drift of a column, in margins.

    Parameters
    ----------
    stack
        Of the column.
    margins
        The effects that are too small to act on.

    Returns
    -------
    callable
        Of a reference, as a pair of bins, the edges of windows, in bins, and how many times the
        noise an effect must reach to be one. It returns a size for each window, the greater of
        the effect and of the change of what is missing; NaN with fewer than 30 rows.

    Examples
    --------
    >>> import pandas as pd
    >>> from aiopslab.drift.profiles import column_profile
    >>> from aiopslab.drift.stacks import stacked
    >>> parts = [column_profile(pd.Series(["a"] * n + ["b"] * (400 - n))) for n in (200, 200, 80)]
    >>> size = gauge(stacked(parts), Margins(share=0.1))
    >>> size((0, 1), np.array([1, 2, 3]), 3.0).round(1).tolist()
    [0.0, 3.0]
    """
    if isinstance(stack, Categories):
        return _scaled([_variation(stack)], margins.share, None, margins)
    if isinstance(stack, Numbers):
        lost = _change(_rows(stack), stack.states[:, 1:5].sum(axis=1, keepdims=True))
        return _scaled([_distance(stack)], margins.sds, lost, margins)
    if isinstance(stack, Vectors):
        lost = _change(_rows(stack), stack.states[:, 1:3].sum(axis=1, keepdims=True))
        along = [_distance(each) for each in stack.projections[:DIRECTIONS]]
        return _scaled(along, margins.sds, lost, margins)
    lost = _change(_rows(stack), stack.states[:, 1:2])
    return _scaled([_words(stack)], margins.share, lost, margins)


def _scaled(effects: list[Gauge], margin: float, lost: Gauge | None, margins: Margins) -> Gauge:
    """Bring the mean of effects to margins, and what is missing beside it."""

    def sizes(reference: tuple[int, int], edges: Ints, least: float) -> Floats:
        size: Floats = np.mean([each(reference, edges, least) for each in effects], axis=0) / margin
        if lost is None:
            return size
        joined: Floats = np.fmax(size, lost(reference, edges, least) / margins.share)
        return joined

    return sizes


def _distance(stack: Numbers) -> Gauge:
    """Measure the Wasserstein distance in standard deviations of the reference."""
    total = stack.counts[-1].astype(np.int64)
    if not total.sum():
        return lambda _, edges, __: np.full(len(edges) - 1, np.nan)
    drawn = winsorised(Ordered(total, total, middles()[stack.cells]))
    rank = (np.cumsum(total) - total / 2) / total.sum()
    starts = np.flatnonzero(np.diff((rank * CELLS).astype(int), prepend=-1))
    counts = np.add.reduceat(stack.counts, starts, axis=1).astype(np.int64)
    values = np.add.reduceat(total * drawn, starts) / np.add.reduceat(total, starts)
    rows, gaps = counts.sum(axis=1), np.diff(values)

    def distances(reference: tuple[int, int], edges: Ints, least: float) -> Floats:
        expected, shares, inverse = _compared(counts, rows, reference, edges)
        # A reference that never varies has no unit of its own.
        known = counts[reference[1]] - counts[reference[0]]
        unit = deviation(known, values) if known.any() else 0.0
        unit = unit or deviation(counts[-1], values) or 1.0
        below = np.cumsum(expected)[:-1]
        apart = np.abs(np.cumsum(shares, axis=1)[:, :-1] - below) @ gaps
        return _beyond(apart / unit, _spread(below) @ gaps / unit, inverse, least)

    return distances


def _variation(stack: Categories) -> Gauge:
    """Measure the total variation over the most frequent categories, the others and missing."""
    rest = stack.counts[:, CELLS:].sum(axis=1) + stack.states[:, 2]
    counts = np.column_stack([stack.counts[:, :CELLS], rest, stack.states[:, 1]])

    def variations(reference: tuple[int, int], edges: Ints, least: float) -> Floats:
        expected, shares, inverse = _compared(counts, _rows(stack), reference, edges)
        apart = np.abs(shares - expected).sum(axis=1) / 2
        return _beyond(apart, _spread(expected).sum() / 2, inverse, least)

    return variations


def _words(stack: Texts) -> Gauge:
    """Measure the change of the word that moved most, by the share of texts that have it."""
    documents = _rows(stack) - stack.states[:, 1]
    return _change(documents, stack.tokens.counts[:, :CELLS])


def _change(rows: Ints, counts: Ints) -> Gauge:
    """Measure the greatest change of shares of rows, each beyond what chance makes of so many."""

    def changes(reference: tuple[int, int], edges: Ints, least: float) -> Floats:
        expected, shares, inverse = _compared(counts, rows, reference, edges)
        if not len(expected):
            return np.where(np.isfinite(inverse), 0.0, np.nan)
        # The greatest of so many deviates has to be the farther from noise.
        farther = np.sqrt(least**2 + 2 * np.log(len(expected)))
        apart = np.abs(shares - expected)
        apart = _beyond(apart, _spread(expected), inverse[:, None], farther)
        return np.asarray(apart.max(axis=1))

    return changes


def _compared(
    counts: Ints, rows: Ints, reference: tuple[int, int], edges: Ints
) -> tuple[Floats, Floats, Floats]:
    """Return shares of the reference and of windows, and one over the rows of both, summed.

    The last is NaN where either has too few rows.
    """
    first, last = reference
    known = float(rows[last] - rows[first])
    size = np.diff(rows[edges]).astype(np.float64)
    expected = (counts[last] - counts[first]) / max(known, 1.0)
    shares = np.diff(counts[edges], axis=0) / np.maximum(size, 1)[:, None]
    enough = (size >= LEAST_ROWS) & (known >= LEAST_ROWS)
    inverse = np.where(enough, 1 / np.maximum(size, 1) + 1 / max(known, 1.0), np.nan)
    return expected, shares, inverse


def _beyond(effect: Floats, spread: Floats, inverse: Floats, least: float) -> Floats:
    """Take out of an effect what noise adds, where it is so many times the noise; else 0.

    The spread is the root mean square of the noise of one row. What is NaN in `inverse` stays so.
    """
    noise = spread**2 * inverse
    left: Floats = np.where(effect**2 > least**2 * noise, effect**2 - noise, 0 * noise)
    return np.sqrt(left)


def _spread(shares: Floats) -> Floats:
    spread: Floats = np.sqrt(np.clip(shares * (1 - shares), 0, None))
    return spread


def _rows(stack: Stack) -> Ints:
    return stack.states[:, 0]
