"""Bands: the interval around an estimate, and what widens it."""

import math
from collections.abc import Sequence

import numpy as np

from aiopslab.drift.metrics import NOTHING, OF_LOSSES, Measured, deviate
from aiopslab.drift.prediction_powered import shrunk

UNBOUNDED = frozenset({"cost", "log_loss", *OF_LOSSES})


def around(value: float, spread: float, confidence: float) -> Measured:
    """Return a value with an interval of so many standard deviations `spread`.

    Examples
    --------
    >>> round(around(0.9, 0.01, 0.95).low, 3)
    0.88
    """
    half = deviate(confidence) * spread
    if math.isnan(value) or math.isnan(half):
        return NOTHING
    return Measured(value, value - half, value + half)


def widened(found: Measured, excess: float, confidence: float) -> Measured:
    """Allow for what held-out parts were missed by more than chance, unless labels do."""
    half = math.hypot(found.high - found.value, deviate(confidence) * excess)
    return Measured(found.value, found.value - half, found.value + half)


def excess_of(name: str, misses: list[dict[str, float]], chance: list[dict[str, float]]) -> float:
    """Return how much more than chance held-out parts were missed, as a standard deviation."""
    pairs = np.array([(a[name], b[name]) for a, b in zip(misses, chance, strict=True)])
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if len(pairs) == 0:
        return 0.0
    return math.sqrt(max(0.0, float((pairs[:, 0] ** 2 - pairs[:, 1] ** 2).mean())))


def corrected_by_labels(
    expected: Sequence[dict[str, Measured]],
    corrected: Sequence[dict[str, Measured]],
    confidence: float,
) -> list[dict[str, Measured]]:
    """Correct every metric of every window, see `shrunk`."""
    by_name = {
        name: shrunk(
            [each[name] for each in expected], [each[name] for each in corrected], confidence
        )
        for name in expected[0]
    }
    return [{name: by_name[name][row] for name in by_name} for row in range(len(expected))]


def bounded(name: str, found: Measured) -> Measured:
    """Keep rates, and the Brier score, between nought and one."""
    if name in UNBOUNDED or math.isnan(found.value):
        return found
    return Measured(*(min(max(each, 0.0), 1.0) for each in vars(found).values()))
