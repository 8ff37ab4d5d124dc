"""Opinions: which outputs people and a judge prefer, beside the score that decides."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.errors import PromptError
from aiopslab.findings import Effect, Finding, Interval
from aiopslab.prompts.feedback import Feedback
from aiopslab.prompts.preferences import Strengths, bradley_terry
from aiopslab.prompts.scorers.judge import Ask, judge_pairs
from aiopslab.prompts.scorers.trust import Trust, trust_in_pairs

PREFERENCES = ("item", "rater", "kind", "left", "right", "preferred")
PEOPLE, JUDGE = "people", "judge"


@dataclass(frozen=True)
class Opinions:
    """What people and judges prefer.

    Parameters
    ----------
    preferences
        One row a judgement of a pair: ``item, rater, kind, left, right, preferred``. Kind is
        ``human`` or ``judge``.
    agreement
        Of the raters with each other, see `Feedback.agreement`.
    verdicts
        Of the judge, see `judge_pairs`; none where there was no judge.
    trust
        How far the judge agrees with people; ``None`` where nothing tells.
    confidence
        Of the intervals.
    """

    preferences: pd.DataFrame
    agreement: pd.DataFrame
    verdicts: pd.DataFrame
    trust: Trust | None
    confidence: float = 0.95

    def strengths(self, kind: str) -> Strengths | None:
        """Return the strengths of the prompts for ``human`` or ``judge``; ``None`` if unrated."""
        of_it = self.preferences[self.preferences["kind"] == kind]
        return None if of_it.empty else bradley_terry(of_it, confidence=self.confidence)

    def table(self) -> pd.DataFrame:
        """Return one row a source and pair of prompts.

        Returns
        -------
        pandas.DataFrame
            ``source, prompt, other, judgements, wins, ties, losses, share, low, high``: how often
            the prompt is preferred to the other, by Bradley and Terry.
        """
        rows = []
        for source, kind in ((PEOPLE, "human"), (JUDGE, "judge")):
            told = self.preferences[self.preferences["kind"] == kind]
            strengths = self.strengths(kind)
            sides = told[["left", "right"]].apply(lambda row: tuple(sorted(row)), axis=1)
            for pair, group in told.groupby(sides) if strengths is not None else ():
                other, prompt = pair
                assert strengths is not None
                wins, losses = (int((group["preferred"] == each).sum()) for each in (prompt, other))
                counts = (len(group), wins, len(group) - wins - losses, losses)
                rows.append((source, prompt, other, *counts, *strengths.preferred(prompt, other)))
        columns = ["source", "prompt", "other", "judgements", "wins", "ties", "losses"]
        return pd.DataFrame(rows, columns=[*columns, "share", "low", "high"])

    def shown(self) -> pd.DataFrame:
        """Return the table as people read it, with how far the judge can be relied on."""
        table = self.table()
        return pd.DataFrame(
            {
                "who": table["source"],
                "judgements": table["judgements"],
                "prefer": table["prompt"],
                "won / tied / lost": [
                    f"{row.wins} / {row.ties} / {row.losses}" for row in table.itertuples()
                ],
                "against": table["other"],
                "share (interval)": [
                    f"{row.share:.0%} ({row.low:.0%} to {row.high:.0%})"
                    for row in table.itertuples()
                ],
            }
        )

    def note(self) -> str:
        """Say how far the judge and the people can be relied on."""
        told = []
        if not self.verdicts.empty:
            read = self.verdicts["consistent"].dropna()
            if len(read):
                told.append(
                    f"The judge said the same in both orders of {int(read.sum())} of {len(read)} "
                    "pairs; the others count as ties."
                )
            if self.trust is None:
                told.append("It was held against nobody, so that it decides nothing.")
            else:
                told.append(f"Held against people: {self.trust}.")
        elif not self.preferences.empty:
            told.append("No judge was asked.")
        for row in self.agreement.to_dict("records"):
            if row["measure"] == "Krippendorff's alpha" and not math.isnan(row["value"]):
                told.append(
                    f"People agree with each other by {row['value']:.2f} ({row['low']:.2f} to "
                    f"{row['high']:.2f}; 1 is always, 0 is as by chance)."
                )
        return " ".join(told) or "Nobody was asked."

    def findings(self) -> tuple[Finding, ...]:
        """Return what people prefer, and that a judge must not be relied on where that is so."""
        found = []
        for row in self.table().to_dict("records"):
            if row["source"] == JUDGE and not (self.trust and self.trust.may_gate):
                continue
            who = (
                f"{PEOPLE.capitalize()} prefer" if row["source"] == PEOPLE else "The judge prefers"
            )
            claim = f"{who} {row['prompt']} to {row['other']} in {row['share']:.0%} of the pairs"
            claim += "." if row["low"] > 0.5 or row["high"] < 0.5 else ", which may be chance."
            interval = Interval(row["low"], row["high"], self.confidence)
            size = Effect("share of preferences", row["share"], "", interval)
            found.append(Finding(claim, row["prompt"], "ok", "section: opinions", size))
        if self.trust is not None and not self.trust.may_gate:
            claim = f"The judge decides nothing: {'; '.join(self.trust.reasons)}."
            found.append(Finding(claim, JUDGE, "ok", "section: opinions"))
        return tuple(found)


def gather_opinions(
    calls: pd.DataFrame,
    asked: Mapping[Any, str],
    feedback: str | Path | None = None,
    judge: Ask | None = None,
    rubric: str = "",
    confidence: float = 0.95,
) -> Opinions:
    """Collect what people and a judge prefer among the outputs of a run.

    Parameters
    ----------
    calls
        Of a run.
    asked
        What was asked, by the item, as the judge is to see it.
    feedback
        File of ratings, see `Feedback`; nobody was asked where ``None``.
    judge
        From messages to answers, see `model_asker`. It compares the first prompt with each of the
        others, every pair in both orders; none is asked where ``None``.
    rubric
        What a good answer is, in words, for the judge.
    confidence
        Of the intervals.

    Returns
    -------
    Opinions
        Judges that rated through the file stand among those of the kind ``judge``.

    Raises
    ------
    PromptError
        If there is no such file.
    ParameterError
        If the rubric is empty and there is a judge.

    Examples
    --------
    >>> calls = pd.DataFrame({"item": [1, 1], "prompt": ["a", "b"], "output": ["No", "Yes!"]})
    >>> prefers_long = lambda all: [
    ...     '{"winner": "A"}' if "Yes" in each[1]["content"].split("answer B")[0]
    ...     else '{"winner": "B"}' for each in all]
    >>> found = gather_opinions(calls, {1: "Is it?"}, judge=prefers_long, rubric="Be certain.")
    >>> found.table()[["source", "prompt", "wins", "losses"]].values.tolist()
    [['judge', 'b', 1, 0]]
    """
    rated = pd.DataFrame(columns=list(PREFERENCES))
    agreement = pd.DataFrame(columns=["one", "other", "measure", "value", "low", "high", "items"])
    if feedback is not None:
        if not Path(feedback).is_file():
            raise PromptError(
                f"there is no file of feedback at {str(feedback)!r}",
                "Rate outputs with prompts.Feedback first, or leave it out.",
            )
        with Feedback(feedback) as kept:
            rated, agreement = kept.preferences()[list(PREFERENCES)], kept.agreement()
    pairs = _pairs(calls, asked)
    if judge is None:
        verdicts = pd.DataFrame(columns=["item", "winner", "consistent", "status", "note"])
        return Opinions(rated, agreement, verdicts, None, confidence)
    verdicts = judge_pairs(judge, rubric, pairs)
    told = pd.concat([rated, _as_preferences(verdicts, pairs)], ignore_index=True)
    return Opinions(told, agreement, verdicts, _trusted(verdicts, pairs, rated), confidence)


def _pairs(calls: pd.DataFrame, asked: Mapping[Any, str]) -> pd.DataFrame:
    """Return the outputs of the first prompt beside those of each other that differ from them."""
    told = calls.dropna(subset=["output"]).drop_duplicates(["item", "prompt"])
    names = calls["prompt"].unique().tolist()
    table = told.pivot(index="item", columns="prompt", values="output")
    rows = []
    for candidate in names[1:]:
        if not {names[0], candidate} <= set(table.columns):
            continue
        both = table[[names[0], candidate]].dropna()
        for item, first, second in both.itertuples():
            if first != second:
                pair = (f"{item}\0{candidate}", item, names[0], candidate)
                rows.append((*pair, asked.get(item, ""), first, second))
    columns = ["item", "of", "baseline", "candidate", "input", "first", "second"]
    return pd.DataFrame(rows, columns=columns)


def _as_preferences(verdicts: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    read = pairs.merge(verdicts[verdicts["status"] == "scored"], on="item")
    chosen = read["candidate"].where(read["winner"] == "second", read["baseline"])
    chosen = chosen.where(read["winner"] != "tie", "tie")
    told = {"item": read["of"], "rater": JUDGE, "kind": "judge", "left": read["baseline"]}
    return pd.DataFrame({**told, "right": read["candidate"], "preferred": chosen})


def _trusted(verdicts: pd.DataFrame, pairs: pd.DataFrame, rated: pd.DataFrame) -> Trust | None:
    """Hold the judge against what most people prefer, where they prefer one of the two."""
    people = rated[rated["kind"] == "human"].groupby("item")["preferred"]
    counts = {of: told.value_counts().to_dict() for of, told in people}
    labels = []
    for row in pairs.to_dict("records"):
        told = counts.get(row["of"], {})
        first, second = (told.get(row[each], 0) for each in ("baseline", "candidate"))
        labels.append("" if first == second else "first" if first > second else "second")
    labelled = pairs.assign(label=labels).query("label != ''")
    if labelled.empty:
        return None
    return trust_in_pairs(verdicts[verdicts["item"].isin(labelled["item"])], labelled)
