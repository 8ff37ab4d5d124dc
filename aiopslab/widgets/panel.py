"""Panel: a plotly figure that is redrawn in place and answers clicks and drags."""

from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import traitlets

from aiopslab.charts.sampling import sampled
from aiopslab.widgets.page import Page

# Of text: a contrast of at least 7 to 1 on the page of either theme, as in reports.
INK = {False: "#39424e", True: "#c9d1da"}
CONFIG = {"displayModeBar": False, "responsive": True, "displaylogo": False}
PICKED = ("x", "y", "text", "customdata")
IDENTITY = {"type", "uid"}
_number = count(1)


class _Widget(go.FigureWidget):  # type: ignore[misc, unused-ignore]  # plotly is untyped
    """A figure as wide as its place, without a bar of buttons, from the first moment on."""

    @traitlets.validate("_config")
    def _configured(self, _: Any) -> dict[str, Any]:
        return CONFIG  # a view that is being made misses what is set once the widget is there


class Pick(NamedTuple):
    """A mark that was clicked: the name of its trace, its place, and what is told of it."""

    trace: str
    x: Any
    y: Any
    text: Any
    data: Any


class Panel:
    """One figure of a widget.

    Parameters
    ----------
    page
        Of the widget, for its theme, and for the text that is read instead of the figure.
    figure
        Drawn at once; ``None`` for none yet.
    brush
        Whether a horizontal drag chooses a range instead of zooming in.

    Attributes
    ----------
    widget : plotly.graph_objects.FigureWidget
        To be shown.
    figure : plotly.graph_objects.Figure
        What was drawn last, with all its points. The browser is sent those that a screen can show;
        who zooms in is sent those of the part.

    Examples
    --------
    >>> import plotly.graph_objects as go
    >>> panel = Panel(Page(), go.Figure(go.Scatter(y=list(range(100_000)), mode="lines")))
    >>> len(panel.figure.data[0].y), len(panel.widget.data[0].y) <= 4000
    (100000, True)
    """

    def __init__(self, page: Page, figure: go.Figure | None = None, brush: bool = False) -> None:
        self.page, self.brush = page, brush
        self.css_class = f"aiopslab-panel-{next(_number)}"
        self.figure = go.Figure() if figure is None else figure
        self.widget = _Widget(*self._dressed())
        self.widget.add_class(self.css_class)
        self.widget.layout.on_change(lambda _, window: self._zoom(window), "xaxis.range")
        self._picks: list[Callable[[Pick], None]] = []
        page.observe(lambda _: self._ink(), "dark")
        page.on_shown(self.css_class, self._repeat)
        self._attend()

    def draw(self, figure: go.Figure) -> None:
        """Show another figure in the same place; only what differs is checked and sent."""
        self.figure = figure
        traces, layout = self._dressed()
        with self.widget.batch_update():
            if [each.type for each in self.widget.data] == [each["type"] for each in traces]:
                # A page that is behind may not yet have the traces that it is told to take away.
                for trace, told in zip(self.widget.data, traces, strict=True):
                    _rewrite(trace, told)
            else:
                self.widget.data = ()
                self.widget.add_traces(traces)
            _rewrite(self.widget.layout, layout)
        self._attend()

    def on_pick(self, callback: Callable[[Pick], None]) -> None:
        """Call a function with each mark that is clicked."""
        if not self._picks:
            for trace in self.widget.data:
                trace.on_click(self._click)
        self._picks.append(callback)

    def on_brush(self, callback: Callable[[Any, Any], None]) -> None:
        """Call a function with the ends of each range of x that is dragged over.

        They are times in UTC where x is a time, else numbers; the lower comes first.
        """

        def dragged(window: list[Any]) -> None:
            # The window is marked by who asked for it; plotly's own outline would only hide it.
            self.widget._send_relayout_msg({"selections": []})
            callback(*sorted(map(_place, window)))

        self.page.on_brush(self.css_class, dragged)

    def _dressed(self) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Return traces and layout as they are sent, in plain values: plotly checks them once."""
        layout = self.figure.layout.to_plotly_json()
        layout["font"] = {**layout.get("font", {}), "color": INK[self.page.dark]}
        layout["autosize"] = True
        if self.brush:
            layout |= {"dragmode": "select", "selectdirection": "h"}
        return [each.to_plotly_json() | sampled(each) for each in self.figure.data], layout

    def _repeat(self) -> None:
        """Send all again: a view that opens may have missed what was drawn meanwhile."""
        for number, trace in enumerate(self.widget.data):
            told = {name: [value] for name, value in _plain(trace).items()}
            self.widget._send_restyle_msg(told, number)
        self.widget._send_relayout_msg(_plain(self.widget.layout))

    def _attend(self) -> None:
        """Listen to what was drawn, and name it."""
        for trace in self.widget.data if self._picks else ():
            trace.on_click(self._click)
        self.page.name(self.css_class, _told(self.figure))

    def _click(self, trace: Any, points: Any, _: Any) -> None:
        for number in points.point_inds[:1]:
            x, y, text, data = (_at(trace[each], number) for each in PICKED)
            picked = Pick(trace.name, x, y, text, data)
            for callback in self._picks:
                callback(picked)

    def _ink(self) -> None:
        self.widget.layout.font.color = INK[self.page.dark]

    def _zoom(self, window: Any) -> None:
        """Send the points of the part that is looked at, where not all could be sent."""
        ends = tuple(map(_place, window)) if window else None
        with self.widget.batch_update():
            for trace, whole in zip(self.widget.data, self.figure.data, strict=False):
                trace.update(sampled(whole, ends))


def _place(end: Any) -> Any:
    """Return a time of plotly's, which names no zone and means UTC, or a number."""
    if isinstance(end, (int, float)):
        return float(end)
    time = pd.Timestamp(end)
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")


def _rewrite(part: Any, told: dict[str, Any]) -> None:
    """Give a trace or a layout all that is told, and nothing else."""
    had = _plain(part)
    for name in had.keys() - told.keys():
        part[name] = None
    for name, value in told.items():
        if name not in IDENTITY and not _is_same(had.get(name), value):
            part[name] = value


def _plain(part: Any) -> dict[str, Any]:
    return {name: each for name, each in part.to_plotly_json().items() if name not in IDENTITY}


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[each], other[each]) for each in one)
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return bool(one == other)


def _at(values: Any, number: int) -> Any:
    if values is None or isinstance(values, str):
        return values
    return values[number] if number < len(values) else None


def _told(figure: go.Figure) -> str:
    return str((figure.layout.meta or {}).get("description", figure.layout.title.text or ""))
