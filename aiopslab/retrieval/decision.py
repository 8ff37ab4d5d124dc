"""Decision: whether to change the configuration, from what held-out questions come to."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from aiopslab.retrieval.comparison import Comparison, Contrast, Metric, compare
from aiopslab.retrieval.sweep import Sweep
from aiopslab.retrieval.trial import Trial

Choice = Literal["change", "keep", "equivalent", "not enough data"]

SAVED = 0.1  # of the tokens, which are worth a change to what is only as good
CLOSE = 0.05  # of the current tokens: so many more or less do not matter


@dataclass(frozen=True)
class Decision:
    """What to run.

    Parameters
    ----------
    choice
        ``change``, ``keep`` (the best of the sweep is the current one, or is worse), ``equivalent``
        (as good, and no cheaper) or ``not enough data``.
    configuration
        The name of the one to use.
    reason
        One sentence.
    needed
        Questions that would decide it; 0 where it is decided, or nobody knows.
    is_confirmed
        Whether the questions were held out from the tuning.
    """

    choice: Choice
    configuration: str
    reason: str
    needed: int
    is_confirmed: bool


def confirm(sweep: Sweep, margin: float, confidence: float = 0.95, seed: int = 0) -> Comparison:
    """Compare the best of a sweep with the current configuration, question by question.

    Parameters
    ----------
    sweep
        Whose ``current`` and ``confirmed`` are compared, in its metric and in the tokens.
    margin
        The largest difference of the metric that does not matter.
    confidence
        Of the intervals.
    seed
        Of the resampling.

    Returns
    -------
    Comparison
        Without a contrast where the best is the current one.
    """
    now = sweep.current
    tokens = max(CLOSE * now.mean("tokens"), 1.0)
    metrics = [Metric(sweep.metric, margin=margin), Metric("tokens", False, tokens)]
    if sweep.confirmed.name == now.name:
        return Comparison(now.name, ())
    names = [each.name for each in metrics]
    return compare(scores_of([now, sweep.confirmed], names), now.name, metrics, confidence, seed)


def decide(sweep: Sweep, confirmation: Comparison) -> Decision:
    """Decide between the current configuration and the best of a sweep.

    Parameters
    ----------
    sweep, confirmation
        See `confirm`.
    """
    now, is_confirmed = sweep.current.name, sweep.held_out > 0
    if not confirmation.contrasts:
        reason = (
            f"none of {len(sweep.trials) - 1 + len(sweep.dropped)} others is better and as cheap"
        )
        return Decision("keep", now, f"{reason} in {sweep.metric}.", 0, is_confirmed)
    main = confirmation.contrast(sweep.best, sweep.metric)
    tokens = confirmation.contrast(sweep.best, "tokens")
    saved = tokens.difference < -SAVED * tokens.current and tokens.outcome == "better"
    reason = f"{said(main)} {told_of_tokens(tokens)}"
    if main.outcome == "better" or (main.outcome == "equivalent" and saved):
        return Decision("change", sweep.best, reason, 0, is_confirmed)
    if main.outcome == "worse":
        return Decision(
            "keep", now, f"what was best in tuning was luck: {said(main)}", 0, is_confirmed
        )
    if main.outcome == "equivalent":
        return Decision("equivalent", now, reason, 0, is_confirmed)
    return Decision("not enough data", now, reason, main.needed, is_confirmed)


def scores_of(trials: list[Trial], metrics: list[str]) -> pd.DataFrame:
    """Return the scores of trials as `compare` takes them."""
    tables = [
        each.scores[metrics]
        .rename_axis("question")
        .reset_index()
        .melt("question", var_name="metric", value_name="score")
        .assign(configuration=each.name)
        for each in trials
    ]
    return pd.concat(tables, ignore_index=True)


def said(contrast: Contrast) -> str:
    """Say a contrast in one sentence.

    Examples
    --------
    >>> figures = 0.5, 0.6, 0.1, 0.04, 0.16, 0.001, 0.001, 0.95, 60, 60, 0
    >>> said(Contrast("b", Metric("ndcg"), *figures))
    'ndcg 0.6 against 0.5, a difference of +0.1 (+0.04 to +0.16) on 60 questions.'
    """
    interval = f"{contrast.difference:+.3g} ({contrast.low:+.3g} to {contrast.high:+.3g})"
    scores = f"{contrast.score:,.4g} against {contrast.current:,.4g}"
    return (
        f"{contrast.metric.name} {scores}, a difference "
        f"of {interval} on {contrast.questions:,} questions."
    )


def told_of_tokens(contrast: Contrast) -> str:
    """Say what a model has to read for a question, against now.

    Examples
    --------
    >>> told = Contrast("b", Metric("tokens", False, 1), 500, 750, 250, 9, 9, 0, 0, 0.95, 9, 9, 0)
    >>> told_of_tokens(told)
    'It returns 750 tokens a question, 50 % more.'
    """
    if contrast.current <= 0:
        return f"It returns {contrast.score:,.0f} tokens a question."
    more = contrast.score / contrast.current - 1
    word = "more" if more > 0 else "fewer"
    much = "as many as now" if abs(more) < CLOSE else f"{abs(more):.0%} {word}".replace("%", " %")
    return f"It returns {contrast.score:,.0f} tokens a question, {much}."
