"""Evidence: how a difference became certain, item by item."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.charts.labels import label as labelled
from aiopslab.charts.theme import BLUE, GREY, OCHRE, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 340  # pixels
POINTS = 400  # along a line, which is as many as there is room for
ROOM = 1.5  # of the bounds that are in view at first, in those at the middle of the way
TINT = {BLUE: "rgba(47,127,193,0.22)", GREY: "rgba(127,136,147,0.16)"}


def evidence_lines(
    table: pd.DataFrame, margin: float, unit: str, title: str, stopped: str = ""
) -> "go.Figure":
    """Draw a mean difference with its bounds closing in on it, as items come.

    Parameters
    ----------
    table
        One row an observation: ``items`` so far, ``value, low, high`` so far. Bounds that are
        infinite, or missing, are left out.
    margin
        Between which, on either side of 0, it makes no difference that matters.
    unit
        Of the difference; empty for a share.
    title
        Of the figure.
    stopped
        What is said of the last item; nothing where empty.

    Examples
    --------
    >>> table = pd.DataFrame({"items": [1, 2, 3], "value": [1.0, 0.5, 0.4]})
    >>> table = table.assign(low=[-1.0, -0.6, -0.1], high=[1.0, 1.0, 0.9])
    >>> figure = evidence_lines(table, 0.02, "", "b against a", "not certain after all 3 items")
    >>> [each.name for each in figure.data]
    ['interval', 'difference so far']
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    if table.empty:
        return styled(figure, title, f"{title}: no item has a score of both.", HEIGHT)
    kept = table.iloc[np.unique(np.linspace(0, len(table) - 1, POINTS).astype(int))]
    bounded = kept[np.isfinite(kept[["low", "high"]]).all(axis=1)]
    places = bounded["items"].tolist()
    figure.add_scatter(
        x=[*places, *places[::-1]],
        y=[*bounded["low"], *bounded["high"][::-1]],
        fill="toself",
        fillcolor=TINT[BLUE],
        line={"color": BLUE, "width": 0.5},
        hoverinfo="skip",
        name="interval",
    )
    figure.add_scatter(
        x=kept["items"].tolist(),
        y=kept["value"].tolist(),
        mode="lines",
        line={"color": BLUE, "width": 2},
        customdata=kept[["low", "high"]].to_numpy(),
        hovertemplate="%{x} items: %{y:+.3g} (%{customdata[0]:+.3g} to %{customdata[1]:+.3g})"
        "<extra></extra>",
        name="difference so far",
    )
    figure.add_hrect(-margin, margin, fillcolor=TINT[GREY], line_width=0, layer="below")
    figure.add_hline(0, line={"color": GREY, "width": 1})
    if stopped:
        figure.add_vline(
            float(table["items"].iloc[-1]),
            line={"color": OCHRE, "dash": "dot", "width": 2},
            annotation={"text": labelled(stopped), "font": {"color": OCHRE}},
            annotation_position="bottom left",
        )
    figure.update_xaxes(title="items that both prompts have a score of", rangemode="tozero")
    figure.update_yaxes(title=f"difference, {unit}" if unit else "difference")
    if len(bounded):  # bounds are wide at first, and would leave what matters no room
        middle = bounded.iloc[len(bounded) // 2]
        reach = ROOM * max(abs(middle["low"]), abs(middle["high"]), margin)
        figure.update_yaxes(range=[-reach, reach])
    last = table.iloc[-1]
    said = f"{last['value']:+.3g} ({last['low']:+.3g} to {last['high']:+.3g})"
    ending = f"; {stopped}" if stopped else ""
    text = f"{title}: after {int(last['items'])} items {said}{ending}."
    return styled(figure, title, text, HEIGHT)
