"""The five tiles: what they say of recordings whose fault is known, and of made-up evidence."""

import json
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.errors import ParameterError
from aiopslab.findings import LEVELS
from aiopslab.overview import REHEARSAL, Targets, prepare, tiles
from aiopslab.overview.layers import LAYERS
from aiopslab.retrieval.freshness import Freshness
from tests.overview.evidence import START, calls, metrics, observations, served, times

INFRASTRUCTURE, ACCURACY, QUALITY, KNOWLEDGE, COST = LAYERS
# What was broken, and the tiles that cannot be fine then.
FAULTS = {
    "auth-errors": {INFRASTRUCTURE},
    "llm-cpu": {INFRASTRUCTURE},
    "retriever-latency": {INFRASTRUCTURE},
    "llm-costly-prompt": {COST, INFRASTRUCTURE},
    "classifier-degraded": {ACCURACY},
    "retriever-stale-index": {KNOWLEDGE, QUALITY},
    "indexer-stale-index": {KNOWLEDGE},
}


@cache
def recorded(name):
    return prepare(sources.open(f"sample://{name}").frames, source=f"sample://{name}")


@pytest.mark.parametrize("name", FAULTS)
def test_the_tile_of_the_layer_that_broke_is_not_fine(name):
    seen = recorded(name).judge(REHEARSAL)
    assert {each.name for each in seen.tiles if each.state != "ok"} >= FAULTS[name]
    assert seen.verdict().level != "ok"


def test_a_quiet_recording_is_fine_by_either_targets():
    for targets in (REHEARSAL, Targets()):
        seen = recorded("no-fault").judge(targets)
        assert [each.state for each in seen.tiles] == ["ok"] * 5
        assert seen.verdict().level == "ok"
        assert seen.verdict().headline == "5 of 5 tiles meet their targets."


def test_a_window_is_judged_as_it_was_then():
    prepared = recorded("classifier-degraded")
    began = prepared.start + pd.Timedelta("170s")
    before, after = (
        prepared.judge(REHEARSAL, end=began)[ACCURACY],
        prepared.judge(REHEARSAL, start=began + pd.Timedelta("15s"))[ACCURACY],
    )
    assert before.state == "ok" and after.state == "act"
    assert before.now == began and after.now == prepared.now
    assert before.value - after.value > 0.2


def test_an_accuracy_is_the_share_with_the_interval_of_wilson():
    from statsmodels.stats.proportion import proportion_confint

    right = np.tile([1, 1, 1, 0], 50)
    tile = tiles({"observations": observations(right)})[ACCURACY]
    low, high = proportion_confint(150, 200, method="wilson")
    assert tile.value == 0.75 and tile.worst.rows == 200
    assert (tile.interval.low, tile.interval.high) == pytest.approx((low, high))


def test_a_cost_is_the_mean_with_the_interval_of_student():
    from scipy import stats

    cost = np.random.default_rng(0).gamma(2, 0.001, 100)
    tile = tiles({"calls": calls(cost)})[COST]
    low, high = stats.t.interval(0.95, 99, cost.mean(), stats.sem(cost))
    assert tile.value == pytest.approx(cost.mean()) and tile.unit == "USD"
    assert (tile.interval.low, tile.interval.high) == pytest.approx((low, high))


@pytest.mark.parametrize(
    ("right", "state"),
    [(96, "ok"), (82, "ok"), (78, "watch"), (60, "act")],
)
def test_a_target_is_surely_missed_or_only_perhaps(right, state):
    order = np.random.default_rng(1).permutation(np.arange(100) < right)
    tile = tiles({"observations": observations(order)}, Targets(accuracy=0.8))[ACCURACY]
    assert tile.state == state
    assert ("though not surely" in tile.sentence) == (right in {82, 78})


def test_what_meets_its_target_but_surely_worsens_is_watched():
    steep = np.r_[np.full(50, 0.001), np.full(50, 0.004)] + np.tile([0, 1e-5], 50)
    tile = tiles({"calls": calls(steep)}, Targets(cost_usd=0.01))[COST]
    assert tile.direction == "worse" and tile.state == "watch"
    assert tile.trend.interval.low > 0.0029 and "+299 % (" in tile.sentence
    gentle = np.r_[np.full(50, 0.001), np.full(50, 0.0011)] + np.tile([0, 1e-5], 50)
    tile = tiles({"calls": calls(gentle)}, Targets(cost_usd=0.01))[COST]
    assert tile.direction == "worse" and tile.state == "ok"
    assert "no more than is ordinary" in tile.sentence


def test_what_becomes_better_is_not_watched():
    falls = np.r_[np.full(50, 0.004), np.full(50, 0.001)] + np.tile([0, 1e-5], 50)
    tile = tiles({"calls": calls(falls)})[COST]
    assert tile.direction == "better" and tile.state == "ok"


def test_few_rows_are_never_fine_nor_a_case_to_act():
    for right in ([1.0] * 9, [0.0] * 9):
        tile = tiles({"observations": observations(right)})[ACCURACY]
        assert tile.state == "watch" and "not enough data" in tile.sentence
        assert tile.direction == "not enough data to tell"


def test_requests_are_counted_at_the_door():
    both = pd.concat([served(0.0), served(0.5, service="auth")], axis=1)
    edges = pd.DataFrame({"caller": ["gateway"], "callee": ["auth"]})
    told = tiles({"metrics": both, "topology": edges})[INFRASTRUCTURE]
    assert told.measures[0].effect.value == 1.0
    unknown = tiles({"metrics": both})[INFRASTRUCTURE]
    assert unknown.value == pytest.approx(0.75)  # as many requests at either
    assert unknown.state == "act"


def test_the_measure_that_is_worst_speaks_for_its_tile():
    tile = tiles({"metrics": served(0.0, 1_500.0)})[INFRASTRUCTURE]
    assert tile.state == "act" and tile.unit == "ms" and tile.value == 1_500.0
    assert "Beside it: good requests 100 %" in tile.sentence
    assert tiles({"metrics": served(0.0)})[INFRASTRUCTURE].unit == ""


def test_failures_in_bursts_say_less():
    steady = np.tile([0.1] * 10, 12)
    bursts = np.repeat([1.0] + [0.0] * 9, 12)
    intervals = []
    for errors in (steady, bursts):
        frame = served(errors)
        intervals.append(tiles({"metrics": frame})[INFRASTRUCTURE].measures[0].effect.interval)
    assert intervals[1].high - intervals[1].low > 2 * (intervals[0].high - intervals[0].low)


def test_spans_are_counted_where_there_are_no_metrics():
    spans = pd.DataFrame(
        {
            "trace_id": [str(row) for row in range(200)],
            "span_id": [str(row) for row in range(200)],
            "parent_span_id": [None, "x"] * 100,
            "service": "gateway",
            "operation": "GET /",
            "start": times(200),
            "duration_ms": 50.0,
            "status": ["ERROR", "OK", "OK", "ERROR"] * 50,
        }
    )
    good, latency = tiles({"spans": spans})[INFRASTRUCTURE].measures
    assert good.effect.value == 0.5 and good.rows == 100  # of spans that have no parent
    assert latency.effect.value == 50.0


def test_the_age_of_an_index_is_the_last_one():
    ages = np.r_[np.zeros(60), np.arange(60) * 60.0]
    frame = metrics({("retriever", "index.age_s"): ages})
    tile = tiles({"metrics": frame}, Targets(age_s=1_800))[KNOWLEDGE]
    assert tile.value == 59 * 60 and tile.interval is None and tile.state == "act"
    assert tile.direction == "worse" and "59 min" in tile.sentence


def test_documents_compared_with_their_sources_count():
    documents = pd.DataFrame(
        {
            "document": ["a", "b", "c", "d"],
            "state": ["current", "current", "changed", "current"],
            "modified": START,
            "ingested": START,
            "chunks": 1,
            "stale_days": [np.nan, np.nan, 3.0, np.nan],
        }
    )
    freshness = Freshness(documents, START)
    tile = tiles({}, freshness=freshness)[KNOWLEDGE]
    assert [each.effect.value for each in tile.measures] == [0.75, 3 * 86_400]
    assert tile.state == "act"
    # It is of its own time: the window of the telemetry is as it would be without it.
    frames = {"calls": calls()}
    assert tiles(frames, freshness=freshness).start == tiles(frames).start
    assert tiles(frames, freshness=freshness)[KNOWLEDGE].value == 0.75


def test_scores_stand_beside_feedback():
    frame = calls(feedback=[1.0, 1.0, 1.0, 0.0] * 25, groundedness=np.linspace(0.2, 0.6, 100))
    helpful, grounded = tiles({"calls": frame})[QUALITY].measures
    assert helpful.effect.value == 0.75 and grounded.effect.value == pytest.approx(0.4)
    assert tiles({"calls": frame})[QUALITY].state == "act"


def test_links_are_parameters_of_the_templates():
    from aiopslab.reports.catalogue import find
    from aiopslab.reports.parameters import validate

    for each in recorded("no-fault").judge().tiles:
        parameters = {one.name: one for one in find(each.link.template).parameters}
        assert set(each.link.parameters) <= set(parameters)
        validate([parameters[name] for name in each.link.parameters], each.link.parameters)
        assert json.loads(json.dumps(each.link.parameters)) == each.link.parameters
    assert not tiles({"calls": calls()})[COST].link.parameters  # nobody said where it is


def test_other_targets_judge_what_was_measured():
    seen = recorded("no-fault").judge(REHEARSAL)
    strict = Targets(accuracy=0.99, cost_usd=0.0001)
    again, anew = seen.against(strict), recorded("no-fault").judge(strict)
    assert again.table().equals(anew.table())
    assert again[ACCURACY].state == "act" and again[COST].state == "act"


@given(
    right=st.lists(st.booleans(), min_size=1, max_size=60),
    targets=st.tuples(st.floats(0.01, 0.98), st.floats(0.001, 0.01)),
)
def test_a_stricter_target_never_looks_better(right, targets):
    loose, strict = targets[0], targets[0] + targets[1]
    seen = tiles({"observations": observations(right)}, Targets(accuracy=loose))
    levels = [seen.against(Targets(accuracy=each))[ACCURACY].level for each in (loose, strict)]
    assert LEVELS.index(levels[1]) >= LEVELS.index(levels[0])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"accuracy": 90}, "share between 0 and 1"),
        ({"quality": 0.0}, "share between 0 and 1"),
        ({"cost_usd": 0.0}, "above 0"),
        ({"latency_ms": float("inf")}, "above 0"),
        ({"stale_after": "soon"}, "duration"),
    ],
)
def test_targets_that_are_none_are_refused(wrong, told):
    with pytest.raises(ParameterError, match=told):
        Targets(**wrong)
