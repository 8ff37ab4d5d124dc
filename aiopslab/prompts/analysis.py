"""The evaluation of prompts: everything that was found out, and the verdict it comes to."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiopslab.findings import Effect, Finding, Interval, Level, Verdict
from aiopslab.prompts.comparison import Comparison, Contrast
from aiopslab.prompts.decision import Choice, Decision, said
from aiopslab.prompts.differences import plain
from aiopslab.prompts.pairs import pair
from aiopslab.prompts.power import least_effect
from aiopslab.prompts.run import Run
from aiopslab.prompts.scorers.scoring import summarise

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
LONGEST = 200  # characters of an output in a table
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
        return Verdict(self.level, self._headline(), figures, self._findings(), self._actions())

    def table(self) -> pd.DataFrame:
        """Return one row a candidate and metric."""
        return self.comparison.table()

    def comparison_table(self) -> pd.DataFrame:
        """Return the comparison as people read it."""
        return pd.DataFrame([_row(each) for each in self.comparison.contrasts])

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

    def counts_table(self) -> pd.DataFrame:
        """Return how many outputs each prompt has, and how many could not be scored."""
        return summarise(self.scores)

    def slices_table(self) -> pd.DataFrame:
        """Return the kinds of items, those on which the candidate loses first."""
        shown = self.slices[self.slices["candidate"] == self.shown]
        return pd.DataFrame(
            {
                "slice": shown["slice"],
                "items": shown["items"],
                self.comparison.baseline: shown["baseline"].map("{:.3g}".format),
                self.shown: shown["score"].map("{:.3g}".format),
                "difference (interval)": [
                    f"{value:+.3g} ({low:+.3g} to {high:+.3g})"
                    for value, low, high in shown[["difference", "low", "high"]].to_numpy()
                ],
                "more than chance": ["yes" if q <= ALPHA else "no" for q in shown["q"]],
            }
        )

    def examples(self, most: int = EXAMPLES) -> pd.DataFrame:
        """Return items that only one of the two got right, with what both said.

        Parameters
        ----------
        most
            Of each side.
        """
        of_it = self.scores[self.scores["metric"] == self.primary]
        pairs = pair(of_it, self.comparison.baseline, self.shown)
        gain = pairs.differences
        if not self.comparison.contrast(self.shown, self.primary).metric.higher_is_better:
            gain = -gain
        order = gain.argsort(kind="stable")
        lost = [at for at in order if gain[at] < 0][:most]
        won = [at for at in order[::-1] if gain[at] > 0][:most]
        first = self.run.calls.drop_duplicates(["item", "prompt"]).set_index(["item", "prompt"])
        fields = self.items.set_index("item")
        text = [name for name in ("text", "question", "input", "expected") if name in fields]
        rows = []
        for at in (*lost, *won):
            item = pairs.items[at]
            outputs = [
                first.loc[(item, name), "output"] for name in (self.comparison.baseline, self.shown)
            ]
            rows.append(
                {
                    "better": self.shown if gain[at] > 0 else self.comparison.baseline,
                    "item": item,
                    **{name: _short(fields.loc[item, name]) for name in text},
                    self.comparison.baseline: _short(outputs[0]),
                    self.shown: _short(outputs[1]),
                }
            )
        return pd.DataFrame(rows)

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


def _severity(each: Contrast) -> Level:
    return "watch" if each.outcome == "worse" else "ok"


def _effect(each: Contrast) -> Effect | None:
    told = each.difference
    if math.isnan(told.low):
        return None
    interval = Interval(told.low, told.high, told.confidence)
    return Effect(each.metric.name, told.value, each.metric.unit, interval)


def _row(each: Contrast) -> dict[str, object]:
    told = each.difference
    unit = f" {each.metric.unit}" if each.metric.unit else ""
    return {
        "candidate": each.candidate,
        "metric": each.metric.name,
        "baseline": f"{plain(told.baseline)}{unit}",
        "score": f"{plain(told.candidate)}{unit}",
        "difference (interval)": str(told),
        "matters from": f"{plain(each.metric.margin)}{unit}",
        "p, corrected": "< 0.001" if each.q < 0.001 else f"{each.q:.3f}",
        "outcome": each.outcome,
        "won / lost": f"{told.wins} / {told.losses}",
    }


def _short(value: object) -> str:
    text = " ".join(str(value).split()) if value is not None else "(no output)"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
