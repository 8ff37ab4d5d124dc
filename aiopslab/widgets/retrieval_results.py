"""The hits of one configuration, each with the buttons that grade it."""

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets
import pandas as pd

from aiopslab.retrieval.grading import Passage
from aiopslab.retrieval.inspection import Look, answering_parts
from aiopslab.widgets.labelling import CHOICES
from aiopslab.widgets.retrieval_passages import passage_html

OnGrade = Callable[[Passage, int], None]
_GIVEN = "✓ "  # before the grade that was given: told not by colour alone


class Results:
    """A list of hits, whose widgets are made once and filled again with each search.

    Parameters
    ----------
    name, other
        What this configuration and the other one are called.
    on_grade
        Called with a passage and its grade when a button is pressed; without it there are none.
    """

    def __init__(self, name: str, other: str, on_grade: OnGrade | None) -> None:
        self._name, self._other, self._on_grade = name, other, on_grade
        self._rows: list[_Row] = []
        self._none = widgets.HTML("<p>Nothing was found.</p>")
        self._list = widgets.VBox()
        self.widget = widgets.VBox(
            [widgets.HTML(f"<b>{name} finds</b>"), self._list],
            layout={"flex": "1 1 20em", "min_width": "0"},
        )

    @property
    def rows(self) -> "list[_Row]":
        """Those that are shown."""
        return self._rows[: len(self._list.children)] if self._rows else []

    def show(self, look: Look, answers: pd.DataFrame, grades: Mapping[Passage, int]) -> None:
        """Show what was found."""
        hits = look.hits.to_dict("records")
        while len(self._rows) < len(hits):
            self._rows.append(_Row(self._name, self._on_grade))
        shown, answered = self._rows[: len(hits)], set(answers["document"])
        for row, hit in zip(shown, hits, strict=True):
            passage = Passage(hit["document"], hit["start"], hit["end"])
            # Most hits are of documents without an answer, and every knob waits for all of them.
            parts = answering_parts(hit, answers) if passage.document in answered else []
            html = passage_html(hit, look.stages, parts, self._other)
            row.show(passage, html, grades.get(passage))
        wanted = tuple(each.widget for each in shown) or (self._none,)
        if self._list.children != wanted:
            self._list.children = wanted

    def clear(self) -> None:
        """Show nothing."""
        self._list.children = ()


class _Row:
    """One hit."""

    def __init__(self, name: str, on_grade: OnGrade | None) -> None:
        self._passage: Passage | None = None
        self._text = widgets.HTML(layout={"width": "auto"})
        self.buttons: list[Any] = []
        for grade, text, told in CHOICES if on_grade else ():
            button = widgets.Button(
                description=text, tooltip=f"{told} ({name})", layout={"width": "auto"}
            )
            button.on_click(lambda _, grade=grade: self._graded(on_grade, grade))
            self.buttons.append(button)
        grades = widgets.HBox(self.buttons, layout={"flex_flow": "wrap"})
        parts = [self._text, grades] if self.buttons else [self._text]
        self.widget = widgets.VBox(parts, layout={"margin": "0 0 10px 0"})

    @property
    def html(self) -> str:
        """What is shown of the passage."""
        return str(self._text.value)

    def show(self, passage: Passage, html: str, grade: int | None) -> None:
        self._passage = passage
        self._text.value = html
        for button, (value, text, _) in zip(self.buttons, CHOICES, strict=False):
            is_given = value == grade
            button.description = f"{_GIVEN}{text}" if is_given else text
            button.button_style = "info" if is_given else ""

    def _graded(self, on_grade: OnGrade | None, grade: int) -> None:
        if on_grade is not None and self._passage is not None:
            on_grade(self._passage, grade)
