"""Evidence as it should not be: missing, stale, of another clock, of another form, with markup."""

import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from aiopslab.errors import ParameterError
from aiopslab.overview import Targets, prepare, tiles
from aiopslab.overview.layers import LAYERS
from tests.overview.evidence import START, calls, metrics, observations, served

INFRASTRUCTURE, ACCURACY, QUALITY, KNOWLEDGE, COST = LAYERS
DAY = pd.Timedelta("1D")


def everything(start=START):
    """Return evidence that is fine."""
    ages = {("retriever", "index.age_s"): np.tile([1.0, 2.0], 60)}
    both = pd.concat([served(0.0), metrics(ages)], axis=1)
    return {
        "metrics": both,
        "observations": observations(([1.0] * 11 + [0.0]) * 10),
        "calls": calls(np.tile([0.001, 0.0011], 60), [1.0, 1.0, 1.0, 1.0, None, 0.0] * 20, 120),
    }


def test_without_frames_every_tile_says_so():
    seen = tiles({})
    assert [each.state for each in seen.tiles] == ["no data"] * 5
    assert all(each.sentence.startswith("No data: ") for each in seen.tiles)
    verdict = seen.verdict()
    assert verdict.level == "watch" and verdict.headline.startswith("No data: ")
    assert len(seen.table()) == 5 and seen.now is None
    assert "No data" in seen._repr_html_() and seen.figure() is not None


def test_evidence_that_is_fine_is_fine():
    assert [each.state for each in tiles(everything()).tiles] == ["ok"] * 5


@pytest.mark.parametrize("name", ["metrics", "observations", "calls"])
def test_a_source_that_is_down_is_told_and_the_others_are_judged(name):
    frames = everything()
    del frames[name]
    states = {each.name: each.state for each in tiles(frames).tiles}
    gone = {
        "metrics": {INFRASTRUCTURE, KNOWLEDGE},
        "observations": {ACCURACY},
        "calls": {QUALITY, COST},
    }[name]
    assert {each for each, state in states.items() if state == "no data"} == gone
    assert {state for each, state in states.items() if each not in gone} == {"ok"}


def test_data_of_yesterday_is_never_fine():
    seen = tiles(everything(), now=START + DAY)
    assert [each.state for each in seen.tiles] == ["stale"] * 5
    assert seen.verdict().level == "watch" and "Stale" in seen.verdict().headline
    assert all("✓" not in each.glyph and " ago" in each.sentence for each in seen.tiles)
    patient = tiles(everything(), Targets(stale_after="2D"), now=START + DAY)
    assert [each.state for each in patient.tiles] == ["ok"] * 5


def test_labels_that_stopped_make_their_tile_stale_alone():
    frames = everything()
    frames["calls"] = calls(0.001 + np.tile([0, 1e-5], 60), start=START + DAY, rows=120)
    frames["metrics"] = frames["metrics"].set_axis(frames["metrics"].index + DAY)
    states = {each.name: each.state for each in tiles(frames).tiles}
    assert states[ACCURACY] == "stale" and states[COST] == "ok" == states[INFRASTRUCTURE]


def test_one_measure_that_stopped_makes_its_tile_stale():
    frames = everything()
    frames["metrics"].iloc[10:, frames["metrics"].columns.get_loc(("retriever", "index.age_s"))] = (
        np.nan
    )
    short = Targets(stale_after="30s")
    states = {each.name: each.state for each in tiles(frames, short).tiles}
    assert states[KNOWLEDGE] == "stale" and states[INFRASTRUCTURE] == "ok"


def test_a_clock_that_is_ahead_is_told_and_left_out():
    frames = everything()
    frames["calls"].loc[100:, "timestamp"] += pd.Timedelta("3h")
    seen = tiles(frames)
    assert seen.now == frames["metrics"].index[-1]
    assert seen.notes == (
        "20 of 120 calls lie in the future, by up to 3 h: clocks differ. They are left out.",
    )
    assert seen[COST].worst.rows == 100
    assert "clocks differ" in seen._repr_html_()


def test_a_frame_that_lies_wholly_in_the_future_is_no_data():
    frames = everything()
    frames["calls"]["timestamp"] += DAY
    seen = tiles(frames, now=START + pd.Timedelta("2min"))
    assert seen[COST].state == "no data" and "120 of 120 calls" in seen.notes[0]
    assert seen[ACCURACY].state == "ok"


def test_times_without_a_zone_are_utc_and_that_is_told():
    frames = everything()
    frames["calls"]["timestamp"] = frames["calls"]["timestamp"].dt.tz_localize(None)
    seen = tiles(frames, now=(START + pd.Timedelta("2min")).tz_localize(None))
    assert seen[COST].state == "ok" and seen.now.tz is not None
    assert any("calls.timestamp has no time zone" in each for each in seen.notes)


@pytest.mark.parametrize("frame", ["observations", "calls", "metrics"])
def test_one_row_is_not_enough(frame):
    one = {name: each.iloc[:1] for name, each in everything().items()}
    seen = tiles({frame: one[frame]})
    states = {each.name: each.state for each in seen.tiles if each.state != "no data"}
    expected = {
        "observations": {ACCURACY: "watch"},
        "calls": {QUALITY: "watch", COST: "watch"},
        # The age that an index has is known by one look at it.
        "metrics": {INFRASTRUCTURE: "watch", KNOWLEDGE: "ok"},
    }
    assert states == expected[frame]
    seen.figure()
    assert seen.table() is not None and seen._repr_html_()


def test_empty_frames_are_no_data():
    empty = {name: each.iloc[:0] for name, each in everything().items()}
    assert [each.state for each in tiles(empty).tiles] == ["no data"] * 5


def test_costs_that_are_all_missing_are_no_data():
    seen = tiles({"calls": calls(np.nan)})
    assert seen[COST].sentence == "No data: none of 100 calls has a cost."
    some = tiles({"calls": calls(np.r_[np.full(60, np.nan), np.linspace(0.001, 0.0011, 40)])})
    assert some[COST].worst.rows == 40
    assert some[COST].notes == ("The cost of 60 of 100 calls is not known.",)


def test_a_frame_that_does_not_fit_is_told_in_its_tile():
    frames = everything()
    frames["calls"] = frames["calls"].drop(columns="cost_usd")
    seen = tiles(frames)
    assert seen[COST].state == "no data" and "'cost_usd' is missing" in seen[COST].sentence
    assert seen[ACCURACY].state == "ok"


@pytest.mark.parametrize("feedback", [["up", "down"] * 50, [1, 5] * 50, [-1.0, 1.0] * 50])
def test_feedback_of_another_scale_is_refused_not_guessed(feedback):
    tile = tiles({"calls": calls(feedback=feedback)})[QUALITY]
    assert tile.state == "no data" and "number from 0 to 1" in tile.sentence


def test_predictions_that_nobody_labelled_or_dated_are_told():
    assert "no target" in tiles({"observations": observations([np.nan] * 20)})[ACCURACY].sentence
    undated = observations([1.0] * 20).drop(columns="timestamp")
    assert "no timestamp" in tiles({"observations": undated})[ACCURACY].sentence
    numbers = observations([1.0] * 200)
    numbers["prediction"] = np.linspace(0, 1, 200)
    numbers["target"] = np.linspace(0.1, 1.1, 200)
    assert "numbers" in tiles({"observations": numbers})[ACCURACY].sentence


def test_metrics_of_something_else_are_no_data():
    seen = tiles({"metrics": metrics({("disk", "free"): np.ones(20)})})
    assert seen[INFRASTRUCTURE].state == seen[KNOWLEDGE].state == "no data"


def test_windows_that_are_none_are_refused_or_empty():
    prepared = prepare(everything())
    with pytest.raises(ParameterError, match="before it starts"):
        prepared.judge(start=prepared.end, end=prepared.start)
    with pytest.raises(ParameterError, match="confidence"):
        prepared.judge(confidence=1.0)
    later = prepared.judge(start=prepared.end + DAY, end=prepared.end + 2 * DAY)
    assert [each.state for each in later.tiles] == ["no data"] * 5


def test_markup_in_names_is_shown_as_text():
    evil = "<img src=x onerror='alert(1)'>"
    frames = everything()
    frames["calls"][evil] = "x"
    frames["calls"]["feedback"] = evil
    frames["metrics"] = frames["metrics"].rename(columns={"gateway": evil}, level=0)
    bad = frames["observations"].assign(timestamp=evil)
    seen = tiles({**frames, "observations": bad}, source=evil)
    html = seen._repr_html_() + seen.verdict()._repr_html_()
    assert evil in seen[ACCURACY].sentence  # what is wrong is quoted
    assert "<img" not in html and "&lt;img" in html
    assert BeautifulSoup(html, "html.parser").find("img") is None
    assert "<img" not in seen.figure().to_json()
