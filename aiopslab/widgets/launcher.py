"""Launcher: a template is picked, filled in and run, and the same run is given as a command."""

import re
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from aiopslab.reports.catalogue import Template, find, templates
from aiopslab.reports.invocation import GALLERY, as_command, as_entry
from aiopslab.widgets.controls import LABEL, as_typed
from aiopslab.widgets.fields import STYLE, Form
from aiopslab.widgets.runs import Runs
from aiopslab.widgets.view import View

_TEXT = (
    "white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.4; user-select: all; "
    "margin: 0.3em 0; padding: 0.5em; border: 1px solid var(--jp-border-color1, currentColor)"
)


class Launcher(View):
    """Runs a report from a form, in the background, and gives the run as a command.

    The last cell of a notebook shows it. The form has a field for each parameter of the template,
    which says what is wrong with its value while it is typed. A run has a process of its own; the
    kernel stays free, and when it ends, so does the run.

    Parameters
    ----------
    template
        Its name, or the path of a notebook; the first of all where ``None``.
    folder
        Of the gallery.
    **values
        Parameters to start with, by name.

    Attributes
    ----------
    selection : dict
        ``template``, and ``parameters`` that fit and are not the template's own.
    choice : ipywidgets.Dropdown
        Of the template.
    form : Form
        Of the template that is picked; what was typed for another is kept.
    runs : Runs
        The buttons, the progress and what runs came to.

    Raises
    ------
    ReportError
        If there is no such template.
    ParameterError
        If there is no such parameter.

    Examples
    --------
    >>> launcher = Launcher("drift", confidence=0.9)
    >>> launcher.selection
    {'template': 'drift', 'parameters': {'confidence': 0.9}}
    >>> launcher.command
    'aiopslab run drift -p confidence=0.9'
    """

    def __init__(
        self, template: str | None = None, folder: str | Path = GALLERY, **values: Any
    ) -> None:
        super().__init__("Run a report")
        known = [each.name for each in templates()]
        name = known[0] if template is None else template
        self.folder = Path(folder)
        self._forms: dict[str, Form] = {}
        self.choice = widgets.Dropdown(
            options=known if name in known else [*known, name],
            value=name,
            description="template",
            tooltip="Which report to run",
            style={"description_width": LABEL},
        )
        self._about, self._mend, self._same = (widgets.HTML() for _ in range(3))
        self._fields = widgets.VBox()
        self.runs = Runs(self._request, self.folder, self.page.say)
        self.choice.observe(lambda _: self._pick(), "value")
        self.show(
            widgets.HTML(STYLE),
            self.choice,
            self._about,
            self._fields,
            self._mend,
            self.runs.box,
            self._same,
        )
        self._pick()
        self.form.fill(values)

    @property
    def form(self) -> Form:
        """The form of the template that is picked."""
        return self._forms[self.choice.value]

    @property
    def command(self) -> str:
        """The command that runs the same, with the values that fit."""
        return as_command(self.choice.value, self.form.changed(), str(self.folder))

    @property
    def entry(self) -> str:
        """The entry of a plan that runs the same, with the values that fit."""
        return as_entry(self.choice.value, self.form.changed())

    def to_parameters(self) -> dict[str, Any]:
        """Return the value of each parameter of the template.

        Raises
        ------
        ParameterError
            With all that does not fit.
        """
        return self.form.values()

    def summary(self) -> str:
        """Return the template, its parameters, the command and the last runs."""
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(_shown(field))}</td></tr>"
            for name, field in self.form.fields.items()
        )
        return (
            f"<p><b>{escape(self.form.template.title)}</b></p>"
            f"<table><caption>Parameters</caption>{rows}</table>"
            f"<pre>{escape(self.command)}</pre>{self.runs.history()}"
        )

    def _pick(self) -> None:
        name = self.choice.value
        if name not in self._forms:
            self._forms[name] = Form(find(name), self._changed)
        template = self.form.template
        summary = escape(re.sub(r"\*\*|`", "", template.summary))  # it is Markdown
        self._about.value = (
            f'<p style="line-height: 1.4"><b>{escape(template.title)}.</b> {summary}</p>'
        )
        self._fields.children = (self.form.box,)
        self._changed()

    def _changed(self) -> None:
        """Tell the same in every other way; the fields themselves know already."""
        misfits = [each.parameter.name for each in self.form.misfits()]
        self._mend.value = f"<p>Mend before running: {escape(', '.join(misfits))}</p>"
        self._mend.layout.display = None if misfits else "none"
        self.runs.quiet()
        self.runs.start.tooltip = (
            f"Mend first: {', '.join(misfits)}" if misfits else "Run the report in the background"
        )
        self.selection = {"template": self.choice.value, "parameters": self.form.changed()}
        self._same.value = (
            "<p>The same run as a command, and as an entry of a plan:</p>"
            f'<pre tabindex="0" aria-label="Command" style="{_TEXT}">{escape(self.command)}</pre>'
            f'<pre tabindex="0" aria-label="Entry of a plan" style="{_TEXT}">'
            f"{escape(self.entry)}</pre>"
        )

    def _request(self) -> tuple[Template, dict[str, Any]]:
        return self.form.template, self.to_parameters()


def _shown(field: Any) -> str:
    return "does not fit" if field.problem else as_typed(field.value) or "none"
