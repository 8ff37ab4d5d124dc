"""The evaluation of prompts: everything that was found out, and the verdict it comes to."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiopslab.findings import Effect, Finding, Interval, Level, Verdict
from aiopslab.prompts.comparison import Comparison, Contrast
from aiopslab.prompts.decision import Choice, Decision, said
from aiopslab.prompts.looks import Looks
from aiopslab.prompts.pairs import pair
from aiopslab.prompts.power import least_effect
from aiopslab.prompts.run import Run
from aiopslab.prompts.scorers.scoring import summarise
from aiopslab.prompts.tables import contrast_rows, evidence_rows, example_rows, slice_rows

if TYPE_CHECKING:
    import plotly.graph_objects as go

LEVELS: dict[Choice, Level] = {
    "candidate": "act",
    "baseline": "ok",
    "equivalent": "ok",
    "not enough data": "watch",
}
ALPHA = 0.05  # after the correction for all slices
MISSING = 0.05  # share of calls without a score that is worth a finding
EXAMPLES = 6  # of each side


@dataclass(frozen=True)
class PromptAnalysis:
    """What an evaluation says about prompts.

    Parameters
    ----------
    run
        The calls.
    items
        What they were made of.
    scores
        One row a call and metric, see `score_calls`.
    comparison
        Of every candidate with the baseline.
    decision
        Which prompt to use.
    primary
        The metric that decides.
    slices
        The kinds of items, see `find_slices`.
    """

    run: Run
    items: pd.DataFrame
    scores: pd.DataFrame
    comparison: Comparison
    decision: Decision
    primary: str
    slices: pd.DataFrame

    @property
    def level(self) -> Level:
        """How urgent it is."""
        return "watch" if self.run.stopped else LEVELS[self.decision.choice]

    @property
    def shown(self) -> str:
        """The candidate that examples are of: the one to use, else the best."""
        if self.decision.prompt in self.comparison.candidates:
            return self.decision.prompt
        return max(self.comparison.candidates, key=self._gain)

    def _gain(self, candidate: str) -> float:
        gain = self.comparison.contrast(candidate, self.primary).gain[0]
        return gain if math.isfinite(gain) else -math.inf

    def verdict(self) -> Verdict:
        """Conclude: which prompt to use, how sure that is, and what to do."""
        told = self.comparison.contrast(self.shown, self.primary).difference
        figures = {
            "items": float(told.items),
            f"{self.primary} of {self.comparison.baseline}": told.baseline,
            f"{self.primary} of {self.shown}": told.candidate,
            "difference": told.value,
            "calls made": float(self.run.progress.answered),
            "calls reused": float(self.run.progress.reused),
            "cost, USD": self.run.progress.cost_usd,
        }
        if self.run.looks:
            figures["calls not needed"] = float(self.run.looks.spared)
        return Verdict(self.level, self._headline(), figures, self._findings(), self._actions())

    def table(self) -> pd.DataFrame:
        """Return one row a candidate and metric."""
        return self.comparison.table()

    def comparison_table(self) -> pd.DataFrame:
        """Return the comparison as people read it."""
        return contrast_rows(self.comparison.contrasts)

    def figure(self) -> "go.Figure":
        """Draw by how much each candidate is better in each metric, with intervals."""
        from aiopslab.charts.contrasts import contrast_strip

        rows = []
        for each in self.comparison.contrasts:
            value, low, high = (part / each.metric.margin for part in each.gain)
            label = f"{each.candidate}: {each.metric.name}"
            rows.append((label, value, low, high, each.outcome))
        table = pd.DataFrame(rows, columns=["label", "gain", "low", "high", "outcome"])
        return contrast_strip(table, f"What would change against {self.comparison.baseline}")

    def evidence_figure(self) -> "go.Figure":
        """Draw how the difference in what decides became certain, item by item.

        Of items in groups, a group is one observation. Bounds are those that hold at whatever item
        one stops; where all were asked at once, those that one would have seen on the way. Of more
        than 20,000 observations the first 20,000 are drawn.

        Raises
        ------
        ParameterError
            If a score is not between 0 and 1, and its metric has no unit.
        """
        from aiopslab.charts.evidence import evidence_lines

        each = self.comparison.contrast(self.shown, self.primary)
        of_it = self.scores[self.scores["metric"] == self.primary]
        pairs = pair(of_it, self.comparison.baseline, self.shown)
        table = evidence_rows(pairs, each.metric, each.difference.confidence)
        title = f"{self.shown} against {self.comparison.baseline}, {self.primary}"
        stopped = str(self.run.looks) if self.run.looks else ""
        return evidence_lines(table, each.metric.margin, each.metric.unit, title, stopped)

    def counts_table(self) -> pd.DataFrame:
        """Return how many outputs each prompt has, and how many could not be scored."""
        return summarise(self.scores)

    def slices_table(self) -> pd.DataFrame:
        """Return the kinds of items, those on which the candidate loses first."""
        return slice_rows(self.slices, self.comparison.baseline, self.shown, ALPHA)

    def examples(self, most: int = EXAMPLES) -> pd.DataFrame:
        """Return items that only one of the two got right, with what both said.

        Parameters
        ----------
        most
            Of each side.
        """
        contrast = self.comparison.contrast(self.shown, self.primary)
        return example_rows(
            self.run.calls, self.items, self.scores, self.comparison, contrast, most
        )

    def sample_note(self) -> str:
        """Say what so many items can show, and how many would show what matters."""
        each = self.comparison.contrast(self.shown, self.primary)
        told = each.difference
        if told.method == "none":
            return str(told)
        apart = (told.wins + told.losses) / max(told.items, 1)
        note = f"{told.items:,} items, of which {told.wins + told.losses:,} tell the prompts apart."
        if told.method == "exact" and apart > 0:
            least = least_effect(told.items, apart)
            if math.isfinite(least):
                note += f" So many show a difference of {least:.2g} in four of five cases."
        if self.run.looks:
            note += f" {_sentence(self.run.looks)} Intervals hold although one looked on the way."
        if each.needed:
            note += f" A difference of {each.metric.margin:.2g} would need {each.needed:,}."
        return note

    def _repr_html_(self) -> str:
        return self.verdict()._repr_html_() + self.comparison_table().to_html(index=False, border=0)

    def _headline(self) -> str:
        reason = self.decision.reasons[0]
        stopped = f" The run was stopped by {self.run.stopped}." if self.run.stopped else ""
        lead = {
            "candidate": f"Use {self.decision.prompt}",
            "baseline": f"Keep {self.decision.prompt}",
            "equivalent": f"Keep {self.decision.prompt}; it makes no difference that matters",
            "not enough data": "Not enough data to tell",
        }[self.decision.choice]
        looks = self.run.looks
        if looks and looks.certain:
            stopped = f" {_sentence(looks)}"
        needed = f" {self.decision.needed:,} items would tell." if self.decision.needed else ""
        return f"{lead}: {reason}{needed}{stopped}"

    def _findings(self) -> tuple[Finding, ...]:
        found = [
            Finding(said(each), each.candidate, _severity(each), "section: effects", _effect(each))
            for each in self.comparison.contrasts
            if each.outcome in ("better", "worse") or each.metric.name == self.primary
        ]
        counts = self.counts_table()
        for row in counts.to_dict("records"):
            lost = row["calls"] - row["scored"]
            if lost > MISSING * row["calls"]:
                claim = f"{lost} of {row['calls']} outputs have no score in {row['metric']}: "
                claim += f"{row['why']}."
                found.append(Finding(claim, row["prompt"], "watch", "section: what was scored"))
        for row in self._losing():
            claim = f"{row['candidate']} is worse where {row['slice']}: {row['score']:.3g} against "
            claim += f"{row['baseline']:.3g}."
            size = Effect(self.primary, row["difference"], "", Interval(row["low"], row["high"]))
            found.append(Finding(claim, row["slice"], "watch", "section: slices", size))
        return tuple(found)

    def _losing(self) -> list[dict[Any, Any]]:
        """Return the slices on which a candidate is worse, by more than chance."""
        more = self.comparison.contrast(self.shown, self.primary).metric.higher_is_better
        worse = self.slices["high"] < 0 if more else self.slices["low"] > 0
        return self.slices[worse & (self.slices["q"] <= ALPHA)].to_dict("records")

    def _actions(self) -> tuple[str, ...]:
        if self.run.stopped:
            return ("Raise the cap and run again: what was answered is kept and costs nothing.",)
        if self.decision.choice == "candidate":
            return (
                f"Point the alias at {self.decision.prompt}; keep the old version to go back to.",
                "Look at the examples that it lost first.",
            )
        if self.decision.choice == "not enough data" and self.decision.needed:
            return (f"Collect about {self.decision.needed:,} items, and run again.",)
        return ()


def _sentence(looks: Looks) -> str:
    said = str(looks)
    return f"{said[0].upper()}{said[1:]}."


def _severity(each: Contrast) -> Level:
    return "watch" if each.outcome == "worse" else "ok"


def _effect(each: Contrast) -> Effect | None:
    told = each.difference
    if math.isnan(told.low):
        return None
    interval = Interval(told.low, told.high, told.confidence)
    return Effect(each.metric.name, told.value, each.metric.unit, interval)
