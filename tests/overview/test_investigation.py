"""The whole: frames in, causes out, whatever the frames are like."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

from aiopslab.errors import FrameError, ParameterError
from aiopslab.findings import Effect, Interval
from aiopslab.overview import investigate
from aiopslab.overview.causes import Cause
from aiopslab.overview.causes_gauges import Gauge
from aiopslab.overview.investigation_clocks import on_one_clock
from aiopslab.overview.investigation_onset import corroborated, onset_of
from aiopslab.overview.shift import Shift
from tests.overview.assistant import ONSET, START, assistant, changes


def first(found):
    return found.causes[0].layer if found.causes else None


@pytest.mark.parametrize(
    ("moved", "layer"),
    [
        ({"mix": [0.85, 0.05, 0.05, 0.05]}, "questions"),
        ({"wrong": 0.5}, "classifier"),
        ({"other": True}, "index"),
        ({"version": "v2", "longer": 3.0}, "prompt"),
        ({"model": "m2", "harm": 0.35}, "language model"),
    ],
)
def test_the_layer_is_found_where_the_outcome_is_of_another(moved, layer):
    found = investigate(assistant(rows=1_500, **moved))
    assert first(found) == layer
    assert found.causes[0].speaks_for
    assert sum(each.probability for each in found.causes) == pytest.approx(1, abs=0.05)
    assert found.verdict().metrics[f"probability of {layer}"] == found.causes[0].probability


def test_a_quiet_assistant_has_no_cause():
    found = investigate({**assistant(), "changes": changes((0, "prompt", "llm", "decoy"))})
    assert (found.shifts, found.causes, found.onset) == ((), (), None)
    assert found.verdict().level == "ok"
    assert found.decomposition("quality").total is None
    assert found.table().empty
    assert "deploy" not in set(found.timeline.events["kind"])


def test_equal_seeds_equal_results():
    frames = assistant(wrong=0.5)
    one, other = investigate(frames, seed=3), investigate(frames, seed=3)
    pd.testing.assert_frame_equal(one.table(), other.table())


def test_the_order_of_rows_and_of_frames_says_nothing():
    frames = assistant(wrong=0.5)
    turned = {name: frames[name].sample(frac=1, random_state=1) for name in reversed(frames)}
    one, other = investigate(frames), investigate(turned)
    assert [each.layer for each in one.causes] == [each.layer for each in other.causes]
    assert one.shifts[0].since == other.shifts[0].since


def test_rows_that_are_there_twice_count_once():
    frames = assistant(wrong=0.5)
    doubled = {name: pd.concat([frame, frame]) for name, frame in frames.items()}
    one, other = investigate(frames), investigate(doubled)
    assert one.shifts[0].rows == other.shifts[0].rows
    assert any("there twice" in each for each in other.notes)
    assert "there twice" in other._repr_html_()


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("name", ["calls", "observations"])
def test_a_frame_of_hardly_a_row_is_not_enough(name, rows):
    found = investigate({name: assistant()[name].head(rows)})
    assert found.causes == ()
    assert found.verdict().headline
    assert found.figure() is not None


def test_values_that_are_all_missing_are_not_enough():
    calls = assistant()["calls"].assign(feedback=np.nan, cost_usd=np.nan, input_tokens=np.nan)
    found = investigate({"calls": calls})
    assert found.looked == ()
    assert found.verdict().headline.startswith("Not enough data to tell")


def test_times_without_a_zone_are_taken_as_utc_and_told():
    frames = assistant(wrong=0.5)
    naive = frames["observations"].assign(
        timestamp=frames["observations"]["timestamp"].dt.tz_localize(None)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = investigate({**frames, "observations": naive})
    assert first(found) == "classifier"
    assert any("no time zone" in each for each in found.notes)


def test_a_frame_that_does_not_fit_its_contract_is_told_and_the_others_are_read():
    frames = assistant(wrong=0.5)
    found = investigate({**frames, "calls": frames["calls"].drop(columns="model")})
    assert first(found) == "classifier"
    assert any(each.startswith("calls could not be read") for each in found.notes)


def test_a_window_leaves_out_what_is_outside():
    found = investigate(assistant(wrong=0.5), end=ONSET - pd.Timedelta("1min"))
    assert found.causes == ()
    assert found.timeline.end < ONSET


def test_a_window_that_ends_before_it_starts_is_a_mistake():
    with pytest.raises(ParameterError, match="before it starts"):
        investigate(assistant(), start=ONSET, end=START)


def test_a_window_that_is_no_time_is_a_mistake():
    with pytest.raises(FrameError):
        investigate(assistant(), start="soon")


def test_a_confidence_that_is_none_is_a_mistake():
    with pytest.raises(ParameterError, match="confidence"):
        investigate(assistant(), confidence=95)


def test_an_outcome_that_is_none_is_a_mistake():
    with pytest.raises(ParameterError, match="quality"):
        investigate({}).decomposition("qualty")


def spans(calls):
    return pd.DataFrame(
        {
            "trace_id": calls["trace_id"],
            "span_id": calls["trace_id"],
            "parent_span_id": None,
            "service": "gateway",
            "operation": "POST /ask",
            "start": calls["timestamp"] - pd.Timedelta("200ms"),
            "duration_ms": 500.0,
            "status": "OK",
        }
    )


@pytest.mark.parametrize("ahead", ["90s", "-7min", "1h"])
def test_a_clock_that_differs_is_found_by_shared_traces_and_set_right(ahead):
    frames = assistant(wrong=0.5)
    ids = [f"t{number}" for number in range(800)]
    calls, seen = (frames[each].assign(trace_id=ids) for each in ("calls", "observations"))
    traces = spans(calls)
    moved = calls.assign(timestamp=calls["timestamp"] + pd.Timedelta(ahead))
    told, notes = on_one_clock({"calls": moved, "spans": traces, "observations": seen})
    off = (told["calls"]["timestamp"] - calls["timestamp"]).abs().max()
    assert off < pd.Timedelta("1s")
    assert any("clock of the calls" in each and "corrected" in each for each in notes)
    assert told["observations"] is seen


def test_clocks_that_agree_are_left_alone():
    calls = assistant()["calls"].assign(trace_id=[f"t{number}" for number in range(800)])
    told, notes = on_one_clock({"calls": calls, "spans": spans(calls)})
    assert told["calls"] is calls
    assert notes == []


def test_a_skewed_layer_without_traces_is_told():
    times = pd.date_range(START, periods=480, freq="10s", name="timestamp")
    columns = pd.MultiIndex.from_tuples([("gateway", "http.server.request.rate")])
    metrics = pd.DataFrame(np.full((480, 1), 5.0), times, columns)
    calls = assistant()["calls"]
    moved = calls.assign(timestamp=calls["timestamp"] + pd.Timedelta("1D"))
    _, notes = on_one_clock({"metrics": metrics, "calls": moved})
    assert any("no traces tell which" in each for each in notes)


def test_untrusted_text_is_escaped_where_html_is_made():
    frames = assistant(version="<script>alert(1)</script>", longer=3.0)
    found = investigate(frames)
    assert found.causes[0].subject.startswith("<script>")
    assert "<script>" not in found._repr_html_()
    assert "<script>" not in found.decomposition("cost").figure().to_json()
    assert "<script>" not in found.figure().to_json().replace("\\u003c", "<")


def small(low, high):
    effect = Effect("change of cost a query", 1e-6, "USD", Interval(5e-7, 2e-6))
    dates = (ONSET, ONSET + pd.Timedelta(low), ONSET + pd.Timedelta(high))
    return Shift(
        *("cost", "cost a query", "moved", *dates, 1e-5, 1.1e-5, effect, 0.001, 0.009),
        rows=(100, 100),
        wanted="less",
        is_small=True,
    )


@pytest.mark.parametrize(
    ("gauge", "moved", "dates", "state"),
    [
        ("questions", 1.0, ("-1min", "1min"), "moved"),
        ("questions", 0.2, ("-1min", "1min"), "steady"),
        ("input tokens", 1.0, ("-1min", "1min"), "steady"),
        ("questions", 1.0, ("-40min", "-30min"), "steady"),
    ],
)
def test_a_small_shift_counts_where_a_layer_moved_with_it(gauge, moved, dates, state):
    gauges = [Gauge(gauge, "", moved, "")]
    (told,) = corroborated((small(*dates),), gauges, ONSET, pd.Timedelta("5min"))
    assert told.state == state


def test_an_incident_far_from_the_shift_is_another():
    shift = small("-1min", "1min")
    assert onset_of((shift,), None, pd.Timedelta("5min")) == (shift.since, shift.high)
    assert onset_of((), None, pd.Timedelta("5min")) == (None, None)


def cause(layer, probability, *speaks_for):
    return Cause(layer, layer, probability, speaks_for=speaks_for)


@pytest.mark.parametrize(
    ("causes", "told"),
    [
        ([cause("index", 0.9, "seen")], "It most likely began in the layer index."),
        ([cause("index", 0.9)], "Nothing recorded of any layer speaks for its cause"),
        ([cause("index", 0.4, "seen"), cause("prompt", 0.35)], "cannot be told apart"),
    ],
)
def test_the_headline_is_as_sure_as_the_evidence(causes, told):
    found = investigate(assistant(wrong=0.5))
    assert told in dataclasses.replace(found, causes=tuple(causes)).verdict().headline
