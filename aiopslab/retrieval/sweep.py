"""Sweep: configurations tried on some questions, and the best confirmed on others."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import pandas as pd

from aiopslab.errors import RetrievalError, did_you_mean
from aiopslab.retrieval.asked import Asked
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.selection import choose, front, only, split
from aiopslab.retrieval.space import Space, drawn, grid, suggested
from aiopslab.retrieval.trial import QUALITIES, SPANS, Trial, answered, run_trial
from aiopslab.retrieval.truth import Truth

Method = Literal["grid", "random", "optuna", "halving"]
METRICS = (*QUALITIES, *SPANS.values())
Report = Callable[[str, int, int], None]
Map = Callable[[Callable[[Configuration], Trial], Sequence[Configuration]], Iterable[Trial]]

RUNG = 20  # questions, with which halving begins at the least
FACTOR = 3  # of the configurations that stay, and of the questions that they are asked


@dataclass(frozen=True)
class Sweep:
    """What was tried, and what came of it.

    Parameters
    ----------
    metric
        That decides.
    trials
        On the questions for tuning, the current configuration first.
    dropped
        Configurations that halving left before they had been asked all, with the mean so far.
    best
        The name of the one to use, see `choose`.
    current, confirmed
        The current configuration and the best one on the questions that were held out; the same
        trial where the current one is the best.
    held_out
        How many these are; 0 where there were too few, so that both were asked what they were tuned
        on.
    seconds
        It took.
    """

    metric: str
    trials: tuple[Trial, ...]
    dropped: tuple[tuple[Configuration, float], ...]
    best: str
    current: Trial
    confirmed: Trial
    held_out: int
    seconds: float

    def trial(self, name: str) -> Trial:
        """Return the trial of a configuration by its name.

        Raises
        ------
        RetrievalError
            If it was not tried.
        """
        for each in self.trials:
            if each.name == name:
                return each
        raise RetrievalError(
            f"no configuration is called {name!r}",
            did_you_mean(name, [each.name for each in self.trials]),
        )

    def table(self) -> pd.DataFrame:
        """Return one row a trial, the best first.

        Returns
        -------
        pandas.DataFrame
            ``configuration, search``, all scores, ``latency_ms, chunks, index_mb, is_best``, and
            ``is_front``, whether no other is at least as good, as cheap in tokens and as fast, and
            better in one.
        """
        rows = [
            {
                "configuration": each.name,
                "search": each.configuration.search,
                **{name: each.mean(name) for name in (*METRICS, "tokens")},
                "latency_ms": each.latency_ms,
                "chunks": each.chunks,
                "index_mb": each.index_bytes / 1e6,
                "is_best": each.name == self.best,
            }
            for each in self.trials
        ]
        table = pd.DataFrame(rows).assign(is_front=front(pd.DataFrame(rows), self.metric))
        return table.sort_values(self.metric, ascending=False, kind="stable", ignore_index=True)


def tune(
    retriever: Retriever,
    truth: Truth,
    space: Space,
    current: Configuration | None = None,
    *,
    method: Method = "grid",
    trials: int = 50,
    metric: str = "ndcg",
    held_out: float = 1 / 3,
    most_tokens: float | None = None,
    seed: int = 0,
    report: Report | None = None,
    mapped: Map = map,
) -> Sweep:
    """Try configurations on some of the questions, and confirm the best one on the others.

    Parameters
    ----------
    retriever
        Of the corpus; what it has made serves whatever is asked of it later, too.
    truth
        Questions, and where they are answered.
    space
        Values by the names of fields of a configuration; what it does not name is as in `current`.
    current
        The configuration in use, which the others are compared with; the one by default where
        ``None``.
    method
        ``grid`` tries all, ``random`` and ``optuna`` so many as `trials`, ``halving`` all on few
        questions, and a third of them on three times as many until all are asked.
    trials
        Of ``random`` and ``optuna``.
    metric
        That decides: ``recall, precision, hit_rate, mrr, map, ndcg``, or ``span_recall,
        span_precision, span_iou``.
    held_out
        Share of the questions on which the best is confirmed, 0 to 1.
    most_tokens
        That the hits of a question may have on average, for a configuration to be the best.
    seed
        Of the split, and of what is drawn.
    report
        Called with what is being done, how far, and of how many.
    mapped
        Tries configurations, each by itself, as `map` does; `aiopslab.dask_scheduler.spread` tries
        them on a cluster. Of ``optuna`` each waits for the one before, so that it makes no use
        of it.

    Returns
    -------
    Sweep

    Raises
    ------
    RetrievalError
        If a name is unknown, a value out of range, or no question has an answer.

    Notes
    -----
    Each distinct text is embedded once (on a cluster, once a worker), whatever the number of
    configurations. Halving is that of
    K. Jamieson and A. Talwalkar, "Non-stochastic best arm identification and hyperparameter
    optimization", AISTATS 2016, with questions as what is spent.
    """
    import time

    began = time.perf_counter()
    if metric not in METRICS:
        raise RetrievalError(f"no score is called {metric!r}", did_you_mean(metric, [*METRICS]))
    if not 0 <= held_out < 1:
        raise RetrievalError(f"held_out is {held_out}; expected 0 to 1", "Pass for example 0.33.")
    base = current or Configuration()
    told = report or _quiet
    tuning, apart = split(truth, held_out, seed)
    asked = Asked(answered(tuning)["text"].tolist())
    tried = {base.name: run_trial(retriever, tuning, base, asked)}
    dropped: list[tuple[Configuration, float]] = []

    if method == "optuna":

        def attempt(configuration: Configuration) -> float:
            if configuration.name not in tried:
                tried[configuration.name] = run_trial(retriever, tuning, configuration, asked)
            return tried[configuration.name].mean(metric)

        suggested(space, base, trials, attempt, seed)
    else:
        wanted = drawn(space, base, trials, seed) if method == "random" else grid(space, base)
        if method == "halving":
            wanted, dropped = _halved(retriever, tuning, wanted, metric, seed, told, mapped)
        left = {each.name: each for each in wanted if each.name not in tried}
        one = partial(_tried, retriever, tuning, asked)
        for number, trial in enumerate(mapped(one, [*left.values()]), start=1):
            told("configurations", number, len(left))
            tried[trial.name] = trial
    best = choose([*tried.values()], metric, most_tokens)
    now = run_trial(retriever, apart, base)
    confirmed = now if best == base.name else run_trial(retriever, apart, tried[best].configuration)
    return Sweep(
        metric,
        tuple(tried.values()),
        tuple(dropped),
        best,
        now,
        confirmed,
        0 if apart is tuning else len(now.scores),
        time.perf_counter() - began,
    )


def _tried(retriever: Retriever, truth: Truth, asked: Asked, configuration: Configuration) -> Trial:
    return run_trial(retriever, truth, configuration, asked)


def _halved(
    retriever: Retriever,
    truth: Truth,
    configurations: list[Configuration],
    metric: str,
    seed: int,
    report: Report,
    mapped: Map,
) -> tuple[list[Configuration], list[tuple[Configuration, float]]]:
    """Return those that are still in after all rungs but the last, and those that are not."""
    known = answered(truth)
    order = np.random.default_rng(seed).permutation(len(known))
    rungs: list[int] = []
    size = len(known) / FACTOR
    while size >= RUNG and FACTOR ** (len(rungs) + 1) < FACTOR * len(configurations):
        rungs.append(int(size))
        size /= FACTOR
    dropped = []
    for number, count in enumerate(reversed(rungs)):
        some = only(truth, known.iloc[np.sort(order[:count])])
        asked = Asked(answered(some)["text"].tolist())
        worth = []
        one = partial(_tried, retriever, some, asked)
        for at, trial in enumerate(mapped(one, configurations), start=1):
            report(f"configurations, round {number + 1}", at, len(configurations))
            worth.append(trial.mean(metric))
        ranked = np.argsort(-np.array(worth), kind="stable")
        stay = ranked[: max(1, math.ceil(len(ranked) / FACTOR))]
        dropped += [(configurations[at], worth[at]) for at in ranked[len(stay) :]]
        configurations = [configurations[at] for at in sorted(stay)]
    return configurations, dropped


def _quiet(what: str, done: int, of: int) -> None:
    return
