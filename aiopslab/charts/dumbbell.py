"""Dumbbell: two values of each group and the way from one to the other."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.charts.labels import label as labelled
from aiopslab.charts.theme import BLUE, GREY, VERMILION, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go


WAYS = {1.0: (BLUE, "more"), -1.0: (VERMILION, "less"), 0.0: (GREY, "the same")}


def dumbbell(table: pd.DataFrame, names: tuple[str, str], title: str, unit: str) -> "go.Figure":
    """Draw before and after, one row a group.

    Parameters
    ----------
    table
        One row a group, the first at the top: ``label, before, after, count``.
    names
        Of before and after.
    title
        Of the figure.
    unit
        What is measured; more is better.

    Returns
    -------
    plotly.graph_objects.Figure
        Blue where it becomes more, vermilion where it becomes less.

    Examples
    --------
    >>> table = pd.DataFrame({"label": ["limits"], "before": 0.4, "after": 0.6, "count": 12})
    >>> list(dumbbell(table, ("now", "best"), "Topics", "recall").data[0].x)
    [0.4, 0.6, None]
    """
    import plotly.graph_objects as go

    rows = table.iloc[::-1]
    before, after = rows["before"].tolist(), rows["after"].tolist()
    counted = zip(rows["label"], rows["count"], strict=True)
    labels = [labelled(f"{name} ({count})") for name, count in counted]
    signs = np.sign(rows["after"] - rows["before"]).tolist()
    figure = go.Figure()
    for sign, (colour, meaning) in WAYS.items():
        some = [at for at, each in enumerate(signs) if each == sign]
        figure.add_scatter(
            x=[each for at in some for each in (before[at], after[at], None)],
            y=[each for at in some for each in (labels[at], labels[at], None)],
            mode="lines",
            name=meaning,
            line={"color": colour, "width": 4},
            hoverinfo="skip",
            showlegend=sign != 0,
        )
    for values, name, symbol in ((before, names[0], "circle-open"), (after, names[1], "circle")):
        figure.add_scatter(
            x=values,
            y=labels,
            mode="markers",
            name=labelled(name, 40),
            marker={"symbol": symbol, "color": GREY, "size": 11, "line": {"width": 2}},
            hovertemplate=f"%{{y}}: {labelled(unit)} %{{x:.2f}}<extra>{labelled(name)}</extra>",
        )
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=labels)
    figure.update_xaxes(title=f"{labelled(unit)} (more is better) →")
    said = "; ".join(
        f"{name} {was:.2f} to {now:.2f}"
        for name, was, now in zip(table["label"], table["before"], table["after"], strict=True)
    )
    description = f"{title}, from {names[0]} to {names[1]}: {said}."
    styled(figure, title, description, 150 + 26 * len(rows))
    # The names of two configurations do not fit beside the title.
    return figure.update_layout(margin={"t": 80})
