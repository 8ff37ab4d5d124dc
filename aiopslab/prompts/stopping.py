"""Stopping: items are asked until it is certain which prompt to use, and no further."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.prompts.comparison import at_any_time
from aiopslab.prompts.decision import Goal, is_decided
from aiopslab.prompts.endpoint import Endpoint
from aiopslab.prompts.evaluation import default_store
from aiopslab.prompts.looks import Looks, observations, schedule, shuffled
from aiopslab.prompts.plan import planned, same
from aiopslab.prompts.progress import Progress
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.run import Run, run_prompts
from aiopslab.prompts.scorers.score import Scorer
from aiopslab.prompts.scorers.scoring import score_calls
from aiopslab.prompts.sequential import LIMIT
from aiopslab.prompts.service import serve
from aiopslab.prompts.store import Store
from aiopslab.prompts.study import contrasted
from aiopslab.statistics.outcomes import Metric


@dataclass(frozen=True)
class Question:
    """What one wants to know of a run, as it is put to `analyse` in the end.

    Parameters
    ----------
    scorers, metrics, baseline, saves, confidence
        As in `analyse`.

    Examples
    --------
    >>> from aiopslab.prompts import scorers
    >>> Question({"correct": scorers.exact()}).primary
    'correct'
    """

    scorers: Mapping[str, Scorer]
    metrics: Sequence[Metric] = ()
    baseline: str | None = None
    saves: str | None = None
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if not self.scorers:
            raise ParameterError("there is no scorer", "Name at least one, such as exact.")

    @property
    def primary(self) -> str:
        """The metric that decides."""
        return next(iter(self.scorers))

    def is_settled(self, calls: pd.DataFrame, scores: pd.DataFrame) -> bool:
        """Whether every candidate is judged by these calls and their scores.

        A candidate is when it is surely better, worse or as good, all metrics and candidates
        allowed for; its guards and what it uses are then as sure as so many items make them.
        """
        baseline = calls["prompt"].iloc[0] if self.baseline is None else self.baseline
        comparison = contrasted(
            calls, scores, self.scorers, self.metrics, baseline, at_any_time, self.confidence, 0
        )
        goal: Goal = "better" if self.saves is None else "no worse"
        return is_decided(comparison, self.primary, [*self.scorers][1:], goal, self.saves)


def run_until_certain(
    prompts: Sequence[Prompt],
    items: pd.DataFrame,
    endpoint: Endpoint,
    store: Store,
    question: Question,
    *,
    repetitions: int = 1,
    parameters: Mapping[str, Any] | None = None,
    cap_usd: float | None = None,
    seed: int = 0,
    report: Callable[[Progress], None] | None = None,
) -> Run:
    """Ask a model every prompt on one item after the other until a question is settled.

    Parameters
    ----------
    prompts, items, endpoint, store, repetitions, parameters, cap_usd, report
        As in `run_prompts`.
    question
        That is to be settled.
    seed
        Of the order in which items are asked.

    Returns
    -------
    Run
        Of the items that were asked, in that order, with its ``looks``. `analyse` tells by them to
        use bounds that hold although one has looked.

    Raises
    ------
    ParameterError
        Before anything is asked: if there is one prompt only, no prompt is the baseline, or there
        are more than 20,000 items (groups, where they come in groups). At the first look: if a
        score is not between 0 and 1, and its metric has no unit.
    PromptError
        As in `run_prompts`.

    Notes
    -----
    The order is random, so that any item stands for those that are not asked, and the sequences of
    `peek` and `peek_amounts` hold at whatever time one stops. They hold for one set of items in one
    order: to go on with more items after it ended is a new question. Bounds are about two thirds
    wider than those of as many items that are looked at once: a difference of eight points in 500
    items is found in 88 of 100 runs, not in 98, but after 300 items on average.
    """
    named = items if "item" in items else items.assign(item=range(len(items)))
    _check(prompts, named, question)
    ordered = shuffled(named, seed)
    # All of it is seen to be sound before any is paid for.
    calls = planned(prompts, ordered, endpoint, repetitions, parameters or {})
    each = len(prompts) * repetitions
    progress, stopped, is_settled = Progress(len(calls)), "", False
    tables, scores, after = [], [], [0]
    for end in schedule(ordered, each, endpoint.concurrency):
        batch = ordered.iloc[after[-1] : end]
        found = run_prompts(
            prompts,
            batch,
            endpoint,
            store,
            repetitions=repetitions,
            parameters=parameters,
            cap_usd=None if cap_usd is None else max(cap_usd - progress.cost_usd, 0.0),
            report=_onwards(report, progress),
        )
        progress = _sum(progress, found.progress)
        tables.append(found.calls)
        if found.stopped:
            stopped = (
                f"the cap of {cap_usd:g} USD: {progress.cost_usd:.4f} USD are spent, and the next "
                "call might pass it"
            )
            break
        after.append(end)
        scores.append(score_calls(found.calls, batch, question.scorers))
        is_settled = question.is_settled(pd.concat(tables), pd.concat(scores))
        if is_settled:
            break
    table = pd.concat(tables, ignore_index=True)
    spared = len(calls) - len(table) if is_settled else 0
    looks = Looks(tuple(after[1:]), len(items), is_settled, spared)
    progress = replace(progress, total=len(table))
    return Run(table, progress, stopped, same(calls[: len(table)]), looks)


def evaluate_until_certain(
    prompts: Sequence[Prompt],
    items: pd.DataFrame,
    question: Question,
    base_url: str | None = None,
    model: str | None = None,
    *,
    store: str | Path | None = None,
    repetitions: int = 1,
    cap_usd: float | None = None,
    prices: Mapping[str, float] | None = None,
    concurrency: int = 8,
    seed: int = 0,
    report: Callable[[Progress], None] | None = None,
) -> Run:
    """Ask whatever model there is until a question is settled, see `run_until_certain`.

    Parameters
    ----------
    question, seed
        As in `run_until_certain`.
    prompts, items, base_url, model, store, repetitions, cap_usd, prices, concurrency, report
        As in `evaluate`.

    Raises
    ------
    ParameterError, PromptError
        As in both.
    """
    with (
        serve(base_url, model, prices, concurrency) as endpoint,
        Store(store or default_store()) as kept,
    ):
        return run_until_certain(
            prompts,
            items,
            endpoint,
            kept,
            question,
            repetitions=repetitions,
            cap_usd=cap_usd,
            seed=seed,
            report=report,
        )


def _check(prompts: Sequence[Prompt], items: pd.DataFrame, question: Question) -> None:
    names = [each.name for each in prompts]
    if len(names) < 2:
        raise ParameterError(
            f"{len(names)} prompts are nothing to be certain of",
            "Name a baseline and at least one candidate.",
        )
    if question.baseline is not None and question.baseline not in names:
        raise ParameterError(
            f"no prompt is called {question.baseline!r}", did_you_mean(question.baseline, names)
        )
    count = len(np.unique(observations(items)))
    if count > LIMIT:
        raise ParameterError(
            f"{count:,} independent items are too many to look at on the way; up to {LIMIT:,} are "
            "followed",
            f"Draw {LIMIT:,} of them at random, or ask all of them and compare once.",
        )


def _sum(before: Progress, more: Progress) -> Progress:
    """Return how far a run is with another part of it, of as many calls in all."""
    return Progress(
        before.total,
        before.answered + more.answered,
        before.reused + more.reused,
        before.failed + more.failed,
        before.cost_usd + more.cost_usd,
    )


def _onwards(
    report: Callable[[Progress], None] | None, before: Progress
) -> Callable[[Progress], None] | None:
    return None if report is None else lambda more: report(_sum(before, more))
