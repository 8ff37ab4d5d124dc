"""A map of the services: who calls whom, how far off each is, and whom a suspect drags along."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.charts.labels import label, shortened, wrapped
from aiopslab.charts.layers import LARGEST, NAME_BELOW, SMALLEST, Paper, Point, draw
from aiopslab.charts.theme import GREY, GRID, PURPLE, VERMILION, look

if TYPE_CHECKING:
    import networkx as nx
    import plotly.graph_objects as go

SERVICES_SHOWN = 60
FAR = 4.0  # a score that is far off in any system; the scale never ends below it
HOPS = 2  # from a suspect, in a graph of which not everything is shown
NAME = 20  # characters of a label
SCALE = ((0.0, "#9fb6c8"), (0.5, "#d9a05b"), (1.0, "#c44e00"))
BLAST = "calls a suspect, directly or not"
SIDE = 30  # pixels, of margin
BENDS = 16  # points to a bend of an edge


def service_map(
    topology: pd.DataFrame | None,
    scores: "pd.Series[float]",
    suspects: Sequence[str] = (),
    title: str = "Service map",
) -> "go.Figure":
    """Draw the call graph from callers on the left to callees on the right, coloured by score.

    Parameters
    ----------
    topology
        Topology frame; ``None`` where the calls are not known.
    scores
        How far off each service is, by its name: 0 is normal, and more is farther off. A service
        without a score is drawn hollow.
    suspects
        Services, the likeliest first: outlined and numbered. The services that call one, directly
        or not, are marked as its blast radius.
    title
        Of the figure.

    Returns
    -------
    plotly.graph_objects.Figure
        Of more than 60 services only those within two calls of a suspect (without suspects, of
        the service that is farthest off) are drawn, the nearest first; a note says so.

    Examples
    --------
    >>> topology = pd.DataFrame({"caller": ["gateway"], "callee": ["auth"]})
    >>> figure = service_map(topology, pd.Series({"gateway": 0.4, "auth": 7.0}), ["auth"])
    >>> [trace.name for trace in figure.data if trace.showlegend]
    ['calls a suspect, directly or not', 'suspect']
    """
    import networkx as nx
    import plotly.graph_objects as go

    graph = _graph(topology, scores, suspects)
    score = {str(name): float(value) for name, value in scores.items() if np.isfinite(value)}
    blast = {each for suspect in suspects for each in nx.ancestors(graph, suspect)} - {*suspects}
    shown = _shown(graph, score, suspects)
    paper = Paper(draw(graph.subgraph(shown)))
    of_all = f"{len(shown)} of {len(graph)} services: the nearest, at most {HOPS} calls away"
    notes = [of_all] if len(shown) < len(graph) else []
    notes += [] if len(graph) else ["No calls and no services are known."]
    worst = sorted(score, key=score.__getitem__, reverse=True)[:3]
    spoken = [label(title), *notes, f"Suspects: {', '.join(map(label, suspects)) or 'none'}"]
    spoken += [f"Farthest off: {', '.join(map(label, worst)) or 'unknown'}"]
    spoken += [f"{len(blast)} services call a suspect, directly or not."]
    figure = go.Figure(layout=_layout(paper, label(title), ". ".join(spoken), notes))
    _draw_calls(figure, paper, {*suspects}, blast)
    hovers = _hovers(graph, score, suspects, blast)
    _draw_services(figure, paper, score, hovers)
    bare = [name for name in shown if name not in score]
    around = [name for name in shown if name in blast]
    _draw_marked(figure, paper, bare, hovers, "no score", "circle-open", GREY, SMALLEST)
    _draw_marked(figure, paper, around, hovers, BLAST, "square-open", PURPLE, LARGEST + 6)
    _draw_marked(figure, paper, suspects, hovers, "suspect", "circle-open", VERMILION, LARGEST + 8)
    _write_names(figure, paper, suspects)
    return figure


def _layout(paper: Paper, title: str, spoken: str, notes: Sequence[str]) -> dict[str, Any]:
    above, below = (64 if notes else 44), 76
    layout = look(title, spoken, paper.height + above + below)
    layout["margin"] |= {"t": above, "b": below, "l": SIDE, "r": SIDE}
    layout["legend"] |= {"x": 0, "xanchor": "left"}
    layout["legend"] |= {"y": 0, "yref": "container", "yanchor": "bottom"}
    place = {"x": 0, "xref": "paper", "xanchor": "left"}
    place |= {"y": 1, "yref": "paper", "yanchor": "bottom"}
    still = {"visible": False, "fixedrange": True, **GRID}
    return layout | {
        "annotations": [{"text": note, "showarrow": False, **place} for note in notes],
        "xaxis": {"range": paper.range, **still},
        "yaxis": {"range": [paper.height, 0], **still},
        "hovermode": "closest",
    }


def _graph(
    topology: pd.DataFrame | None, scores: "pd.Series[float]", suspects: Sequence[str]
) -> "nx.DiGraph[str]":
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from([*map(str, scores.index), *suspects])
    if topology is not None:
        graph.add_edges_from(topology[["caller", "callee"]].astype(str).to_numpy().tolist())
    return graph


def _shown(graph: "nx.DiGraph[str]", score: dict[str, float], suspects: Sequence[str]) -> list[str]:
    """Return the services that are drawn: all, or those nearest to the suspects."""
    import networkx as nx

    if len(graph) <= SERVICES_SHOWN:
        return sorted(graph)
    around = suspects or [max(graph, key=lambda name: (score.get(name, 0.0), graph.degree(name)))]
    away = nx.multi_source_dijkstra_path_length(graph.to_undirected(), {*around}, cutoff=HOPS)
    near = sorted(away, key=lambda name: (away[name], -score.get(name, 0.0), name))
    return near[:SERVICES_SHOWN]


def _hovers(
    graph: "nx.DiGraph[str]", score: dict[str, float], suspects: Sequence[str], blast: set[str]
) -> dict[str, str]:
    def told(name: str) -> str:
        calls = sorted({*graph.successors(name)} - {name})
        return wrapped(
            name,
            f"score {score[name]:.3g}" if name in score else "no score",
            f"suspect {suspects.index(name) + 1}" if name in suspects else None,
            BLAST if name in blast else None,
            "calls itself" if graph.has_edge(name, name) else None,
            f"calls {', '.join(calls)}" if calls else None,
        )

    return {name: told(name) for name in graph}


def _draw_calls(figure: "go.Figure", paper: Paper, suspects: set[str], blast: set[str]) -> None:
    """Draw the calls as arrows, those by which a suspect is reached stronger."""
    for is_blast, colour, width in ((False, GREY, 1.0), (True, PURPLE, 2.5)):
        lines = [
            np.vstack([_bent([paper.at(point) for point in route]), [np.nan, np.nan]])
            for (caller, callee), route in paper.drawing.routes.items()
            if (caller in blast | suspects and callee in blast | suspects) == is_blast
        ]
        if not lines:
            continue
        points = np.vstack(lines)
        # The heads are half-way to the callee, where no circle and no other head covers them.
        is_head = np.roll(np.isnan(points[:, 0]), -BENDS // 2)
        figure.add_scatter(
            x=points[:, 0],
            y=points[:, 1],
            mode="lines+markers",
            line={"color": colour, "width": width},
            marker={
                "symbol": "arrow",
                "angleref": "previous",
                "color": colour,
                "size": np.where(is_head, 11, 0),
                "opacity": 1,
                "line": {"width": 0},
            },
            opacity=0.8,
            hoverinfo="skip",
            showlegend=False,
        )


def _bent(points: list[Point]) -> npt.NDArray[np.float64]:
    """Return a smooth line through points, which leaves and enters each of them level."""
    t = np.linspace(0, 1, BENDS)[:, None]
    level = np.hstack([t, t * t * (3 - 2 * t)])
    bulge = np.hstack([t * (1 - t), 0 * t])
    parts = []
    for start, end in pairwise(np.array(points)):
        line = start + (end - start) * level
        # Between services of one layer, which call each other, an arc on either side.
        parts.append(line if start[0] != end[0] else line + bulge * np.sign(end[1] - start[1]))
    return np.vstack(parts)


def _draw_services(
    figure: "go.Figure", paper: Paper, score: dict[str, float], hovers: dict[str, str]
) -> None:
    names = [name for name in paper.drawing.nodes if name in score]
    if not names:
        return
    values = np.clip([score[name] for name in names], 0, None)
    most = float(values.max(initial=FAR))
    x, y = _places(paper, names)
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={
            "color": values,
            "cmin": 0,
            "cmax": most,
            "colorscale": SCALE,
            "size": SMALLEST + (LARGEST - SMALLEST) * values / most,
            "line": {"color": GREY, "width": 1},
            "opacity": 1,
            "showscale": True,
            "colorbar": {
                "orientation": "h",
                "x": 0,
                "xanchor": "left",
                "xpad": 24,
                "y": 0,
                "yanchor": "top",
                "lenmode": "pixels",
                "len": 220,
                "thickness": 10,
                "tickvals": [0, most],
                "ticktext": ["normal", f"far off ({most:.2g})"],
                "ticklabelposition": "outside",
                "outlinewidth": 0,
            },
        },
        hovertext=[hovers[name] for name in names],
        hoverinfo="text",
        showlegend=False,
    )


def _draw_marked(
    figure: "go.Figure",
    paper: Paper,
    names: Sequence[str],
    hovers: dict[str, str],
    told: str,
    symbol: str,
    colour: str,
    size: float,
) -> None:
    """Draw an outline around services, explained in the legend."""
    if not names:
        return
    x, y = _places(paper, names)
    figure.add_scatter(
        x=x,
        y=y,
        mode="markers",
        marker={"symbol": symbol, "size": size, "color": colour, "line": {"width": 2.5}},
        hovertext=[hovers[name] for name in names],
        hoverinfo="text",
        name=told,
        showlegend=True,
    )


def _write_names(figure: "go.Figure", paper: Paper, suspects: Sequence[str]) -> None:
    names = list(paper.drawing.nodes)
    x, y = _places(paper, names)
    texts = [
        f"<b>{suspects.index(name) + 1} {shortened(name, NAME - 2)}</b>"
        if name in suspects
        else shortened(name, NAME)
        for name in names
    ]
    figure.add_scatter(
        x=x,
        y=[each + NAME_BELOW for each in y],
        mode="text",
        text=texts,
        textposition="middle center",
        textfont={"size": 11},
        cliponaxis=False,
        hoverinfo="skip",
        showlegend=False,
    )


def _places(paper: Paper, names: Sequence[str]) -> tuple[list[float], list[float]]:
    places = [paper.at(paper.drawing.nodes[name]) for name in names]
    return [x for x, _ in places], [y for _, y in places]
