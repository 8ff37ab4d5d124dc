"""Agreement: whether several raters, people or judges, say the same of the same items."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import FrameError, ParameterError

Floats = npt.NDArray[np.float64]
Level = Literal["nominal", "ordinal", "interval"]

RESAMPLES = 1_000
CELLS = 1_000_000  # of all tables that are held at once


@dataclass(frozen=True)
class Agreement:
    """How far raters agree, beyond what chance makes them.

    Parameters
    ----------
    value, low, high
        1 for full agreement, 0 for that of chance; NaN where nothing could be compared.
    items, raters
        It was taken from: items that at least two raters rated.
    """

    value: float
    low: float
    high: float
    items: int
    raters: int

    def __str__(self) -> str:
        if np.isnan(self.value):
            return "not enough data: no item was rated twice, or all ratings are the same"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def krippendorff(
    ratings: pd.DataFrame, level: Level = "nominal", confidence: float = 0.95, seed: int = 0
) -> Agreement:
    """Return Krippendorff's alpha of any number of raters, of whom some may not rate an item.

    Parameters
    ----------
    ratings
        One row a rating: ``item, rater, rating``.
    level
        ``nominal`` for names, ``ordinal`` for ranks, ``interval`` for numbers.
    confidence
        Of the interval, by drawing items.
    seed
        Of the draws.

    Raises
    ------
    FrameError
        If a column is missing, or somebody rated an item twice.
    ParameterError
        If the level is none of the three.

    Notes
    -----
    K. Krippendorff, "Computing Krippendorff's alpha-reliability", 2011.

    Examples
    --------
    >>> table = {"item": [1, 1, 2, 2, 3, 3], "rater": list("ababab"), "rating": list("xxyyxy")}
    >>> round(krippendorff(pd.DataFrame(table)).value, 3)
    0.444
    """
    if level not in {"nominal", "ordinal", "interval"}:
        raise ParameterError(
            f"level is {level!r}; expected nominal, ordinal or interval",
            "Use nominal where ratings are names.",
        )
    table = _by_item(ratings)
    values = np.unique(ratings["rating"].dropna().to_numpy())
    counts = np.stack([(table == each).sum(axis=1).to_numpy() for each in values], axis=1)
    counts = counts[counts.sum(axis=1) >= 2].astype(np.float64)
    # Items that were rated alike tell the same: they are counted once, however many there are.
    kinds, often = np.unique(counts, axis=0, return_counts=True)
    together = _together(kinds)

    def alpha(drawn: Floats) -> Floats:
        return _alpha(np.tensordot(drawn, together, 1), values, level)

    return _resampled(alpha, often, len(values), confidence, seed, table.shape[1])


def cohen(
    ratings: pd.DataFrame,
    weights: Literal["linear", "quadratic"] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Agreement:
    """Return Cohen's kappa of two raters.

    Parameters
    ----------
    ratings
        One row a rating: ``item, rater, rating``, of exactly two raters.
    weights
        Of a disagreement by how far it lies apart; all are alike where ``None``.
    confidence
        Of the interval, by drawing items.
    seed
        Of the draws.

    Raises
    ------
    FrameError
        If a column is missing, somebody rated an item twice, or there are not two raters.

    Notes
    -----
    J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
    Measurement 20, 1960.

    Examples
    --------
    >>> table = {"item": [1, 1, 2, 2, 3, 3], "rater": list("ababab"), "rating": list("xxyyxy")}
    >>> round(cohen(pd.DataFrame(table)).value, 3)
    0.4
    """
    table = _by_item(ratings)
    if table.shape[1] != 2:
        raise FrameError(
            f"there are {table.shape[1]} raters; kappa compares two",
            "Choose two of them, or use krippendorff().",
        )
    both = table.dropna()
    if both.empty:
        return _told(float("nan"), np.array([]), confidence, 0, 2)
    names, codes = np.unique(both.to_numpy().astype(str), return_inverse=True)
    pairs = codes.reshape(-1, 2)
    size = len(names)
    apart = _costs(size, weights)
    counts = np.bincount(pairs @ [size, 1], minlength=size**2).astype(np.float64)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(pairs), counts / len(pairs), RESAMPLES)
    found = _kappa(np.vstack([counts, drawn]).reshape(-1, size, size), apart)
    return _told(float(found[0]), found[1:], confidence, len(pairs), 2)


def _costs(size: int, weights: Literal["linear", "quadratic"] | None) -> Floats:
    """Return what it costs that the two say different things, ``(size, size)``."""
    steps = np.abs(np.arange(size)[:, None] - np.arange(size)[None, :]).astype(np.float64)
    power = {None: 0.0, "linear": 1.0, "quadratic": 2.0}[weights]
    return np.asarray(np.where(steps > 0, steps**power, 0.0), dtype=np.float64)


def _kappa(counts: Floats, costs: Floats) -> Floats:
    """Return kappa of tables of what both said, ``(tables, size, size)``; NaN where all is one."""
    total = np.maximum(counts.sum(axis=(1, 2)), 1)
    sides = counts.sum(axis=2), counts.sum(axis=1)
    expected = np.einsum("ti,tj,ij->t", sides[0], sides[1], costs) / total
    observed = np.einsum("tij,ij->t", counts, costs)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(expected > 0, 1 - observed / expected, np.nan), np.float64)


def _by_item(ratings: pd.DataFrame) -> pd.DataFrame:
    for column in ("item", "rater", "rating"):
        if column not in ratings:
            raise FrameError(
                f"the ratings have no column {column!r}",
                "Pass one row a rating: item, rater, rating.",
            )
    twice = ratings[ratings.duplicated(["item", "rater"])]
    if len(twice):
        at = twice.iloc[0]
        raise FrameError(
            f"{at['rater']!r} rated the item {at['item']!r} more than once",
            "Keep one rating of each rater, e.g. the last.",
        )
    return ratings.pivot(index="item", columns="rater", values="rating")


def _resampled(
    measure: Callable[[Floats], Floats],
    often: npt.NDArray[np.int64],
    values: int,
    confidence: float,
    seed: int,
    raters: int,
) -> Agreement:
    """Measure, and measure again of items that are drawn, as many of each kind as chance has it."""
    items = int(often.sum())
    if not items:
        return _told(float("nan"), np.array([]), confidence, items, raters)
    drawn = np.random.default_rng(seed).multinomial(items, often / items, RESAMPLES)
    tables = np.vstack([often, drawn]).astype(np.float64)
    # All at once where there are few values; of many, as many tables as memory bears.
    parts = np.array_split(tables, -(-len(tables) * values**2 // CELLS))
    found = np.concatenate([measure(part) for part in parts])
    return _told(float(found[0]), found[1:], confidence, items, raters)


def _told(value: float, drawn: Floats, confidence: float, items: int, raters: int) -> Agreement:
    known = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(known):
        return Agreement(float("nan"), float("nan"), float("nan"), items, raters)
    low, high = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return Agreement(value, min(low, value), max(high, value), items, raters)


def _together(counts: Floats) -> Floats:
    """Return how often each value goes with each other on an item, ``(items, values, values)``."""
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= np.eye(counts.shape[1]) * counts[:, :, None]  # nobody is compared with themselves
    return np.asarray(pairs / (counts.sum(axis=1) - 1)[:, None, None], dtype=np.float64)


def _alpha(together: Floats, values: npt.NDArray[np.generic], level: Level) -> Floats:
    """Return alpha from how often each value goes with each other, ``(tables, values, values)``."""
    totals = together.sum(axis=2)
    expected = totals[:, :, None] * totals[:, None, :]
    expected -= np.eye(len(values)) * totals[:, :, None]
    expected /= (totals.sum(axis=1) - 1)[:, None, None]
    apart = _apart(totals, values, level)
    disagreed = (expected * apart).sum(axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = 1 - (together * apart).sum(axis=(1, 2)) / disagreed
    return np.asarray(np.where(disagreed > 0, alpha, np.nan), dtype=np.float64)


def _apart(totals: Floats, values: npt.NDArray[np.generic], level: Level) -> Floats:
    """Return the squared distance of every two values, ``(tables or 1, values, values)``."""
    if level == "nominal":
        return 1 - np.eye(len(values))[None]
    if level == "interval":
        between = values.astype(np.float64)[None]
    else:
        between = np.cumsum(totals, axis=1) - totals / 2  # rank of the middle of each value
    return np.asarray((between[:, :, None] - between[:, None, :]) ** 2, dtype=np.float64)
