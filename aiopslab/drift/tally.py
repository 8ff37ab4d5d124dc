"""Numbers on their way to the bins of an axis: what is kept of them, block by block."""

from typing import Any

import numpy as np
import numpy.typing as npt

from aiopslab.drift.axis import BINS, BLOCK, CENTRE, Axis

STRETCH = 1 << 17  # whole numbers that are looked at together
FEW = 1 << 16  # where they span less they are counted as they are, and then put in their bins


class Tally:
    """Counts of numbers on an axis, to which more can be added.

    Parameters
    ----------
    axis
        Where the bins lie.

    Attributes
    ----------
    rows, missing, below, above, zeros
        How many values there were, and how many of them were NaN, an infinity or 0.
    counts
        ``(65,536,)``: how many finite values each bin holds.
    total, squares
        Sums of ``z = (value - centre) / scale`` and of its square.
    low, high
        Least and greatest finite value; NaN without any.

    Examples
    --------
    >>> tally = Tally(Axis(0.0, 1.0))
    >>> tally.add(np.array([1.0, np.nan]))
    >>> tally.add(np.array([3, 0, 3]))
    >>> tally.rows, tally.missing, tally.zeros, tally.high, tally.total
    (5, 1, 1, 3.0, 7.0)
    """

    def __init__(self, axis: Axis) -> None:
        self.axis = axis
        self.rows = self.missing = self.below = self.above = self.zeros = 0
        self.counts = np.zeros(BINS, np.int64)
        self.total = self.squares = 0.0
        self.low = self.high = np.nan

    def add(self, values: npt.NDArray[Any]) -> None:
        """Count values.

        Parameters
        ----------
        values
            Floats of single or double precision, or whole numbers.
        """
        self.rows += len(values)
        # One room for all blocks: to ask for it anew costs as much as what is done in it.
        room = _Room(min(len(values), BLOCK))
        with np.errstate(over="ignore", invalid="ignore"):  # of values near the largest float
            for start in range(0, len(values), STRETCH):
                stretch = values[start : start + STRETCH]
                if values.dtype.kind in "iu" and _spans_few(stretch):
                    self._add_repeated(stretch, room)
                else:
                    for first in range(0, len(stretch), BLOCK):
                        self._add_block(stretch[first : first + BLOCK], room)
        # On which side of the centre a value next to it lies may be rounding.
        self.counts[CENTRE] += self.counts[CENTRE - 1]
        self.counts[CENTRE - 1] = 0

    def _add_block(self, raw: npt.NDArray[Any], room: "_Room") -> None:
        # A sum tells in one step whether all are finite; only if not is each looked at.
        z = room.standardised(raw, self.axis)
        squares = float(z @ z)
        if not np.isfinite(squares):
            is_finite = np.isfinite(raw)
            self.missing += int(np.isnan(raw).sum())
            self.below += int((raw == -np.inf).sum())
            self.above += int((raw == np.inf).sum())
            raw, z = raw[is_finite], z[is_finite]
            squares = float(z @ z)
        if len(raw):
            low, high = raw.min(), raw.max()
            self._widen(low, high)
            if low <= 0 <= high:
                self.zeros += int(np.count_nonzero(raw == 0))
            self.total += float(z.sum())
            self.squares += squares
            np.add.at(self.counts, room.placed(z, self.axis), 1)

    def _add_repeated(self, values: npt.NDArray[Any], room: "_Room") -> None:
        """Count each distinct whole number once, which converts no value to a float."""
        least = values.min()
        times = np.bincount(values.astype(np.intp) - least.astype(np.intp))
        steps = np.flatnonzero(times)
        times, distinct = times[steps], steps.astype(values.dtype) + least
        self._widen(distinct[0], distinct[-1])
        self.zeros += int(times[distinct == 0].sum())
        for start in range(0, len(distinct), BLOCK):
            weights = times[start : start + BLOCK]
            z = room.standardised(distinct[start : start + BLOCK], self.axis)
            self.total += float(z @ weights)
            self.squares += float(z**2 @ weights)
            np.add.at(self.counts, room.placed(z, self.axis), weights)

    def _widen(self, low: Any, high: Any) -> None:
        self.low = float(np.fmin(self.low, low))
        self.high = float(np.fmax(self.high, high))


class _Room:
    """Where a block is brought to its axis."""

    def __init__(self, size: int) -> None:
        self._z = np.empty(size)
        self._places = np.empty(size, np.intp)

    def standardised(self, raw: npt.NDArray[Any], axis: Axis) -> npt.NDArray[np.float64]:
        z = self._z[: len(raw)]
        np.subtract(raw, axis.centre, out=z, dtype=np.float64)
        z /= axis.scale
        return z

    def placed(self, z: npt.NDArray[np.float64], axis: Axis) -> npt.NDArray[np.intp]:
        places = self._places[: len(z)]
        axis.place(z, places)
        return places


def _spans_few(values: npt.NDArray[Any]) -> bool:
    span = int(values.max()) - int(values.min())
    return span < min(FEW, len(values))
