"""Quality: whether one way to answer is no worse than another, by a margin."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.overview.layers import QUALITIES
from aiopslab.overview.spending.stretches import Floats, Ints
from aiopslab.prompts.changes import ENOUGH, changes
from aiopslab.prompts.differences import difference
from aiopslab.prompts.pairs import Pairs
from aiopslab.prompts.quantities import Quantity
from aiopslab.statistics.samplesize import items_for_mean

Quality = Literal["not worse", "worse", "not enough data"]

SHARED = 0.5  # of the rated answers of each, from which as many pairs are told by question
GROUPS = (
    2_000  # of pairs at most: more are put together by chance, which takes less and tells as much
)
UNRATED = 0.5  # spread of a share of which nobody knows anything
_ROUNDS = 1_000_000_000  # answers, past which no number is told


@dataclass(frozen=True)
class Standing:
    """How good answers of an alternative are beside those in use.

    Parameters
    ----------
    outcome
        ``not worse``: worse by less than the margin, if at all; ``worse``; ``not enough data``.
    value, low, high
        Difference of the means, alternative minus in use, with its interval; NaN without.
    needed
        Rated answers of each that would be enough to show that it is not worse by the margin,
        were both equally good, in four of five cases.
    method
        ``paired`` by question, ``unpaired`` or ``none``.
    """

    outcome: Quality
    value: float = math.nan
    low: float = math.nan
    high: float = math.nan
    needed: int = 0
    method: Literal["paired", "unpaired", "none"] = "none"


def rated(calls: pd.DataFrame, column: str | None) -> tuple[Floats, str]:
    """Return how good each answer is, and by which column; NaN where nobody judged it.

    Parameters
    ----------
    calls
        A ``calls`` frame.
    column
        Of numbers, of which more is better. Where ``None``, whichever of feedback, groundedness and
        score has the most numbers from 0 to 1; none of them is no error.

    Raises
    ------
    ParameterError
        If the column is not there or holds no number.
    """
    if column is not None:
        if column not in calls:
            known = did_you_mean(column, list(map(str, calls)))
            raise ParameterError(f"the calls have no column {column!r} of quality", known)
        values = _numbers(calls[column])
        if not np.isfinite(values).any():
            raise ParameterError(
                f"the column {column!r} of quality holds no number",
                "Name a column of scores, of which more is better.",
            )
        return values, column
    told = {each: _numbers(calls[each]) for each in QUALITIES if each in calls}
    fit = {
        name: values
        for name, values in told.items()
        if np.isfinite(values).any() and np.nanmin(values) >= 0 and np.nanmax(values) <= 1
    }
    if not fit:
        return np.full(len(calls), np.nan), ""
    best = max(fit, key=lambda each: int(np.isfinite(fit[each]).sum()))
    return fit[best], best


def standing(
    before: Floats,
    after: Floats,
    questions: tuple[Ints, Ints],
    strata: tuple[Ints, Ints],
    *,
    margin: float,
    confidence: float,
    seed: int,
) -> Standing:
    """Compare the answers of an alternative with those in use.

    Parameters
    ----------
    before, after
        How good each answer is; NaN where nobody judged it.
    questions, strata
        The number of the question of each answer, and of what else was alike, such as the version
        of the prompt: answers are only compared within.
    margin
        By how much it may be worse without that mattering, in the unit of the scores.
    confidence
        Of the interval.
    seed
        Of the resampling.

    Returns
    -------
    Standing
        In pairs, see `prompts.difference`, where there are half as many questions that both were
        asked as rated answers of either; else unpaired, see `prompts.watch`, stratum by stratum,
        each weighed by its answers in use. Not worse is where the whole interval lies above minus
        the margin.
    """
    kept = [np.isfinite(each) for each in (before, after)]
    scores = [each[mask] for each, mask in zip((before, after), kept, strict=True)]
    items = [each[mask] for each, mask in zip(questions, kept, strict=True)]
    parts = [each[mask] for each, mask in zip(strata, kept, strict=True)]
    needed = _needed(np.sqrt(sum(_variance(each) for each in scores)), margin, confidence)
    if min(map(len, scores)) < ENOUGH:
        return Standing("not enough data", needed=needed)
    pairs = _paired(scores, items, parts)
    if pairs is not None:
        told = difference(pairs, confidence, seed)
        needed = _needed(float(pairs.differences.std(ddof=1)), margin, confidence)
        ends = (told.value, told.low, told.high)
        return Standing(_outcome(told.low, told.high, margin), *ends, needed, "paired")
    value, low, high = _unpaired(scores, parts, margin, confidence)
    return Standing(_outcome(low, high, margin), value, low, high, needed, "unpaired")


def rated_enough(scores: Floats, margin: float, confidence: float) -> int:
    """Return how many rated answers of each would tell, of an alternative that nobody recorded."""
    told = scores[np.isfinite(scores)]
    return _needed(math.sqrt(2 * _variance(told)), margin, confidence)


def _outcome(low: float, high: float, margin: float) -> Quality:
    if low > -margin:
        return "not worse"
    return "worse" if high < 0 else "not enough data"


def _paired(scores: list[Floats], items: list[Ints], strata: list[Ints]) -> Pairs | None:
    """Return questions that both answered; ``None`` where they are too few of all."""
    keys = [
        np.unique(stratum[item >= 0] * (1 << 32) + item[item >= 0])
        for item, stratum in zip(items, strata, strict=True)
    ]
    shared = len(np.intersect1d(keys[0], keys[1], assume_unique=True))
    if shared < ENOUGH or shared < SHARED * max(map(len, scores)):
        return None
    frames = [
        pd.DataFrame({"item": item, "stratum": stratum, "score": score})
        .groupby(["stratum", "item"])["score"]
        .agg(["mean", "count"])
        for item, stratum, score in zip(items, strata, scores, strict=True)
    ]
    both = frames[0].merge(
        frames[1], left_index=True, right_index=True, suffixes=("_before", "_after")
    )
    both = both[both.index.get_level_values("item") >= 0]
    counts = both[["count_before", "count_after"]]
    return Pairs(
        np.arange(len(both)).astype(object),
        both["mean_before"].to_numpy(np.float64),
        both["mean_after"].to_numpy(np.float64),
        np.arange(len(both)) % GROUPS,
        bool((counts == 1).all(axis=None)),
    )


def _unpaired(
    scores: list[Floats], strata: list[Ints], margin: float, confidence: float
) -> tuple[float, float, float]:
    """Return the difference and its interval over strata.

    Intervals of strata are put together by the squares of their halves, as X. Yan and X. G. Su,
    Statistics in Biopharmaceutical Research 2, 2010, do with those of Newcombe.
    """
    quantity = Quantity("score", wanted="more", margin=margin)
    rows = []
    for stratum in np.intersect1d(strata[0], strata[1]):
        sides = [each[part == stratum] for each, part in zip(scores, strata, strict=True)]
        if min(map(len, sides)) < ENOUGH:
            continue
        names = np.repeat(["before", "after"], [len(each) for each in sides])
        # As if all at once: which of them came first says nothing here.
        times = pd.DatetimeIndex(np.zeros(len(names), "datetime64[us]"), tz="UTC")
        columns = {"timestamp": times, "prompt_version": names, "score": np.concatenate(sides)}
        found = changes(pd.DataFrame(columns), [quantity], "before", confidence)
        change = next(each for each in found if each.against == "before")
        rows.append((len(sides[0]), change.value, change.low, change.high))
    if not rows:
        return math.nan, math.nan, math.nan
    sizes, values, lows, highs = np.array(rows).T
    weights = sizes / sizes.sum()
    value = float(weights @ values)
    below = math.sqrt(float(weights**2 @ (values - lows) ** 2))
    above = math.sqrt(float(weights**2 @ (highs - values) ** 2))
    return value, value - below, value + above


def _variance(scores: Floats) -> float:
    """Return the variance of scores; where they hardly vary, or are few, that of a share."""
    if len(scores) < ENOUGH:
        return UNRATED**2
    return max(float(scores.var(ddof=1)), 1 / len(scores) * (1 - 1 / len(scores)))


def _needed(spread: float, margin: float, confidence: float) -> int:
    if not spread > 0:
        return ENOUGH
    return max(min(items_for_mean(margin, spread, 1 - confidence), _ROUNDS), ENOUGH)


def _numbers(values: pd.Series) -> Floats:
    told = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(told), told, np.nan)
