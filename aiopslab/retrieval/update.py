"""Update: what an index has to take in when a corpus has changed, and which answers it changes."""

from dataclasses import dataclass

import pandas as pd

from aiopslab.findings import Finding
from aiopslab.retrieval.answer_changes import AnswerChanges, changes_of_answers
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.retriever import Retriever
from aiopslab.wording import listed

STATES = ("new", "changed", "removed", "unchanged")


@dataclass(frozen=True)
class Update:
    """From one version of a corpus to the next.

    Parameters
    ----------
    documents
        ``document, state``: ``new, changed, removed`` or ``unchanged``.
    chunks, embedded
        That the later version has, and how many of them have a text that the earlier had not.
    answers
        What became of the answers of the earlier version.
    """

    documents: pd.DataFrame
    chunks: int
    embedded: int
    answers: AnswerChanges

    def table(self) -> pd.DataFrame:
        """Return how many documents are in each state, and which."""
        rows = []
        for state in STATES:
            which = self.documents.loc[self.documents["state"] == state, "document"].tolist()
            named = listed(which, 4) if which and state != "unchanged" else ""
            rows.append((state, len(which), named))
        return pd.DataFrame(rows, columns=["state", "documents", "which"])

    def note(self) -> str:
        """Say what an update costs, and what it changes."""
        share = self.embedded / max(self.chunks, 1)
        told = (
            f"{self.embedded:,} of {self.chunks:,} chunks ({100 * share:.0f} %) have to be embedded"
        )
        stale, known = len(self.answers.stale), self.answers.answers["question"].nunique()
        return f"{told} anew. Of {known:,} questions {stale:,} have another best answer now."

    def findings(self) -> tuple[Finding, ...]:
        """Return which answers people know are no longer true."""
        return self.answers.verdict().findings


def follow_update(
    before: Corpus, after: Corpus, answers: pd.DataFrame, configuration: Configuration
) -> Update:
    """Follow a corpus from one version to the next.

    Parameters
    ----------
    before, after
        The two versions.
    answers
        Of the earlier one: ``question, document, start, end, grade``.
    configuration
        How they are cut.

    Raises
    ------
    RetrievalError
        If an answer names a document that the earlier version lacks.

    Examples
    --------
    >>> before = Corpus.of_texts({"a.md": "The port is 80.", "b.md": "Wings lift."})
    >>> after = Corpus.of_texts({"a.md": "The port is 8080.", "b.md": "Wings lift."})
    >>> answers = pd.DataFrame({"question": ["port?"], "document": "a.md", "start": 0, "end": 15})
    >>> print(follow_update(before, after, answers.assign(grade=1), Configuration()).note())
    1 of 2 chunks (50 %) have to be embedded anew. Of 1 questions 1 have another best answer now.
    """
    old, new = (each.documents.set_index("document")["content_hash"] for each in (before, after))
    states = pd.Series("unchanged", index=new.index.union(old.index))
    states[new.index.difference(old.index)] = "new"
    states[old.index.difference(new.index)] = "removed"
    both = new.index.intersection(old.index)
    states[both[(old[both] != new[both]).to_numpy()]] = "changed"
    known, told = (Retriever(each).chunks(configuration)["text"] for each in (before, after))
    return Update(
        states.rename_axis("document").rename("state").reset_index(),
        len(told),
        int((~told.isin(set(known))).sum()),
        changes_of_answers(answers, before.documents, after.documents),
    )
