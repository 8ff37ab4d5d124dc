"""A metric through time windows: estimated beside realised, each with the band of its interval."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.charts.labels import label
from aiopslab.charts.theme import BLUE, GREEN, GREY, VERMILION, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 340
TICKS = 7  # on the axis of windows
# Colour and dash: what is only estimated is dashed, so that colour is never all there is.
LOOKS = {
    "realised": (BLUE, "solid", "rgba(47,127,193,0.18)"),
    "estimated": (VERMILION, "dash", "rgba(213,94,0,0.18)"),
    "combined": (GREEN, "dot", "rgba(0,158,115,0.18)"),
}


def performance_figure(
    series: Mapping[str, pd.DataFrame], metric: str, reference: float = np.nan
) -> "go.Figure":
    """Draw a metric through time.

    Parameters
    ----------
    series
        By name (``realised``, ``estimated``, ``combined``), one row a window: ``window`` (number),
        ``label``, ``value, low, high``; NaN leaves a gap.
    metric
        What is measured, in words.
    reference
        Drawn as a line across; NaN for none.

    Examples
    --------
    >>> row = {"window": 0, "label": "mon", "value": 0.9, "low": 0.88, "high": 0.92}
    >>> figure = performance_figure({"realised": pd.DataFrame([row])}, "accuracy", 0.95)
    >>> [each.name for each in figure.data if each.mode != "none"]
    ['realised']
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    for name, table in series.items():
        colour, dash, band = LOOKS[name]
        for windows, low, high in _stretches(table):
            figure.add_scatter(
                x=[*windows, *windows[::-1]],
                y=[*high, *low[::-1]],
                mode="none",
                fill="toself",
                fillcolor=band,
                name=f"{name} interval",
                legendgroup=name,
                showlegend=False,
                hoverinfo="skip",
            )
        figure.add_scatter(
            x=table["window"].tolist(),
            y=table["value"].tolist(),
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 1.8},
            marker={"size": 5},
            customdata=[
                [label(name), low, high]
                for name, low, high in zip(table["label"], table["low"], table["high"], strict=True)
            ],
            name=name,
            legendgroup=name,
            hovertemplate="%{customdata[0]}: %{y:.4g} (%{customdata[1]:.4g} to "
            "%{customdata[2]:.4g})<extra>" + name + "</extra>",
        )
    if not np.isnan(reference):
        figure.add_hline(
            y=reference,
            line={"color": GREY, "dash": "dot"},
            annotation={"text": f"reference {reference:.4g}", "font": {"size": 12}},
            annotation_position="top left",
        )
    _name_windows(figure, list(series.values()))
    figure.update_yaxes(title_text=escape(metric))
    title = f"{metric[0].upper()}{metric[1:]} through time"
    spoken = f"{title}. {'. '.join(_told(*each) for each in series.items())}."
    return styled(figure, escape(title), escape(spoken), HEIGHT)


def _stretches(table: pd.DataFrame) -> list[tuple[list[float], list[float], list[float]]]:
    """Return windows, lows and highs of every stretch without a gap."""
    known = (table["low"].notna() & table["high"].notna()).to_numpy()
    starts = np.flatnonzero(np.diff(np.concatenate([[False], known])) & known)
    ends = np.flatnonzero(np.diff(np.concatenate([known, [False]])) & known) + 1
    columns = [table[each].tolist() for each in ("window", "low", "high")]
    return [
        (columns[0][start:end], columns[1][start:end], columns[2][start:end])
        for start, end in zip(starts, ends, strict=True)
    ]


def _name_windows(figure: "go.Figure", tables: list[pd.DataFrame]) -> None:
    names = pd.concat(tables).drop_duplicates("window").sort_values("window")
    shown = names.iloc[:: max(1, -(-len(names) // TICKS))]
    figure.update_xaxes(
        tickvals=shown["window"].tolist(), ticktext=[label(each) for each in shown["label"]]
    )


def _told(name: str, table: pd.DataFrame) -> str:
    known = table.dropna(subset=["value"])
    if known.empty:
        return f"{name}: nothing"
    first, last = known["value"].iloc[0], known["value"].iloc[-1]
    return f"{name} from {first:.3g} to {last:.3g} over {len(known)} windows"
