"""A heatmap through time: one row a series, one cell a window, with where a change began."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.charts.labels import label, shortened
from aiopslab.charts.theme import BLUE, VERMILION, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

ROW_HEIGHT = 22
LABEL_WIDTH = 28  # characters of a name that stand beside the rows; the hover box has all of it
TICKS = 7  # on the axis of time
FULL = (
    0.95  # the quantile of the values at which the colour is full: one cell does not fade the rest
)
SCALE = [[0.0, "rgba(127,136,147,0.10)"], [1.0, VERMILION]]


def heatmap(
    values: pd.DataFrame,
    title: str,
    unit: str,
    windows: Sequence[str] | None = None,
    marks: Mapping[str, float] | None = None,
    least_full: float = 0.0,
) -> "go.Figure":
    """Draw values by window, the first row on top.

    Parameters
    ----------
    values
        ``(series, windows)``, not negative; NaN is left blank.
    title
        Of the figure.
    unit
        What the colour measures.
    windows
        What to call each; the columns where ``None``.
    marks
        Where a change began, by series, in windows from 0: 2.5 is the middle of the third.
    least_full
        A value under which the colour is never full, so that noise looks like noise.

    Examples
    --------
    >>> values = pd.DataFrame({"mon": [0.0, 0.1], "tue": [0.9, 0.1]}, index=["age", "income"])
    >>> figure = heatmap(values, "Drift through time", "SD", marks={"age": 1.0})
    >>> figure.data[0].z[0].tolist(), list(figure.data[1].x)
    ([0.0, 0.9], [0.5])
    """
    import plotly.graph_objects as go

    names = [str(each) for each in values.index]
    called = [label(each) for each in (windows if windows is not None else values.columns)]
    cells = values.to_numpy(dtype=float)
    seen = cells[np.isfinite(cells)]
    full = max(float(np.quantile(seen, FULL)) if seen.size else 0.0, least_full) or 1.0
    places = list(range(len(called)))
    hover = [[f"{label(name)}<br>{window}" for window in called] for name in names]
    figure = go.Figure(
        go.Heatmap(
            z=np.round(cells, 6),
            x=places,
            y=list(range(len(names))),
            zmin=0.0,
            zmax=full,
            colorscale=SCALE,
            xgap=1,
            ygap=1,
            text=hover,
            hovertemplate="%{text}<br>%{z:.3g} " + label(unit) + "<extra></extra>",
            hoverongaps=False,
            colorbar={"thickness": 12},
        )
    )
    known = {name: place for name, place in (marks or {}).items() if name in names}
    if known:
        figure.add_scatter(
            x=[place - 0.5 for place in known.values()],
            y=[names.index(name) for name in known],
            mode="markers",
            marker={
                "symbol": "line-ns",
                "size": ROW_HEIGHT - 6,
                "line": {"width": 3, "color": BLUE},
            },
            text=[label(name) for name in known],
            hovertemplate="%{text}<br>began here<extra></extra>",
            name="began",
            showlegend=True,
        )
    shown = places[:: max(1, -(-len(places) // TICKS))]
    figure.update_xaxes(
        tickvals=shown,
        ticktext=[called[each] for each in shown],
        range=[-0.5, len(called) - 0.5],
        tickangle=0,
    )
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[shortened(name, LABEL_WIDTH) for name in names],
        range=[len(names) - 0.5, -0.5],
    )
    highest = np.where(np.isfinite(cells), cells, 0.0).max(axis=1, initial=0.0)
    spoken = "; ".join(f"{names[each]} up to {highest[each]:.2f}" for each in range(len(names))[:3])
    description = f"{title}, {unit}, {len(names)} rows by {len(called)} windows. {spoken}."
    styled(figure, f"{title}: {label(unit)}", description, 130 + ROW_HEIGHT * len(names))
    figure.update_xaxes(showgrid=False)
    return figure.update_yaxes(showgrid=False)
