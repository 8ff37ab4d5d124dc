"""The evaluation of prompts, from calls to which prompt to use."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.prompts.analysis import PromptAnalysis
from aiopslab.prompts.comparison import Comparison, Measure, at_any_time, compare, once
from aiopslab.prompts.decision import Goal, decide
from aiopslab.prompts.run import Run
from aiopslab.prompts.scorers.score import Scorer
from aiopslab.prompts.scorers.scoring import score_calls
from aiopslab.prompts.slices import find_slices
from aiopslab.statistics.outcomes import Metric

USAGE = {
    "latency_ms": "ms",
    "input_tokens": "tokens",
    "output_tokens": "tokens",
    "cost_usd": "USD",
}
LEAST_MARGIN = 0.05  # of what the baseline uses: so much more or less does not matter


def analyse(
    run: Run,
    items: pd.DataFrame,
    scorers: Mapping[str, Scorer],
    metrics: Sequence[Metric] = (),
    baseline: str | None = None,
    saves: str | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> PromptAnalysis:
    """Score a run, compare its prompts and decide between them.

    Parameters
    ----------
    run
        From `run_prompts`, or from `run_until_certain`: then all intervals and p-values hold though
        one has looked at them before.
    items
        What it was made of.
    scorers
        By metric; the first decides.
    metrics
        Whether more is better, and what matters, where that is not the default: more is better,
        and two points matter.
    baseline
        The prompt in use; the first where ``None``.
    saves
        The metric, such as ``cost_usd``, that a candidate is wanted for which is no worse than by
        the margin; where ``None`` it has to be better in what decides.
    confidence
        Of the intervals.
    seed
        Of the resampling.

    Returns
    -------
    PromptAnalysis
        With ``.verdict()``, ``.table()`` and ``.figure()``.

    Raises
    ------
    ParameterError
        If there is no scorer, or no such prompt.
    FrameError
        If the run has a single prompt.
    """
    if not scorers:
        raise ParameterError("there is no scorer", "Name at least one, such as exact.")
    names = run.calls["prompt"].unique().tolist()
    base = names[0] if baseline is None else baseline
    if base not in names:
        raise ParameterError(f"no prompt is called {base!r}", did_you_mean(base, names))
    named = items if "item" in items else items.assign(item=range(len(items)))
    scored = score_calls(run.calls, named, scorers)
    measure = once if run.looks is None else at_any_time
    comparison = contrasted(run.calls, scored, scorers, metrics, base, measure, confidence, seed)
    primary, *guards = scorers
    goal: Goal = "better" if saves is None else "no worse"
    decision = decide(comparison, primary, guards, goal, saves)
    of_it = scored[scored["metric"] == primary]
    slices = find_slices(of_it, named, comparison, primary, seed, measure)
    return PromptAnalysis(run, named, scored, comparison, decision, primary, slices)


def contrasted(
    calls: pd.DataFrame,
    scored: pd.DataFrame,
    names: Iterable[str],
    metrics: Sequence[Metric],
    baseline: str,
    measure: Measure,
    confidence: float,
    seed: int,
) -> Comparison:
    """Compare prompts in the scores of these names, and in what their calls used."""
    used = _usage(calls)
    given = {each.name: each for each in metrics}
    of_scores = [given.get(name, Metric(name)) for name in names]
    of_usage = [_metric_of(name, used, baseline, given) for name in used["metric"].unique()]
    scores = pd.concat([scored, used], ignore_index=True)
    return compare(scores, baseline, [*of_scores, *of_usage], confidence, seed, measure)


def _usage(calls: pd.DataFrame) -> pd.DataFrame:
    """Return what each call used as scores of its own metrics, of what is known and not all 0."""
    tables = []
    for name in USAGE:
        values = pd.to_numeric(calls[name], errors="coerce")
        if values.notna().any() and values.max() > 0:
            kept = calls[["item", "group", "prompt", "repetition"]]
            tables.append(kept.assign(metric=name, score=values, status="scored", note=""))
    columns = ["item", "group", "prompt", "repetition", "metric", "score", "status", "note"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=columns)


def _metric_of(name: str, used: pd.DataFrame, baseline: str, given: Mapping[str, Metric]) -> Metric:
    if name in given:
        return replace(given[name], unit=given[name].unit or USAGE[name])
    of_it = used[(used["metric"] == name) & (used["prompt"] == baseline)]
    typical = float(of_it["score"].mean())
    margin = LEAST_MARGIN * typical if typical > 0 else LEAST_MARGIN
    return Metric(name, higher_is_better=False, margin=margin, unit=USAGE[name])
