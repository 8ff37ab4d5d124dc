"""Bands: the interval around an estimate, and what widens it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.drift.expectation import Expectation
from aiopslab.drift.metrics import NOTHING, Measured
from aiopslab.drift.outcomes import Outcomes
from aiopslab.drift.prediction_powered import combine, shrunk
from aiopslab.statistics.intervals import deviate

Ints = npt.NDArray[np.intp]

UNBOUNDED = frozenset({"cost", "bias"})
POSITIVE = frozenset({"log_loss", "mae", "rmse"})


@dataclass(frozen=True)
class Band:
    """What is estimated of some rows, by metric.

    Parameters
    ----------
    alone
        Without labels.
    combined
        Corrected by the labels there are; NaN without them.
    """

    alone: dict[str, Measured]
    combined: dict[str, Measured]


def bands_of(
    expectation: Expectation,
    outcomes: Outcomes,
    parts: Sequence[tuple[Ints, Ints]],
    excess: dict[str, float],
    confidence: float,
    seed: int,
) -> list[Band]:
    """Estimate every metric of some parts of the rows.

    Parameters
    ----------
    expectation
        Made without the labels.
    outcomes
        Of all rows.
    parts
        Numbers of their rows, and of the labelled rows that speak for them; the first is the whole,
        which is corrected by itself, while the others share what their labels say.
    excess
        How much more than chance held-out parts were missed, by metric.
    confidence
        Of the intervals.
    seed
        Of the resampling.
    """
    cuts = [rows for rows, _ in parts]
    expected = [
        {name: around(value, spread[name], confidence) for name, value in values.items()}
        for values, spread in zip(
            map(expectation.values, cuts), expectation.spreads(cuts), strict=True
        )
    ]
    told = [combine(expectation, outcomes, *each, confidence, seed) for each in parts]
    combined = [
        *corrected_by_labels(expected[:1], told[:1], confidence),
        *corrected_by_labels(expected[1:], told[1:], confidence),
    ]
    alone = [
        {name: widened(each[name], excess[name], confidence) for name in each} for each in expected
    ]
    return [
        Band(*({name: bounded(name, found) for name, found in each.items()} for each in pair))
        for pair in zip(alone, combined, strict=True)
    ]


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
    """Keep rates, and the Brier score, between nought and one, and errors above nought."""
    if name in UNBOUNDED or math.isnan(found.value):
        return found
    most = math.inf if name in POSITIVE else 1.0
    return Measured(*(min(max(each, 0.0), most) for each in vars(found).values()))
