"""What grades passages: the quote, the undo button, and the store behind them."""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.grading import Grading, Passage
from aiopslab.retrieval.known import Known
from aiopslab.retrieval.labels import Labels


class Grader:
    """Writes down what the rater says of passages of the question that is shown.

    Parameters
    ----------
    labels
        The store.
    rater
        Who grades.
    corpus
        That is searched.
    on_change
        Called with a document and its grade (``None`` where it was taken back) when that is
        written.
    on_error
        Called with what is wrong.

    Raises
    ------
    RetrievalError
        If the rater has no name.
    """

    def __init__(
        self,
        labels: Labels,
        rater: str,
        corpus: Corpus,
        on_change: Callable[[str, int | None], None],
        on_error: Callable[[str], None],
    ) -> None:
        self._grading = Grading(labels, rater, corpus)
        self._on_change, self._on_error = on_change, on_error
        self._known: Known | None = None
        self.quote = widgets.Text(
            description="Quote:",
            placeholder="the part that answers, copied from the passage; empty: all of it",
            tooltip="Of the passage that is graded next, so that it counts however texts are cut",
            layout={"flex": "1 1 auto", "width": "auto"},
        )
        self.undo: Any = widgets.Button(
            description="Undo the last grade",
            tooltip="Put back what was said before (key u)",
            layout={"width": "auto"},
        )
        self.undo.on_click(lambda _: self.take_back())
        self.widget = widgets.HBox([self.quote, self.undo], layout={"width": "100%"})

    def grades(self, known: Known) -> dict[Passage, int]:
        """Return what the rater said of the passages of a question, which is then graded."""
        self._known = known
        self.undo.disabled = not self._grading.can_undo
        return self._grading.grades(known.question)

    def grade(self, passage: Passage, grade: int) -> None:
        """Write a grade down."""
        if self._known is None:
            return
        question, quote = self._known.question, self.quote.value.strip() or None
        try:
            self._grading.grade(question, self._known.text, passage, grade, quote)
        except RetrievalError as error:
            self._on_error(str(error))
            return
        self.quote.value = ""
        self._on_change(passage.document, grade)

    def take_back(self) -> None:
        """Undo the last grade."""
        passage = self._grading.undo()
        if passage is not None and self._known is not None:
            grades = self._grading.grades(self._known.question)
            self._on_change(passage.document, grades.get(passage))
