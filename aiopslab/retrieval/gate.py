"""Gate: whether a configuration may replace the one in use, and is as good as it has to be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import RetrievalError, did_you_mean
from aiopslab.retrieval.asked import Asked
from aiopslab.retrieval.comparison import MARGIN, Contrast, Metric, compare
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.decision import said, scores_of
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.sweep import METRICS
from aiopslab.retrieval.trial import Trial, answered, run_trial
from aiopslab.retrieval.truth import Truth
from aiopslab.statistics.intervals import wilson
from aiopslab.statistics.paired import ENOUGH, intervals
from aiopslab.statistics.samplesize import items_for_mean

State = Literal["passed", "failed", "not enough data"]

BASELINE, CANDIDATE = "baseline", "candidate"
TOKENS = "tokens"
FEW = 10  # scores that differ from the most frequent, below which a spread tells little


@dataclass(frozen=True)
class Bound:
    """What the mean of a score has to be at least; of ``tokens``, at most.

    Raises
    ------
    RetrievalError
        If there is no such score, or it cannot be that.

    Examples
    --------
    >>> print(Bound("recall", 0.8), Bound("tokens", 900), sep=", ")
    recall at least 0.8, tokens at most 900
    """

    score: str
    value: float

    def __post_init__(self) -> None:
        if self.score not in (*METRICS, TOKENS):
            known = [*METRICS, TOKENS]
            raise RetrievalError(
                f"there is no score {self.score!r}; there is {', '.join(known)}",
                did_you_mean(self.score, known),
            )
        most = math.inf if self.score == TOKENS else 1
        if not (0 < self.value <= most and math.isfinite(self.value)):
            expected = "above 0" if self.score == TOKENS else "above 0, to 1"
            raise RetrievalError(
                f"the bound of {self.score} is {self.value:g}; expected a number {expected}",
                "Correct it.",
            )

    def __str__(self) -> str:
        return f"{self.score} at {'most' if self.score == TOKENS else 'least'} {self.value:g}"


@dataclass(frozen=True)
class Held:
    """A bound held against the scores of questions.

    Parameters
    ----------
    bound
        Which.
    mean, low, high
        Of the score, and its interval; NaN of too few questions.
    questions
        It was taken from.
    needed
        How many would show in four of five cases that a mean like this keeps the bound or breaks
        it; 0 where nobody can tell.
    """

    bound: Bound
    mean: float
    low: float
    high: float
    questions: int
    needed: int

    @property
    def state(self) -> State:
        """Whether the whole interval is on one side."""
        is_most = self.bound.score == TOKENS
        if self.high <= self.bound.value if is_most else self.low >= self.bound.value:
            return "passed"
        if self.low > self.bound.value if is_most else self.high < self.bound.value:
            return "failed"
        return "not enough data"


@dataclass(frozen=True)
class Gate:
    """What came of a candidate.

    Parameters
    ----------
    candidate, baseline
        What the two found; no baseline where there is none, or the candidate is the same.
    contrast
        Of both in the metric that decides.
    held
        The bounds.
    """

    candidate: Trial
    baseline: Trial | None
    contrast: Contrast | None
    held: tuple[Held, ...]

    @property
    def compared(self) -> State:
        """Whether the candidate is better, or no worse than by the margin."""
        if self.contrast is None:
            return "passed"
        if (
            self.contrast.outcome == "better"
            or self.contrast.gain[1] > -self.contrast.metric.margin
        ):
            return "passed"
        return "failed" if self.contrast.outcome == "worse" else "not enough data"

    @property
    def state(self) -> State:
        """The worst of the comparison and the bounds: what failed counts before what is open."""
        states = {self.compared, *(each.state for each in self.held)}
        order: tuple[State, ...] = ("failed", "not enough data", "passed")
        return next(each for each in order if each in states)

    @property
    def needed(self) -> int:
        """How many questions would settle what is open; 0 where nobody can tell."""
        counts = [each.needed for each in self.held if each.state == "not enough data"]
        if self.contrast is not None and self.compared == "not enough data":
            counts.append(self.contrast.needed)
        return 0 if 0 in counts else max(counts, default=0)

    def headline(self) -> str:
        """Say what is to be done, and what decides it."""
        if self.state == "not enough data":
            would = f"about {self.needed:,} would do" if self.needed else "take more"
            return f"Not enough questions to tell: {would}."
        broken = [str(each.bound) for each in self.held if each.state == "failed"]
        if self.compared == "failed":
            return "Keep the baseline: the candidate is worse."
        if broken:
            return f"Do not use the candidate: it surely breaks {' and '.join(broken)}."
        if self.contrast is None:
            kept = "it keeps every bound" if self.held else "it is set as what is in use"
            return f"Use the candidate: {kept}."
        margin = self.contrast.metric.margin
        better = self.contrast.outcome == "better"
        how = "better" if better else f"not worse by the margin of {margin:g}"
        return f"Use the candidate: it is {how}."

    def reasons(self) -> tuple[str, ...]:
        """Say what was measured, a sentence each."""
        compared = () if self.contrast is None else (said(self.contrast),)
        bounds = (
            f"{each.bound}: {each.state}, it is {each.mean:,.4g} ({each.low:,.4g} to "
            f"{each.high:,.4g}) on {each.questions:,} questions."
            for each in self.held
        )
        return (*compared, *bounds)

    def table(self) -> pd.DataFrame:
        """Return one row a configuration with the means of its scores.

        Returns
        -------
        pandas.DataFrame
            ``which, configuration``, the quality scores, ``tokens`` a question, ``ms`` a question.
        """
        both = {CANDIDATE: self.candidate}
        if self.baseline is not None:
            both = {BASELINE: self.baseline, **both}
        rows = []
        for which, trial in both.items():
            means = {name: trial.mean(name) for name in (*METRICS, TOKENS)}
            row = {"which": which, "configuration": trial.name, **means}
            rows.append({**row, "ms": trial.latency_ms})
        return pd.DataFrame(rows)


def gate(
    retriever: Retriever,
    truth: Truth,
    candidate: Configuration,
    baseline: Configuration | None = None,
    *,
    metric: str = "ndcg",
    margin: float = MARGIN,
    bounds: Sequence[Bound] = (),
    confidence: float = 0.95,
    seed: int = 0,
) -> Gate:
    """Put all questions to a candidate and to the configuration in use, and decide.

    Parameters
    ----------
    retriever
        Of the corpus.
    truth
        The questions, and where they are answered.
    candidate, baseline
        The one that may replace the other; without a baseline the bounds alone decide.
    metric
        That is compared.
    margin
        The largest loss of it that does not matter.
    bounds
        That the candidate has to keep.
    confidence
        Of the intervals.
    seed
        Of the resampling.

    Returns
    -------
    Gate

    Raises
    ------
    RetrievalError
        If there is no such metric, no question has an answer, or as in `Retriever.rank`.
    ParameterError
        If the margin or the confidence is out of range.

    Notes
    -----
    The interval of a bound is that of `aiopslab.statistics.paired`. Where each score is 0 or 1, or
    nearly all are the same, it is Wilson's, which is wide enough for any scores from 0 to 1: the
    few that differ tell little of how much others would. Each holds for itself.

    Examples
    --------
    >>> from aiopslab.retrieval.documents import Corpus
    >>> corpus = Corpus.of_texts({"queues.md": "Queues fill up.", "wings.md": "Wings lift."})
    >>> questions = pd.DataFrame({"question": range(9), "text": "What do wings do?"}).astype(str)
    >>> answers = questions[["question"]].assign(document="wings.md", start=0, end=11, grade=1)
    >>> words = Configuration(search="lexical", k=1)
    >>> told = gate(Retriever(corpus, {}), Truth(questions, answers), words,
    ...             bounds=[Bound("recall", 0.9)])
    >>> told.state, told.headline()
    ('not enough data', 'Not enough questions to tell: take more.')
    """
    if metric not in METRICS:
        raise RetrievalError(f"there is no metric {metric!r}", did_you_mean(metric, [*METRICS]))
    measured = Metric(metric, margin=margin)
    asked = Asked(answered(truth)["text"].tolist())
    tried = run_trial(retriever, truth, candidate, asked)
    now, contrast = None, None
    if baseline is not None and baseline != candidate:
        now = run_trial(retriever, truth, baseline, asked)
        sides = [
            scores_of([trial], [metric]).assign(configuration=side)
            for side, trial in ((BASELINE, now), (CANDIDATE, tried))
        ]
        compared = compare(pd.concat(sides), BASELINE, [measured], confidence, seed)
        contrast = compared.contrast(CANDIDATE, metric)
    held = tuple(_held(each, tried, confidence, seed) for each in bounds)
    return Gate(tried, now, contrast, held)


def _held(bound: Bound, trial: Trial, confidence: float, seed: int) -> Held:
    values = trial.scores[bound.score].to_numpy(np.float64)
    mean, (low, high) = float(values.mean()), _interval(values, confidence, seed)
    apart, spread = mean - bound.value, float(values.std())
    needed = items_for_mean(apart, spread, 1 - confidence) if apart and spread > 0 else 0
    return Held(bound, mean, low, high, len(values), needed)


def _interval(values: npt.NDArray[np.float64], confidence: float, seed: int) -> tuple[float, float]:
    """Return the interval of the mean of scores."""
    if len(values) < ENOUGH:
        return math.nan, math.nan
    is_share = values.max() <= 1
    differ = len(values) - np.unique(values, return_counts=True)[1].max()
    if is_share and (np.isin(values, (0, 1)).all() or differ < FEW):
        return wilson(float(values.sum()), len(values), confidence)
    rng = np.random.default_rng(seed)
    column = values[:, None]
    _, low, high, _ = intervals(column, np.ones_like(column), confidence, rng)
    return float(low[0]), float(high[0])
