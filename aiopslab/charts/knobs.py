"""Knobs: what each value of a setting does against another, with intervals, a panel a setting."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from aiopslab.charts.contrasts import MARKS
from aiopslab.charts.labels import label as labelled
from aiopslab.charts.rows import through
from aiopslab.charts.theme import GREY, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

ROW = 30  # pixels, of a value
HEADING = 34  # of the name of a panel and the room above it


def knob_forest(table: pd.DataFrame, title: str, unit: str, margin: float) -> "go.Figure":
    """Draw effects with their intervals, all on one scale.

    Parameters
    ----------
    table
        One row an effect: ``knob, value, against, effect, low, high, pairs, outcome``; ``pairs`` of
        0 says that it may be due to other knobs, and the label says so.
    title
        Of the figure.
    unit
        What the effects are measured in.
    margin
        The largest effect that does not matter, which dotted lines show.

    Examples
    --------
    >>> row = {"knob": "search", "value": "hybrid", "against": "dense", "effect": 0.04}
    >>> row |= {"low": 0.01, "high": 0.07, "pairs": 4, "outcome": "better"}
    >>> list(knob_forest(pd.DataFrame([row]), "Effects", "ndcg", 0.02).data[0].x)
    [0.04]
    """
    from plotly.subplots import make_subplots

    shown = table.dropna(subset=["effect"])
    panels = [(str(knob), some.iloc[::-1]) for knob, some in shown.groupby("knob", sort=False)]
    if not panels:
        panels = [("no knob", shown)]
    heights = [ROW * max(len(some), 1) for _, some in panels]
    inner = sum(heights) + HEADING * (len(panels) - 1)
    figure = make_subplots(
        rows=len(panels),
        cols=1,
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=HEADING / inner if len(panels) > 1 else 0,
        subplot_titles=[_heading(knob, some) for knob, some in panels],
    )
    told: set[str] = set()
    lines: list[dict[str, Any]] = []
    for row, (_, some) in enumerate(panels, start=1):
        for outcome, (colour, symbol) in MARKS.items():
            few = some[some["outcome"] == outcome]
            if few.empty:
                continue
            figure.add_scatter(
                x=few["effect"].tolist(),
                y=_values(few),
                mode="markers",
                name=outcome,
                legendgroup=outcome,
                showlegend=outcome not in told,
                marker={"color": colour, "symbol": symbol, "size": 10},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": (few["high"] - few["effect"]).tolist(),
                    "arrayminus": (few["effect"] - few["low"]).tolist(),
                    "color": colour,
                    "thickness": 2,
                    "width": 5,
                },
                customdata=few[["low", "high", "pairs"]].to_numpy().tolist(),
                hovertemplate="%{y}: %{x:+.3f} (%{customdata[0]:+.3f} to %{customdata[1]:+.3f}), "
                "%{customdata[2]} pairs of trials<extra></extra>",
                row=row,
                col=1,
            )
            told.add(outcome)
        lines += [_line(place, row, dash="dot") for place in (-margin, margin)] + [_line(0, row)]
        order = _values(some)
        figure.update_yaxes(
            type="category",
            categoryorder="array",
            categoryarray=order,
            range=[-0.5, max(len(order), 1) - 0.5],
            row=row,
            col=1,
        )
    # All at once, since plotly checks those that there are with each that comes.
    figure.layout.shapes = lines if len(shown) else []
    figure.update_annotations(font={"size": 12}, x=0, xanchor="left")
    figure.update_xaxes(
        title=f"worse ← difference in {labelled(unit)} → better", row=len(panels), col=1
    )
    said = "; ".join(
        f"{row.knob} {row.value} against {row.against} {row.effect:+.3f} "
        f"({row.low:+.3f} to {row.high:+.3f}), {row.outcome}{_unpaired(row.pairs)}"
        for row in shown.itertuples()
    )
    styled(figure, title, f"{title}: {said}.", 130 + inner + HEADING)
    return figure.update_layout(
        margin={"t": 84}, legend={"y": 1, "yref": "container", "yanchor": "top"}
    )


def _line(place: float, row: int, **look: str) -> dict[str, Any]:
    """Return an upright line through a row."""
    line = {"color": GREY, "width": 1, **look}
    return {"type": "line", "x0": place, "x1": place, **through(row), "line": line}


def _heading(knob: str, some: pd.DataFrame) -> str:
    against = f", against {some['against'].iloc[0]}" if len(some) else ""
    return f"<b>{labelled(knob)}</b>{labelled(against)}"


def _values(table: pd.DataFrame) -> list[str]:
    rows = zip(table["value"], table["pairs"], strict=True)
    return [labelled(f"{value}{_unpaired(pairs)}", 40) for value, pairs in rows]


def _unpaired(pairs: Any) -> str:
    return "" if pairs else " (not paired)"
