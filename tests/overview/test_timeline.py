"""What happened when, in every layer."""

import pandas as pd

from aiopslab import sources
from aiopslab.overview import investigate
from aiopslab.overview.timeline import COLUMNS, Timeline
from aiopslab.overview.timeline_events import timeline_events
from tests.overview.assistant import ONSET, assistant, changes

NOTHING = pd.DataFrame(columns=COLUMNS)


def events(**frames):
    return timeline_events(frames, None, (), (), None)


def test_changes_lie_in_the_lane_of_their_layer():
    table = changes(
        (0, "prompt", "llm", "a"),
        (1, "model", "classifier", "b"),
        (2, "model", "llm", "c"),
        (3, "index", "retriever", "d"),
        (4, "deploy", "auth", "e"),
    )
    lanes = ["prompt", "classifier", "language model", "index", "infrastructure"]
    assert events(changes=table)["lane"].tolist() == lanes


def test_events_are_in_order_of_time_with_alerts_as_spells():
    alerts = pd.DataFrame(
        {
            "timestamp": [ONSET, ONSET + pd.Timedelta("9min")],
            "name": "Slow",
            "service": "auth",
            "severity": "page",
            "state": ["firing", "resolved"],
            "fingerprint": "a",
            "labels": None,
        }
    )
    told = events(changes=changes((5, "deploy", "auth", "e")), alerts=alerts)
    assert told["kind"].tolist() == ["alert", "deploy"]
    assert told["end"][0] - told["timestamp"][0] == pd.Timedelta("9min")


def test_a_version_is_an_event_when_it_is_first_called():
    told = events(calls=assistant(version="v2")["calls"])
    assert told[["lane", "subject"]].to_numpy().tolist() == [["prompt", "v2"]]
    assert told["timestamp"][0] >= ONSET


def test_failed_traces_are_told_with_their_id():
    spans = pd.DataFrame(
        {
            "trace_id": ["t1", "t2"],
            "span_id": ["a", "b"],
            "parent_span_id": None,
            "service": "auth",
            "operation": "POST /verify",
            "start": [ONSET, ONSET + pd.Timedelta("1s")],
            "duration_ms": 5.0,
            "status": "ERROR",
        }
    )
    assert events(spans=spans)["trace_id"].tolist() == ["t1"]


def test_nothing_has_a_picture_that_says_so():
    figure = Timeline(NOTHING).figure()
    assert "Nothing to show" in figure.layout.meta["description"]


def test_a_picture_has_a_lane_a_layer_counts_the_rest_and_escapes():
    rows = [(number, "deploy", "<b>auth</b>", f"r{number}") for number in range(12)]
    told = events(changes=changes(*rows, (3, "index", "retriever", "d")))
    figure = Timeline(told, ONSET).figure()
    headings = [each.text for each in figure.layout.annotations]
    assert headings == ["<b>Index</b>", "<b>Infrastructure · and 4 more</b>"]
    texts = [text for trace in figure.data if trace.text for text in trace.text]
    assert not any("<b>auth" in text for text in texts)
    assert "Infrastructure" in figure.layout.meta["description"]


def test_a_recording_has_outcomes_incident_and_alerts_on_one_axis():
    found = investigate(sources.open("sample://llm-costly-prompt").frames)
    told = found.timeline.events
    assert {"shift", "incident", "alert", "version", "prompt"} <= set(told["kind"])
    assert {"outcomes", "prompt", "infrastructure"} <= set(told["lane"])
    assert told["timestamp"].is_monotonic_increasing
    first = found.causes[0]
    assert (first.layer, first.subject) == ("prompt", "answer-v4")
    assert first.effect.interval.low > 0.9
    assert found.verdict().level == "act"
    assert found.decomposition("cost").table()["layer"][0] == "prompt"
