"""Comparison: every candidate against the baseline in every metric, multiplicity controlled."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from aiopslab.errors import FrameError, ParameterError, did_you_mean
from aiopslab.prompts.differences import Difference, difference
from aiopslab.prompts.pairs import Pairs, pair
from aiopslab.prompts.sequential import Peeking, difference_so_far, peek, peek_amounts
from aiopslab.statistics.multiplicity import holm
from aiopslab.statistics.outcomes import Metric, Outcome
from aiopslab.statistics.samplesize import items_for_mean

Measure = Callable[[Metric, Pairs, float, int], Difference]


def once(metric: Metric, pairs: Pairs, confidence: float, seed: int) -> Difference:
    """Measure a difference that is looked at once, see `difference`."""
    return difference(pairs, confidence, seed)


def at_any_time(metric: Metric, pairs: Pairs, confidence: float, seed: int) -> Difference:
    """Measure a difference that was looked at before, see `difference_so_far`.

    When it stops depends on what was seen, and so does all that is seen along with it: latency as
    well as quality. So every metric has bounds that hold at all times: shares exact ones, amounts
    (those with a unit) those of the central limit theorem.

    Raises
    ------
    ParameterError
        If a share is not between 0 and 1, or as in `peek`.
    """
    return difference_so_far(pairs, confidence, peeking(metric, pairs))


def peeking(metric: Metric, pairs: Pairs) -> Peeking:
    """Return how a metric is followed item by item."""
    if metric.unit:
        return peek_amounts
    beyond = [each for each in (*pairs.baseline, *pairs.candidate) if not 0 <= each <= 1]
    if beyond:
        raise ParameterError(
            f"a score of {metric.name} is {beyond[0]:g}; it is followed as a share, from 0 to 1",
            f"Divide {metric.name} by the largest that it can be, or give it a unit and a margin "
            f"in it, such as Metric({metric.name!r}, unit='points', margin=0.5).",
        )
    return peek


@dataclass(frozen=True)
class Contrast:
    """One candidate against the baseline in one metric.

    Parameters
    ----------
    metric
        Which.
    candidate
        Which prompt.
    difference
        Candidate less baseline, whether more is better or not.
    q
        The p-value after the correction for all contrasts.
    dropped
        Items that only one of the two has a score of.
    """

    metric: Metric
    candidate: str
    difference: Difference
    q: float
    dropped: int

    @property
    def gain(self) -> tuple[float, float, float]:
        """By how much the candidate is better, and the interval of that."""
        told = self.difference
        return self.metric.gain(told.value, told.low, told.high)

    @property
    def outcome(self) -> Outcome:
        """Whether it is better, worse, as good but for the margin, or nobody knows."""
        told = self.difference
        return self.metric.outcome(told.low, told.high, self.q <= 1 - told.confidence)

    @property
    def is_no_worse(self) -> bool:
        """Whether it is surely not worse by more than the margin."""
        return self.gain[1] > -self.metric.margin

    @property
    def needed(self) -> int:
        """How many items would show a difference as large as the margin; 0 where none is known."""
        told = self.difference
        if math.isnan(told.low) or told.high == told.low:
            return 0
        # Items in groups tell less: the error that was seen holds that already.
        spread = told.error * math.sqrt(told.items)
        return items_for_mean(self.metric.margin, spread, 1 - told.confidence)


@dataclass(frozen=True)
class Comparison:
    """Every candidate against the baseline in every metric.

    Parameters
    ----------
    baseline
        The prompt that the others are compared with.
    contrasts
        Candidate by candidate, metric by metric.
    """

    baseline: str
    contrasts: tuple[Contrast, ...]

    @property
    def candidates(self) -> tuple[str, ...]:
        """The prompts that were compared with the baseline."""
        return tuple(dict.fromkeys(each.candidate for each in self.contrasts))

    def contrast(self, candidate: str, metric: str) -> Contrast:
        """Return one of them.

        Raises
        ------
        ParameterError
            If there is none.
        """
        for each in self.contrasts:
            if (each.candidate, each.metric.name) == (candidate, metric):
                return each
        known = sorted({each.metric.name for each in self.contrasts})
        raise ParameterError(
            f"{candidate!r} was not compared in {metric!r}", did_you_mean(metric, known)
        )

    def table(self) -> pd.DataFrame:
        """Return one row a contrast: the two means, the difference, and what it comes to."""
        return pd.DataFrame(
            [
                {
                    "candidate": each.candidate,
                    "metric": each.metric.name,
                    "baseline": each.difference.baseline,
                    "score": each.difference.candidate,
                    "difference": each.difference.value,
                    "low": each.difference.low,
                    "high": each.difference.high,
                    "p": each.difference.p,
                    "q": each.q,
                    "outcome": each.outcome,
                    "items": each.difference.items,
                    "wins": each.difference.wins,
                    "losses": each.difference.losses,
                    "dropped": each.dropped,
                }
                for each in self.contrasts
            ]
        )


def compare(
    scores: pd.DataFrame,
    baseline: str,
    metrics: Sequence[Metric],
    confidence: float = 0.95,
    seed: int = 0,
    measure: Measure = once,
) -> Comparison:
    """Compare all other prompts with the baseline.

    Parameters
    ----------
    scores
        One row a score: ``item, prompt, metric, score``, and ``group`` where items belong together.
    baseline
        The prompt that is in use.
    metrics
        What to compare in.
    confidence
        Of the intervals; what it lacks to 1 is the chance that any outcome is a false alarm.
    seed
        Of the resampling.
    measure
        `once`, or `at_any_time` where one has looked at the scores before there were all.

    Returns
    -------
    Comparison
        With p-values after Holm over all candidates and metrics.

    Raises
    ------
    FrameError
        If a column, a metric or the baseline is not there, or it stands alone.

    Notes
    -----
    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of
    Statistics 6, 1979.

    Examples
    --------
    >>> scores = pd.DataFrame(
    ...     {
    ...         "item": [*range(60)] * 2,
    ...         "prompt": ["a"] * 60 + ["b"] * 60,
    ...         "metric": "correct",
    ...         "score": [0, 0, 1] * 20 + [1, 0, 1] * 20,
    ...     }
    ... )
    >>> compare(scores, "a", [Metric("correct")]).table()["outcome"].tolist()
    ['better']
    """
    if "metric" not in scores:
        raise FrameError(
            "the scores have no column 'metric'",
            "Pass one row a score: item, prompt, metric, score.",
        )
    known = scores["metric"].unique().tolist()
    for each in metrics:
        if each.name not in known:
            raise FrameError(
                f"no score is of the metric {each.name!r}", did_you_mean(each.name, known)
            )
    candidates = [each for each in scores["prompt"].unique() if each != baseline]
    if not candidates:
        raise FrameError(
            f"{baseline!r} is the only prompt with scores", "Compare it with at least one other."
        )
    found = []
    for candidate in candidates:
        for metric in metrics:
            pairs = pair(scores[scores["metric"] == metric.name], baseline, candidate)
            told = measure(metric, pairs, confidence, seed)
            found.append((metric, candidate, told, pairs.dropped))
    adjusted = holm([each.p for _, _, each, _ in found])
    contrasts = [
        Contrast(metric, str(candidate), each, float(q), dropped)
        for (metric, candidate, each, dropped), q in zip(found, adjusted, strict=True)
    ]
    return Comparison(str(baseline), tuple(contrasts))
