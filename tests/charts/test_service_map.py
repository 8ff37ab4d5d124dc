import itertools
import re

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.charts.layers import NAME_HEIGHT, Paper, draw
from aiopslab.charts.service_map import service_map

NO_SCORES = pd.Series(dtype=float)
CHARACTER = 6.2  # pixels, generous
NARROW = 252  # pixels from the first layer to the last on a telephone of 420


def topology(*edges):
    return pd.DataFrame(edges, columns=["caller", "callee"])


def trace(figure, name):
    return next((each for each in figure.data if each.name == name), None)


def names(figure):
    (shown,) = (each for each in figure.data if each.mode == "text")
    return dict(zip(shown.text, zip(shown.x, shown.y, strict=True), strict=True))


def plain(name):
    return re.sub(r"<b>\d+ |</b>", "", name)


CHAIN = topology(("gateway", "auth"), ("auth", "database"), ("gateway", "cache"))


def test_callers_are_left_of_their_callees():
    places = names(service_map(CHAIN, NO_SCORES))
    for caller, callee in CHAIN.to_numpy():
        assert places[caller][0] < places[callee][0]


def test_a_suspect_is_outlined_and_numbered_and_its_callers_are_marked():
    figure = service_map(CHAIN, pd.Series({"database": 5.0, "cache": 1.0}), ["database", "cache"])
    assert {"<b>1 database</b>", "<b>2 cache</b>"} <= set(names(figure))
    assert len(trace(figure, "suspect").x) == 2
    assert len(trace(figure, "calls a suspect, directly or not").x) == 2  # gateway and auth
    assert (
        trace(figure, "suspect").marker.symbol
        != trace(figure, "calls a suspect, directly or not").marker.symbol
    )


def test_colour_and_size_follow_the_score_and_the_bar_says_what_they_mean():
    figure = service_map(CHAIN, pd.Series({"database": 8.0, "cache": 2.0, "auth": -1.0}))
    (scored,) = (each for each in figure.data if each.marker.showscale)
    assert sorted(scored.marker.color) == [0, 2, 8]  # what is less than normal is normal
    assert np.argsort(scored.marker.color).tolist() == np.argsort(scored.marker.size).tolist()
    assert scored.marker.colorbar.ticktext == ("normal", "far off (8)")
    assert len(trace(figure, "no score").x) == 1  # the gateway


def test_where_nothing_is_far_off_nothing_looks_it():
    calm = service_map(CHAIN, pd.Series({"database": 1.4, "cache": 1.2}))
    broken = service_map(CHAIN, pd.Series({"database": 6.0, "cache": 1.2}))
    sizes = []
    for figure in (calm, broken):
        (scored,) = (each for each in figure.data if each.marker.showscale)
        sizes.append(max(scored.marker.size))
        assert scored.marker.cmax >= 2 * 1.4
    assert sizes[0] < sizes[1]


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_no_number_is_none(odd):
    figure = service_map(CHAIN, pd.Series({"database": odd}))
    assert len(trace(figure, "no score").x) == 4


@pytest.mark.parametrize(
    ("calls", "scores", "expected"),
    [
        (None, NO_SCORES, 0),
        (topology(), NO_SCORES, 0),
        (None, pd.Series({"only": 1.0}), 1),
        (topology(("a", "a")), NO_SCORES, 1),
        (topology(("a", "b"), ("b", "a")), NO_SCORES, 2),
        (topology(("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("c", "e")), NO_SCORES, 5),
        (topology(("a", "b"), ("a", "b")), pd.Series({"alone": 0.0, "lonely": 0.0}), 4),
    ],
)
def test_small_and_odd_graphs(calls, scores, expected):
    figure = service_map(calls, scores)
    assert len(names(figure)) == expected
    assert figure.layout.meta["description"]


def test_a_suspect_that_is_nowhere_else_is_drawn():
    assert "<b>1 ghost</b>" in names(service_map(CHAIN, NO_SCORES, ["ghost"]))


def test_of_a_large_graph_the_neighbourhood_of_the_suspects_is_drawn_and_it_says_so():
    edges = [(f"s{i:03}", f"s{i + 1:03}") for i in range(300)]
    figure = service_map(topology(*edges), NO_SCORES, ["s100"])
    assert {plain(name) for name in names(figure)} == {"s098", "s099", "s100", "s101", "s102"}
    assert "5 of 301 services" in figure.layout.annotations[0].text
    assert "100 services call a suspect" in figure.layout.meta["description"]


def test_a_star_of_hundreds_shows_those_farthest_off():
    calls = topology(*[("hub", f"s{i:03}") for i in range(300)])
    scores = pd.Series({f"s{i:03}": float(i) for i in range(300)})
    shown = {plain(name) for name in names(service_map(calls, scores, ["hub"]))}
    assert len(shown) == 60
    assert {"hub", "s299", "s250"} <= shown
    assert "s299" in {plain(name) for name in names(service_map(calls, scores))}


def test_names_are_shown_as_they_are_and_never_as_markup():
    hostile = "<a href='x'>y</a>$z$"
    figure = service_map(
        topology((hostile, "b")), pd.Series({hostile: 1.0}), [hostile], title=hostile
    )
    assert "<a" not in figure.to_json()
    assert "$" not in figure.to_json()


graphs = st.lists(
    st.tuples(st.integers(0, 49), st.integers(0, 49)).map(lambda e: (f"s{e[0]:02}", f"s{e[1]:02}")),
    max_size=90,
)


@settings(max_examples=60, deadline=None)
@given(edges=graphs)
def test_the_drawing_of_any_graph_is_in_order(edges):
    graph = nx.DiGraph(edges)
    drawing = draw(graph)
    assert set(drawing.nodes) == set(graph)
    assert len(set(drawing.nodes.values())) == len(graph)
    group = {n: i for i, c in enumerate(nx.strongly_connected_components(graph)) for n in c}
    for a, b in graph.edges:
        if a == b:
            continue
        ends = drawing.nodes[a], drawing.nodes[b]
        assert (drawing.routes[a, b][0], drawing.routes[a, b][-1]) == ends
        assert (ends[0][0] == ends[1][0]) if group[a] == group[b] else (ends[0][0] < ends[1][0])


@settings(max_examples=30, deadline=None)
@given(edges=graphs)
def test_no_names_overlap_on_a_telephone(edges):
    names_of = [f"{letter}-a-service-name-{letter}" for letter in "ab"]
    graph = nx.DiGraph([(names_of[0][:18] + a, names_of[1][:18] + b) for a, b in edges])
    figure = service_map(topology(*graph.edges), NO_SCORES)
    places = names(figure)
    last = max((x for x, _ in places.values()), default=0)
    pixels = [
        (x / (last or 1) * NARROW, y, len(text) * CHARACTER) for text, (x, y) in places.items()
    ]
    for (x, y, width), (other_x, other_y, other_width) in itertools.combinations(pixels, 2):
        apart = abs(x - other_x) >= (width + other_width) / 2
        assert apart or abs(y - other_y) >= NAME_HEIGHT - 4


def test_everything_is_inside_the_picture():
    rng = np.random.default_rng(0)
    calls = topology(*[(f"s{min(e)}", f"s{max(e)}") for e in rng.integers(0, 40, (80, 2))])
    figure = service_map(calls, NO_SCORES)
    (low, high), (bottom, top) = figure.layout.xaxis.range, figure.layout.yaxis.range
    for each in figure.data:
        x, y = np.array(each.x, float), np.array(each.y, float)
        assert np.nanmin(x) >= low and np.nanmax(x) <= high
        assert np.nanmin(y) >= top and np.nanmax(y) <= bottom


def test_a_known_tangle_is_untangled():
    calls = [(f"a{i}", f"b{4 - i}") for i in range(5)]
    routes = draw(nx.DiGraph(calls)).routes.values()
    order = sorted((route[0][1], route[-1][1]) for route in routes)
    assert [end for _, end in order] == sorted(end for _, end in order)


def test_the_same_graph_gives_the_same_drawing():
    edges = [("a", "b"), ("a", "c"), ("c", "d"), ("b", "d"), ("a", "d")]
    assert draw(nx.DiGraph(edges)) == draw(nx.DiGraph(edges[::-1]))
    assert Paper(draw(nx.DiGraph(edges))).height > 0
