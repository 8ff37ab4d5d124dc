"""Labelling: passages graded by hand, each grade written before the next passage is shown."""

from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import traitlets

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.labels import Labels, Task
from aiopslab.retrieval.truth_kinds import TruthKind
from aiopslab.widgets.button import button

CHOICES = (
    (0, "0: does not help", "It neither answers the question nor helps to"),
    (1, "1: helps", "It answers a part of the question, or helps to"),
    (2, "2: answers", "It answers the question"),
)
_PASSAGE = "white-space: pre-wrap; overflow-wrap: anywhere; max-height: 24em; overflow-y: auto"
_SELECTED = ("task", "question", "document", "start", "end", "grade")


class Labelling(traitlets.HasTraits):
    """Asks a person how far passages answer questions, and writes down what they say.

    The last cell of a notebook shows it. Its buttons are reached and pressed by the keyboard. Where
    the store has labels of this rater already, it goes on where they were.

    Parameters
    ----------
    labels
        The store, with what is to be labelled; several raters may share it.
    rater
        Who labels.

    Attributes
    ----------
    selection : dict
        The last label of the rater: ``task, question, document, start, end, grade``, where start
        and end are of the part that was quoted; empty where there is none. It can be observed:
        ``labelling.observe(function, "selection")``.
    box : ipywidgets.VBox
        What is shown, to be put into other widgets.

    Raises
    ------
    RetrievalError
        If the rater has no name.

    Examples
    --------
    >>> import tempfile
    >>> import pandas as pd
    >>> from aiopslab.retrieval.documents import Corpus
    >>> corpus = Corpus.of_texts({"a.md": "It is on Tuesday. Bring cake."})
    >>> questions = pd.DataFrame({"question": ["q"], "text": ["When is the handover?"]})
    >>> spans = pd.DataFrame({"question": ["q"], "document": "a.md", "start": 0, "end": 29})
    >>> with tempfile.TemporaryDirectory() as folder, Labels(f"{folder}/labels.db") as labels:
    ...     _ = labels.add(questions, spans, corpus)
    ...     labelling = Labelling(labels, "ann")
    ...     print(labelling)
    ...     labelling.buttons[2].click()
    ...     print(labelling)
    Labelling('ann': 0 labelled, next "When is the handover?")
    Labelling('ann': 1 of 1 labelled, all of them)
    """

    selection = traitlets.Dict()

    def __init__(self, labels: Labels, rater: str) -> None:
        super().__init__()
        if not rater.strip():
            raise RetrievalError("the rater has no name", "Pass who labels, such as 'ann'.")
        self.labels, self.rater = labels, rater
        self.task: Task | None = None
        self.buttons = [button(text, told) for _, text, told in CHOICES]
        self.undo = button("Undo the last", "Take the last label back, and label it again")
        self.quote = widgets.Text(
            description="Quote:",
            placeholder="the part that answers, copied from the passage; empty: all of it",
            layout=widgets.Layout(width="100%"),
        )
        self.progress = widgets.IntProgress(min=0, layout=widgets.Layout(width="20em"))
        self._shown, self._counted = widgets.HTML(), widgets.HTML()
        self._told, self._agreed = widgets.HTML(), widgets.HTML()
        for each, (grade, _, _) in zip(self.buttons, CHOICES, strict=True):
            each.on_click(lambda _, grade=grade: self._rate(grade))
        self.undo.on_click(lambda _: self._undo())
        self.box = widgets.VBox(
            [
                self._shown,
                self.quote,
                widgets.HBox([*self.buttons, self.undo], layout=widgets.Layout(flex_flow="wrap")),
                self._told,
                widgets.HBox([self.progress, self._counted]),
                self._agreed,
            ]
        )
        self._show()

    def to_parameters(
        self, path: str | Path | None = None, kind: TruthKind = "spans labelled by hand"
    ) -> dict[str, Any]:
        """Write the questions that were labelled, by all raters, and return what reports are told.

        Parameters
        ----------
        path
            Of a file of JSON lines, written anew; beside the store where ``None``.
        kind
            Of truth; ``pooled`` where the passages are those of a pool.

        Returns
        -------
        dict
            ``{"questions": path}``, of the template ``rag_tuning``.

        Raises
        ------
        RetrievalError
            If nothing is labelled.
        """
        if self.labels.table().empty:
            raise RetrievalError("nothing is labelled", "Label passages first.")
        target = Path(path or self.labels.path.with_suffix(".questions.jsonl"))
        self.labels.export(target, kind)
        return {"questions": str(target)}

    def __repr__(self) -> str:
        if self.task is not None:
            following = f'next "{self.task.question}"'
        else:
            following = "all of them" if self.progress.value else "nothing to label"
        return f"Labelling({self.rater!r}: {self._count()} labelled, {following})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown: dict[str, Any] = self.box._repr_mimebundle_()
        # What is seen where no kernel runs, so without the buttons.
        parts = (self._shown.value, self._counted.value, self._agreed.value)
        return {**shown, "text/plain": repr(self), "text/html": "\n".join(filter(None, parts))}

    def _rate(self, grade: int) -> None:
        if self.task is None:
            return
        try:
            self.labels.rate(self.task, self.rater, grade, self.quote.value.strip() or None)
        except RetrievalError as error:
            # A quote can be mended; what was labelled in another window is passed over.
            self._show(str(error))
            return
        self._show()

    def _undo(self) -> None:
        self._show("" if self.labels.undo(self.rater) else "There is no label to take back.")

    def _show(self, told: str = "") -> None:
        """Show what is next in the store, which others may have written to."""
        task, self.task = self.task, self.labels.next_task(self.rater)
        if self.task != task:
            self.quote.value = ""
        progress = self.labels.progress().set_index("rater")
        if not progress.empty:
            self.progress.max = int(progress["tasks"].iloc[0])
        self.progress.value = int(progress["labelled"].get(self.rater, 0))
        for each in (*self.buttons, self.quote):
            each.disabled = self.task is None
        self.undo.disabled = not self.progress.value
        self._shown.value = self._of_task()
        self._counted.value = f"{self._count()} labelled by {escape(self.rater)}"
        self._told.value = f'<div role="alert">{_lines(told)}</div>' if told else ""
        self._agreed.value = ""
        if len(progress) > 1:
            self._agreed.value = f"Agreement of raters: {escape(str(self.labels.agreement()))}"
        self.selection = self._last()

    def _of_task(self) -> str:
        if self.task is None:
            if self.progress.value:
                return "<p>Every passage is labelled. Thank you.</p>"
            return "<p>There is nothing to label: add questions and passages to the store.</p>"
        where = f"{self.task.document}, characters {self.task.start} to {self.task.end}"
        return (
            f"<p><b>{_lines(self.task.question)}</b></p>"
            f'<blockquote tabindex="0" style="{_PASSAGE}">{escape(self.task.passage)}</blockquote>'
            f"<p><small>{escape(where)}</small></p>"
        )

    def _count(self) -> str:
        """Return how many are labelled; of how many is unknown to the store before the first."""
        labelled = self.progress.value
        return f"{labelled} of {self.progress.max}" if labelled else "0"

    def _last(self) -> dict[str, Any]:
        table = self.labels.table()
        own = table.loc[table["rater"] == self.rater, list(_SELECTED)]
        last = own.tail(1).to_dict("records")
        return {str(name): value for each in last for name, value in each.items()}


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
