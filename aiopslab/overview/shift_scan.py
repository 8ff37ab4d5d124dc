"""The scan of a measure: the row at which it moves most, how sure that is, and when it was."""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.onset import date_rows

Floats = npt.NDArray[np.float64]

PERMUTATIONS = 999
BLOCKS = 600  # rows are averaged into so many, where there are more
EDGE = 0.08  # of the rows on either side: a change nearer to an end than this is not dated


def scan(values: Floats, seed: int = 0) -> tuple[int, float]:
    """Return the row at which values move most, and how often chance moves them as much.

    Examples
    --------
    >>> row, p = scan(np.repeat([0.0, 1.0, 0.0, 1.0], [20, 2, 2, 20]))
    >>> row, round(p, 3)
    (20, 0.001)
    """
    rows = len(values)
    if np.ptp(values) == 0:
        return rows // 2, 1.0
    parts = np.array_split(np.arange(rows), min(rows, BLOCKS))
    sums = np.array([values[part].sum() for part in parts])
    counts = np.array([len(part) for part in parts], np.float64)
    rng = np.random.default_rng(seed)
    shuffled = np.tile(np.arange(len(parts)), (PERMUTATIONS, 1))
    shuffled = rng.permuted(shuffled, axis=1)
    edge = max(3, math.ceil(EDGE * len(parts)))
    inner = np.arange(edge, len(parts) - edge + 1)
    if not len(inner):
        return rows // 2, 1.0
    own = _statistic(sums[None], counts[None], inner)[0]
    best = int(own.argmax())
    drawn = _statistic(sums[shuffled], counts[shuffled], inner).max(axis=1)
    p = (1 + int((drawn >= own[best] - 1e-12).sum())) / (1 + PERMUTATIONS)
    return int(counts[: inner[best]].sum()), p


def _statistic(sums: Floats, counts: Floats, inner: npt.NDArray[np.int64]) -> Floats:
    """Return how far the two sides are apart in their standard errors, at each row."""
    left, number = sums.cumsum(axis=1), counts.cumsum(axis=1)
    total, all_rows = left[:, -1:], number[:, -1:]
    left, number = left[:, inner - 1], number[:, inner - 1]
    apart = left / number - (total - left) / (all_rows - number)
    told: Floats = np.abs(apart) * np.sqrt(number * (all_rows - number) / all_rows)
    return told


def dated(
    values: Floats, row: int, times: pd.DatetimeIndex, confidence: float, seed: int
) -> tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp]:
    """Return when values moved at a row, with an interval, see `aiopslab.drift.onset`."""
    before, after = float(values[:row].mean()), float(values[row:].mean())
    rest = np.concatenate([values[:row] - before, values[row:] - after])
    spread = float(rest.var()) or 1e-12
    ratio = (values - (before + after) / 2) * (after - before) / spread
    found, low, high = date_rows(np.clip(ratio, -20, 20), 1.0, confidence, seed)
    # Its maximum lies where the scan found it, but for ties.
    low, high = min(low, row), max(high, row, found)
    last = len(times) - 1
    return times[min(row, last)], times[min(max(low - 1, 0), last)], times[min(high, last)]
