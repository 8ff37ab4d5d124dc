"""The profile of a column, bin of time by bin of time, from which that of any stretch is read.

Counts are kept summed up to each bin, so that a stretch is the difference of two rows however long
it is. Parts of a profile add up, hence so do they.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from aiopslab.drift.axis import BINS
from aiopslab.drift.categorical import Categorical
from aiopslab.drift.embedding import Embedding
from aiopslab.drift.numeric import Numeric, joined_dtypes
from aiopslab.drift.profiles import Part
from aiopslab.drift.text import Text

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

CELLS = 1_024  # of equal shares that numbers are told apart in, and categories that are
DROPPED = 6  # bits of the bins of an axis: cells end at every sixteenth of an octave, too
STATES = ("rows", "missing", "unreadable", "below", "above", "zeros")


@dataclass(frozen=True, eq=False)
class Numbers:
    """Numbers or times.

    Parameters
    ----------
    like
        Any part, for its kind and axis.
    cells
        The bin of the axis that stands for each cell, ascending.
    counts
        ``(bins + 1, cells)``: rows before each bin.
    states, sums
        Likewise of the other counts and sums of a `Numeric`.
    lows, highs
        ``(bins,)``: least and greatest value in each.

    Notes
    -----
    Where a column occupies more than 1,024 bins of its axis, neighbours are one cell: none holds
    more than one part in 1,024 of the rows, nor spans more than a sixteenth of its distance from
    the centre.
    """

    like: Numeric
    cells: npt.NDArray[np.uint16]
    counts: npt.NDArray[np.int32]
    states: Ints
    sums: Floats
    lows: Floats
    highs: Floats

    @classmethod
    def of(cls, parts: Sequence[Numeric]) -> "Numbers":
        """Stack the parts, which have one axis."""
        total = np.zeros(BINS, np.int64)
        for part in parts:
            total[part.bins] += part.counts
        cells, place = _cells(total)
        counts = np.zeros((len(parts) + 1, len(cells)), np.int32)
        for row, part in zip(counts[1:], parts, strict=True):
            np.add.at(row, place[part.bins], part.counts.astype(np.int32))
        states = [[getattr(part, name) for name in STATES] for part in parts]
        return cls(
            replace(parts[0], dtype=reduce(joined_dtypes, {part.dtype for part in parts})),
            cells,
            np.cumsum(counts, axis=0, dtype=np.int32),
            _summed(np.array(states, np.int64)),
            _summed(np.array([[part.total, part.squares] for part in parts])),
            np.array([part.low for part in parts]),
            np.array([part.high for part in parts]),
        )

    def between(self, first: int, last: int) -> Numeric:
        """Return the profile of the bins from `first` to before `last`."""
        counts = (self.counts[last] - self.counts[first]).astype(np.int64)
        held = counts > 0
        total, squares = (self.sums[last] - self.sums[first]).tolist()
        states = dict(zip(STATES, (self.states[last] - self.states[first]).tolist(), strict=True))
        return replace(
            self.like,
            bins=self.cells[held],
            counts=counts[held],
            total=total,
            squares=squares,
            low=float(np.fmin.reduce(self.lows[first:last], initial=np.nan)),
            high=float(np.fmax.reduce(self.highs[first:last], initial=np.nan)),
            **states,
        )


@dataclass(frozen=True, eq=False)
class Categories:
    """Categories or truth values, the 1,024 most frequent by name.

    Parameters
    ----------
    like
        Any part, for its kind.
    labels
        Of the columns of `counts`, the most frequent first.
    counts
        ``(bins + 1, labels)``: rows before each bin.
    states
        ``(bins + 1, 3)``: all rows, missing ones, and those of other categories.
    error
        The most frequent one that has no name here.
    """

    like: Categorical
    labels: npt.NDArray[np.object_]
    counts: Ints
    states: Ints
    error: int

    @classmethod
    def of(cls, parts: Sequence[Categorical]) -> "Categories":
        """Stack the parts."""
        found: dict[str, int] = {}
        for part in parts:
            for name, count in zip(part.labels, part.counts.tolist(), strict=True):
                found[name] = found.get(name, 0) + count
        order = sorted(found, key=lambda name: (-found[name], name))
        place = {name: at for at, name in enumerate(order[:CELLS])}
        rest = len(place)
        counts = np.zeros((len(parts), rest + 1), np.int64)
        for row, part in zip(counts, parts, strict=True):
            np.add.at(row, [place.get(name, rest) for name in part.labels], part.counts)
        others = counts[:, rest] + [part.others for part in parts]
        states = [[part.rows, part.missing] for part in parts]
        return cls(
            replace(parts[0], dtype=reduce(joined_dtypes, {part.dtype for part in parts})),
            np.array(order[:CELLS], object),
            _summed(counts[:, :rest]),
            _summed(np.column_stack([np.array(states, np.int64), others])),
            max([found[name] for name in order[CELLS : CELLS + 1]], default=0),
        )

    def between(self, first: int, last: int) -> Categorical:
        """Return the profile of the bins from `first` to before `last`."""
        counts = self.counts[last] - self.counts[first]
        # As in any profile those that are as frequent are in order of their names.
        order = np.lexsort((self.labels.astype(str), -counts))[: np.count_nonzero(counts)]
        rows, missing, others = (self.states[last] - self.states[first]).tolist()
        return replace(
            self.like,
            rows=rows,
            missing=missing,
            labels=tuple(self.labels[order]),
            counts=counts[order],
            others=others,
            error=self.error,
        )


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts: how long they are, and which words they hold."""

    like: Text
    words: Numbers
    characters: Numbers
    tokens: Categories
    states: Ints

    @classmethod
    def of(cls, parts: Sequence[Text]) -> "Texts":
        """Stack the parts."""
        states = np.array([[part.rows, part.missing] for part in parts], np.int64)
        return cls(
            parts[0],
            Numbers.of([part.words for part in parts]),
            Numbers.of([part.characters for part in parts]),
            Categories.of([part.tokens for part in parts]),
            _summed(states),
        )

    def between(self, first: int, last: int) -> Text:
        """Return the profile of the bins from `first` to before `last`."""
        rows, missing = (self.states[last] - self.states[first]).tolist()
        return replace(
            self.like,
            rows=rows,
            missing=missing,
            words=self.words.between(first, last),
            characters=self.characters.between(first, last),
            tokens=self.tokens.between(first, last),
        )


@dataclass(frozen=True, eq=False)
class Vectors:
    """Embeddings: sums of each number and of its square, and what they are along directions."""

    like: Embedding
    projections: tuple[Numbers, ...]
    total: Floats
    squares: Floats
    states: Ints

    @classmethod
    def of(cls, parts: Sequence[Embedding]) -> "Vectors":
        """Stack the parts."""
        states = [[part.rows, part.missing, part.unreadable] for part in parts]
        along = zip(*(part.projections for part in parts), strict=True)
        return cls(
            parts[0],
            tuple(Numbers.of(each) for each in along),
            _summed(np.array([part.total for part in parts])),
            _summed(np.array([part.squares for part in parts])),
            _summed(np.array(states, np.int64)),
        )

    def between(self, first: int, last: int) -> Embedding:
        """Return the profile of the bins from `first` to before `last`."""
        rows, missing, unreadable = (self.states[last] - self.states[first]).tolist()
        return replace(
            self.like,
            rows=rows,
            missing=missing,
            unreadable=unreadable,
            total=self.total[last] - self.total[first],
            squares=self.squares[last] - self.squares[first],
            projections=tuple(each.between(first, last) for each in self.projections),
        )


Stack = Numbers | Categories | Texts | Vectors


def stacked(parts: Sequence[Part]) -> Stack:
    """Stack the profiles of a column in bins of time, one after the other.

    Parameters
    ----------
    parts
        At least one, all made like the same.

    Returns
    -------
    Numbers, Categories, Texts or Vectors
        By the kind of the parts; each has ``between(first, last)``.

    Examples
    --------
    >>> import pandas as pd
    >>> from aiopslab.drift.profiles import column_profile
    >>> first = column_profile(pd.Series([1.0, 2.0]))
    >>> stack = stacked([first, column_profile(pd.Series([3.0]), first)])
    >>> stack.between(0, 2).mean, stack.between(1, 2).rows
    (2.0, 1)
    """
    for kind, stack in (
        (Numeric, Numbers),
        (Categorical, Categories),
        (Text, Texts),
        (Embedding, Vectors),
    ):
        if isinstance(parts[0], kind):
            made: Stack = stack.of(cast("Any", parts))
            return made
    raise TypeError(type(parts[0]).__name__)


def _cells(total: Ints) -> tuple[npt.NDArray[np.uint16], Ints]:
    """Return the bin that stands for each cell, and the cell of each bin that is occupied."""
    held = np.flatnonzero(total)
    ends = np.cumsum(total[held])
    cell = np.arange(len(held))
    if len(held) > CELLS:
        rank = ((ends - total[held] / 2) / ends[-1] * CELLS).astype(np.int64)
        apart = (np.diff(rank) > 0) | (np.diff(held >> DROPPED) > 0)
        cell = np.concatenate([[0], np.cumsum(apart)])
    place = np.zeros(BINS, np.int64)
    place[held] = cell
    # Its middle row stands for a cell: where one value is most of it, that value.
    weight = np.bincount(cell, total[held])
    middle = np.searchsorted(ends, np.cumsum(weight) - weight / 2)
    return held[middle].astype(np.uint16), place


def _summed(each: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return what came before each bin, and at last of all."""
    return np.concatenate([np.zeros((1, each.shape[1]), each.dtype), np.cumsum(each, axis=0)])
