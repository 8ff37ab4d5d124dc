"""Answer changes: which questions have another best answer in a later version of a corpus.

What people were told by the earlier version is then stale, and so are its labels.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.findings import Effect, Finding, Verdict
from aiopslab.retrieval.following import CHANGED, GONE, KEPT, MOVED, Follower
from aiopslab.retrieval.spans import require
from aiopslab.wording import listed

if TYPE_CHECKING:
    import plotly.graph_objects as go

OVERTAKEN = "overtaken"
STATES = (GONE, CHANGED, MOVED, KEPT)
COLUMNS = ["question", "document", "start", "end", "grade", "state"]
COLUMNS += ["new_document", "new_start", "new_end"]


@dataclass(frozen=True)
class AnswerChanges:
    """What became of the answers of questions.

    Parameters
    ----------
    answers
        One row an answer: ``question, document, start, end, grade`` of the earlier version, its
        ``state``, and where it is in the later one, ``new_document, new_start, new_end``; missing
        where it is gone. Of what has changed, the lines that took its place.
    """

    answers: pd.DataFrame

    def table(self) -> pd.DataFrame:
        """Return one row a question with the state of its best answer, what is stale first.

        Returns
        -------
        pandas.DataFrame
            ``question, state, document, new_document, answers, stale_answers``. The best answer
            has the highest grade; of several, the one that fared best.
        """
        rank = {state: row for row, state in enumerate(STATES)}
        told = self.answers.assign(order=self.answers["state"].map(rank))
        told = told.assign(stale=told["state"].isin([GONE, CHANGED]))
        best = told.sort_values(["grade", "order"], ascending=False, kind="stable")
        best = best.drop_duplicates("question").set_index("question")
        counts = told.groupby("question")["stale"].agg(["size", "sum"])
        best = best.join(counts).rename(columns={"size": "answers", "sum": "stale_answers"})
        names = ["question", "state", "document", "new_document", "answers", "stale_answers"]
        return best.reset_index().sort_values(["order", "question"], ignore_index=True)[names]

    @property
    def stale(self) -> list[str]:
        """Questions whose best answer has changed or is gone."""
        table = self.table()
        return table.loc[table["state"].isin([GONE, CHANGED]), "question"].tolist()

    def still_true(self) -> pd.DataFrame:
        """Return the answers that hold, at their places in the later version.

        Returns
        -------
        pandas.DataFrame
            ``question, document, start, end, grade``.
        """
        held = self.answers[self.answers["state"].isin([KEPT, MOVED])]
        told = held[["question", "new_document", "new_start", "new_end", "grade"]]
        told = told.set_axis(COLUMNS[:5], axis=1).reset_index(drop=True)
        return told.astype({"start": "int64", "end": "int64"})

    def figure(self) -> "go.Figure":
        """Draw how many questions have a best answer in each state."""
        from aiopslab.charts.bars import ranked_bars

        counts = self.table()["state"].value_counts().reindex(STATES, fill_value=0).astype(float)
        table = pd.DataFrame({"state": STATES, "questions": counts.to_numpy()})
        table = table.assign(low=table["questions"], high=table["questions"])
        return ranked_bars(table, "state", "questions", "Best answers by state", "questions", 2)

    def verdict(self) -> Verdict:
        """Say which questions people were told something else about."""
        table = self.table()
        counts = table["state"].value_counts().reindex(STATES, fill_value=0)
        figures = {f"{state} answers": float(counts[state]) for state in STATES}
        findings = []
        for state in (GONE, CHANGED):
            if counts[state]:
                which = table.loc[table["state"] == state, "question"].tolist()
                share = Effect("share of questions", 100 * len(which) / len(table), "%")
                verb = "is gone" if state == GONE else "has changed"
                claim = f"The best answer of {listed(which, 5)} {verb}."
                findings.append(Finding(claim, "questions", "watch", f"answers: {state}", share))
        if not findings:
            return Verdict("ok", f"The answers of all {len(table):,} questions hold.", figures)
        return Verdict(
            "watch",
            f"{len(self.stale):,} of {len(table):,} questions have another best answer now.",
            figures,
            tuple(findings),
            ("Read these questions again, and label them on the later version.",),
        )


def changes_of_answers(
    answers: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame
) -> AnswerChanges:
    r"""Follow answers from one version of a corpus to a later one.

    Parameters
    ----------
    answers
        Of the earlier version: ``question, document, start, end, grade``.
    before, after
        The documents of both: ``document, text``.

    Returns
    -------
    AnswerChanges
        An answer is kept where its text stands at its place, moved where it stands elsewhere, in
        its document or another one, changed where other lines took its place, and gone where none
        did or its document is no more. White space does not count. Of less than 30 characters it
        is only looked for in the lines that took the place of its own, since short texts stand
        elsewhere by chance.

    Raises
    ------
    RetrievalError
        If a column is missing, or an answer names a document that the earlier version lacks.

    Examples
    --------
    >>> answers = pd.DataFrame({"question": ["port?"], "document": ["a"], "start": 0, "end": 9})
    >>> before = pd.DataFrame({"document": ["a"], "text": ["port: 80\n"]})
    >>> after = pd.DataFrame({"document": ["a"], "text": ["port: 8080\n"]})
    >>> changes_of_answers(answers.assign(grade=1), before, after).stale
    ['port?']
    """
    require(answers, "answers", ("question", "document", "start", "end", "grade"))
    earlier, later = _texts(before), _texts(after)
    if unknown := sorted(set(answers["document"]) - set(earlier)):
        raise RetrievalError(
            f"answers name documents that the earlier version lacks: {listed(unknown, 3)}",
            "Pass the version that the answers were labelled on.",
        )
    followed: dict[str, Follower] = {}
    rows = []
    for question, document, start, end, grade in answers[COLUMNS[:5]].itertuples(index=False):
        if document not in followed:
            followed[document] = Follower(document, earlier[document], later)
        place = followed[document].follow(int(start), int(end))
        rows.append((question, document, start, end, grade, *place))
    return AnswerChanges(pd.DataFrame(rows, columns=COLUMNS))


def changes_of_tops(
    hits: pd.DataFrame, later_hits: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame
) -> pd.DataFrame:
    """Tell which questions have another first hit in a later version of a corpus.

    Parameters
    ----------
    hits, later_hits
        Of the same questions in both versions: ``question, rank, document, start, end``.
    before, after
        The documents of both: ``document, text``.

    Returns
    -------
    pandas.DataFrame
        ``question, state, document, later_document``, where the state is what became of the first
        hit: ``gone`` or ``changed``; ``overtaken`` where it holds, and another is first now;
        otherwise ``kept`` or ``moved``. A question without a hit has no row, or a missing later
        document.

    Raises
    ------
    RetrievalError
        As of `changes_of_answers`.

    Examples
    --------
    >>> hits = pd.DataFrame({"question": ["q"], "rank": 1, "document": "a", "start": 0, "end": 3})
    >>> texts = pd.DataFrame({"document": ["a", "b"], "text": ["One", "Two"]})
    >>> changes_of_tops(hits, hits.assign(document="b"), texts, texts)["state"].tolist()
    ['overtaken']
    """
    for table in (hits, later_hits):
        require(table, "hits", ("question", "rank", "document", "start", "end"))
    first = hits[hits["rank"] == 1].assign(grade=1)
    told = changes_of_answers(first, before, after).answers
    now = later_hits.loc[later_hits["rank"] == 1, ["question", "document", "start", "end"]]
    told = told.merge(now.add_prefix("later_"), left_on="question", right_on="later_question",
                      how="left")  # fmt: skip
    meets = (
        (told["new_document"] == told["later_document"])
        & (told["new_start"] < told["later_end"])
        & (told["later_start"] < told["new_end"])
    )
    told["state"] = told["state"].where(meets | told["state"].isin([GONE, CHANGED]), OVERTAKEN)
    return told[["question", "state", "document", "later_document"]]


def _texts(documents: pd.DataFrame) -> dict[str, str]:
    require(documents, "documents", ("document", "text"))
    return dict(zip(documents["document"], documents["text"], strict=True))
