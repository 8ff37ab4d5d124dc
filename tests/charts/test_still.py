"""Pictures for where no plotly runs: every figure of the house has one, and it shows the figure."""

import io

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from PIL import Image

from aiopslab.charts.still import still
from aiopslab.charts.theme import BLUE
from tests.recordings import analysed, recorded, together


def pixels(figure):
    return np.asarray(Image.open(io.BytesIO(still(figure))).convert("RGB"))


def has(picture, colour):
    told = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    return (np.abs(picture.astype(int) - told).max(axis=2) < 12).any(axis=1)


@together
def test_every_figure_of_an_incident_has_a_picture():
    telemetry, analysis = recorded("retriever-latency"), analysed("retriever-latency")
    timeline = analysis.timeline(telemetry.get("alerts"), telemetry.get("changes"))
    for figure in (analysis.figure(), analysis.ranking_figure(), analysis.service_map(), timeline):
        picture = pixels(figure)
        assert picture.shape[:2] == (figure.layout.height, 864)
        assert (picture < 200).any(axis=2).mean() > 0.005, "there is something on it"


def test_a_high_bar_is_higher_than_a_low_one():
    def height(value):
        bar = go.Figure(go.Bar(x=["a", "b"], y=[value, 10], marker_color=[BLUE, "#ffffff"]))
        return has(pixels(bar), BLUE).sum()

    assert height(8) > 1.8 * height(4) > 0


def test_rows_are_one_below_the_other():
    figure = go.Figure([go.Scatter(y=[1, 2], yaxis="y2", line_color=BLUE, mode="lines")])
    figure.add_scatter(y=[1, 2], line_color="#000000", mode="lines")
    figure.update_layout(yaxis={"domain": [0, 0.45]}, yaxis2={"domain": [0.55, 1]}, height=400)
    rows = np.flatnonzero(has(pixels(figure), BLUE))
    assert len(rows) and rows.max() < 230


@pytest.mark.parametrize(
    "figure",
    [
        go.Figure(),
        go.Figure(go.Scatter(x=[], y=[])),
        go.Figure(go.Scatter(x=[None], y=[np.nan])),
        go.Figure(go.Bar(x=[1], y=["$a_b$ <b>&"], orientation="h")),
        go.Figure(go.Scatter(x=pd.to_datetime(["2026-01-01"], utc=True), y=[1], text=["<i>é $"])),
        go.Figure(go.Heatmap(z=[[1, None], [2, 3]], x=["a", "b"], y=["c", "d"])),
        go.Figure(go.Scatter(y=[1, 10, 100]), {"yaxis": {"type": "log"}, "title": {"text": "$x^"}}),
        go.Figure(go.Treemap(labels=["a"], parents=[""])),
    ],
)
def test_odd_figures_do_not_break_a_notebook(figure):
    assert still(figure).startswith(b"\x89PNG")
