"""Trust: whether a judge, or any scorer, agrees with people enough to decide something."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import FrameError
from aiopslab.prompts.agreement import Agreement, cohen
from aiopslab.prompts.scorers.curve import area, area_interval
from aiopslab.statistics.intervals import wilson

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.integer[Any]]

RESAMPLES = 2_000
UNREAD = 0.1  # of the answers: what a judge that is this often not read says of the rest is moot
CHANCE = 0.5
LEAST = 30  # items: on fewer, luck and a choice of items make a judge look good


@dataclass(frozen=True)
class Trust:
    """How far a judge agrees with people, beside two that know nothing.

    Parameters
    ----------
    measure
        ``accuracy`` of pairs, where a tie counts half, or ``AUC`` of scores.
    value, low, high
        Of the judge, with its interval; chance comes to .5.
    length
        The same measure of going by length alone: the longer one or the shorter one, whichever
        agrees more with people.
    gain_low, gain_high
        By how much more than that the judge has, measured on the same items.
    kappa
        Agreement with people beyond chance; ``None`` for scores.
    consistency
        Share of the pairs whose verdict is the same in both orders, with its interval; ``None`` for
        scores.
    items
        It was measured on.
    unread
        Answers of the judge that could not be read, and are in none of the figures.
    """

    measure: Literal["accuracy", "AUC"]
    value: float
    low: float
    high: float
    length: float
    gain_low: float
    gain_high: float
    kappa: Agreement | None
    consistency: tuple[float, float, float] | None
    items: int
    unread: int

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the judge must not decide anything; empty where it may."""
        told = []
        if math.isnan(self.value):
            told.append("there is nothing to compare it on")
        elif not self.low > CHANCE:
            told.append(f"it is not surely better than chance ({self._said})")
        if not math.isnan(self.value) and not self.gain_low > 0:
            told.append(
                f"it is not surely better than going by length ({self.length:.2f}; the gain is "
                f"{self.gain_low:+.2f} to {self.gain_high:+.2f})"
            )
        if 0 < self.items < LEAST:
            told.append(f"it was held against {self.items} labels, and {LEAST} are the least")
        total = self.items + self.unread
        if total and self.unread / total > UNREAD:
            told.append(f"{self.unread} of its {total} answers could not be read")
        return tuple(told)

    @property
    def may_gate(self) -> bool:
        """Whether it may decide: surely better than chance, and than length alone."""
        return not self.reasons

    @property
    def _said(self) -> str:
        return f"{self.measure} {self.value:.2f}, {self.low:.2f} to {self.high:.2f}"

    def __str__(self) -> str:
        told = f"{self._said} on {self.items} items; length alone: {self.length:.2f}"
        if self.consistency is not None:
            told += f"; consistent in {self.consistency[0]:.0%}"
        end = "may be a gate" if self.may_gate else f"no gate: {'; '.join(self.reasons)}"
        return f"{told}; {end}"


def trust_in_pairs(verdicts: pd.DataFrame, pairs: pd.DataFrame, seed: int = 0) -> Trust:
    """Hold the verdicts of a judge against those of people.

    Parameters
    ----------
    verdicts
        From `judge_pairs`.
    pairs
        One row a pair: ``item, first, second``, and ``label``, the better one for people: ``first``
        or ``second``.
    seed
        Of the draws for the intervals.

    Raises
    ------
    FrameError
        If a column is missing, an item is there twice, or a label is neither.

    Examples
    --------
    >>> from aiopslab.prompts.scorers.judge import judge_pairs
    >>> pairs = pd.DataFrame({"item": range(40), "first": "Yes", "second": "No", "label": "first"})
    >>> always_first = lambda asked: ['{"winner": "A"}'] * len(asked)
    >>> trust = trust_in_pairs(judge_pairs(always_first, "Be right.", pairs), pairs)
    >>> trust.may_gate, trust.consistency[0]
    (False, 0.0)
    """
    _check(pairs, ("item", "first", "second", "label"), "pairs")
    _check(verdicts, ("item", "winner", "consistent", "status"), "verdicts")
    strange = sorted(set(map(str, pairs["label"])) - {"first", "second"})
    if strange:
        raise FrameError(
            f"a label of the pairs is {strange[0]!r}; expected first or second",
            "Leave pairs out of which people say neither.",
        )
    both = pairs.merge(verdicts, on="item", validate="one_to_one")
    read = both[both["status"] == "scored"]
    right = _credit(read["winner"], read["label"])
    lengths = read["first"].str.len() - read["second"].str.len()
    longer = np.sign(lengths.to_numpy(dtype=np.float64))
    longest = pd.Series(np.select([longer > 0, longer < 0], ["first", "second"], "tie"), read.index)
    by_length = _credit(longest, read["label"])
    if by_length.sum() < CHANCE * len(read):
        by_length = 1 - by_length

    def gain(rows: Rows) -> float:
        return float((right[rows] - by_length[rows]).mean())

    gain_low, gain_high = _interval(gain, len(read), seed)
    ratings = pd.concat(
        pd.DataFrame({"item": read["item"], "rater": name, "rating": read[name]})
        for name in ("winner", "label")
    )
    return Trust(
        "accuracy",
        *_share(right),
        _share(by_length)[0],
        gain_low,
        gain_high,
        cohen(ratings, seed=seed) if len(read) else None,
        _share(read["consistent"].to_numpy(dtype=np.float64)),
        len(read),
        len(both) - len(read),
    )


def trust_in_scores(scores: pd.DataFrame, labelled: pd.DataFrame, seed: int = 0) -> Trust:
    """Hold the scores of a judge, or of any scorer, against labels of people.

    Parameters
    ----------
    scores
        One row an item: ``item, score, status``, of one metric.
    labelled
        One row an item: ``item, output``, and ``label``, whether people say that it is good.
    seed
        Of the draws for the intervals.

    Returns
    -------
    Trust
        The area under the curve: how often a good output scores more than a bad one.

    Raises
    ------
    FrameError
        If a column is missing or an item is there twice.

    Examples
    --------
    >>> labelled = pd.DataFrame({"item": range(40), "output": "same", "label": [True, False] * 20})
    >>> scores = pd.DataFrame({"item": range(40), "score": [0.9, 0.2] * 20, "status": "scored"})
    >>> trust_in_scores(scores, labelled).may_gate
    True
    """
    _check(labelled, ("item", "output", "label"), "labelled outputs")
    _check(scores, ("item", "score", "status"), "scores")
    both = labelled.merge(scores, on="item", validate="one_to_one")
    read = both[both["status"] == "scored"]
    labels = read["label"].to_numpy(dtype=bool)
    told = read["score"].to_numpy(dtype=np.float64)
    lengths = read["output"].str.len().to_numpy(dtype=np.float64)
    if area(lengths, labels) < CHANCE:
        lengths = -lengths

    def gain(rows: Rows) -> float:
        return area(told[rows], labels[rows]) - area(lengths[rows], labels[rows])

    gain_low, gain_high = _interval(gain, len(read), seed)
    value = area(told, labels)
    return Trust(
        "AUC",
        value,
        *area_interval(value, int(labels.sum()), int((~labels).sum())),
        area(lengths, labels),
        gain_low,
        gain_high,
        None,
        None,
        len(read),
        len(both) - len(read),
    )


def _credit(told: "pd.Series[str]", labels: "pd.Series[str]") -> Floats:
    """Return 1 for what is right, half for a tie."""
    right = (told == labels).to_numpy(dtype=np.float64)
    return np.asarray(right + 0.5 * (told == "tie").to_numpy(), dtype=np.float64)


def _share(values: Floats) -> tuple[float, float, float]:
    """Return a mean of values between 0 and 1 with Wilson's interval, too wide if anything."""
    mean = float(values.mean()) if len(values) else float("nan")
    return mean, *wilson(float(values.sum()), len(values), 0.95)


def _interval(measure: Callable[[Rows], float], items: int, seed: int) -> tuple[float, float]:
    """Return a 95 % interval of a measure by drawing items; NaN where it cannot be taken."""
    rng = np.random.default_rng(seed)
    drawn = np.array(
        [measure(rng.integers(items, size=items)) for _ in range(RESAMPLES if items else 0)]
    )
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, [0.025, 0.975]).tolist()
    return float(low), float(high)


def _check(table: pd.DataFrame, columns: tuple[str, ...], name: str) -> None:
    for column in columns:
        if column not in table:
            raise FrameError(
                f"the {name} have no column {column!r}", f"Pass {', '.join(columns)}, one row each."
            )
    if table["item"].duplicated().any():
        twice = table.loc[table["item"].duplicated(), "item"].tolist()[0]
        raise FrameError(f"the item {twice!r} is twice in the {name}", "Keep one row an item.")
