"""Prediction-powered inference: a few labels correct an estimate that covers every row."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from aiopslab.drift.expectation import Expectation
from aiopslab.drift.metrics import HIGHER_IS_BETTER, NOTHING, Measured
from aiopslab.drift.outcomes import Outcomes
from aiopslab.statistics.intervals import deviate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

RESAMPLES = 100
ENOUGH = 30  # labels that a window takes from its neighbours where it has fewer
LEAST = 15  # labels, fewer of which correct nothing


def combine(
    expectation: Expectation,
    outcomes: Outcomes,
    rows: Ints,
    labelled: Ints,
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[str, Measured]:
    """Estimate performance on all rows from the labels of some and what is expected of all.

    Parameters
    ----------
    expectation
        Made without these labels.
    outcomes
        Of all rows, with the truth of the labelled ones.
    rows
        That the estimate is for.
    labelled
        A random part of them, or of rows like them.
    confidence
        Of the intervals.
    seed
        Of the resampling.

    Returns
    -------
    dict
        `Measured` by metric; NaN with fewer than 15 labels.

    Notes
    -----
    What the labels say, plus λ times what the estimate says of all rows less what it says of the
    labelled ones. It is right on average whether or not the estimate is, and the better the
    estimate follows the truth from row to row, the narrower the interval. λ is tuned to make it
    narrowest, so that a useless estimate is left out. A. Angelopoulos et al., "Prediction-powered
    inference", Science 382, 2023; the tuning, A. Angelopoulos, J. Duchi and T. Zrnic, "PPI++",
    2023. Both are stated for means; metrics that are none are taken through the bootstrap.
    """
    names = expectation.names
    if len(labelled) < LEAST:
        return dict.fromkeys(names, NOTHING)
    rng = np.random.default_rng(seed)
    known = outcomes.take(labelled)
    said = expectation.realised(known)
    expected = expectation.values(labelled)
    of_all = expectation.values(rows)
    size = len(labelled)
    counts = rng.multinomial(size, np.full(size, 1 / size), size=RESAMPLES).astype(np.float64)
    realised, foretold = expectation.resampled(known, labelled, counts)
    share = len(labelled) / max(len(rows), len(labelled))
    found = {}
    for name in names:
        real, guessed = realised[name], foretold[name]
        told = np.isfinite(real) & np.isfinite(guessed)
        if told.sum() < RESAMPLES / 2 or math.isnan(said[name]):
            found[name] = NOTHING
            continue
        found[name] = _tuned(
            name,
            said[name],
            of_all[name] - expected[name],
            real[told],
            guessed[told],
            share,
            len(labelled),
            confidence,
        )
    return found


def shrunk(
    expected: Sequence[Measured], corrected: Sequence[Measured], confidence: float = 0.95
) -> list[Measured]:
    """Correct estimates by as much as the labels of all windows together call for.

    Parameters
    ----------
    expected
        What was estimated without labels, window by window.
    corrected
        What `combine` makes of it; NaN where a window has too few labels.
    confidence
        Of the intervals, given and returned.

    Returns
    -------
    list of Measured
        NaN where `corrected` is.

    Notes
    -----
    Empirical Bayes, as C. Morris, "Parametric empirical Bayes inference", JASA 78, 1983. The misses
    of the estimate have a mean and a spread over the windows, both told from the noise that so few
    labels have. Where the estimate is right, corrections shrink to nothing and the labels add no
    noise; where it is wrong, in all windows or in some, they are made. The interval allows for
    what the labels leave open about the miss, so that it does not rest on there being none.

    Examples
    --------
    >>> right = [Measured(0.9, 0.89, 0.91)] * 4
    >>> noisy = [Measured(0.9 + each, 0.8 + each, 1.0 + each) for each in (-0.03, 0.02, 0.04, 0)]
    >>> [round(each.value, 2) for each in shrunk(right, noisy)]
    [0.9, 0.9, 0.9, 0.9]
    """
    z = deviate(confidence)
    before, after = (
        np.array([[each.value, (each.high - each.low) / 2 / z] for each in some]).reshape(-1, 2)
        for some in (expected, corrected)
    )
    told = np.isfinite(before).all(axis=1) & np.isfinite(after).all(axis=1) & (after[:, 1] > 0)
    found = [NOTHING] * len(before)
    if not told.any():
        return found
    miss, noise = after[told, 0] - before[told, 0], after[told, 1] ** 2
    weights = 1 / noise
    mean, of_mean = float(np.average(miss, weights=weights)), float(1 / weights.sum())
    between = max(0.0, float(np.average((miss - mean) ** 2 - noise, weights=weights)) + of_mean)
    of_mean = float(1 / (1 / (noise + between)).sum())
    mean = float(np.average(miss, weights=1 / (noise + between)))
    if mean != 0:
        mean *= max(0.0, 1 - of_mean / mean**2)
    own = between / (between + noise)
    value = before[told, 0] + mean + own * (miss - mean)
    variance = before[told, 1] ** 2 + between * (1 - own) + (1 - own) ** 2 * of_mean
    for place, centre, half in zip(np.flatnonzero(told), value, z * np.sqrt(variance), strict=True):
        found[place] = Measured(float(centre), float(centre - half), float(centre + half))
    return found


def labels_for(rows: Ints, labelled: Ints) -> Ints:
    """Return the labelled rows that speak for a window.

    Those in it; where they are few, the nearest as well, at most one window away.

    Parameters
    ----------
    rows
        Numbers of the rows of the window, in order.
    labelled
        Numbers of all labelled rows, in order.

    Examples
    --------
    >>> labels_for(np.arange(100, 200), np.arange(0, 400, 10)).size
    30
    """
    inside: Ints = labelled[(labelled >= rows[0]) & (labelled <= rows[-1])]
    if len(inside) >= ENOUGH:
        return inside
    reach = rows[-1] - rows[0] + 1
    near = labelled[(labelled >= rows[0] - reach) & (labelled <= rows[-1] + reach)]
    nearest = np.argsort(np.abs(near - (rows[0] + rows[-1]) / 2), kind="stable")[:ENOUGH]
    return np.asarray(np.sort(near[nearest]), dtype=np.intp)


def _tuned(
    name: str,
    said: float,
    correction: float,
    real: Floats,
    guessed: Floats,
    share: float,
    labels: int,
    confidence: float,
) -> Measured:
    (of_real, between), (_, of_guessed) = np.cov(real, guessed)
    weight = 0.0
    if of_guessed > 0:
        weight = float(np.clip(between / of_guessed / (1 + share), 0, 1))
    variance = of_real - 2 * weight * between + weight**2 * of_guessed * (1 + share)
    # A few labels without a single mistake do not prove that there is none.
    least = 1 / (labels + 4) if name in HIGHER_IS_BETTER else 0.0
    half = deviate(confidence) * max(math.sqrt(max(variance, 0.0)), least)
    value = said + weight * correction
    return Measured(value, value - half, value + half)
