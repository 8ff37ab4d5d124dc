"""Fields of a form: one control for each typed parameter, judged while a person types."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from html import escape
from typing import Any

import ipywidgets as widgets

from aiopslab.charts.theme import VERMILION
from aiopslab.errors import ParameterError
from aiopslab.reports.catalogue import Template
from aiopslab.reports.invocation import refuse_credentials
from aiopslab.reports.parameters import Parameter, validate
from aiopslab.widgets.controls import LABEL, as_typed, control, helper, lines

MASKED = "aiopslab-masked"  # the class of a control whose text is shown as dots
STYLE = f"<style>.{MASKED} :is(input, textarea) {{ -webkit-text-security: disc }}</style>"
_INDENTED = {"margin": f"0 0 0.3em calc({LABEL} + 0.7em)"}


class Field:
    """The control of one parameter, with its help and with what is wrong with its value.

    Choices and yes or no are picked. All else is text, which is read as on a command line; a slider
    or a calendar beside it writes into it.

    Parameters
    ----------
    parameter
        Of a template.
    on_change
        Called when what was given has changed, and has been judged.

    Attributes
    ----------
    control : ipywidgets.Widget
        Its `value` is what was given.
    helper : ipywidgets.Widget or None
        A slider where a number has two bounds, a calendar of UTC for a time.
    value : Any
        As `aiopslab.reports.parameters.validate` has it, a plain JSON value; ``None`` where there
        is a problem.
    problem : str
        What is wrong with it; empty where nothing is.
    box : ipywidgets.VBox
        What is shown.

    Examples
    --------
    >>> from aiopslab.reports.parameters import read
    >>> (share,) = read("share: Annotated[float, Field(ge=0, lt=1)] = 0.5  # Of the budget")
    >>> field = Field(share)
    >>> field.value
    0.5
    >>> field.control.value = "2"
    >>> field.problem
    "share is '2': Input should be less than 1"
    """

    def __init__(self, parameter: Parameter, on_change: Callable[[], None] = lambda: None) -> None:
        self.parameter = parameter
        self.value: Any = None
        self.problem = ""
        self.control, self.helper = control(parameter), helper(parameter)
        self._on_change = on_change
        self._message = widgets.HTML(layout=_INDENTED)
        self._judge()
        self.control.observe(self._changed, "value")
        controls = [self.control]
        if self.helper is not None:
            self.helper.observe(self._helped, "value")
            controls.append(self.helper)
        row = widgets.HBox(controls, layout=widgets.Layout(flex_flow="row wrap"))
        told = widgets.HTML(_help(parameter), layout=_INDENTED)
        self.box = widgets.VBox([row, told, self._message])

    @property
    def is_changed(self) -> bool:
        """Whether it has a value that fits and is not the template's own."""
        return not self.problem and self.value != self.parameter.default

    def fill(self, value: Any) -> None:
        """Put a value in; a text that does not fit is shown with what is wrong with it.

        Raises
        ------
        ParameterError
            If it is no choice where one has to be picked.
        """
        name = self.parameter.name
        if isinstance(self.control, widgets.Dropdown | widgets.Checkbox):
            self.control.value = validate([self.parameter], {name: value})[name]
            return
        with suppress(ParameterError):
            value = validate([self.parameter], {name: value})[name]
        typed = as_typed(value)
        if isinstance(self.control, widgets.Textarea):
            self.control.rows = lines(typed)
        self.control.value = typed

    def _changed(self, _: Any) -> None:
        self._judge()
        self._on_change()

    def _judge(self) -> None:
        name, given = self.parameter.name, self.control.value
        # An empty control of what is required has not been filled in yet.
        is_missing = self.parameter.is_required and given in {"", None}
        self.value, self.problem, remedy = None, "", ""
        self.control.remove_class(MASKED)
        try:
            refuse_credentials(name, given)
        except ParameterError as error:
            self.problem, remedy = error.problem, error.remedy
            self.control.add_class(MASKED)
        else:
            try:
                values = {} if is_missing else {name: given}
                self.value = validate([self.parameter], values)[name]
            except ParameterError as error:
                self.problem = error.problem
                if self.parameter.is_secret:  # and what was typed may be one
                    self.control.add_class(MASKED)
                remedy = "" if "→" in error.problem else f"Expected: {self.parameter.kind()}."
        self._message.value = message(self.problem, remedy) if self.problem else ""
        self._follow()

    def _follow(self) -> None:
        """Put the helper where the value is."""
        if self.helper is None or self.problem:
            return
        value = self.value
        if isinstance(self.helper, widgets.NaiveDatetimePicker):
            at = datetime.fromisoformat(value) if value else None
            value = at.astimezone(UTC).replace(tzinfo=None) if at else None
        elif value is None:
            return
        else:
            value = min(max(value, self.helper.min), self.helper.max)
        self.helper.unobserve(self._helped, "value")
        self.helper.value = value
        self.helper.observe(self._helped, "value")

    def _helped(self, change: Mapping[str, Any]) -> None:
        value = change["new"]
        if isinstance(self.helper, widgets.NaiveDatetimePicker):
            self.control.value = f"{value.isoformat()}Z" if value else ""
        else:
            self.control.value = f"{value:.6g}"


class Form:
    """A field for each parameter of a template.

    Parameters
    ----------
    template
        Whose parameters are asked for.
    on_change
        Called when what was given has changed.

    Attributes
    ----------
    fields : dict
        Of `Field`, by name.
    box : ipywidgets.VBox
        What is shown.

    Examples
    --------
    >>> from aiopslab.reports import find
    >>> form = Form(find("drift"))
    >>> form.fields["confidence"].control.value = "0.9"
    >>> form.changed()
    {'confidence': 0.9}
    """

    def __init__(self, template: Template, on_change: Callable[[], None] = lambda: None) -> None:
        self.template = template
        self.fields = {each.name: Field(each, on_change) for each in template.parameters}
        self.box = widgets.VBox([each.box for each in self.fields.values()])

    def fill(self, values: Mapping[str, Any]) -> None:
        """Put values in by name.

        Raises
        ------
        ParameterError
            If there is no such parameter, or it is no choice where one has to be picked.
        """
        unknown = [name for name in values if name not in self.fields]
        if unknown:
            validate(self.template.parameters, {name: values[name] for name in unknown})
        for name, value in values.items():
            self.fields[name].fill(value)

    def misfits(self) -> list[Field]:
        """Return the fields that must be mended before a run."""
        return [each for each in self.fields.values() if each.problem]

    def changed(self) -> dict[str, Any]:
        """Return the values that fit and are not the template's own."""
        return {name: each.value for name, each in self.fields.items() if each.is_changed}

    def values(self) -> dict[str, Any]:
        """Return the value of each parameter.

        Raises
        ------
        ParameterError
            With all misfits.
        """
        misfits = self.misfits()
        if misfits:
            names = ", ".join(each.parameter.name for each in misfits)
            raise ParameterError("\n".join(each.problem for each in misfits), f"Mend {names}.")
        return {name: each.value for name, each in self.fields.items()}


def message(problem: str, remedy: str = "") -> str:
    """Return what is wrong and what mends it as HTML that screen readers tell at once."""
    text = f"✕ {problem}" + (f"\n→ {remedy}" if remedy else "")
    style = f"border-left: 3px solid {VERMILION}; padding-left: 0.5em; line-height: 1.4"
    return f'<div role="alert" style="{style}">{escape(text).replace(chr(10), "<br>")}</div>'


def _help(parameter: Parameter) -> str:
    default = "required"
    if not parameter.is_required:
        default = f"default: {as_typed(parameter.default) or 'none'}"
    parts = (parameter.help, parameter.kind(), default)
    style = "color: var(--jp-ui-font-color2, currentColor); line-height: 1.3"
    return f'<div style="{style}"><small>{escape(" · ".join(filter(None, parts)))}</small></div>'
