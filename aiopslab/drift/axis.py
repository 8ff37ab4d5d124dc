"""The bins that numbers are counted in: 65,536 of them, the finer the nearer to the centre.

A value is brought to ``z = (value - centre) / scale`` and kept to ten bits of mantissa: a bin is
one part in 1,024 of its distance from the centre, from 1/4,096 of the scale up to a million times
it. The bins are the same whatever the data, so counts of any two parts add up exactly.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

BINS = 1 << 16
MANTISSA = 10  # bits of it that are kept
FINEST, COARSEST = -12, 20  # powers of two: nearer than the one is the centre, farther is the end
CENTRE = BINS // 2  # the bin of the centre, and of what is nearer to it than the finest step
BLOCK = 1 << 13  # values at a time, so that what is worked on stays in the cache

_DROPPED = np.uint32(23 - MANTISSA)
_FIRST = np.uint32((127 + FINEST) << MANTISSA)
_LAST = np.uint32(((127 + COARSEST) << MANTISSA) - 1)
_MAGNITUDE = np.uint32(0x7FFFFFFF)
_ABOVE = np.uint32(BINS // 2)

GAUSSIAN_IQR = 1.349  # interquartile range of a normal distribution, in standard deviations


@dataclass(frozen=True)
class Axis:
    """Where the bins of a feature lie.

    Parameters
    ----------
    centre, scale
        In the unit of the feature; the scale is above 0.

    Examples
    --------
    >>> axis = Axis(10.0, 2.0)
    >>> (axis.bins(np.array([9.0, 10.0, 12.0])) - BINS // 2).tolist()
    [-11265, 0, 12288]
    >>> float(axis.values()[BINS // 2 + 12288].round(2))
    12.0
    """

    centre: float
    scale: float

    def bins(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return the bin of each finite value, 0 to 65,535 in order of the values."""
        out = np.empty(len(values), np.intp)
        for start in range(0, len(values), BLOCK):
            part = values[start : start + BLOCK]
            with np.errstate(over="ignore"):
                self.place((part - self.centre) / self.scale, out[start : start + len(part)])
        out[out == CENTRE - 1] = CENTRE
        return out

    @staticmethod
    def place(z: npt.NDArray[np.float64], out: npt.NDArray[np.intp]) -> None:
        """Write the bins of standardised values, which are at most `BLOCK` many.

        Those just below the centre are in a bin of their own, which is to be joined with the next:
        on which side of it a value lies may be rounding.
        """
        bits = z.astype(np.float32).view(np.uint32)  # infinite where it is too large: the last bin
        magnitude = bits & _MAGNITUDE
        magnitude >>= _DROPPED
        np.maximum(magnitude, _FIRST, out=magnitude)
        np.minimum(magnitude, _LAST, out=magnitude)
        magnitude -= _FIRST
        # Above the centre the half is set; below it all lower bits are turned round.
        bits >>= np.uint32(31)
        np.subtract(_ABOVE, bits, out=bits)
        np.bitwise_xor(magnitude, bits, out=out, casting="unsafe")

    def values(self) -> npt.NDArray[np.float64]:
        """Return the value that stands for each bin: its middle."""
        return self._unscaled(middles())

    def edges(self) -> npt.NDArray[np.float64]:
        """Return the 65,537 edges of the bins."""
        return self._unscaled(standard_edges())

    def _unscaled(self, z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        with np.errstate(over="ignore"):  # the farthest bins may lie beyond what a float holds
            return self.centre + self.scale * z


@cache
def standard_edges() -> npt.NDArray[np.float64]:
    """Return the edges of the bins in units of the scale, ascending; the middle one is 0."""
    steps = np.arange(_FIRST + 1, int(_LAST) + 2, dtype=np.uint32) << _DROPPED
    above = np.concatenate([[0.0], steps.view(np.float32).astype(float)])
    return np.concatenate([-above[:0:-1], above])


@cache
def middles() -> npt.NDArray[np.float64]:
    """Return the middle of each bin in units of the scale; the two innermost stand for 0."""
    edges = standard_edges()
    middle = (edges[:-1] + edges[1:]) / 2
    middle[BINS // 2 - 1 : BINS // 2 + 1] = 0.0
    return middle


def axis_of(values: npt.NDArray[np.float64]) -> Axis:
    """Return an axis about the median, in units of the spread of the middle half.

    Parameters
    ----------
    values
        Finite numbers, a sample of them is enough; without any the axis is that of 0 and 1.

    Examples
    --------
    >>> axis_of(np.array([1.0, 2.0, 3.0, 4.0, 1e9])).centre
    3.0
    >>> axis_of(np.array([0.0, 0.0, 0.0, 0.0, 8.0])).scale > 0  # most of them are one value
    True
    """
    if not len(values):
        return Axis(0.0, 1.0)
    with np.errstate(over="ignore"):
        # Values that are there: between two of 1e308 there is none that a float can hold.
        low, centre, high = np.quantile(values, [0.25, 0.5, 0.75], method="inverted_cdf")
        away = np.abs(values - centre)
        away = away[(away > 0) & np.isfinite(away)]
        spread = (high - low) / GAUSSIAN_IQR
    if not (np.isfinite(spread) and spread > 0):
        spread = np.quantile(away, 0.5, method="inverted_cdf") if len(away) else abs(centre)
    return Axis(float(centre), float(spread) if spread > np.finfo(np.float32).tiny else 1.0)
