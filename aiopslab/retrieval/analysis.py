"""The analysis of a sweep: which configuration to run, why, and what it still misses."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.findings import Effect, Finding, Interval, Level, Verdict
from aiopslab.retrieval import failures as missed
from aiopslab.retrieval import tables
from aiopslab.retrieval.comparison import Comparison, Contrast, Metric, compare
from aiopslab.retrieval.decision import Choice, Decision, confirm, decide, said, scores_of
from aiopslab.retrieval.explorer import side_by_side
from aiopslab.retrieval.knobs import Knobs, knobs
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.sweep import Sweep
from aiopslab.retrieval.topics import topics
from aiopslab.retrieval.trial import Trial, run_trial
from aiopslab.retrieval.truth import Truth
from aiopslab.retrieval.truth_kinds import describe_truth

if TYPE_CHECKING:
    import plotly.graph_objects as go

LEVELS: dict[Choice, Level] = {
    "change": "act",
    "keep": "ok",
    "equivalent": "ok",
    "not enough data": "watch",
}
MARGIN = 0.02
MANY = 0.2  # of the questions that a cause of failures concerns, which is worth a finding


@dataclass(frozen=True)
class RetrievalAnalysis:
    """What a sweep says about a corpus.

    Parameters
    ----------
    sweep
        What was tried.
    comparison
        Of every trial with the current configuration on the questions for tuning, in the metric
        that decides, corrected for all of them.
    confirmation
        Of the best with the current one on the questions held out.
    decision
        What to run.
    now, used
        The current configuration and the one to use, on all questions.
    failures
        Answers that the latter does not find, see `failures`.
    explorer
        The current configuration beside the best one, question by question, see `side_by_side`.
    by_topic
        Of the latter, see `topics`; empty where questions have none.
    truth
        On what kind of truth it stands, in words.
    note
        What the embedder warned of in the configuration to use.
    margin
        The largest difference of the metric that does not matter.
    price
        USD for a million tokens that a model reads, where it is known.
    """

    sweep: Sweep
    comparison: Comparison
    confirmation: Comparison
    decision: Decision
    now: Trial
    used: Trial
    failures: pd.DataFrame
    explorer: pd.DataFrame
    by_topic: pd.DataFrame
    truth: str
    note: str
    margin: float
    price: float | None = None

    @property
    def level(self) -> Level:
        """How urgent it is; what nobody could confirm is only to be watched."""
        if self.decision.choice == "change" and not self.decision.is_confirmed:
            return "watch"
        return LEVELS[self.decision.choice]

    def verdict(self) -> Verdict:
        """Conclude: which configuration to run, how sure that is, and what to do."""
        now, best = self.sweep.current, self.sweep.confirmed
        figures = {
            "questions": float(len(now.scores)),
            f"{self.sweep.metric} now": now.mean(self.sweep.metric),
            f"{self.sweep.metric} of the best": best.mean(self.sweep.metric),
            "recall of the best": best.mean("recall"),
            "tokens a question now": now.mean("tokens"),
            "tokens a question of the best": best.mean("tokens"),
            **self._costs(),
            "configurations": float(len(self.sweep.trials) + len(self.sweep.dropped)),
        }
        return Verdict(self.level, self._headline(), figures, self._findings(), self._actions())

    def table(self) -> pd.DataFrame:
        """Return one row a trial, the best first, with how it compares to the current one."""
        told = self.comparison.table()
        if told.empty:
            return self.sweep.table()
        names = ["configuration", "difference", "low", "high", "q", "outcome"]
        return self.sweep.table().merge(told[names], on="configuration", how="left")

    def shown(self) -> pd.DataFrame:
        """Return the best trials, and the current one, as people read them."""
        now = self.sweep.current.name
        return tables.trials(self.table(), self.sweep.metric, now, self.price)

    def confirmation_table(self) -> pd.DataFrame:
        """Return the best against the current one on the questions held out."""
        return tables.contrasts(self.confirmation)

    def explorer_table(self) -> pd.DataFrame:
        """Return questions that the best loses or wins, as people read them, losses first."""
        return tables.explored(self.explorer)

    def failures_table(self) -> pd.DataFrame:
        """Return some of the answers that are missed, as people read them."""
        return tables.missed(self.failures)

    def figure(self) -> "go.Figure":
        """Draw what each trial buys against what it makes a model read."""
        from aiopslab.charts.pareto import pareto_figure

        title = "What each configuration finds, and what a model has to read for it"
        return pareto_figure(self.sweep.table(), self.sweep.metric, self.sweep.current.name, title)

    def knobs(self) -> Knobs:
        """Return what each setting makes of the metric, all others alike."""
        return knobs(self.sweep, self.margin)

    def topics_figure(self) -> "go.Figure":
        """Draw recall by topic, now and of the best."""
        from aiopslab.charts.dumbbell import dumbbell

        columns = ["recall_one", "recall_other"]
        told = self.explorer.groupby("topic")[columns].mean()
        told = told.set_axis(["before", "after"], axis=1).sort_values("after")
        counts = self.explorer["topic"].value_counts()
        table = told.assign(count=counts).rename_axis("label").reset_index()
        return dumbbell(table, ("now", "best"), "Recall by topic, the worst first", "recall")

    def causes(self) -> pd.DataFrame:
        """Return why answers were missed, how many for each cause, and what would help."""
        return missed.summary(self.failures)

    def causes_table(self) -> pd.DataFrame:
        """Return the causes as people read them."""
        return tables.causes(self.causes())

    def _repr_html_(self) -> str:
        return self.verdict()._repr_html_() + self.shown().to_html(index=False, border=0)

    def _costs(self) -> dict[str, float]:
        """Return what a thousand questions cost now, and by the best, where that is known."""
        if self.price is None:
            return {}
        both = {"now": self.sweep.current, "best": self.sweep.confirmed}
        return {
            f"{tables.PRICED}, {name}": self.price * each.mean("tokens") / 1_000
            for name, each in both.items()
        }

    def _headline(self) -> str:
        lead = {
            "change": f"Use {self.decision.configuration}",
            "keep": f"Keep {self.decision.configuration}",
            "equivalent": f"Keep {self.decision.configuration}; {self.sweep.best} is as good",
            "not enough data": f"Not enough questions to tell whether {self.sweep.best} is better",
        }[self.decision.choice]
        needed = f" {self.decision.needed:,} questions would tell." if self.decision.needed else ""
        apart = "" if self.decision.is_confirmed else " No question was held out to confirm it."
        return f"{lead}: {self.decision.reason}{needed}{apart}"

    def _findings(self) -> tuple[Finding, ...]:
        found = [
            Finding(
                said(each), each.configuration, "ok", "section: the best, confirmed", _effect(each)
            )
            for each in self.confirmation.contrasts
        ]
        better = [each for each in self.comparison.contrasts if each.outcome == "better"]
        others = len(self.comparison.contrasts)
        claim = (
            f"{len(better)} of {others} configurations are surely better than the current one on "
            "the questions for tuning, all of them allowed for."
        )
        found.append(Finding(claim, self.sweep.current.name, "ok", "section: what was tried"))
        for row in self.causes().to_dict("records"):
            if row["share"] >= MANY:
                claim = f"{row['answers']} of {len(self.failures)} missed answers are "
                claim += f"{row['cause']}: {row['advice']}."
                found.append(Finding(claim, row["cause"], "watch", "section: failures"))
        if self.note:
            used = self.used.name
            found.append(Finding(f"{self.note}.", used, "ok", "section: what was tried"))
        found.append(Finding(self.truth, "questions", "ok", "section: the questions"))
        return tuple(found)

    def _actions(self) -> tuple[str, ...]:
        told = []
        if self.decision.choice == "change":
            told.append(
                'Load the configuration that the report saved: retrieval.load("retrieval.yaml", '
                "corpus). Build the index again where its chunks or its model have changed."
            )
        if self.decision.choice == "not enough data" and self.decision.needed:
            told.append(f"Label about {self.decision.needed:,} questions, and run again.")
        causes = self.causes()
        if len(causes):
            first = str(causes.iloc[0]["advice"])
            told.append(f"{first[:1].upper()}{first[1:]}.")
        return tuple(told)


def analyse(
    sweep: Sweep,
    retriever: Retriever,
    truth: Truth,
    margin: float = MARGIN,
    confidence: float = 0.95,
    price: float | None = None,
    seed: int = 0,
) -> RetrievalAnalysis:
    """Decide what to run, and find out what it still misses.

    Parameters
    ----------
    sweep
        From `tune`.
    retriever, truth
        That it was made with.
    margin
        The largest difference of the metric that does not matter.
    confidence
        Of the intervals.
    price
        USD for a million tokens that a model reads; what a question costs is then told.
    seed
        Of the resampling.

    Returns
    -------
    RetrievalAnalysis
        With ``.verdict()``, ``.table()`` and ``.figure()``.
    """
    now = sweep.current.name
    trials = list(sweep.trials)
    comparison = Comparison(now, ())
    if len(trials) > 1:
        scores = scores_of(trials, [sweep.metric])
        metric = Metric(sweep.metric, margin=margin)
        comparison = compare(scores, now, [metric], confidence, seed)
    confirmation = confirm(sweep, margin, confidence, seed)
    decision = decide(sweep, confirmation)
    on_all = run_trial(retriever, truth, sweep.current.configuration)
    used = on_all
    if decision.choice == "change":
        used = run_trial(retriever, truth, sweep.confirmed.configuration)
    best = used
    if sweep.best not in (used.name, on_all.name):
        best = run_trial(retriever, truth, sweep.confirmed.configuration)
    return RetrievalAnalysis(
        sweep,
        comparison,
        confirmation,
        decision,
        on_all,
        used,
        missed.failures(retriever, truth, used),
        side_by_side(on_all, best, truth, retriever.corpus),
        topics(used, truth) if "topic" in truth.questions else pd.DataFrame(),
        describe_truth(truth.questions, truth.answers),
        retriever.note(used.configuration),
        margin,
        price,
    )


def _effect(each: Contrast) -> Effect | None:
    if math.isnan(each.low):
        return None
    interval = Interval(each.low, each.high, each.confidence)
    return Effect(each.metric.name, each.difference, "", interval)
