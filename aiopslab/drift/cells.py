"""The few cells that two profiles of one feature are compared on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.drift.axis import BINS, middles
from aiopslab.drift.categorical import Categorical, counts_of
from aiopslab.drift.numeric import Numeric

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Shares of both sides together that cut numbers into cells: finer in the tails, where few rows make
# much of a distance.
LOWER = np.array([0.001, 0.0025, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075])
CUTS = np.concatenate([LOWER, np.arange(0.1, 0.91, 0.05), 1 - LOWER[::-1]])
EQUAL = 20  # cells that hold a like share of the reference
CATEGORIES = 50  # the most frequent ones; the rest are one cell
TAIL = 0.0005  # of both sides together, beyond which a value counts as if it were there
LONE = 0.75  # of a row of the smaller side: a value that stands alone is beyond the tail too


@dataclass(frozen=True)
class Ordered:
    """Two columns of numbers on the same bins.

    Parameters
    ----------
    reference, current
        Rows by bin, of the bins that either occupies.
    values
        Of each bin, in units of the axis.
    """

    reference: Counts
    current: Counts
    values: Floats


def ordered(reference: Numeric, current: Numeric) -> Ordered:
    """Bring two profiles of one axis to the bins that either occupies."""
    counts = np.zeros((2, BINS), np.int64)
    for row, part in zip(counts, (reference, current), strict=True):
        row[part.bins] = part.counts
    held = counts.any(axis=0)
    return Ordered(counts[0, held], counts[1, held], middles()[held])


def winsorised(pair: Ordered) -> Floats:
    """Return the values, those beyond the tails of both sides together drawn in to them.

    A single outlier, however far, is drawn in; two rows of 2,000 are as well, ten are not.
    """
    n, m = pair.reference.sum(), pair.current.sum()
    ends = np.cumsum((pair.reference / n + pair.current / m) / 2)
    tail = max(TAIL, LONE / min(n, m))
    first = np.searchsorted(ends, tail, side="right")
    last = np.searchsorted(ends, 1 - tail, side="left")
    last = min(max(last, first), len(ends) - 1)
    drawn: Floats = pair.values.clip(pair.values[min(first, last)], pair.values[last])
    return drawn


def deviation(counts: Counts, values: Floats) -> float:
    """Return the standard deviation of rows by value."""
    total = counts.sum()
    mean = (counts * values).sum() / total
    return float(np.sqrt((counts * (values - mean) ** 2).sum() / total))


def distance_cells(pair: Ordered, values: Floats) -> tuple[Counts, Counts, Floats]:
    """Return rows by cell of either side, and the mean value of each cell, in order."""
    n, m = pair.reference.sum(), pair.current.sum()
    share = (pair.reference / n + pair.current / m) / 2
    cell = np.searchsorted(CUTS, np.cumsum(share) - share / 2)
    weight = np.bincount(cell, share, len(CUTS) + 1)
    held = weight > 0
    one, two = (
        np.bincount(cell, each, len(CUTS) + 1)[held].astype(np.int64)
        for each in (pair.reference, pair.current)
    )
    return one, two, np.bincount(cell, share * values, len(CUTS) + 1)[held] / weight[held]


def share_cells(pair: Ordered, reference: Numeric, current: Numeric) -> tuple[Counts, Counts]:
    """Return rows by cell of equal shares of the reference, and of what is no finite number."""
    total = max(int(pair.reference.sum()), 1)
    rank = (np.cumsum(pair.reference) - pair.reference / 2) / total
    cell = np.minimum((rank * EQUAL).astype(int), EQUAL - 1)
    one, two = (
        np.concatenate([np.bincount(cell, each, EQUAL).astype(np.int64), states(part)])
        for each, part in ((pair.reference, reference), (pair.current, current))
    )
    held = one + two > 0
    return one[held], two[held]


def states(part: Numeric) -> Counts:
    """Return how many rows are missing, unreadable, and minus and plus infinity."""
    return np.array([part.missing, part.unreadable, part.below, part.above], np.int64)


def category_cells(
    reference: Categorical, current: Categorical
) -> tuple[list[str], Counts, Counts]:
    """Return the categories of either side, and rows by category of both.

    Two cells come after the categories: the rows of those that were not kept, and missing ones.
    """
    labels = list(dict.fromkeys([*reference.labels, *current.labels]))
    one, two = (
        np.concatenate([counts_of(part, labels), [part.others, part.missing]])
        for part in (reference, current)
    )
    return labels, one, two


def most_frequent(reference: Counts, current: Counts) -> tuple[Counts, Counts]:
    """Keep the most frequent cells of both sides together, the rest as one."""
    share = reference / max(reference.sum(), 1) + current / max(current.sum(), 1)
    order = np.argsort(-share, kind="stable")
    kept, rest = order[:CATEGORIES], order[CATEGORIES:]
    one, two = (np.append(each[kept], each[rest].sum()) for each in (reference, current))
    held = one + two > 0
    return one[held], two[held]
