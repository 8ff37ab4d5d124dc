"""A form for the cause of an incident: what a person says it began in, kept for evaluation."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
import pandas as pd

from aiopslab.errors import AIOpsLabError
from aiopslab.incident.cause_labels import CauseLabels
from aiopslab.widgets.button import button
from aiopslab.widgets.incident_html import alert

Asked = Callable[[], tuple[pd.Timestamp, pd.Timestamp, str | None]]


class CauseForm:
    """Stores the pinned service as the cause of the window.

    Parameters
    ----------
    path
        Of the store; ``None`` keeps nothing, and says so.
    evidence, digest
        What the labels are of.
    asked
        Returns the window and the pinned service.
    say
        Tells it to those who do not see.

    Raises
    ------
    AIOpsLabError
        If the file is no store of causes, or cannot be written.
    """

    def __init__(
        self,
        path: str | Path | None,
        evidence: str,
        digest: str,
        asked: Asked,
        say: Callable[[str], None],
    ) -> None:
        self.labels = None if path is None else CauseLabels(path)
        self._of, self._asked, self._say = (evidence, digest), asked, say
        self.rater = _text("Who:", "your name, kept with the label")
        self.note = _text("Note:", "why, if you like")
        self.mark = button("This was the cause", "Store the pinned service as the cause")
        self.undo = button("Undo", "Take back your last label")
        self.told = widgets.HTML()
        self.mark.on_click(lambda _: self._mark())
        self.undo.on_click(lambda _: self._undo())
        for each in (self.rater, self.note, self.mark, self.undo):
            each.disabled = self.labels is None
        if self.labels is None:
            self.told.value = (
                "<p>No labels are kept. Pass a file to keep them in: "
                "<code>IncidentExplorer(evidence, labels=&quot;causes.db&quot;)</code>.</p>"
            )
        row = [self.rater, self.note, self.mark, self.undo]
        layout = widgets.Layout(flex_flow="wrap")
        self.widget = widgets.VBox([widgets.HBox(row, layout=layout), self.told])

    def _mark(self) -> None:
        if self.labels is None:
            return
        start, end, service = self._asked()
        try:
            if service is None:
                raise AIOpsLabError(
                    "no service is pinned", "Click the cause on the map, or choose it in the list."
                )
            self.labels.add(*self._of, start, end, service, self.rater.value, self.note.value)
        except AIOpsLabError as error:
            self.told.value = alert(error)
            return
        self.note.value = ""
        self._tell(f"Stored: {service} was the cause, says {self.rater.value.strip()}.")

    def _undo(self) -> None:
        if self.labels is None:
            return
        service = self.labels.undo(self.rater.value)
        who = self.rater.value.strip() or "nobody"
        gone = f"Taken back: {service} was the cause." if service else ""
        self._tell(gone or f"There is no label of {who} to take back.")

    def _tell(self, text: str) -> None:
        assert self.labels is not None
        stored = len(self.labels.table())
        count = f"{stored} label{'s' if stored != 1 else ''} in {self.labels.path}."
        self.told.value = f"<p>{escape(text)} <small>{escape(count)}</small></p>"
        self._say(text)


def _text(description: str, placeholder: str) -> Any:
    return widgets.Text(
        description=description,
        placeholder=placeholder,
        continuous_update=False,
        style={"description_width": "3em"},
        layout=widgets.Layout(width="18em"),
    )
