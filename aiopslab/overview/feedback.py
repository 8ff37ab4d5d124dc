"""Feedback: how far people have labelled what prompts, retrieval and causes are evaluated on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

import pandas as pd

from aiopslab.errors import FrameError
from aiopslab.findings import Effect, Finding, Interval, Verdict
from aiopslab.wording import listed

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from aiopslab.prompts.agreement import Agreement

ITEMS, LABELS = ("item", "topic"), ("item", "unit", "rater", "rated", "value")
COLUMNS = [
    *("set", "items", "labelled", "share", "labels", "raters", "latest", "recent"),
    *("agreement", "low", "high", "compared", "without"),
]
NAMED = 5  # topics that are named
RELIABLE = 0.667  # K. Krippendorff: below it not even tentative conclusions should be drawn


@dataclass(frozen=True)
class EvaluationSet:
    """What something is evaluated on, and what people said of it.

    Parameters
    ----------
    name
        E.g. ``items of prompts``.
    items
        One row an item: ``item, topic``; a topic is missing where nobody told it.
    labels
        One row a label: ``item, unit, rater, rated, value``. A unit is what raters agree on, such
        as a passage of the item; ``rated`` is in UTC, missing where it was not kept.
    topics
        What the topics are called, such as ``faults``.
    level
        Of the values: ``nominal`` for names, ``ordinal`` for grades.
    about
        What else whoever reads the coverage should know.

    Raises
    ------
    FrameError
        If a column is missing.
    """

    name: str
    items: pd.DataFrame
    labels: pd.DataFrame
    topics: str = "topics"
    level: Literal["nominal", "ordinal"] = "nominal"
    about: str = ""

    def __post_init__(self) -> None:
        for what, table, wanted in (("items", self.items, ITEMS), ("labels", self.labels, LABELS)):
            missing = [each for each in wanted if each not in table]
            if missing:
                raise FrameError(
                    f"the {what} of {self.name} have no {listed(missing)}",
                    f"Give a table of {', '.join(wanted)}.",
                )


@dataclass(frozen=True)
class Coverage:
    """How far evaluation sets are labelled.

    Parameters
    ----------
    sets
        Each with its items and labels.
    now
        When that was.
    recent
        How old a label may be to count as recent.
    confidence
        Of the intervals of agreements.
    """

    sets: tuple[EvaluationSet, ...]
    now: pd.Timestamp
    recent: pd.Timedelta
    confidence: float = 0.95

    def table(self) -> pd.DataFrame:
        """Return one row a set.

        Returns
        -------
        pandas.DataFrame
            ``set, items, labelled, share, labels, raters, latest, recent, agreement, low, high,
            compared, without``: how many items have a label, by how many people, when the last was
            given, how many labels are recent; Krippendorff's alpha with its interval, of how many
            units several rated (NaN where none was); and the topics of which no item has a label.
        """
        return pd.DataFrame([self._row(each) for each in self.sets], columns=COLUMNS)

    def gaps(self) -> pd.DataFrame:
        """Return one row a topic, the least labelled first.

        Returns
        -------
        pandas.DataFrame
            ``set, topic, items, labelled, share``.
        """
        rows = []
        for each in self.sets:
            told = each.items.assign(labelled=each.items["item"].isin(each.labels["item"]))
            for topic, group in told.dropna(subset="topic").groupby("topic", sort=True):
                share = float(group["labelled"].mean())
                rows.append((each.name, topic, len(group), int(group["labelled"].sum()), share))
        table = pd.DataFrame(rows, columns=["set", "topic", "items", "labelled", "share"])
        return table.sort_values(["share", "items"], ascending=[True, False], kind="stable")

    def raters(self) -> pd.DataFrame:
        """Return one row a person and set: ``set, rater, labels, latest``."""
        rows = [
            (each.name, rater, len(group), group["rated"].max())
            for each in self.sets
            for rater, group in each.labels.groupby("rater", sort=True)
        ]
        return pd.DataFrame(rows, columns=["set", "rater", "labels", "latest"])

    def figure(self) -> "go.Figure":
        """Draw the share of items that is labelled, of each set and topic."""
        from aiopslab.charts.bars import ranked_bars

        whole = self.table()[["set", "share"]].rename(columns={"set": "what"})
        gaps = self.gaps()
        parts = gaps.assign(what=gaps["set"] + ": " + gaps["topic"].astype(str))
        both = pd.concat([whole, parts[["what", "share"]]], ignore_index=True)
        both = both.assign(percent=100 * both["share"].astype("float64")).dropna(subset="percent")
        bars = both.assign(low=both["percent"], high=both["percent"])
        title, unit = "How far evaluation sets are labelled", "% of items"
        return ranked_bars(bars, "what", "percent", title, unit, highlighted=len(whole))

    def verdict(self) -> Verdict:
        """Say where labels are missing, old, or contradict each other."""
        findings = tuple(found for each in self.sets for found in self._findings(each))
        figures = {
            f"{row['set']}: labelled": row["share"] for row in self.table().to_dict("records")
        }
        if not findings:
            return Verdict("ok", "Every topic of every evaluation set has labels.", figures)
        actions = ("Label what is named, in the widgets, and export the evaluation sets.",)
        return Verdict("watch", findings[0].claim, figures, findings, actions)

    def _repr_html_(self) -> str:
        shown = self.table().assign(share=lambda table: table["share"].map("{:.0%}".format))
        shown["without"] = [listed(each, NAMED) if each else "" for each in shown["without"]]
        rows = shown.to_html(index=False, border=0, float_format="{:.2f}".format)
        headline = escape(self.verdict().headline)
        return f'<section class="aiopslab-coverage"><p>{headline}</p>{rows}</section>'

    def _row(self, each: EvaluationSet) -> tuple[object, ...]:
        labels, agreed = each.labels, agreement(each, self.confidence)
        labelled = int(each.items["item"].isin(labels["item"]).sum())
        share = labelled / len(each.items) if len(each.items) else math.nan
        recent = int((labels["rated"] > self.now - self.recent).sum())
        nothing = (math.nan, math.nan, math.nan, 0)
        told = nothing if agreed is None else (agreed.value, agreed.low, agreed.high, agreed.items)
        counts = (len(each.items), labelled, share, len(labels), labels["rater"].nunique())
        return (each.name, *counts, labels["rated"].max(), recent, *told, without(each))

    def _findings(self, each: EvaluationSet) -> list[Finding]:
        row = dict(zip(COLUMNS, self._row(each), strict=True))
        found, evidence = [], f"labels: {each.name}"
        share = Effect("share labelled", 100 * float(str(row["share"])), "%")
        bare = without(each)
        if not row["labels"]:
            claim = f"Nobody has labelled any of the {len(each.items):,} {each.name}."
            found.append(Finding(claim, each.name, "watch", evidence, share))
        elif bare:
            claim = f"Of {len(bare)} {each.topics} in the {each.name} none has a label: "
            claim += f"{listed(bare, NAMED)}."
            found.append(Finding(claim, each.name, "watch", evidence, share))
        if row["labels"] and not row["recent"] and each.labels["rated"].notna().any():
            claim = f"The last label of the {each.name} is of {row['latest']:%Y-%m-%d}."
            found.append(Finding(claim, each.name, "watch", evidence))
        agreed = agreement(each, self.confidence)
        if agreed is not None and agreed.high < RELIABLE:
            span = Interval(agreed.low, agreed.high, self.confidence)
            size = Effect("Krippendorff's alpha", agreed.value, "", span)
            claim = f"People who labelled the same {each.name} surely disagree too often."
            found.append(Finding(claim, each.name, "watch", evidence, size))
        return found


def coverage(
    sets: Sequence[EvaluationSet],
    now: pd.Timestamp | None = None,
    recent: str | pd.Timedelta = "30D",
    confidence: float = 0.95,
) -> Coverage:
    """Say how far evaluation sets are labelled, by whom, how recently, and with what agreement.

    Parameters
    ----------
    sets
        From `feedback_sets`, or of your own.
    now
        By which labels are recent; the present unless given.
    recent
        How old a label may be to be that.
    confidence
        Of the intervals of agreements.

    Examples
    --------
    >>> items = pd.DataFrame({"item": ["a", "b"], "topic": ["refunds", "delivery"]})
    >>> labels = pd.DataFrame({"item": ["a"], "unit": "a", "rater": "ann", "value": 1})
    >>> labels["rated"] = pd.Timestamp.now("UTC")
    >>> coverage([EvaluationSet("questions", items, labels)]).verdict().headline
    'Of 1 topics in the questions none has a label: delivery.'
    """
    moment = pd.Timestamp.now("UTC") if now is None else now
    return Coverage(tuple(sets), moment, pd.Timedelta(recent), confidence)


def without(each: EvaluationSet) -> list[str]:
    """Return the topics of which no item has a label, sorted."""
    known = each.items.dropna(subset="topic")
    labelled = known.loc[known["item"].isin(each.labels["item"]), "topic"]
    return sorted(set(known["topic"].astype(str)) - set(labelled.astype(str)))


def agreement(each: EvaluationSet, confidence: float = 0.95) -> "Agreement | None":
    """Return Krippendorff's alpha of the people; ``None`` where no two rated the same."""
    from aiopslab.prompts.agreement import krippendorff

    told = each.labels.dropna(subset="value").drop_duplicates(["unit", "rater"], keep="last")
    several = told.groupby("unit")["rater"].transform("nunique") > 1
    if not several.any():
        return None
    rated = told[several].drop(columns="item").rename(columns={"unit": "item", "value": "rating"})
    return krippendorff(rated[["item", "rater", "rating"]], each.level, confidence)
