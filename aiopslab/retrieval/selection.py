"""Selection: questions set apart, and the configuration to use among those that were tried."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.trial import Trial, answered
from aiopslab.retrieval.truth import Truth
from aiopslab.statistics.pareto import undominated

ALIKE = 1.2  # times as slow
LEAST = 20  # questions on either side, under which nothing is held out


def split(truth: Truth, held_out: float, seed: int = 0) -> tuple[Truth, Truth]:
    """Divide the questions that have an answer into those for tuning and those held out.

    Parameters
    ----------
    truth
        All.
    held_out
        Share of the second.
    seed
        Of the draw.

    Returns
    -------
    tuple of Truth
        Twice the same where one side would have fewer than 20 questions.
    """
    known = answered(truth)
    order = np.random.default_rng(seed).permutation(len(known))
    count = round(held_out * len(known))
    if min(count, len(known) - count) < LEAST:
        return truth, truth
    return only(truth, known.iloc[np.sort(order[count:])]), only(
        truth, known.iloc[np.sort(order[:count])]
    )


def choose(trials: Sequence[Trial], metric: str, most_tokens: float | None = None) -> str:
    """Return the name of the trial to use: the cheapest that is as good as the best but for chance.

    Parameters
    ----------
    trials
        On the same questions.
    metric
        That decides; more is better.
    most_tokens
        That its hits may have on average; without a bound where ``None``.

    Raises
    ------
    RetrievalError
        If every trial has more.

    Notes
    -----
    The rule of one standard error of L. Breiman et al., "Classification and regression trees",
    1984, on the differences from the best question by question; cheap is what gives a model few
    tokens to read.
    """
    bound = math.inf if most_tokens is None else most_tokens
    eligible = [each for each in trials if each.mean("tokens") <= bound]
    if not eligible:
        least = min(each.mean("tokens") for each in trials)
        raise RetrievalError(
            f"every configuration returns more than {bound:g} tokens a question; the least is "
            f"{least:,.0f}",
            "Allow more, or try smaller chunks or fewer of them.",
        )
    best = max(eligible, key=lambda each: each.mean(metric))
    near = []
    for each in eligible:
        short = (best.scores[metric] - each.scores[metric]).to_numpy(np.float64)
        error = float(short.std(ddof=1)) / math.sqrt(len(short)) if len(short) > 1 else 0.0
        if short.mean() <= error:
            near.append(each)
    # Of equals the first that was tried: what the clock says would differ from run to run.
    cheapest = min(near, key=lambda each: (round(each.mean("tokens")), -each.mean(metric)))
    return cheapest.name


def only(truth: Truth, questions: pd.DataFrame) -> Truth:
    """Return the truth of some of its questions."""
    answers = truth.answers["question"].isin(questions["question"])
    return Truth(questions.reset_index(drop=True), truth.answers[answers].reset_index(drop=True))


def front(table: pd.DataFrame, metric: str) -> list[bool]:
    """Return which trials no other beats in quality, tokens and latency together.

    Latencies that differ by less than a fifth are alike: the clock is not better than that.
    """
    values = table[[metric, "tokens"]].to_numpy(np.float64) * [-1, 1]
    values = np.column_stack([values, np.log(table["latency_ms"].to_numpy(np.float64))])
    return undominated(values, [0.0, 0.0, math.log(ALIKE)])
