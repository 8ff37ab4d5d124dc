"""Pareto: configurations of search by what they find and what a model has to read of it."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.charts.labels import label as labelled
from aiopslab.charts.theme import BLUE, GREEN, GREY, OCHRE, PURPLE, VERMILION, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

LOOKS = (
    (BLUE, "circle"),
    (VERMILION, "square"),
    (GREEN, "diamond"),
    (PURPLE, "triangle-up"),
    (OCHRE, "cross"),
)
SMALLEST, LARGEST = 9.0, 24.0  # pixels
FAINT = 0.4  # of what another configuration beats


def pareto_figure(table: pd.DataFrame, quality: str, current: str, title: str) -> "go.Figure":
    """Draw quality against tokens, a point a configuration.

    Parameters
    ----------
    table
        One row a configuration: ``configuration``, ``search`` (its kind, which has the colour and
        the symbol), `quality`, ``tokens`` a question, ``latency_ms, is_best, is_front``.
    quality
        The name of the score.
    current
        The configuration in use, which is marked like the best one.
    title
        Of the figure.

    Returns
    -------
    plotly.graph_objects.Figure
        What another configuration beats in quality, tokens and latency is faint. A line joins those
        that none beats in quality and tokens; what is neither faint nor on the line is there for
        its speed. The area of a point grows with its latency.

    Examples
    --------
    >>> rows = {"configuration": ["a", "b"], "search": "dense", "ndcg": [0.5, 0.7]}
    >>> table = pd.DataFrame(rows).assign(tokens=[100.0, 300.0], latency_ms=5.0)
    >>> table = table.assign(is_best=[False, True], is_front=True)
    >>> list(pareto_figure(table, "ndcg", "a", "What it buys").data[0].x)
    [100.0, 300.0]
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    line = _front(table, quality)
    figure.add_scatter(
        x=line["tokens"].tolist(),
        y=line[quality].tolist(),
        mode="lines",
        line={"color": GREY, "dash": "dot", "width": 1.5, "shape": "hv"},
        hoverinfo="skip",
        showlegend=False,
    )
    sizes = _sizes(table["latency_ms"].to_numpy(np.float64))
    for place, kind in enumerate(sorted(table["search"].unique())):
        colour, symbol = LOOKS[place % len(LOOKS)]
        is_kind = (table["search"] == kind).to_numpy()
        some = table[is_kind]
        figure.add_scatter(
            x=some["tokens"].tolist(),
            y=some[quality].tolist(),
            mode="markers",
            name=labelled(kind),
            marker={
                "color": colour,
                "symbol": symbol,
                "size": sizes[is_kind].tolist(),
                "opacity": [1.0 if each else FAINT for each in some["is_front"]],
                "line": {"width": 1, "color": "white"},
            },
            text=[labelled(each) for each in some["configuration"]],
            customdata=some["latency_ms"].tolist(),
            hovertemplate=f"%{{text}}<br>{labelled(quality)} %{{y:.3f}}, %{{x:,.0f}} tokens, "
            "%{customdata:.3g} ms<extra></extra>",
        )
    best = str(table.loc[table["is_best"], "configuration"].iloc[0])
    marked = {best: "best and in use"} if best == current else {current: "in use", best: "best"}
    lowest, highest = float(table[quality].min()), float(table[quality].max())
    room = 0.2 * (highest - lowest) or 0.05
    for name, role in marked.items():
        row = table[table["configuration"] == name].iloc[0]
        figure.add_annotation(
            x=float(row["tokens"]),
            y=float(row[quality]),
            text=f"<b>{role}</b>: {labelled(name, 60)}",
            axref="x",
            ax=float(row["tokens"]),
            ayref="y",
            ay=lowest - 0.7 * room if role == "in use" else highest + 0.7 * room,
            arrowcolor=GREY,
            arrowwidth=1,
            bgcolor="rgba(255,255,255,0.75)",
            font={"color": "#333333"},
        )
    most = float(table["tokens"].max())
    figure.update_xaxes(
        title="tokens a question (less is better) → · large points are slow",
        range=[0, 1.25 * most or 1.0],
    )
    figure.update_yaxes(title=f"{labelled(quality)} ↑", range=[lowest - room, highest + room])
    figure.update_layout(legend={"itemsizing": "constant"})
    said = [f"{role}: {_said(table, name, quality)}" for name, role in marked.items()]
    said.append(
        "none beats " + ", ".join(_said(table, each, quality) for each in line["configuration"])
    )
    return styled(figure, title, f"{title}. {'; '.join(said)}.", 440)


def _front(table: pd.DataFrame, quality: str) -> pd.DataFrame:
    """Return the configurations that none beats in quality and tokens, by tokens."""
    ordered = table.sort_values(["tokens", quality], ascending=[True, False], kind="stable")
    before = ordered[quality].cummax().shift(fill_value=-np.inf)
    return ordered[ordered[quality] > before]


def _sizes(latencies: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return diameters of which the areas grow with the latency."""
    return np.asarray(np.maximum(LARGEST * np.sqrt(latencies / latencies.max()), SMALLEST))


def _said(table: pd.DataFrame, name: str, quality: str) -> str:
    row = table[table["configuration"] == name].iloc[0]
    return (
        f"{name}, {quality} {row[quality]:.3f} for {row['tokens']:,.0f} tokens "
        f"and {row['latency_ms']:.3g} ms"
    )
