"""Contrasts: by how much each candidate is better or worse, with intervals, in what matters."""

from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.charts.labels import label as labelled
from aiopslab.charts.theme import BLUE, GREY, VERMILION, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

MARKS = {
    "better": (BLUE, "triangle-right"),
    "worse": (VERMILION, "triangle-left"),
    "equivalent": (GREY, "square"),
    "not enough data": (GREY, "circle-open"),
}
FARTHEST = 20  # margins, past which a whisker is cut


def contrast_strip(table: pd.DataFrame, title: str) -> "go.Figure":
    """Draw gains with their intervals, one row a contrast.

    Parameters
    ----------
    table
        One row a contrast: ``label, gain, low, high`` in margins, and ``outcome``.
    title
        Of the figure.

    Examples
    --------
    >>> row = {"label": "b: correct", "gain": 3.0, "low": 1.5, "high": 4.5, "outcome": "better"}
    >>> list(contrast_strip(pd.DataFrame([row]), "What would change").data[0].x)
    [3.0]
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    shown = table.dropna(subset=["gain"]).iloc[::-1]
    shown = shown.assign(
        **{each: shown[each].clip(-FARTHEST, FARTHEST) for each in ("gain", "low", "high")}
    )
    for outcome, (colour, symbol) in MARKS.items():
        rows = shown[shown["outcome"] == outcome]
        if rows.empty:
            continue
        figure.add_scatter(
            x=rows["gain"].tolist(),
            y=[labelled(each) for each in rows["label"]],
            mode="markers",
            name=outcome,
            marker={"color": colour, "symbol": symbol, "size": 11},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": (rows["high"] - rows["gain"]).tolist(),
                "arrayminus": (rows["gain"] - rows["low"]).tolist(),
                "color": colour,
                "thickness": 2,
                "width": 5,
            },
            hovertemplate="%{y}: %{x:.2f} margins<extra></extra>",
        )
    for place in (-1, 1):
        figure.add_vline(x=place, line={"color": GREY, "dash": "dot", "width": 1.5})
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    figure.update_yaxes(
        categoryorder="array", categoryarray=[labelled(each) for each in shown["label"]]
    )
    figure.update_xaxes(title="worse ← gain in margins (1 is the least that matters) → better")
    said = "; ".join(f"{row.label} {row.outcome}" for row in table.itertuples())
    return styled(figure, title, f"{title}: {said}.", 140 + 34 * len(shown))
