"""Horizontal bars, longest first, each with the interval of its value."""

from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.charts.labels import label as labelled
from aiopslab.charts.theme import BLUE, GREY, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go


def ranked_bars(
    table: pd.DataFrame, label: str, value: str, title: str, unit: str, highlighted: int = 1
) -> "go.Figure":
    """Draw a ranking.

    Parameters
    ----------
    table
        One row a bar, best first, with the columns `label`, `value`, ``low`` and ``high``.
    label, value
        Names of the columns that are shown.
    title
        Of the figure.
    unit
        What the axis measures.
    highlighted
        How many of the first bars stand out.

    Examples
    --------
    >>> table = pd.DataFrame({"service": ["auth"], "score": [3.0], "low": [2.5], "high": [3.2]})
    >>> figure = ranked_bars(table, "service", "score", "Suspects", "score")
    >>> list(figure.data[0].x)
    [3.0]
    """
    import plotly.graph_objects as go

    reverse = table.iloc[::-1]
    colours = [BLUE if rank < highlighted else GREY for rank in range(len(table))][::-1]
    figure = go.Figure(
        go.Bar(
            x=reverse[value].tolist(),
            y=[labelled(each) for each in reverse[label]],
            orientation="h",
            marker={"color": colours, "opacity": 0.6},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": (reverse["high"] - reverse[value]).tolist(),
                "arrayminus": (reverse[value] - reverse["low"]).tolist(),
                "color": GREY,
                "thickness": 2,
                "width": 5,
            },
            hovertemplate="%{y}: %{x:.2f}<extra></extra>",
            showlegend=False,
        )
    )
    figure.update_xaxes(title_text=unit, rangemode="tozero")
    figure.update_yaxes(type="category")  # words such as 2026 are no numbers
    spoken = "; ".join(
        f"{name} {number:.2f}"
        for name, number in zip(table[label].head(3), table[value].head(3), strict=True)
    )
    return styled(figure, title, f"{title}. {spoken}.", 110 + 26 * len(table))
