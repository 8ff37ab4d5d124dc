"""How far features moved, and the two distributions of one of them over each other."""

from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.charts.labels import label, shortened
from aiopslab.charts.theme import BLUE, GREY, VERMILION, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

NAME_WIDTH = 28
ROW = 26  # pixels


def effect_strip(table: pd.DataFrame, confidence: float = 0.95) -> "go.Figure":
    """Draw one effect a row with its interval, in margins: 1 is the least that matters.

    Parameters
    ----------
    table
        One row a feature, the most drifted first: ``feature, effect, low, high, measure, margin,
        drifted, direction``. Those without an effect are left out.
    confidence
        Of the intervals.

    Returns
    -------
    plotly.graph_objects.Figure
        Features that drifted are filled diamonds, the others open circles; a line stands at 1.

    Examples
    --------
    >>> row = {"feature": "age", "effect": 0.2, "low": 0.1, "high": 0.3, "margin": 0.05}
    >>> row |= {"measure": "Wasserstein (reference SDs)", "drifted": True, "direction": "higher"}
    >>> [round(x, 1) for x in effect_strip(pd.DataFrame([row])).data[0].x]
    [4.0]
    """
    import plotly.graph_objects as go

    shown = table[table["effect"].notna()]
    figure = go.Figure()
    for drifted, name, colour, symbol in (
        (True, "drifted", VERMILION, "diamond"),
        (False, "not drifted", GREY, "circle-open"),
    ):
        rows = shown[shown["drifted"] == drifted]
        value, low, high = (rows[each] / rows["margin"] for each in ("effect", "low", "high"))
        figure.add_scatter(
            x=value.tolist(),
            y=rows["feature"].tolist(),
            mode="markers",
            cliponaxis=False,
            name=name,
            marker={"color": colour, "symbol": symbol, "size": 10},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": (high - value).clip(lower=0).tolist(),
                "arrayminus": (value - low).clip(lower=0).tolist(),
                "thickness": 2,
                "width": 5,
            },
            text=[
                f"{label(row.feature)}: {row.effect:.3g} ({row.low:.3g} to {row.high:.3g})<br>"
                f"{label(row.measure)}<br>{label(row.direction)}"
                for row in rows.itertuples()
            ],
            hovertemplate="%{text}<extra></extra>",
        )
    names = shown["feature"].tolist()
    figure.add_vline(x=1, line={"dash": "dot", "color": GREY})
    figure.update_xaxes(
        title_text=f"effect in margins (1 is the least that matters), {confidence:.0%} interval",
        rangemode="tozero",
    )
    figure.update_yaxes(
        categoryorder="array",
        categoryarray=names[::-1],
        tickvals=names,
        ticktext=[shortened(each, NAME_WIDTH) for each in names],
    )
    drifted_names = shown.loc[shown["drifted"], "feature"]
    spoken = "; ".join(
        f"{row.feature}: {row.direction}" for row in shown[shown["drifted"]].head(3).itertuples()
    )
    title = f"{len(drifted_names)} of {len(table)} columns drifted"
    return styled(figure, title, f"{title}. {spoken or 'None to tell of'}.", 130 + ROW * len(names))


def overlaid(bars: pd.DataFrame, feature: str, told: str = "") -> "go.Figure":
    """Draw the two distributions of a feature over each other.

    Parameters
    ----------
    bars
        One row a bar: ``label, left, right, reference, current``, the shares of rows; bars without
        edges are categories, or what is missing.
    feature
        Its name.
    told
        What moved, in words.

    Returns
    -------
    plotly.graph_objects.Figure
        The reference as filled bars, the current data as an outline with a hatch, so that they
        are told apart without their colours.

    Examples
    --------
    >>> bars = pd.DataFrame({"label": ["a", "b"], "left": None, "right": None,
    ...                      "reference": [0.5, 0.5], "current": [0.2, 0.8]})
    >>> [trace.name for trace in overlaid(bars, "plan").data]
    ['reference', 'current']
    """
    import plotly.graph_objects as go

    names = [label(each) for each in bars["label"]]
    places = list(range(len(bars)))
    looks = (
        ("reference", {"color": BLUE, "opacity": 0.45}),
        (
            "current",
            {
                "color": "rgba(0,0,0,0)",
                "line": {"color": VERMILION, "width": 2},
                "pattern": {"shape": "/", "fgcolor": VERMILION, "size": 6, "solidity": 0.25},
            },
        ),
    )
    figure = go.Figure(
        [
            go.Bar(
                x=places,
                y=(100 * bars[side]).tolist(),
                name=side,
                marker=marker,
                customdata=names,
                hovertemplate=f"{side}, %{{customdata}}: %{{y:.3g}} %<extra></extra>",
            )
            for side, marker in looks
        ]
    )
    has_edges = bars["left"].notna()
    step = max(1, int(has_edges.sum()) // 8)
    ticks = [at for at in places if not has_edges.iloc[at] or at % step == 0]
    figure.update_layout(barmode="overlay", bargap=0.1)
    figure.update_xaxes(
        tickvals=ticks,
        ticktext=[shortened(bars["label"].iloc[at].split(" to ")[0], NAME_WIDTH) for at in ticks],
    )
    figure.update_yaxes(title_text="share of rows, %", rangemode="tozero")
    title = f"{label(feature, 60)}: {label(told, 80)}" if told else label(feature, 60)
    spoken = "Neither side has any rows."
    if len(bars):
        widest = bars.iloc[int((bars["current"] - bars["reference"]).abs().to_numpy().argmax())]
        spoken = (
            f"The widest gap is at {widest['label']}: {widest['reference']:.1%} in the reference, "
            f"{widest['current']:.1%} in the current data."
        )
    return styled(figure, title, f"Distribution of {feature}. {told}. {spoken}", 320)
