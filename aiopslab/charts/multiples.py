"""Small multiples: one row a series on one shared time axis, with what happened marked on it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiopslab.charts.rows import through
from aiopslab.charts.theme import BLUE, GREY, VERMILION, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

MAX_POINTS = 2_000  # a trace of more is thinned: no screen shows them, every reader pays for them
ROW_HEIGHT = 96
HEADING = 16  # pixels, of a name above a row


@dataclass(frozen=True)
class Mark:
    """A moment or a span of time worth seeing on every row.

    Parameters
    ----------
    time
        The moment.
    label
        A word or two, shown once above the rows.
    low, high
        The span around it that is shaded, where there is one.
    """

    time: pd.Timestamp
    label: str
    low: pd.Timestamp | None = None
    high: pd.Timestamp | None = None


def small_multiples(
    series: pd.DataFrame, title: str, marks: Sequence[Mark] = (), highlighted: int = 1
) -> "go.Figure":
    """Draw each column of a frame in a row of its own.

    Parameters
    ----------
    series
        Index of times, one column a row; a column's name is its label, of one or more levels.
    title
        Of the figure.
    marks
        Moments drawn through all rows.
    highlighted
        How many of the first rows stand out.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=3, freq="s", tz="UTC")
    >>> figure = small_multiples(pd.DataFrame({"latency": [1.0, 2.0, 9.0]}, times), "Latency")
    >>> len(figure.data)
    1
    """
    import plotly.graph_objects as go
    from plotly.subplots import make_subplots

    rows = max(series.shape[1], 1)
    labels = [_label(column) for column in series.columns]
    figure = make_subplots(
        rows=rows,
        cols=1,
        shared_xaxes=True,
        vertical_spacing=min(0.34 / rows, 0.2),
        subplot_titles=labels,
    )
    for row, column in enumerate(series.columns, start=1):
        thin = thinned(series[column])
        figure.add_trace(
            go.Scatter(
                x=pd.DatetimeIndex(thin.index).tz_convert("UTC").tz_localize(None),
                y=np.round(thin.to_numpy(dtype=float), 6),
                mode="lines",
                connectgaps=False,
                line={"color": BLUE if row <= highlighted else GREY, "width": 1.6},
                name=labels[row - 1],
                showlegend=False,
                hovertemplate="%{x|%H:%M:%S}  %{y:.4g}<extra></extra>",
            ),
            row=row,
            col=1,
        )
    # All at once, since plotly checks those that there are with each that comes.
    figure.layout.shapes = [
        shape
        for mark in marks
        for row in range(1, series.shape[1] + 1)
        for shape in _shapes(mark, row)
    ]
    figure.update_annotations(font={"size": 12}, x=0, xanchor="left")
    for mark in marks:
        figure.add_annotation(
            x=_plain(mark.time),
            xref="x",
            y=1,
            yref="paper",
            yanchor="bottom",
            yshift=HEADING,  # clear of the name of the first row
            text=escape(mark.label),
            showarrow=False,
            font={"size": 12, "color": VERMILION},
        )
    figure.update_layout(hovermode="x")
    figure.update_yaxes(nticks=4, rangemode="tozero")
    figure.update_xaxes(title_text="time (UTC)", row=rows, col=1)
    spoken = f"{title}. Rows from top to bottom: {', '.join(labels)}."
    room = HEADING if marks else 0
    styled(figure, title, spoken, 90 + room + ROW_HEIGHT * rows)
    return figure.update_layout(margin={"t": 56 + room})


def thinned(series: pd.Series, points: int = MAX_POINTS) -> pd.Series:
    """Keep the extremes of a long series, so that its picture stays the same.

    Parameters
    ----------
    series
        Values by time.
    points
        The most that are kept.

    Returns
    -------
    pandas.Series
        The series itself where it is short enough; else the first lowest and the first highest
        value of each of ``points / 2`` equal stretches, in order.

    Examples
    --------
    >>> len(thinned(pd.Series(range(10_000)), points=100))
    100
    """
    if len(series) <= points:
        return series
    stretch = np.arange(len(series)) * (points // 2) // len(series)
    groups = series.reset_index(drop=True).groupby(stretch)
    kept = pd.concat([groups.idxmin(), groups.idxmax()]).dropna().astype(int).unique()
    return series.iloc[np.sort(kept)]


def _label(column: object) -> str:
    parts = column if isinstance(column, tuple) else (column,)
    return " · ".join(escape(str(part)) for part in parts)


def _shapes(mark: Mark, row: int) -> Iterator[dict[str, Any]]:
    """Yield a line at a moment, through a row, over a band where it is known to lie between two."""
    if mark.low is not None and mark.high is not None:
        inside = {"fillcolor": VERMILION, "opacity": 0.15, "line": {"width": 0}}
        ends = {"x0": _plain(mark.low), "x1": _plain(mark.high)}
        yield {"type": "rect", **ends, **through(row), **inside}
    line = {"color": VERMILION, "dash": "dot"}
    time = _plain(mark.time)
    yield {"type": "line", "x0": time, "x1": time, **through(row), "line": line}


def _plain(time: pd.Timestamp) -> pd.Timestamp:
    """Drop the zone, which plotly would show as the reader's own."""
    return time.tz_convert("UTC").tz_localize(None)
