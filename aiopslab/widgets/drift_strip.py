"""Strips: what there is through time, how far it moved, and the alarms that a threshold raises."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.charts.labels import label, shortened
from aiopslab.charts.theme import BLUE, GREEN, GREY, GRID, OCHRE, PURPLE, look
from aiopslab.drift.replay import Replay

LINES = 3  # columns that went farthest, beside the one that is looked at
NAME_WIDTH = 20
_ROWS: dict[str, Any] = {"title": {"text": "rows"}, "nticks": 3, "rangemode": "tozero"}
LOOKS = ((BLUE, "solid"), (PURPLE, "dash"), (GREEN, "dot"), (GREY, "dashdot"))


def rows_strip(bins: pd.DataFrame, title: str) -> Any:
    """Draw how many observations there are in each bin of time.

    Parameters
    ----------
    bins
        One row a bin: ``start, end, rows``.
    title
        Of the figure.

    Returns
    -------
    plotly.graph_objects.Figure

    Examples
    --------
    >>> start = pd.date_range("2026-03-01", periods=2, freq="h", tz="UTC")
    >>> bins = pd.DataFrame({"start": start, "end": start + pd.Timedelta("1h"), "rows": [9, 5]})
    >>> rows_strip(bins, "Reference").data[0].y.tolist()
    [9, 5]
    """
    import plotly.graph_objects as go

    first, last = bins["start"].iloc[0], bins["end"].iloc[-1]
    told = (
        f"{bins['rows'].sum():,} observations from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"
    )
    layout = look(title, f"{title}. {told} UTC.", 150)
    layout["margin"] |= {"t": 32, "b": 28}
    layout |= {"bargap": 0, "showlegend": False, "xaxis": GRID, "yaxis": {**_ROWS, **GRID}}
    return go.Figure({"data": [_bars(bins)], "layout": layout})


def effects_strip(
    bins: pd.DataFrame, replay: Replay, threshold: float, columns: Sequence[str]
) -> Any:
    """Draw how far columns are from the reference through time, with the alarms of a threshold.

    Parameters
    ----------
    bins
        As of `rows_strip`, drawn below.
    replay
        Of the history.
    threshold
        In margins, drawn as a line; alarms are shaded, and marked at the time they are raised.
    columns
        Which are drawn, at most four.

    Returns
    -------
    plotly.graph_objects.Figure

    Examples
    --------
    >>> start = pd.date_range("2026-03-01", periods=2, freq="h", tz="UTC")
    >>> bins = pd.DataFrame({"start": start, "end": start + pd.Timedelta("1h"), "rows": [9, 5]})
    >>> figure = effects_strip(bins, Replay(bins, pd.DataFrame({"age": [0.0, 4.0]})), 2, ["age"])
    >>> [trace.name for trace in figure.data], len(figure.layout.shapes)
    (['rows', 'age', 'alarm'], 2)
    """
    import plotly.graph_objects as go

    middle = _plain(replay.windows["start"] + (replay.windows["end"] - replay.windows["start"]) / 2)
    alarms = replay.alarms(threshold)
    lines = [
        {
            "type": "scatter",
            "x": middle,
            "y": replay.sizes[name].to_numpy().round(3),
            "mode": "lines+markers",
            "name": shortened(name, NAME_WIDTH),
            "line": {"color": colour, "dash": dash, "width": 2},
            "marker": {"size": 5},
            "hovertemplate": f"{label(name)}, %{{x|%m-%d %H:%M}}: %{{y:.3g}}<extra></extra>",
        }
        for name, (colour, dash) in zip(columns, LOOKS, strict=False)
    ]
    raised = {
        "type": "scatter",
        "x": _plain(alarms["raised"]),
        "y": np.full(len(alarms), threshold),
        "mode": "markers",
        "name": "alarm",
        "marker": {"symbol": "triangle-down", "size": 11, "color": OCHRE},
        "text": [
            f"raised by {label(feature)}, {size:.3g} margins at most"
            for feature, size in zip(alarms["feature"], alarms["size"], strict=True)
        ],
        "hovertemplate": "%{text}<br>%{x|%Y-%m-%d %H:%M}<extra></extra>",
    }
    title = "How far it moved, in margins"
    spoken = f"{title}: {', '.join(columns)}. At a threshold of {threshold:.3g}: "
    axes: dict[str, dict[str, Any]] = {
        "xaxis": {"anchor": "y2"},
        "yaxis": {"domain": [0.3, 1], "title": {"text": "margins"}, "rangemode": "tozero"},
        "yaxis2": {"domain": [0, 0.2], **_ROWS},
    }
    layout = look(title, f"{spoken}{replay.told(threshold)}.", 300)
    layout |= {"shapes": [*_shades(alarms), _level(threshold)], "bargap": 0}
    layout |= {name: {**axis, **GRID} for name, axis in axes.items()}
    # In one piece: plotly checks what is added bit by bit many times over.
    return go.Figure({"data": [_bars(bins) | {"yaxis": "y2"}, *lines, raised], "layout": layout})


def most_moved(replay: Replay, looked_at: str) -> list[str]:
    """Return the columns that a strip draws: the one that is looked at, and those that moved most.

    Examples
    --------
    >>> sizes = pd.DataFrame({"a": [0.0, 1.0], "b": [5.0, None], "c": 0.0, "d": 2.0, "e": 0.5})
    >>> most_moved(Replay(pd.DataFrame(), sizes), "c")
    ['c', 'b', 'd', 'a']
    """
    order = replay.sizes.max().fillna(-1.0).sort_values(ascending=False, kind="stable").index
    rest = [str(each) for each in order if each != looked_at]
    return [*([looked_at] if looked_at in replay.sizes else []), *rest[:LINES]]


def _shades(alarms: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what shades the windows of alarms."""
    look = {"type": "rect", "y0": 0, "y1": 1, "yref": "y domain"}
    look |= {"fillcolor": OCHRE, "opacity": 0.15, "line": {"width": 0}}
    # A layout goes to the browser as JSON, which knows no times.
    starts, ends = (np.datetime_as_string(_plain(alarms[each])) for each in ("start", "end"))
    times = zip(starts.tolist(), ends.tolist(), strict=True)
    return [{**look, "x0": start, "x1": end} for start, end in times]


def _level(threshold: float) -> dict[str, Any]:
    look = {"color": OCHRE, "dash": "dot", "width": 2}
    place = {"x0": 0, "x1": 1, "xref": "x domain", "y0": threshold, "y1": threshold}
    return {"type": "line", "line": look, **place}


def _bars(bins: pd.DataFrame) -> dict[str, Any]:
    return {
        "type": "bar",
        "x": _plain(bins["start"]),
        "y": bins["rows"].to_numpy(),
        "width": 1_000 * (bins["end"] - bins["start"]).dt.total_seconds().to_numpy(),
        "offset": 0,
        "name": "rows",
        "showlegend": False,
        "marker": {"color": GREY, "opacity": 0.4, "line": {"width": 0}},  # the window is below
        "hovertemplate": "%{x|%Y-%m-%d %H:%M}: %{y:,} rows<extra></extra>",
    }


def _plain(times: pd.Series) -> npt.NDArray[np.datetime64]:
    """Drop the zone, which plotly would show as the reader's own."""
    return pd.DatetimeIndex(pd.to_datetime(times, utc=True)).tz_localize(None).to_numpy()
