"""The overview board, used as a browser uses it: tiles, targets, windows, and what is shown."""

import json
from functools import cache

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from aiopslab import sources
from aiopslab.errors import FrameError, ParameterError
from aiopslab.overview import REHEARSAL, Targets
from aiopslab.reports.catalogue import find
from aiopslab.reports.parameters import validate
from aiopslab.widgets import OverviewBoard
from tests.overview.evidence import START, calls, observations, served

SAMPLE = "sample://classifier-degraded"
EVIL = "<img src=x onerror='alert(1)'>"


@cache
def frames():
    return sources.open(SAMPLE).frames


@pytest.fixture
def board():
    return OverviewBoard(frames(), REHEARSAL, source=SAMPLE)


def card(board, name=None):
    return next(each for each in board.cards.cards if each["name"] == (name or board.cards.chosen))


def leaves(widget):
    children = getattr(widget, "children", ())
    return [leaf for child in children for leaf in leaves(child)] if children else [widget]


def shown(board):
    """Return all the HTML that a browser is sent."""
    html = [each.value for each in leaves(board.box) if isinstance(each, widgets.HTML)]
    return "\n".join(html)


def text(board):
    return BeautifulSoup(shown(board), "html.parser").get_text(" ")


def test_the_worst_tile_is_shown_first(board):
    assert board.selection["tile"] == "model accuracy"
    assert [each["name"] for each in board.cards.cards] == [
        "infrastructure health",
        "model accuracy",
        "response quality",
        "knowledge freshness",
        "cost per query",
    ]
    assert card(board)["state"] == "▲ act" and card(board)["value"] == "75.6 %"
    assert "Target surely missed: model accuracy" in text(board)


def test_a_card_says_all_that_its_colour_says(board):
    for each in board.cards.cards:
        glyph, _, word = each["state"].partition(" ")
        assert glyph and word in each["told"] and each["target"] and each["age"]
        assert each["told"].startswith(each["name"])


def test_another_tile_brings_its_trend_its_targets_and_its_command(board):
    board.cards.chosen = "cost per query"
    assert board.selection["tile"] == "cost per query"
    assert "Cost per query through time" in board.panel.figure.layout.title.text
    sliders = [each for each in board.sliders.widget.children if each is not board.sliders.reset]
    assert sliders == [board.sliders.by_name["cost_usd"]]
    assert "aiopslab run prompt_ab -p calls=sample://classifier-degraded" in text(board)
    board.cards.chosen = "nothing"  # a late or wrong message
    assert board.selection["tile"] == "cost per query"


def test_a_target_that_is_moved_judges_anew(board):
    board.sliders.by_name["accuracy"].value = 0.6
    assert card(board)["state"] == "◐ watch"  # met now, and yet it surely worsens
    assert "least 60 %" in card(board)["target"]
    board.sliders.by_name["accuracy"].value = 0.99
    assert card(board)["state"] == "▲ act"
    board.sliders.reset.click()
    assert board.overview.targets == REHEARSAL
    assert "least 80 %" in card(board)["target"]


def test_the_figure_follows_the_target(board):
    board.sliders.by_name["accuracy"].value = 0.6
    assert [each.y0 for each in board.panel.figure.layout.shapes if each.type == "line"] == (
        pytest.approx([60.0, 75.6], abs=0.1)
    )


def test_a_window_is_measured_anew(board):
    seen = []
    board.observe(lambda change: seen.append(change["new"]), "selection")
    start, end = board.prepared.start, board.prepared.start + pd.Timedelta("170s")
    board.brush.window = (start, end)
    assert card(board)["state"] == "✓ ok"
    assert seen[-1] == board.selection
    assert [pd.Timestamp(board.selection[each]) for each in ("start", "end")] == [start, end]
    expected = board.prepared.judge(REHEARSAL, start, end)["model accuracy"]
    assert board.tile.value == expected.value
    board.sliders.by_name["accuracy"].value = 0.95  # the window stays
    assert board.tile.value == expected.value and board.tile.state == "act"


def test_the_selection_is_plain_and_its_parameters_fit_the_template(board):
    for each in board.cards.cards:
        board.cards.chosen = each["name"]
        template = find(board.tile.link.template)
        told = board.to_parameters()
        given = [one for one in template.parameters if one.name in told]
        assert len(given) == len(told)
        validate(given, told)
        assert json.loads(json.dumps(board.selection)) == board.selection


def test_the_command_has_the_window(board):
    start = board.prepared.start + pd.Timedelta("30s")
    board.brush.window = (start, board.prepared.end)
    assert "aiopslab run drift" in text(board)
    assert f"start={start:%Y-%m-%dT%H:%M:%S}" in text(board)


def test_without_a_source_no_command_is_made_up():
    board = OverviewBoard({"observations": observations([1.0] * 60)})
    assert board.to_parameters() == {}
    assert "aiopslab run" not in text(board) and "source=" in text(board)


def test_a_source_with_credentials_is_refused_in_the_board():
    secret = "https://me:hunter2@host/x.parquet"
    board = OverviewBoard({"calls": calls()}, source=secret)
    assert 'role="alert"' in shown(board) and "hunter2" not in shown(board)


def test_without_frames_it_says_so():
    board = OverviewBoard({})
    assert board.brush is None
    assert board.selection == {"tile": "infrastructure health", "start": None, "end": None}
    assert {each["state"] for each in board.cards.cards} == {"– no data"}
    assert "there are no metrics and no spans" in text(board)
    board.cards.chosen = "cost per query"
    assert "no calls" in text(board) and not board.sliders.widget.children
    assert "No data" in board.summary() and board.pictures()


def test_one_row_is_shown_and_not_judged():
    board = OverviewBoard({"observations": observations([1.0])})
    assert board.brush is None and card(board)["state"] == "◐ watch"
    assert "not enough data" in text(board)


def test_data_of_yesterday_is_stale_whatever_the_window():
    board = OverviewBoard(
        {"observations": observations([1.0] * 60)}, now=START + pd.Timedelta("1D")
    )
    assert card(board)["state"] == "◷ stale" and "Stale" in text(board)
    board.brush.window = (START + pd.Timedelta("10s"), board.prepared.end)
    assert card(board)["state"] == "◷ stale"


def test_missing_costs_other_clocks_and_zones_are_told():
    late = calls(np.nan, rows=120)
    late.loc[100:, "timestamp"] += pd.Timedelta("3h")
    late["timestamp"] = late["timestamp"].dt.tz_localize(None)
    told = {"observations": observations([1.0] * 120), "metrics": served(0.0), "calls": late}
    board = OverviewBoard(told)
    board.cards.chosen = "cost per query"
    assert "20 of 120 calls lie in the future" in text(board)
    assert "no time zone" in text(board)
    assert "none of 100 calls has a cost" in text(board)


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ParameterError, match="confidence"):
        OverviewBoard({}, confidence=1.0)
    with pytest.raises(FrameError, match="now"):
        OverviewBoard({}, now="soon")


def test_targets_beyond_the_sliders_are_kept():
    targets = Targets(good_requests=0.99999, accuracy=0.001, cost_usd=1e-9)
    board = OverviewBoard({"observations": observations([1.0] * 60)}, targets)
    assert board.sliders.targets == targets
    assert all(
        each.value == pytest.approx(targets.of(name))
        for name, each in board.sliders.by_name.items()
    )


def test_markup_in_evidence_is_shown_as_text():
    bad = observations([1.0] * 60).assign(timestamp=EVIL)
    metrics = served(0.0).rename(columns={"gateway": EVIL}, level=0)
    frame = {"observations": bad, "metrics": metrics, "calls": calls(feedback=[EVIL] * 100)}
    board = OverviewBoard(frame, source=EVIL)
    for each in board.cards.cards:
        board.cards.chosen = each["name"]
        assert "<img" not in shown(board) + board.summary()
        assert "<img" not in board.panel.figure.to_json()
        assert "<img" not in each["line"]
    board.cards.chosen = "model accuracy"
    assert EVIL in text(board)


def test_without_a_kernel_the_tiles_are_seen(board):
    told = board._repr_mimebundle_()
    assert told["text/plain"].startswith("OverviewBoard({'tile': 'model accuracy'")
    read = BeautifulSoup(told["text/html"], "html.parser")
    assert "75.6 %" in read.get_text() and "surely missed" in read.get_text()
    assert "Model accuracy through time" in read.find("img")["alt"]
    assert told["application/vnd.jupyter.widget-view+json"]["model_id"] == board.box.model_id
