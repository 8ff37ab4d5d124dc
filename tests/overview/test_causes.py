"""In which layer it began, and what speaks for and against it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.overview.causes import (
    LAYERS_OF_CAUSES,
    LIKELIHOOD,
    evidence,
    layer_probabilities,
)
from aiopslab.overview.causes_gauges import Gauge, row_gauges, sureness
from aiopslab.overview.causes_ranking import rank_causes
from aiopslab.overview.causes_services import service_gauges
from aiopslab.overview.decomposition_rows import call_rows, observation_rows
from aiopslab.overview.shift import OUTCOMES
from tests.overview.assistant import ONSET, assistant, changes

GAP = pd.Timedelta("5s")
SUSPECTS = ["service", "kind", "name", "signal", "strength", "before", "after"]


def gauges_of(**moved):
    frames = assistant(rows=1_500, **moved)
    told = row_gauges(call_rows(frames), observation_rows(frames), ONSET, GAP)
    return {each.name: each for each in told}


def suspects(*rows):
    return pd.DataFrame(rows, columns=SUSPECTS)


@pytest.mark.parametrize(
    ("moved", "gauge"),
    [
        ({"mix": [0.7, 0.1, 0.1, 0.1]}, "questions"),
        ({"wrong": 0.5}, "predictions"),
        ({"other": True}, "other documents"),
        ({"version": "v2"}, "prompt version"),
        ({"model": "m2"}, "model version"),
        ({"longer": 1.5}, "input tokens"),
    ],
)
def test_a_gauge_moves_with_its_layer_and_others_do_not(moved, gauge):
    told = gauges_of(**moved)
    assert told[gauge].moved > 0.9
    independent = {"questions", "predictions", "prompt version", "model version", "price"}
    assert all(told[each].moved < 0.5 for each in independent - {gauge} if each in told)


def test_a_mix_that_moved_is_no_fault_of_the_classifier():
    told = gauges_of(mix=[0.85, 0.05, 0.05, 0.05])
    assert told["predictions"].moved < 0.5


def test_a_version_that_was_switched_long_before_is_not_told():
    frames = assistant(rows=1_500)
    early = frames["calls"]["timestamp"] < ONSET - pd.Timedelta("30min")
    calls = frames["calls"].assign(prompt_version=np.where(early, "v0", "v1"))
    told = row_gauges(call_rows({**frames, "calls": calls}), observation_rows(frames), ONSET, GAP)
    assert next(each for each in told if each.name == "prompt version").moved == 0


def test_a_version_of_some_calls_only_is_told_apart():
    frames = assistant(rows=1_500)
    is_some = (frames["calls"]["timestamp"] >= ONSET) & (np.arange(1_500) % 3 == 0)
    calls = frames["calls"].assign(prompt_version=np.where(is_some, "fallback", "v1"))
    told = row_gauges(call_rows({**frames, "calls": calls}), observation_rows(frames), ONSET, GAP)
    found = next(each for each in told if each.name == "prompt version now and then")
    assert (found.subject, found.moved) == ("fallback", 1.0)


def test_a_callee_comes_before_its_caller():
    rows = suspects(
        ("gateway", "metric", "http.server.request.duration_p95_ms", "latency", 4.0, 1, 9),
        ("auth", "metric", "http.server.request.duration_p95_ms", "latency", 4.0, 1, 9),
    )
    edges = pd.DataFrame({"caller": ["gateway"], "callee": ["auth"]})
    assert [each.subject for each in service_gauges(rows, 2.0, edges)] == ["auth"]
    assert len(service_gauges(rows, 2.0, None)) == 2


def test_an_alert_that_hardly_fires_says_nothing():
    rows = suspects(("llm", "alert", "HighTokenCost", "HighTokenCost", 2.2, 0, 0.001))
    assert service_gauges(rows, 2.0, None) == []


@given(
    st.dictionaries(st.sampled_from(sorted(LIKELIHOOD)), st.floats(0, 1)),
    st.dictionaries(st.sampled_from(LAYERS_OF_CAUSES), st.floats(0, 1)),
)
@settings(max_examples=50, deadline=None)
def test_probabilities_add_up_and_a_claim_helps_its_layer(moved, claims):
    gauges = [Gauge(name, "", share, name) for name, share in moved.items()]
    told = layer_probabilities(gauges, [], claims)
    assert sum(told.values()) == pytest.approx(1)
    more = layer_probabilities(gauges, [], {**claims, "index": 1.0})
    assert more["index"] >= told["index"] - 1e-12


def test_every_gauge_and_outcome_has_a_likelihood_of_every_layer():
    assert all(len(each) == len(LAYERS_OF_CAUSES) for each in LIKELIHOOD.values())
    assert all(0 < chance < 1 for each in LIKELIHOOD.values() for chance in each)
    assert set(OUTCOMES) <= set(LIKELIHOOD)


def test_evidence_is_for_what_moved_and_against_what_kept_still():
    gauges = [
        Gauge("other documents", "", 1.0, "other documents came"),
        Gauge("index signs", "retriever", 0.0, "its age kept"),
        Gauge("prompt version", "v2", 1.0, "v2 came"),
    ]
    pro, contra = evidence("index", gauges)
    assert pro == ("other documents came",)
    assert contra == ("still: its age kept", "not of it: v2 came")


@pytest.mark.parametrize("p", [1.0, 0.05, 0.01, 1e-9, 0.0])
def test_sureness_is_a_share(p):
    assert 0 <= sureness(p) <= 1


def ranked(gauges, table=None, edges=None):
    frames = {"topology": edges} if edges is not None else {}
    if table is not None:
        frames["changes"] = table
    return rank_causes(frames, gauges, (), suspects(), ONSET, ONSET + pd.Timedelta("1min"))


def test_an_innocent_change_close_by_does_not_win_by_time_alone():
    gauges = [
        Gauge("other documents", "", 1.0, "other documents came"),
        Gauge("prompt version", "v1", 0.0, "v1 went from 100 to 100 %"),
        Gauge("token signs", "llm", 0.0, "tokens kept"),
    ]
    edges = pd.DataFrame({"caller": ["gateway"] * 2, "callee": ["retriever", "llm"]})
    table = changes((-10, "index", "retriever", "real"), (-0.1, "prompt", "llm", "decoy"))
    first = ranked(gauges, table, edges)[0]
    assert (first.layer, first.change) == ("index", "real")


def test_a_change_after_the_onset_is_innocent():
    gauges = [Gauge("other documents", "", 1.0, "other documents came")]
    edges = pd.DataFrame({"caller": ["gateway"], "callee": ["retriever"]})
    table = changes((5, "index", "retriever", "late"))
    assert ranked(gauges, table, edges)[0].change is None


def test_nothing_measured_leaves_all_layers_alike():
    assert {round(each.probability, 6) for each in ranked([])} == {round(1 / 6, 6)}


def test_the_prompt_is_the_promoted_one_and_not_that_which_calls_fell_back_to():
    calls = assistant(rows=400, version="v2")["calls"]
    fell_back = (calls["timestamp"] > ONSET) & (np.arange(400) % 3 > 0)
    calls.loc[fell_back, ["prompt_version", "model"]] = ["fallback", "hosted"]
    gauges = [Gauge("prompt version now and then", "fallback", 1.0, "fallback came")]
    found = rank_causes({"calls": calls}, gauges, (), suspects(), ONSET, ONSET)
    assert {each.layer: each.subject for each in found}["prompt"] == "v2"
