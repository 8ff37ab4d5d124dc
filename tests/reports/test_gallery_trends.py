"""Trends of a series, drawn without a script."""

import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.reports.facts import Facts
from aiopslab.reports.trends import HEIGHT, RUNS, WIDTH, trends

SVG = "{http://www.w3.org/2000/svg}"


def run(number=0, state="ok", **metrics):
    when = f"2026-03-{number % 28 + 1:02}T12:00:00.000Z"
    return Facts(
        f"r{number}", "t", "T", "s", state, when, when, "Fine", 1.0, {}, metrics, {}, [], True
    )


def drawings(html):
    """Return each drawing by the name above it, parsed."""
    found = re.findall(r"<figcaption><span>(.*?)</span>.*?(<svg.*?</svg>)", html, re.DOTALL)
    return {name: ET.fromstring(svg) for name, svg in found}


def test_each_headline_figure_has_a_drawing_in_the_order_of_the_newest_run():
    html = trends([run(2, b=2.0, a=3.0), run(1, a=1.0, b=1.0, old=4.0), run(0, old=5.0)])
    assert list(drawings(html)) == ["verdict", "b", "a", "old"]


def test_one_run_has_no_trend():
    assert trends([run(a=1.0)]) == "" and trends([]) == ""


def test_a_gap_is_seen_as_one():
    values = [1.0, 2.0, None, 2.0, 3.0]
    drawn = drawings(trends([run(number, a=value) for number, value in enumerate(values)][::-1]))
    lines = [line.get("points").split() for line in drawn["a"].iter("polyline")]
    assert [len(line) for line in lines] == [2, 2]


def test_verdicts_are_told_by_height_and_word_and_not_by_colour_alone():
    states = ["ok", "watch", "act", "failed"]
    html = trends([run(number, state) for number, state in enumerate(states)][::-1])
    bars = list(drawings(html)["verdict"].iter("rect"))
    heights = [float(bar.get("height")) for bar in bars]
    assert heights[0] < heights[1] < heights[2]
    assert [
        bar.find("title").text[-len(state) :] for bar, state in zip(bars, states, strict=True)
    ] == states
    assert "✓ 1 ok · ◐ 1 watch · ▲ 1 act · ✕ 1 failed" in html


def test_names_are_escaped():
    html = trends([run(1, **{"<b>&": 1.0}), run(0, **{"<b>&": 2.0})])
    assert "<b>&amp;" not in html and "&lt;b&gt;&amp;" in html


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=RUNS + 20))
def test_every_value_lies_inside_the_drawing_and_larger_is_higher(values):
    newest = [run(number, a=value) for number, value in enumerate(values)][::-1]
    points = list(drawings(trends(newest))["a"].iter("circle"))
    shown = values[-RUNS:]
    assert len(points) == len(shown)
    places = [(float(point.get("cx")), float(point.get("cy"))) for point in points]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in places)
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    highest, lowest = shown.index(max(shown)), shown.index(min(shown))
    assert places[highest][1] <= places[lowest][1]


@pytest.mark.parametrize("value", [0.0, 5.0, -1e12])
def test_a_figure_that_never_moved_is_a_line_in_the_middle(value):
    drawn = drawings(trends([run(number, a=value) for number in range(3)]))
    assert {float(point.get("cy")) for point in drawn["a"].iter("circle")} == {HEIGHT / 2}
