"""WindowBrush: a window of time, dragged on a figure or set by the keyboard."""

from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import numpy as np
import pandas as pd
import traitlets

from aiopslab.charts.theme import BLUE
from aiopslab.errors import AIOpsLabError
from aiopslab.widgets.page import Page
from aiopslab.widgets.panel import Panel

if TYPE_CHECKING:
    import plotly.graph_objects as go

STOPS = 400  # of the slider: an arrow key moves an end by 1/400 of all the time there is
Window = tuple[pd.Timestamp, pd.Timestamp]


class WindowBrush(traitlets.HasTraits):
    """A figure over time, on which a window is chosen.

    Parameters
    ----------
    page
        Of the widget.
    figure
        With times on its axes of x; it gets the window as a shape of its own.
    times
        What can be chosen, sorted, in UTC; at least one.
    window
        Start and end to begin with; all the time there is where ``None``.
    label
        What is chosen, as in ``window`` or ``reference``; stands beside the slider.
    colour
        Of the window on the figure.

    Attributes
    ----------
    window : tuple of pandas.Timestamp
        Start and end, in UTC, the start first. It can be observed, and set.
    widget : ipywidgets.VBox
        The figure, and below it the slider with two handles, which the arrow keys move.
    panel : Panel
        The figure.

    Raises
    ------
    AIOpsLabError
        If there is no time to choose from.

    Examples
    --------
    >>> import plotly.graph_objects as go
    >>> times = pd.date_range("2026-03-01T12:00", periods=60, freq="min", tz="UTC")
    >>> brush = WindowBrush(Page(), go.Figure(go.Scatter(x=times, y=list(range(60)))), times)
    >>> brush.slider.value = (times[10], times[20])
    >>> [f"{end:%H:%M}" for end in brush.window]
    ['12:10', '12:20']
    """

    window = traitlets.Tuple()

    def __init__(
        self,
        page: Page,
        figure: "go.Figure",
        times: pd.DatetimeIndex,
        window: Window | None = None,
        label: str = "window",
        colour: str = BLUE,
    ) -> None:
        super().__init__()
        if not len(times):
            raise AIOpsLabError("there is no time to choose a window from", "Give some evidence.")
        self.label, self.colour = label, colour
        self.first, self.last = times[0], times[-1]
        ends = pd.DatetimeIndex(window or [])
        stops = pd.DatetimeIndex(times[_spread(len(times))].append(ends).sort_values().unique())
        self.slider = widgets.SelectionRangeSlider(
            options=[(f"{stop:%Y-%m-%d %H:%M:%S}", stop) for stop in stops],
            value=window or (stops[0], stops[-1]),
            description=label,
            continuous_update=False,
            readout=False,  # it would be cut; the window is told in a line of its own
            layout=widgets.Layout(width="98%"),
            style={"description_width": "initial"},
        )
        self._stops = stops
        self.window = tuple(self.slider.value)
        self.told = widgets.Label(self._in_words())
        self.panel = Panel(page, self._marked(figure), brush=True)
        self.widget = widgets.VBox([self.panel.widget, self.slider, self.told])
        self.slider.observe(self._slid, "value")
        self.panel.on_brush(self._dragged)
        self.observe(self._moved, "window")

    def draw(self, figure: "go.Figure") -> None:
        """Show another figure under the same window."""
        self.panel.draw(self._marked(figure))

    def _marked(self, figure: "go.Figure") -> "go.Figure":
        shape = self._shape()
        others = [each for each in figure.layout.shapes if each.name != shape["name"]]
        figure.layout.shapes = [*others, shape]
        return figure

    def _shape(self) -> dict[str, Any]:
        start, end = (each.tz_localize(None).isoformat() for each in self.window)
        ends = {"x0": start, "x1": end, "xref": "x", "y0": 0, "y1": 1, "yref": "paper"}
        look = {"fillcolor": self.colour, "opacity": 0.15, "line": {"width": 1}, "layer": "below"}
        return {"type": "rect", "name": "aiopslab-window", **ends, **look}

    def _dragged(self, low: Any, high: Any) -> None:
        low, high = (min(max(each, self.first), self.last) for each in (low, high))
        if low < high:
            self.window = (low, high)

    def _slid(self, change: Any) -> None:
        stops = self._nearest(self.window)
        if tuple(change["new"]) != stops:  # not because the window was dragged
            self.window = tuple(change["new"])

    def _moved(self, _: Any) -> None:
        self.slider.value = self._nearest(self.window)
        self.told.value = self._in_words()
        shape = self._shape()
        for figure in (self.panel.widget, self.panel.figure):
            ends = {"x0": shape["x0"], "x1": shape["x1"]}
            figure.update_shapes(ends, selector={"name": shape["name"]})

    def _in_words(self) -> str:
        start, end = self.window
        until = f"{end:%H:%M:%S}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
        return f"{self.label}: {start:%Y-%m-%d %H:%M:%S} to {until} UTC"

    def _nearest(self, window: tuple[Any, ...]) -> Window:
        places = self._stops.get_indexer(pd.DatetimeIndex(window), method="nearest")
        return (self._stops[places[0]], self._stops[places[1]])


def _spread(count: int) -> Any:
    return np.unique(np.linspace(0, count - 1, min(count, STOPS)).round().astype(int))
