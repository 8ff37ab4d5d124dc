"""Grading: what one person says of passages as searches find them, written at once."""

from typing import NamedTuple

import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.labels import Labels, Task


class Passage(NamedTuple):
    """Part of a document."""

    document: str
    start: int
    end: int


class _Said(NamedTuple):
    """What was said of a passage, and of which part of it."""

    grade: int
    quote: str | None


class Grading:
    """Grades passages in any order, again where a grade was wrong, and undoes what it did.

    Parameters
    ----------
    labels
        The store; others may share it.
    rater
        Who grades.
    corpus
        That is searched.

    Raises
    ------
    RetrievalError
        If the rater has no name.

    Examples
    --------
    >>> import tempfile
    >>> corpus = Corpus.of_texts({"a.md": "It is on Tuesday. Bring cake."})
    >>> passage = Passage("a.md", 0, 29)
    >>> with tempfile.TemporaryDirectory() as folder, Labels(f"{folder}/labels.db") as labels:
    ...     grading = Grading(labels, "ann", corpus)
    ...     grading.grade("q", "When is it?", passage, 1)
    ...     grading.grade("q", "When is it?", passage, 2, quote="It is on Tuesday.")
    ...     told = [grading.grades("q")]
    ...     _ = grading.undo()
    ...     told + [grading.grades("q")]
    [{Passage(document='a.md', start=0, end=29): 2}, {Passage(document='a.md', start=0, end=29): 1}]
    """

    def __init__(self, labels: Labels, rater: str, corpus: Corpus) -> None:
        if not rater.strip():
            raise RetrievalError("the rater has no name", "Pass who labels, such as 'ann'.")
        self.labels, self.rater = labels, rater
        self._corpus = corpus
        self._done: list[tuple[Task, _Said | None]] = []

    @property
    def can_undo(self) -> bool:
        """Whether this object has written anything that it did not take back."""
        return bool(self._done)

    def grade(
        self, question: str, text: str, passage: Passage, grade: int, quote: str | None = None
    ) -> None:
        """Write a grade down, in place of the one that this rater gave before.

        Parameters
        ----------
        question, text
            Id and words of the question.
        passage
            What is graded.
        grade, quote
            As of `Labels.rate`.

        Raises
        ------
        RetrievalError
            As `Labels.add` and `Labels.rate` do; a grade from before then stays.
        """
        asked = pd.DataFrame({"question": [question], "text": [text]})
        span = pd.DataFrame([passage], columns=list(Passage._fields)).assign(question=question)
        self.labels.add(asked, span, self._corpus)
        task = self.labels.task(question, *passage)
        before = self._said(task)
        self.labels.withdraw(task, self.rater)
        try:
            self.labels.rate(task, self.rater, grade, quote)
        except RetrievalError:
            self._restore(task, before)
            raise
        self._done.append((task, before))

    def undo(self) -> Passage | None:
        """Put back what was said before the last grade; return of which passage, if of any."""
        if not self._done:
            return None
        task, before = self._done.pop()
        self.labels.withdraw(task, self.rater)
        self._restore(task, before)
        return Passage(task.document, task.start, task.end)

    def grades(self, question: str) -> dict[Passage, int]:
        """Return what this rater said of the passages of a question."""
        table = self.labels.table()
        own = table[(table["question"] == question) & (table["rater"] == self.rater)]
        columns = (own[each].tolist() for each in ("document", "from", "to", "grade"))
        return {Passage(*place): grade for *place, grade in zip(*columns, strict=True)}

    def _said(self, task: Task) -> _Said | None:
        table = self.labels.table()
        own = table[(table["task"] == task.number) & (table["rater"] == self.rater)]
        for row in own.to_dict("records"):
            part = task.passage[row["start"] - task.start : row["end"] - task.start]
            return _Said(row["grade"], None if part == task.passage else part)
        return None

    def _restore(self, task: Task, said: _Said | None) -> None:
        if said is not None:
            self.labels.rate(task, self.rater, *said)
