"""The evidence on one time axis: metrics as lines, and log lines, alerts and changes below them."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiopslab.charts.labels import joined, label
from aiopslab.charts.lanes import Lane, of_alerts, of_changes, of_surges, utc
from aiopslab.charts.multiples import Mark, thinned
from aiopslab.charts.theme import BLUE, GREY, GRID, VERMILION, look, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

SERIES_SHOWN = 8
SERIES_HEIGHT, HEADING_HEIGHT, GAP = 64, 24, 8
NARROWEST = 300  # pixels of plot on a telephone, on which no text may leave the picture
CHARACTER = 6.0  # pixels, of a text in a lane
BESIDE = "\N{NO-BREAK SPACE}" * 3  # between a symbol and its text

CLOCK = [
    {"dtickrange": [None, 1_000], "value": "%H:%M:%S.%L"},
    {"dtickrange": [1_000, 60_000], "value": "%H:%M:%S"},
    {"dtickrange": [60_000, None], "value": "%H:%M"},
]  # by the distance between ticks, ms

Span = tuple[pd.Timestamp, pd.Timestamp]
Drawn = dict[str, Any]  # a trace, an axis, a shape or an annotation of plotly


def timeline(
    metrics: pd.DataFrame | None,
    marks: Sequence[Mark] = (),
    surges: pd.DataFrame | None = None,
    alerts: pd.DataFrame | None = None,
    changes: pd.DataFrame | None = None,
    title: str = "Evidence over time",
) -> "go.Figure":
    """Draw what is known of an incident on one time axis.

    Parameters
    ----------
    metrics
        Index of times, one column a row, the most telling first; the first eight are drawn.
        ``None`` where there are none.
    marks
        Moments drawn through everything, such as the onset with its interval.
    surges
        Log templates whose number changed, the most telling first: ``service, template, change``
        (new, surged or silent), ``severity, first`` (since when) and ``after`` (lines from then
        on).
    alerts
        Alerts frame.
    changes
        Changes frame.
    title
        Of the figure.

    Returns
    -------
    plotly.graph_objects.Figure
        The axis spans the metrics and the marks, or everything where there are no metrics. A lane
        has ten rows at most: the first log templates, the alerts and changes nearest to the first
        mark; its heading counts the others. What is missing has no lane.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01T12:00", periods=3, freq="min", tz="UTC")
    >>> changes = pd.DataFrame({"timestamp": times[1:2], "kind": "deploy", "service": "auth",
    ...     "ref": "v2", "description": ""})
    >>> figure = timeline(pd.DataFrame({"latency": [1.0, 2.0, 9.0]}, times), changes=changes)
    >>> [note.text for note in figure.layout.annotations]
    ['latency', 'Changes']
    """
    import plotly.graph_objects as go

    series = _series(metrics)
    nearest = marks[0].time if marks else None
    told = (
        of_surges(surges),
        of_alerts(alerts).nearest(nearest),
        of_changes(changes).nearest(nearest),
    )
    lanes = [lane for lane in told if lane.rows]
    span = _span(series, marks, lanes)
    if span is None:
        return _nothing(title)
    lanes = [lane.within(*span) for lane in lanes]
    headings = [*_names(series), *(lane.heading for lane in lanes)]
    heights = [SERIES_HEIGHT] * series.shape[1] + [lane.row_height * lane.rows for lane in lanes]
    total = sum(heights) + (HEADING_HEIGHT + GAP) * len(heights) or SERIES_HEIGHT
    # All is collected and checked by plotly once: it checks what there is again with each addition.
    traces: list[Drawn] = []
    notes: list[Drawn] = []
    shapes: list[Drawn] = []
    axes: Drawn = {}
    top = 0
    for number, (height, heading) in enumerate(zip(heights, headings, strict=True), start=1):
        top += HEADING_HEIGHT
        domain = (1 - (top + height) / total, 1 - top / total)
        top += height + GAP
        notes.append(_heading(heading, domain[1]))
        if number <= series.shape[1]:
            traces.append(_line(series.iloc[:, number - 1], number))
            axis: Drawn = {"nticks": 3, "rangemode": "tozero"}
        else:
            lane = lanes[number - 1 - series.shape[1]]
            traces += _bars(lane, number, span)
            axis = {"visible": False, "range": [max(lane.rows, 1) - 0.5, -0.5]}
        axes[_axis(number).replace("y", "yaxis")] = {"domain": domain, **axis, **GRID}
    for number, mark in enumerate(marks):
        shapes += _shapes(mark)
        notes.append(_note(mark, number, span))
    spoken = f"{label(title)}. From top to bottom: {'; '.join(headings)}."
    above, below = 40 + 15 * len(marks), 52
    layout = look(label(title), spoken, total + above + below)
    layout["margin"] |= {"t": above, "b": below, "r": 12}
    layout |= {"hovermode": "closest", "annotations": notes, "shapes": shapes}
    return go.Figure(traces, layout | axes | {"xaxis": _time_axis(span)})


def _nothing(title: str) -> "go.Figure":
    import plotly.graph_objects as go

    notes = [_heading("There is no evidence with a time.", 0.5)]
    figure = go.Figure(layout={"annotations": notes})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return styled(figure, label(title), f"{label(title)}. Nothing to show.", 120)


def _series(metrics: pd.DataFrame | None) -> pd.DataFrame:
    if metrics is None or metrics.empty:
        return pd.DataFrame(index=utc([]))
    known = metrics.set_axis(utc(metrics.index))
    known = known[known.index.notna()].sort_index()
    return known.dropna(axis=1, how="all").iloc[:, :SERIES_SHOWN]


def _names(series: pd.DataFrame) -> list[str]:
    columns = series.columns.to_flat_index()
    return [label(joined(*np.atleast_1d(column)), 52) for column in columns]


def _span(series: pd.DataFrame, marks: Sequence[Mark], lanes: Sequence[Lane]) -> Span | None:
    """Return the time shown, with a little room at both ends; ``None`` without any time."""
    times = [each for mark in marks for each in (mark.time, mark.low, mark.high)]
    if series.shape[1]:
        times += [series.index[0], series.index[-1]]
    else:
        times += [each for lane in lanes for name in ("start", "end") for each in lane.items[name]]
    known = utc(times).dropna()
    if known.empty:
        return None
    room = max((known.max() - known.min()) / 50, pd.Timedelta("1s"))
    low, high = utc([known.min() - room, known.max() + room])
    return low, high


def _line(series: "pd.Series[float]", number: int) -> Drawn:
    """Return the trace of a series on a y-axis of its own."""
    thin = thinned(series)
    return {
        "type": "scatter",
        "x": _plain(thin.index),
        "y": np.round(thin.to_numpy(dtype=float), 6),
        "yaxis": _axis(number),
        "mode": "lines",
        "connectgaps": False,
        "line": {"color": BLUE if number == 1 else GREY, "width": 1.6},
        "showlegend": False,
        "hovertemplate": "%{x|%H:%M:%S}  %{y:.4g}<extra></extra>",
    }


def _bars(lane: Lane, number: int, span: Span) -> Iterator[Drawn]:
    """Yield the traces of a lane on a y-axis of its own: bars, symbols, texts."""
    items = lane.items
    more = {"type": "scatter", "yaxis": _axis(number), "showlegend": False, "cliponaxis": False}
    starts, ends = _plain(items["start"]), _plain(items["end"])
    lasts = (starts < ends).tolist()
    line = items["row"] + np.where(lasts, 0.28, 0.0)
    gap = np.full(len(items), None)
    if any(lasts):
        yield more | {
            "x": np.stack([starts, ends, gap], axis=1).ravel().tolist(),
            "y": np.stack([line, line, gap], axis=1).ravel().tolist(),
            "mode": "lines",
            "line": {"color": lane.colour, "width": 5},
            "hoverinfo": "skip",
        }
    # All along a bar, so that it can be pointed at anywhere.
    for share in (0.5, 1.0) if any(lasts) else (1.0,):
        yield more | {
            "x": starts + share * (ends - starts),
            "y": line,
            "mode": "markers",
            "marker": {
                "color": lane.colour,
                "size": 11,
                "symbol": items["symbol"].tolist(),
                "line": {"color": lane.colour, "width": 2},
                "opacity": float(share == 1.0),
            },
            "hovertext": items["hover"].tolist(),
            "hoverinfo": "text",
        }
    yield more | _texts(items.drop_duplicates("row"), span)


def _texts(first: pd.DataFrame, span: Span) -> Drawn:
    """Return a trace of the texts of items, each on the side on which it has more room."""
    place = (first["start"] - span[0]) / (span[1] - span[0])
    room = np.maximum(place, 1 - place) * NARROWEST / CHARACTER
    short = [label(text, int(width)) for text, width in zip(first["text"], room, strict=True)]
    return {
        "x": _plain(first["start"]),
        "y": first["row"] - np.where(first["start"] < first["end"], 0.1, 0.0),
        "mode": "text",
        "text": [f"{BESIDE}{text}{BESIDE}" for text in short],
        "textposition": np.where(place < 0.5, "middle right", "middle left").tolist(),
        "textfont": {"size": 11},
        "hoverinfo": "skip",
    }


def _shapes(mark: Mark) -> Iterator[Drawn]:
    """Yield the interval and the line of a mark."""
    across = {"xref": "x", "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    if mark.low is not None and mark.high is not None:
        low, high = _plain([mark.low, mark.high])
        area = {"fillcolor": VERMILION, "opacity": 0.15, "line": {"width": 0}}
        yield {"type": "rect", "x0": low, "x1": high, **area, **across}
    (time,) = _plain([mark.time])
    line = {"color": VERMILION, "dash": "dot", "width": 2}
    yield {"type": "line", "x0": time, "x1": time, "line": line, **across}


def _note(mark: Mark, number: int, span: Span) -> Drawn:
    """Return the text of a mark."""
    is_left = (mark.time - span[0]) / (span[1] - span[0]) < 0.5
    return {
        "x": _plain([mark.time])[0],
        "xref": "x",
        "y": 1,
        "yref": "paper",
        "yanchor": "bottom",
        "yshift": 15 * number,
        "xanchor": "left" if is_left else "right",
        "text": label(mark.label, 30),
        "showarrow": False,
        "font": {"size": 12, "color": VERMILION},
    }


def _heading(text: str, height: float) -> Drawn:
    return {
        "text": text,
        "x": 0,
        "xref": "paper",
        "xanchor": "left",
        "y": height,
        "yref": "paper",
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 12},
    }


def _time_axis(span: Span) -> Drawn:
    days = dict.fromkeys(f"{time:%Y-%m-%d}" for time in span)
    # The title of the axis names a single day.
    stops: Drawn = {"tickformatstops": CLOCK} if len(days) == 1 else {}
    spikes = {"showspikes": True, "spikemode": "across", "spikethickness": 1}
    spikes |= {"spikedash": "dot", "spikecolor": GREY}
    return {
        "type": "date",
        "range": list(_plain(span)),
        "anchor": "free",
        "position": 0,
        "title": {"text": f"time (UTC), {' to '.join(days)}"},
        "nticks": 8,
        **(stops | spikes | GRID),
    }


def _axis(number: int) -> str:
    return f"y{number}" if number > 1 else "y"


def _plain(times: Iterable[object]) -> pd.DatetimeIndex:
    """Drop the zone, which plotly would show as the reader's own."""
    return utc(times).tz_localize(None)
