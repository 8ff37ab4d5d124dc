"""Controls: what a person types a parameter into, picks it from, or drags it with."""

import json
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets

from aiopslab.reports.parameters import Parameter
from aiopslab.sources import samples

LABEL = "9em"  # width of the names before the controls
STEPS = 100  # of a slider
DURATIONS = ("15min", "30min", "1h", "6h", "1D", "7D")
_BOUNDS = (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))


def control(parameter: Parameter) -> Any:
    """Return the control of a parameter, with its default in it.

    Choices are a list to pick from, yes or no is a box to tick. All else is text: on several lines
    for JSON, with suggestions for sources and durations.

    Examples
    --------
    >>> from aiopslab.reports.parameters import read
    >>> parameters = read('mode: Literal["fast", "exact"] = "fast"; rows: int = 3')
    >>> [(type(each).__name__, each.value) for each in map(control, parameters)]
    [('Dropdown', 'fast'), ('Text', '3')]
    """
    schema = parameter.adapter().json_schema()
    kind, is_optional = _kind(schema)
    default = None if parameter.is_required else parameter.default
    described = {
        "description": f"{parameter.name} *" if parameter.is_required else parameter.name,
        "tooltip": parameter.help,
        "style": {"description_width": LABEL},
        "layout": widgets.Layout(width="32em", max_width="100%"),
    }
    choices = _choices(kind)
    if kind.get("type") == "boolean" and not is_optional:
        return widgets.Checkbox(value=bool(default), **described)
    if choices:
        options: list[tuple[str, Any]] = [(as_typed(each), each) for each in choices]
        if is_optional or parameter.is_required:
            options.insert(0, ("(none)" if is_optional else "(choose)", None))
        return widgets.Dropdown(options=options, value=default, **described)
    typed = {"value": as_typed(default), **described}
    if kind.get("type") in {"array", "object"}:
        return widgets.Textarea(rows=lines(typed["value"]), placeholder="JSON", **typed)
    if "sources." in parameter.annotation:
        recordings = [f"sample://{name}" for name in samples.names()]
        placeholder = "a path, s3://…, prometheus+http://host:9090, sample://…"
        return widgets.Combobox(options=recordings, placeholder=placeholder, **typed)
    if "durations." in parameter.annotation:
        return widgets.Combobox(options=DURATIONS, placeholder="such as 30min or 7D", **typed)
    time = "2026-03-01T12:00:00Z" if kind.get("format") == "date-time" else ""
    return widgets.Text(placeholder=time or ("(none)" if is_optional else ""), **typed)


def helper(parameter: Parameter) -> Any:
    """Return what writes into the control of a parameter, ``None`` where nothing does.

    It is a slider where a number has two bounds, a calendar of UTC where there is a time.

    Examples
    --------
    >>> from aiopslab.reports.parameters import read
    >>> (share,) = read("share: Annotated[float, Field(ge=0.5, lt=1)] = 0.95")
    >>> helper(share).min, helper(share).max
    (0.5, 0.995)
    """
    kind, _ = _kind(parameter.adapter().json_schema())
    if kind.get("format") == "date-time":
        told = f"{parameter.name}, picked from a calendar, as UTC"
        return widgets.NaiveDatetimePicker(
            description="UTC", tooltip=told, style={"description_width": "initial"}
        )
    low, high = (kind.get(closed, kind.get(opened)) for closed, opened in _BOUNDS)
    if low is None or high is None:
        return None
    is_whole = kind["type"] == "integer"
    step = 1 if is_whole else (high - low) / STEPS
    return (widgets.IntSlider if is_whole else widgets.FloatSlider)(
        min=low + step * ("exclusiveMinimum" in kind),
        max=high - step * ("exclusiveMaximum" in kind),
        step=step,
        readout=False,  # the text beside it says more
        tooltip=f"{parameter.name}, by a slider",
        layout=widgets.Layout(width="14em"),
    )


def lines(text: str) -> int:
    """Return how many lines a control of text shows, with one to spare."""
    return 2 + len(text) // 40


def as_typed(value: Any) -> str:
    """Write a value as a person would type it.

    Examples
    --------
    >>> [as_typed(each) for each in (None, 0.5, True, "a", ["a"])]
    ['', '0.5', 'true', 'a', '["a"]']
    """
    if value is None:
        return ""
    if isinstance(value, list | dict | bool):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _kind(schema: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Return the schema of a value, empty where there are several, and whether it may be none."""
    union = schema.get("anyOf", [schema])
    kinds = [each for each in union if each.get("type") != "null"]
    return (kinds[0] if len(kinds) == 1 else {}), len(kinds) < len(union)


def _choices(kind: Mapping[str, Any]) -> list[Any]:
    if kind.get("type") == "boolean":
        return [True, False]
    return list(kind.get("enum", [kind["const"]] if "const" in kind else []))
