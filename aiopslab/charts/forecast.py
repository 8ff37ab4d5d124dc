"""A history and what is foretold of it: the limit, the fan of futures, and when they meet."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.charts.multiples import thinned
from aiopslab.charts.theme import BLUE, GREY, VERMILION, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 320
BAR_HEIGHT = 34


def forecast_figure(
    history: "pd.Series[float]",
    limit: float,
    fan: pd.DataFrame,
    title: str,
    soonest: pd.Timestamp | None = None,
    latest: pd.Timestamp | None = None,
) -> "go.Figure":
    """Draw a history, the limit it must not reach, and its forecast with an interval.

    Parameters
    ----------
    history
        Values by time.
    limit
        Drawn as a line across.
    fan
        ``low, median, high`` by time; empty where nothing is foretold.
    title
        Of the figure; escaped.
    soonest, latest
        The interval of the time at which the limit is reached, shaded; without `latest` it goes
        on to the end of the fan.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=3, freq="s", tz="UTC")
    >>> figure = forecast_figure(pd.Series([1.0, 2.0, 3.0], times), 9, pd.DataFrame(), "Memory")
    >>> [each.name for each in figure.data]
    ['history']
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    hover = "%{x|%Y-%m-%d %H:%M:%S}  %{y:.4g}<extra></extra>"
    if not fan.empty:
        times = _plain(fan.index)
        band = {"color": VERMILION, "width": 0}
        for name, fill in (("high", None), ("low", "tonexty")):
            figure.add_scatter(
                x=times,
                y=fan[name].to_numpy(),
                mode="lines",
                line=band,
                fill=fill,
                fillcolor="rgba(213,94,0,0.2)",
                name="interval",
                showlegend=name == "low",
                hoverinfo="skip",
            )
        figure.add_scatter(
            x=times,
            y=fan["median"].to_numpy(),
            mode="lines",
            line={"color": VERMILION, "dash": "dash", "width": 1.6},
            name="forecast",
            hovertemplate=hover,
        )
        if soonest is not None and not pd.isna(soonest):
            open_ended = latest is None or pd.isna(latest)
            ends = _plain(pd.DatetimeIndex([soonest, fan.index[-1] if open_ended else latest]))
            figure.add_vrect(
                x0=ends[0], x1=ends[1], fillcolor=VERMILION, opacity=0.12, line_width=0
            )
    thin = thinned(history)
    figure.add_scatter(
        x=_plain(thin.index),
        y=thin.to_numpy(),
        mode="lines",
        line={"color": BLUE, "width": 1.6},
        name="history",
        hovertemplate=hover,
    )
    figure.add_hline(
        y=limit,
        line={"color": GREY, "dash": "dot"},
        annotation={"text": f"limit {limit:.4g}", "font": {"size": 12}},
        annotation_position="top left",
    )
    figure.update_xaxes(title_text="time (UTC)")
    spoken = f"{escape(title)}. A history of {len(history)} values and its limit {limit:.4g}"
    spoken += "." if fan.empty else f", with a forecast up to {fan.index[-1]:%Y-%m-%d %H:%M} UTC."
    return styled(figure, escape(title), spoken, HEIGHT)


def burn_figure(table: pd.DataFrame, title: str) -> "go.Figure":
    """Draw burn rates with their intervals, each beside the threshold of its window.

    Parameters
    ----------
    table
        One row a window: ``window`` (text), ``burn, low, high, threshold``; NaN where a window is
        not covered.
    title
        Of the figure; escaped.

    Examples
    --------
    >>> row = {"window": "1 h", "burn": 20.0, "low": 12.0, "high": 31.0, "threshold": 14.4}
    >>> [each.name for each in burn_figure(pd.DataFrame([row]), "Burn rate").data]
    ['burn rate', 'threshold']
    """
    import plotly.graph_objects as go

    rows = [escape(str(each)) for each in table["window"]]
    firing = (table["burn"] >= table["threshold"]).tolist()
    figure = go.Figure()
    figure.add_scatter(
        x=table["burn"].tolist(),
        y=rows,
        mode="markers",
        marker={"color": [VERMILION if each else BLUE for each in firing], "size": 11},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (table["high"] - table["burn"]).tolist(),
            "arrayminus": (table["burn"] - table["low"]).tolist(),
            "color": GREY,
            "thickness": 2,
            "width": 5,
        },
        name="burn rate",
        hovertemplate="%{y}: %{x:.3g}×<extra></extra>",
    )
    figure.add_scatter(
        x=table["threshold"].tolist(),
        y=rows,
        mode="markers",
        marker={"color": GREY, "symbol": "line-ns-open", "size": 18},
        name="threshold",
        hovertemplate="%{y}: threshold %{x:.3g}×<extra></extra>",
    )
    figure.update_xaxes(title_text="burn rate (×)", rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    told = "; ".join(
        f"{window} not covered" if np.isnan(burn) else f"{window} {burn:.3g}×"
        for window, burn in zip(table["window"], table["burn"].to_numpy(dtype=float), strict=True)
    )
    height = 120 + BAR_HEIGHT * len(table)
    return styled(figure, escape(title), escape(f"{title}. {told}."), height)


def _plain(times: pd.Index) -> pd.DatetimeIndex:
    """Drop the zone, which plotly would show as the reader's own."""
    index = pd.DatetimeIndex(times)
    return index if index.tz is None else index.tz_convert("UTC").tz_localize(None)
