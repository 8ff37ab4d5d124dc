"""The generated runs whose truth is known, by which the analysis of causes is measured."""

from functools import cache
from typing import get_args

import pandas as pd
import pytest

from aiopslab.errors import AIOpsLabError
from aiopslab.frames import FRAME_NAMES, FrameName, conform
from benchmarks.overview import generated
from benchmarks.overview.generated import FAULTS, Run
from benchmarks.overview.spans import TOPOLOGY

LAYERS = {
    *("infrastructure", "classifier", "prompt", "index", "language model", "questions"),
}
SEED = 12


@cache
def run(fault: str) -> Run:
    return generated.run(fault, SEED)


def halves(fault: str, column: str) -> tuple[float, float]:
    """Return the mean of a column of the calls before and after the onset."""
    calls, onset = run(fault).frames["calls"], run(fault).truth.onset
    before = calls["timestamp"] < onset
    return calls.loc[before, column].mean(), calls.loc[~before, column].mean()


def test_a_dozen_faults_and_more_lie_in_every_layer():
    faulty = [fault for fault in FAULTS if fault not in {"none", "questions"}]
    assert len(faulty) >= 12
    assert {run(fault).truth.layer for fault in FAULTS} == {*LAYERS, None}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_run_tells_its_truth(fault):
    frames, truth = run(fault).frames, run(fault).truth
    assert set(frames) == set(get_args(FrameName)) == set(FRAME_NAMES)
    assert all(len(frame) or name == "alerts" for name, frame in frames.items())
    start, end = frames["metrics"].index[[0, -1]]
    assert (truth.layer is None) == (truth.onset is None) == (fault == "none")
    if truth.onset is not None:
        assert start < truth.onset < end
    changes = frames["changes"].set_index("ref")
    assert changes.index.is_unique
    assert len(changes) > 3  # innocent ones
    if truth.change is not None:
        gap = truth.onset - changes.loc[truth.change, "timestamp"]
        assert pd.Timedelta(0) <= gap < pd.Timedelta("5min")


def test_frames_are_as_their_contracts_say():
    for name, frame in run("none").frames.items():
        pd.testing.assert_frame_equal(conform(name, frame), frame)


def test_traces_are_joined_with_calls_and_hang_together():
    for fault in ("none", "slow provider", "network latency"):
        frames = run(fault).frames
        spans, calls = frames["spans"], frames["calls"]
        assert calls["trace_id"].is_unique
        assert len(set(calls["trace_id"]) & set(spans["trace_id"])) > 200
        assert spans["span_id"].is_unique
        parents = spans["parent_span_id"].dropna()
        assert set(parents) <= set(spans["span_id"])
        joined = spans.merge(spans, left_on="parent_span_id", right_on="span_id")
        assert (joined["trace_id_x"] == joined["trace_id_y"]).all()
        assert (joined["start_x"] >= joined["start_y"]).all()
        called = joined[joined["service_x"] != joined["service_y"]]
        assert set(zip(called["service_y"], called["service_x"], strict=True)) <= set(TOPOLOGY)


def test_the_same_seed_draws_the_same_run():
    again = generated.run("cpu contention", SEED).frames
    for name, frame in run("cpu contention").frames.items():
        pd.testing.assert_frame_equal(again[name], frame)


def test_without_a_fault_nothing_shows_and_a_fault_leaves_what_was_before_it():
    assert not run("none").truth.shows
    quiet, slow = run("none").frames["calls"], run("slow provider").frames["calls"]
    onset = run("slow provider").truth.onset
    columns = ["input", "input_tokens", "latency_ms", "cost_usd"]
    before = [each.loc[each["timestamp"] < onset, columns] for each in (quiet, slow)]
    pd.testing.assert_frame_equal(*before)


def test_scrapes_are_missing_in_single_places():
    missing = run("none").frames["metrics"].isna().mean()
    assert 0.005 < missing.xs("up", level="metric").mean() < 0.05


def test_faults_go_the_way_that_they_go_in_a_system():
    before, after = halves("costly prompt", "input_tokens")
    assert after > 1.5 * before
    before, after = halves("prompt without context", "cost_usd")
    assert after < before
    lengths = run("network latency").frames["calls"]["retrieved_ids"].str.len()
    assert (lengths == 0).mean() > 0.01
    late = run("cpu contention").frames["calls"]["model"] == "large-2"
    assert late.mean() > 0.01
    errors = run("slow provider").frames["metrics"]["gateway", "http.server.request.error_ratio"]
    assert errors.max() > 0
    observed = run("classifier retrained").frames["observations"].dropna(subset="target")
    right = observed["prediction"] == observed["target"]
    bad = observed["timestamp"] >= run("classifier retrained").truth.onset
    assert right[~bad].mean() > 0.88 > right[bad].mean()


def test_the_outcome_that_shows_is_seen_in_what_readers_say():
    truths = [run(fault).truth for fault in FAULTS]
    clear = [truth for truth in truths if truth.effects.loc["quality", "errors"] > 6]
    assert clear
    for truth in clear:
        before, after = halves(truth.fault, "feedback")
        effect = truth.effects.loc["quality", "effect"]
        assert after - before == pytest.approx(effect, abs=0.1)


def test_a_fault_that_is_not_known_is_told():
    with pytest.raises(AIOpsLabError, match="no fault 'cpu'"):
        generated.run("cpu", 1)
