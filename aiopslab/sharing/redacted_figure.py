"""Figures for outsiders: what is drawn stays, what was written for the pointer goes.

A figure whose ``layout.meta`` holds ``"shareable": true`` is kept whole, its texts masked. Of any
other, only what is on the list below is copied: numbers, times, styles, and labels that are short.
Texts under the pointer, custom data and notes may hold log lines, prompts or passages, and are not
on it. A figure whose axis names things in sentences is left out.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aiopslab.sharing.masks import Mask

LABEL, TITLE = 60, 120  # letters; what is longer is free text


def _listed(words: str) -> frozenset[str]:
    return frozenset(words.split())


_DATA = ("x", "y", "z", "base", "width", "error_x", "error_y", "x0", "dx", "y0", "dy")
_TRACE = _listed(
    "type mode line marker fill fillcolor orientation opacity showlegend legendgroup xaxis yaxis"
    " stackgroup colorscale zmin zmax zmid nbinsx nbinsy histnorm boxpoints connectgaps visible"
    " offsetgroup showscale coloraxis xgap ygap"
)
_LAYOUT = _listed(
    "height width margin showlegend barmode bargap boxmode hovermode template font legend"
    " coloraxis grid uniformtext paper_bgcolor plot_bgcolor"
)
_AXIS = _listed(
    "type domain anchor overlaying side position tickmode tickvals dtick tick0 tickformat nticks"
    " range autorange rangemode matches scaleanchor visible showgrid showline showticklabels"
    " zeroline gridcolor linecolor zerolinecolor automargin ticks tickangle categoryorder"
    " fixedrange constrain"
)
_SHAPE = _listed("type xref yref line fillcolor opacity layer x0 x1 y0 y1 xsizemode ysizemode")
_NOTE = _listed("x y xref yref xanchor yanchor showarrow align xshift yshift ax ay font textangle")
_TEXTS = frozenset({"text", "meta", "customdata", "hovertemplate", "hovertext", "title", "name"})
_IDENTIFIER = re.compile(r"[\w.:%+<>=()-]{1,40}")
_TIME = re.compile(r"(\d{4}-)?\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}|rgba?\([\d., %]+\)")
_WORD = re.compile(r"[xy]\d* domain|[a-z0-9+-]{1,24}|[%~,.$a-zA-Z0-9:]{1,12}")


class _NotFitError(Exception):
    """A figure holds what cannot be told from free text."""


@dataclass(frozen=True)
class Names:
    """A mask that also puts pseudonyms in place of names.

    Parameters
    ----------
    mask
        What goes from any text.
    pseudonyms
        What stands for each name; empty where names are kept.
    """

    mask: Mask
    pseudonyms: Mapping[str, str]

    def __call__(self, text: str) -> str:
        """Return a text without what is masked, with pseudonyms."""
        for name in sorted(self.pseudonyms, key=len, reverse=True):
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", self.pseudonyms[name], text)
        return self.mask(text)


def redacted_figure(figure: Mapping[str, Any], mask: Names) -> dict[str, Any] | None:
    """Return a figure as outsiders may see it; ``None`` where it is not fit to be seen.

    Parameters
    ----------
    figure
        As plain JSON: ``data`` and ``layout``.
    mask
        For the labels that stay.
    """
    layout = figure.get("layout") or {}
    if (layout.get("meta") or {}).get("shareable") is True:
        return {"data": _masked(figure["data"], mask), "layout": _masked(layout, mask)}
    if mask.pseudonyms:
        return None  # nothing tells which of its labels are services
    try:
        data = [_trace(trace, mask) for trace in figure["data"]]
        return {"data": data, "layout": _layout(layout, mask)}
    except _NotFitError:
        return None


def _trace(trace: Mapping[str, Any], mask: Names) -> dict[str, Any]:
    kept: dict[str, Any] = _style(
        {name: value for name, value in trace.items() if name in _TRACE}, mask
    )
    kept |= {name: _values(trace[name], mask) for name in _DATA if name in trace}
    if trace.get("name"):
        kept["name"] = _label(trace["name"], mask, LABEL)
    return kept


def _layout(layout: Mapping[str, Any], mask: Names) -> dict[str, Any]:
    kept: dict[str, Any] = _style(
        {name: value for name, value in layout.items() if name in _LAYOUT}, mask
    )
    kept["title"] = _title(layout, mask, TITLE)
    for name, axis in layout.items():
        if re.fullmatch(r"[xy]axis\d*", name):
            kept[name] = _axis(axis, mask)
    kept["shapes"] = [
        {name: _place(value, mask) for name, value in shape.items() if name in _SHAPE}
        for shape in layout.get("shapes", [])
    ]
    kept["annotations"] = [
        {name: _place(value, mask) for name, value in note.items() if name in _NOTE}
        | {"text": _label(note.get("text", ""), mask, LABEL)}
        for note in layout.get("annotations", [])
    ]
    return kept


def _axis(axis: Mapping[str, Any], mask: Names) -> dict[str, Any]:
    kept = {name: _place(value, mask) for name, value in axis.items() if name in _AXIS}
    kept["title"] = _title(axis, mask, LABEL)
    for name in ("ticktext", "categoryarray"):
        if name in axis:
            kept[name] = _values(axis[name], mask)
    return kept


def _values(value: Any, mask: Names) -> Any:
    """Return data: numbers, times, names of one word; typed arrays hold numbers only."""
    if isinstance(value, Mapping):
        if "bdata" in value:
            return {name: value[name] for name in ("dtype", "bdata", "shape") if name in value}
        return {name: _place(each, mask) for name, each in value.items() if name not in _TEXTS}
    if isinstance(value, list):
        return [_values(each, mask) for each in value]
    if isinstance(value, str):
        if _TIME.fullmatch(value) or value == "":
            return value
        if not _IDENTIFIER.fullmatch(value):
            raise _NotFitError
        return mask(value)
    return value


def _place(value: Any, mask: Names) -> Any:
    """Return where something stands or how it looks; a place may be a time or a category."""
    return _style(value, mask) if _is_style(value, mask) else _values(value, mask)


def _style(value: Any, mask: Names) -> Any:
    """Return how something looks, without what is no colour, number or word of plotly's own."""
    if isinstance(value, Mapping):
        return {
            name: _style(each, mask)
            for name, each in value.items()
            if name not in _TEXTS and _is_style(each, mask)
        }
    return value


def _is_style(value: Any, mask: Names) -> bool:
    if isinstance(value, list):
        return all(_is_style(each, mask) for each in value)
    if isinstance(value, str):
        return bool(_COLOUR.fullmatch(value) or (_WORD.fullmatch(value) and mask(value) == value))
    return True  # what is in a mapping is looked at piece by piece


def _label(text: str, mask: Names, longest: int) -> str:
    """Return a label as plain text; one that is long is free text, and goes."""
    bare = re.sub(r"<[^>]*>", " ", str(text)).strip()
    return mask(bare) if len(bare) <= longest else ""


def _title(holder: Mapping[str, Any], mask: Names, longest: int) -> dict[str, Any]:
    title = holder.get("title") or {}
    if not isinstance(title, Mapping):
        title = {"text": title}
    return {**_style(title, mask), "text": _label(title.get("text") or "", mask, longest)}


def _masked(value: Any, mask: Names) -> Any:
    if isinstance(value, Mapping):
        return {
            name: each if name == "bdata" else _masked(each, mask) for name, each in value.items()
        }
    if isinstance(value, list):
        return [_masked(each, mask) for each in value]
    return mask(value) if isinstance(value, str) and not _TIME.fullmatch(value) else value
