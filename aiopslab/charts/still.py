"""Still: a picture of a figure for where no plotly runs, as on a page that shows notebooks."""

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiopslab.charts.theme import GREY, PALETTE

if TYPE_CHECKING:
    import plotly.graph_objects as go

WIDTH, DOTS = 9.0, 96  # inches, and dots an inch
MARKS = {
    "diamond": "D",
    "square": "s",
    "triangle-up": "^",
    "triangle-down": "v",
    "x": "x",
    "cross": "+",
}
DASHES = {"dash": "--", "dot": ":", "dashdot": "-."}


def still(figure: "go.Figure") -> bytes:
    r"""Draw lines, marks, bars, fills and heat maps of a figure with matplotlib.

    Parameters
    ----------
    figure
        Of this package; what else it may hold is left out.

    Returns
    -------
    bytes
        A PNG of 864 pixels by the height of the figure, on white.

    Examples
    --------
    >>> import plotly.graph_objects as go
    >>> still(go.Figure(go.Scatter(x=[1, 2], y=[3, 1])))[:4]
    b'\x89PNG'
    """
    from matplotlib.figure import Figure

    layout = figure.layout
    height = max((layout.height or 320) / DOTS, 1.5)
    page = Figure(figsize=(WIDTH, height), dpi=DOTS, facecolor="white")
    top = 1 - 0.45 / height
    axes: dict[str, Any] = {}
    for number, trace in enumerate(figure.data):
        axis = _axis(page, axes, trace, layout, top)
        if axis is not None:
            _draw(axis, trace, PALETTE[number % len(PALETTE)])
    if layout.title.text:
        page.text(0.01, 1 - 0.08 / height, _plain(layout.title.text), va="top", size=11)
    first = next(iter(axes.values()), None)
    for shape in layout.shapes if first is not None else ():
        _shade(first, page, shape, axes)
    for note in layout.annotations if first is not None else ():
        _write(note, page, axes, top)
    for axis in axes.values():
        if axis.get_legend_handles_labels()[1]:
            axis.legend(fontsize=7, loc="best", frameon=False)
    target = BytesIO()
    page.savefig(target, format="png")
    return target.getvalue()


LEFT, RIGHT, BOTTOM = 0.16, 0.97, 0.11


def _axis(page: Any, axes: dict[str, Any], trace: Any, layout: Any, top: float) -> Any:
    """Return the axes of a trace, made where its axes of plotly have their place."""
    if not hasattr(trace, "xaxis"):
        return None
    names = (trace.xaxis or "x", trace.yaxis or "y")
    if names[1] not in axes:
        across, up = (layout[f"{name[0]}axis{name[1:]}"] for name in names)
        x0, x1 = across.domain or (0, 1)
        y0, y1 = up.domain or (0, 1)
        place = (LEFT + x0 * (RIGHT - LEFT), BOTTOM + y0 * (top - BOTTOM))
        size = ((x1 - x0) * (RIGHT - LEFT), max(y1 - y0, 0.01) * (top - BOTTOM))
        axis = axes[names[1]] = page.add_axes((*place, *size))
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=7, colors="#39424e")
        axis.grid(visible=True, color=GREY, alpha=0.2)
        _dress(axis.xaxis, across, axis.set_xlim)
        _dress(axis.yaxis, up, axis.set_ylim)
        if y0 > min(
            (layout[each].domain or (0, 1))[0] for each in layout if each.startswith("yaxis")
        ):
            axis.tick_params(labelbottom=False)
    return axes[names[1]]


def _dress(axis: Any, told: Any, limit: Any) -> None:
    if told.visible is False:
        axis.set_visible(False)
    if told.title.text:
        axis.set_label_text(_plain(told.title.text), size=8)
    if told.type == "log":
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    if told.tickvals is not None and told.ticktext is not None:
        axis.set_ticks(list(told.tickvals), [_plain(each) for each in told.ticktext])
    if told.range is not None and told.type != "log":
        limit(*(_place(end) for end in told.range))
    elif told.autorange == "reversed":
        axis.set_inverted(True)


def _draw(axis: Any, trace: Any, colour: str) -> None:
    name = _plain(trace.name) if trace.name and trace.showlegend is not False else None
    if trace.type == "heatmap":
        grid = np.asarray(trace.z, dtype=float)
        axis.imshow(grid, aspect="auto", origin="lower", cmap="cividis")
        if trace.x is not None:
            names = [_plain(str(each)) for each in trace.x]
            axis.set_xticks(range(len(names)), names, rotation=30, ha="right")
        if trace.y is not None:
            axis.set_yticks(range(len(trace.y)), [_plain(str(each)) for each in trace.y])
        return
    if trace.x is None and trace.y is None:
        return
    y = _values(np.asarray(trace.y if trace.y is not None else range(len(trace.x))))
    x = _values(np.asarray(trace.x if trace.x is not None else range(len(y))))
    if trace.type == "bar":
        _bars(axis, trace, x, y, colour, name)
    elif trace.type == "scatter":
        _line(axis, trace, x, y, colour, name)


def _bars(axis: Any, trace: Any, x: Any, y: Any, colour: str, name: str | None) -> None:
    fill = trace.marker.color if trace.marker.color is not None else colour
    fill = (
        [_colour(each, colour) for each in fill]
        if not isinstance(fill, str)
        else _colour(fill, colour)
    )
    error = trace.error_x if trace.orientation == "h" else trace.error_y
    spread = None
    if error.array is not None:
        below = error.arrayminus if error.arrayminus is not None else error.array
        spread = np.abs(np.nan_to_num(np.array([below, error.array], dtype=float)))
    if trace.orientation == "h":
        axis.barh(y, x, color=fill, xerr=spread, label=name, error_kw={"lw": 1})
    else:
        axis.bar(x, y, color=fill, yerr=spread, label=name, error_kw={"lw": 1})


def _line(axis: Any, trace: Any, x: Any, y: Any, colour: str, name: str | None) -> None:
    mode = trace.mode or "lines"
    stroke = _colour(trace.line.color, colour)
    if trace.fill in {"toself", "tonexty", "tozeroy"}:
        shade = _colour(trace.fillcolor, stroke)
        edges = (x, y) if trace.fill == "toself" else None
        if edges is not None:
            axis.fill(*edges, color=shade, alpha=0.2, lw=0, label=name)
        elif trace.fill == "tozeroy":
            axis.fill_between(x, y, color=shade, alpha=0.2, lw=0)
    if "lines" in mode:
        width = trace.line.width if trace.line.width is not None else 1.5
        style = DASHES.get(trace.line.dash or "", "-")
        axis.plot(x, y, color=stroke, lw=width, ls=style, label=name)
    if "markers" in mode:
        told = trace.marker.color
        shades = stroke if told is None or np.ndim(told) else _colour(told, stroke)
        symbol = trace.marker.symbol
        mark = MARKS.get(symbol if isinstance(symbol, str) else "", "o")
        label = None if "lines" in mode else name
        axis.scatter(x, y, s=24, color=shades, marker=mark, label=label, zorder=3)
    if "text" in mode and trace.text is not None:
        texts = [trace.text] * len(x) if isinstance(trace.text, str) else trace.text
        for place, height, text in zip(x, y, texts, strict=False):
            axis.text(place, height, _plain(str(text)), size=7, va="center", clip_on=True)


def _shade(first: Any, page: Any, shape: Any, axes: dict[str, Any]) -> None:
    colour = _colour(shape.fillcolor, "") or _colour(shape.line.color, GREY)
    along_x = shape.xref is None or not str(shape.xref).endswith(("paper", "domain"))
    if not along_x:
        axis = axes.get(str(shape.yref).split()[0], first)
        axis.axhline(_place(shape.y0), color=colour, lw=1, ls="--")
        return
    for axis in axes.values():
        if shape.type == "line" or shape.x0 == shape.x1:
            axis.axvline(_place(shape.x0), color=colour, lw=1, ls="--")
        else:
            axis.axvspan(_place(shape.x0), _place(shape.x1), color=colour, alpha=0.15, lw=0)


def _write(note: Any, page: Any, axes: dict[str, Any], top: float) -> None:
    text = _plain(note.text or "")
    if note.yref is None or str(note.yref) == "paper" or str(note.yref).endswith("domain"):
        if str(note.xref) == "paper" and note.x is not None and note.y is not None:
            x = LEFT + float(note.x) * (RIGHT - LEFT)
            page.text(
                min(x, 0.98),
                BOTTOM + float(note.y) * (top - BOTTOM),
                text,
                size=7.5,
                va={"top": "top", "middle": "center"}.get(note.yanchor or "", "bottom"),
                ha={"right": "right", "center": "center"}.get(note.xanchor or "", "left"),
            )
        return
    axis = axes.get(str(note.yref))
    if axis is not None:
        axis.text(_place(note.x), _place(note.y), text, size=7, clip_on=True)


def _values(values: np.ndarray) -> Any:
    """Return times as times without a zone, numbers as they are, and anything else as text."""
    if np.issubdtype(values.dtype, np.number) or np.issubdtype(values.dtype, np.datetime64):
        return values
    first = next((each for each in values if each is not None), None)
    if isinstance(first, (int, float, np.number)):
        return pd.to_numeric(pd.Series(values), errors="coerce").to_numpy()
    try:
        return (
            pd.to_datetime(pd.Series(values), utc=True, format="ISO8601")
            .dt.tz_localize(None)
            .to_numpy()
        )
    except (ValueError, TypeError):
        return np.array([_plain(str(each)) for each in values], dtype=object)


def _place(end: Any) -> Any:
    return _values(np.array([end], dtype=object))[0] if isinstance(end, str) else end


def _colour(told: Any, otherwise: str) -> str:
    """Return a colour that matplotlib knows, opaque."""
    if not isinstance(told, str):
        return otherwise
    if told.startswith("rgb"):
        parts = told[told.index("(") + 1 : -1].split(",")[:3]
        return "#" + "".join(f"{int(float(part)):02x}" for part in parts)
    return told


def _plain(text: str) -> str:
    """Return a text without plotly's tags, and with nothing that matplotlib takes for formulas."""
    from bs4 import BeautifulSoup

    read = (
        BeautifulSoup(text.replace("<br>", "\n"), "html.parser").get_text()
        if "<" in text or "&" in text
        else text
    )
    return read.replace("$", r"\$")
