"""What was explored as a run of the report: the command, and the entry of a plan."""

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets

from aiopslab.errors import AIOpsLabError
from aiopslab.reports.invocation import command_line, plan_entry

TEMPLATE = "rag_tuning"


class Rerun:
    """A button that writes what the report needs, and shows how to run it.

    Parameters
    ----------
    to_parameters
        Writes the files, and returns the parameters.
    """

    def __init__(self, to_parameters: Callable[[], dict[str, Any]]) -> None:
        self._to_parameters = to_parameters
        self.button = widgets.Button(
            description="Run this as a report",
            tooltip="Write the questions and configurations, and show the command that runs them",
            layout={"width": "auto", "align_self": "flex-start"},
        )
        self.button.on_click(lambda _: self._write())
        wide = {"width": "100%", "height": "8em", "display": "none"}
        self.command, self.entry = (
            widgets.Textarea(description=name, tooltip=told, disabled=False, layout=dict(wide))
            for name, told in (
                ("command", "For a terminal; copy it"),
                ("plan entry", "For a plan of scheduled reports; copy it"),
            )
        )
        self._said = widgets.HTML()
        self.widget = widgets.VBox([self.button, self._said, self.command, self.entry])

    def _write(self) -> None:
        self._said.value = ""
        try:
            values = self._to_parameters()
            self.command.value = command_line(TEMPLATE, values)
            self.entry.value = plan_entry(TEMPLATE, values)
        except (AIOpsLabError, OSError) as error:
            said = escape(str(error)).replace("\n", "<br>")
            self._said.value = f'<div role="alert">{said}</div>'
            return
        for each in (self.command, self.entry):
            each.layout.display = None
