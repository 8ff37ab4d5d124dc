"""Trade-off: what each choice costs against how good it is."""

from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.charts.labels import label as labelled
from aiopslab.charts.theme import BLUE, GREY, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go


def tradeoff_figure(table: pd.DataFrame, cost: str, quality: str, title: str) -> "go.Figure":
    """Draw quality against cost, one point a choice, with the interval of its quality.

    Parameters
    ----------
    table
        One row a choice: ``label, cost, quality, low, high``, and ``best``, whether no other is
        both cheaper and better; those are joined by a line.
    cost, quality
        What the axes say.
    title
        Of the figure.

    Examples
    --------
    >>> rows = {"label": ["a", "b"], "cost": [1.0, 2.0], "quality": [0.5, 0.7]}
    >>> table = pd.DataFrame(rows).assign(low=0.4, high=0.8, best=True)
    >>> len(tradeoff_figure(table, "tokens", "exact", "What it buys").data)
    2
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    best = table[table["best"]].sort_values("cost")
    figure.add_scatter(
        x=best["cost"].tolist(),
        y=best["quality"].tolist(),
        mode="lines",
        line={"color": GREY, "dash": "dot", "width": 1.5},
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=table["cost"].tolist(),
        y=table["quality"].tolist(),
        mode="markers+text",
        text=[f"  {labelled(each, 28)}" for each in table["label"]],
        textposition="middle right",
        marker={
            "size": 11,
            "color": [BLUE if each else GREY for each in table["best"]],
            "symbol": ["circle" if each else "circle-open" for each in table["best"]],
        },
        error_y={
            "type": "data",
            "symmetric": False,
            "array": (table["high"] - table["quality"]).tolist(),
            "arrayminus": (table["quality"] - table["low"]).tolist(),
            "thickness": 1.5,
            "width": 4,
            "color": GREY,
        },
        hovertemplate="%{text}: " + f"{quality} %{{y:.3g}}, {cost} %{{x:.4g}}<extra></extra>",
        showlegend=False,
    )
    figure.update_xaxes(title=f"{cost} (less is better) →", rangemode="tozero")
    figure.update_yaxes(title=f"{quality} ↑")
    # Room for the names at the sides.
    most = float(table["cost"].max()) if len(table) else 1.0
    figure.update_xaxes(range=[0, 1.2 * most or 1.0])
    said = "; ".join(
        f"{row.label}: {quality} {row.quality:.3g} for {row.cost:.4g}" for row in table.itertuples()
    )
    return styled(figure, title, f"{title}: {said}.", 360)
