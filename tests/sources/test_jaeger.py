"""The Jaeger back end, against a self-made server that answers as the query service does.

No Jaeger is to be had here: the responses are self-made, in the form of its HTTP API.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning, conform
from aiopslab.sources import jaeger
from tests.sources.servers import Answer, Request, Server, in_turn, problem, serving

pytestmark = pytest.mark.server
START = pd.Timestamp("2026-03-01T12:00:00Z")
END = START + pd.Timedelta("10min")
MICROSECONDS = START.value // 1000


def span(trace: str, name: str, at: int, process: str = "p1", **more: object) -> dict:
    return {
        "traceID": trace,
        "spanID": name.encode().hex().zfill(16)[-16:],
        "operationName": name,
        "references": [],
        "startTime": MICROSECONDS + at,
        "duration": 1_500,
        "tags": [],
        "processID": process,
        **more,
    }


def trace(number: int, at: int, *services: str) -> dict:
    """Make a trace with a span for each service, each the child of the one before."""
    identity = f"{number + 1:032x}"
    spans = []
    for depth, service in enumerate(services):
        parent = [{"refType": "CHILD_OF", "traceID": identity, "spanID": spans[-1]["spanID"]}] if (
            spans) else []  # fmt: skip
        spans.append(span(identity, service, at + depth, f"p{depth}", references=parent))
    processes = {f"p{depth}": {"serviceName": name} for depth, name in enumerate(services)}
    return {"traceID": identity, "spans": spans, "processes": processes}


class Jaeger:
    """Traces, and the API that hands them out: the latest that there are, up to the limit."""

    def __init__(self, traces: list[dict]) -> None:
        self.stored = traces

    def services(self, _: Request) -> object:
        names = {each["serviceName"] for one in self.stored for each in one["processes"].values()}
        return {"data": sorted(names) or None, "total": len(names), "errors": None}

    def traces(self, asked: Request) -> object:
        start, end, limit = (int(asked.query[name]) for name in ("start", "end", "limit"))
        found = [
            each
            for each in self.stored
            if any(
                each["processes"][one["processID"]]["serviceName"] == asked.query["service"]
                and start <= one["startTime"] <= end
                for one in each["spans"]
            )
        ]
        return {"data": found[::-1][:limit], "errors": None}


@contextmanager
def running(traces: list[dict], edges: object = None) -> Iterator[Server]:
    instance = Jaeger(traces)
    routes = {"/api/services": instance.services, "/api/traces": instance.traces}
    if edges is not None:
        routes["/api/dependencies"] = lambda _: edges
    with serving(routes) as server:
        yield server


def read(server: Server, **options: object) -> sources.Evidence:
    return sources.open(f"jaeger+{server.address}", start=START, end=END, **options)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("TOKEN", "USER", "PASSWORD", "CA"):
        monkeypatch.delenv(f"AIOPSLAB_JAEGER_{name}", raising=False)


def test_traces_become_spans_and_dependencies_topology():
    edges = {"data": [{"parent": "gateway", "child": "auth", "callCount": 7},
                      {"parent": "auth", "child": "auth", "callCount": 1}]}  # fmt: skip
    with running([trace(1, 5, "gateway", "auth", "größe <b>")], edges) as server:
        evidence = read(server)
        lookback = server.requests[-1].query
    spans = evidence.spans
    assert spans["service"].tolist() == ["gateway", "auth", "größe <b>"]
    assert spans["parent_span_id"].tolist()[1:] == spans["span_id"].tolist()[:2]
    assert pd.isna(spans["parent_span_id"].iloc[0])
    assert spans["duration_ms"].tolist() == [1.5] * 3
    assert spans["start"].iloc[0] == START + pd.Timedelta("5us")
    assert evidence.topology.to_numpy().tolist() == [["gateway", "auth"]]
    assert lookback == {"endTs": str(END.value // 10**6), "lookback": "600000"}


def test_without_dependencies_there_is_no_topology():
    with running([trace(1, 5, "a")]) as server:
        assert {*read(server).frames} == {"spans"}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([], "UNSET"),
        ([{"key": "error", "type": "bool", "value": True}], "ERROR"),
        ([{"key": "error", "type": "string", "value": "true"}], "ERROR"),
        ([{"key": "error", "type": "bool", "value": False}], "UNSET"),
        ([{"key": "otel.status_code", "type": "string", "value": "ERROR"}], "ERROR"),
        ([{"key": "otel.status_code", "type": "string", "value": "OK"}], "OK"),
        (None, "UNSET"),
    ],
)
def test_tags_tell_the_status(tags, expected):
    one = {"spans": [span("ab", "x", 1, tags=tags)], "processes": {}}
    table = jaeger.spans_table([one])
    assert table["status"].tolist() == [expected] and table["service"].tolist() == ["unknown"]


def test_the_parent_is_of_the_same_trace_and_waits():
    own = [{"refType": "FOLLOWS_FROM", "traceID": "ab", "spanID": "1"},
           {"refType": "CHILD_OF", "traceID": "cd", "spanID": "2"},
           {"refType": "CHILD_OF", "traceID": "ab", "spanID": "3"}]  # fmt: skip
    spans = [span("ab", "x", 1, references=own), span("ab", "y", 2, references=own[:2]),
             span("ab", "z", 3, parentSpanID="f")]  # fmt: skip
    table = jaeger.spans_table([{"spans": spans, "processes": {}}])
    assert table["parent_span_id"].str.strip("0").tolist() == ["3", "1", "f"]


def test_a_window_with_too_many_traces_is_asked_for_in_parts():
    many = [trace(at, at * 100_000, "gateway", "auth") for at in range(2_000)]
    with running(many) as server:
        spans = read(server).spans
        asked = [each for each in server.requests if each.path == "/api/traces"]
    assert len(spans) == 4_000 and spans["trace_id"].nunique() == 2_000
    assert not spans.duplicated(["trace_id", "span_id"]).any()
    assert len(asked) < 40


@settings(max_examples=10)
@given(st.lists(st.integers(0, 1_000_000), unique_by=lambda at: at // 2_000, max_size=20))
def test_however_traces_lie_in_time_none_is_lost(times):
    traces = [trace(number, at, "a") for number, at in enumerate(sorted(times))]
    with running(traces) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaeger, "PAGE", 3)
        with jaeger.Client(server.address) as client:
            found = jaeger._of_service(client, "a", MICROSECONDS, MICROSECONDS + 1_000_000)
            assert sorted(each["traceID"] for each in found) == [each["traceID"] for each in traces]


def test_more_traces_at_once_than_jaeger_gives_are_said():
    with running([trace(at, 5, "a") for at in range(600)]) as server:
        evidence = read(server)
    assert len(evidence.spans) == 500
    assert any("does not give the rest" in note for note in evidence.notes)


def test_an_answer_that_is_too_large_is_asked_for_in_parts(monkeypatch):
    defaults = jaeger.Client.__init__.__kwdefaults__
    monkeypatch.setattr(jaeger.Client.__init__, "__kwdefaults__", {**defaults, "limit": 20_000})
    many = [trace(at, at * 1_000_000, "gateway", "auth") for at in range(200)]
    assert len(json.dumps(many)) > 100_000
    with running(many) as server:
        assert read(server).spans["trace_id"].nunique() == 200


def test_a_limit_is_kept_and_what_is_not_read_is_said():
    with running([trace(at, at, "a", "b", "c") for at in range(30)]) as server:
        evidence = read(server, limit=20)
    assert len(evidence.spans) == 20
    assert any("nor are those without it of b, c" in note for note in evidence.notes)


def test_only_the_services_asked_for_are_asked_about():
    with running([trace(1, 1, "a"), trace(2, 2, "b"), trace(3, 3, "c")]) as server:
        url = f"jaeger+{server.address}/?service=a, c"
        spans = sources.open(url, start=START, end=END).spans
    assert spans["service"].tolist() == ["a", "c"]


def test_nothing_found_is_told():
    with running([]) as server:
        assert "knows no service" in problem(lambda: read(server))
        assert "no traces of x" in problem(lambda: read(server, service="x"))


@pytest.mark.parametrize(
    "answer",
    [
        [], {}, None, {"data": 7}, {"data": [7]}, {"data": [{"traceID": "a"}]},
        {"data": [{"traceID": "a", "spans": [{"startTime": "x"}]}]}, Answer(b"<html>"),
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_told(answer):
    with serving({"/api/traces": lambda _: answer}) as server:
        assert "not as Jaeger does" in problem(lambda: read(server, service="a"))


def test_a_refusal_is_told_in_jaegers_words():
    said = {"data": None, "errors": [{"code": 400, "msg": "unable to parse param 'start'"}]}
    with serving({"/api/traces": lambda _: Answer(said, 400)}) as server:
        shown = problem(lambda: read(server, service="a"))
    assert "400 Bad Request, unable to parse param 'start'" in shown


def test_a_busy_server_is_asked_again():
    answers = in_turn(Answer(b"", 503, {"Retry-After": "0"}), {"data": [trace(1, 1, "a")]})
    with serving({"/api/traces": answers}) as server:
        assert len(read(server, service="a").spans) == 1


@pytest.mark.parametrize("status", [200, 401, 404])
def test_credentials_are_sent_and_never_shown(monkeypatch, status):
    monkeypatch.setenv("AIOPSLAB_JAEGER_USER", "me")
    monkeypatch.setenv("AIOPSLAB_JAEGER_PASSWORD", "s3cret-of-mine")

    def echo(asked: Request) -> Answer:
        return Answer(
            {"errors": [{"msg": asked.headers["authorization"] + "s3cret-of-mine"}]}, status
        )

    with serving({"/api/traces": echo}) as server:
        with pytest.raises(SourceError) as raised:
            read(server, service="a")
        sent = server.requests[-1].headers["authorization"]
    shown = f"{raised.value} {raised.value!r}"
    assert sent.startswith("Basic ") and sent.split(" ")[1] not in shown
    assert "s3cret" not in shown


def test_a_downloaded_trace_is_read(tmp_path):
    path = tmp_path / "trace.json"
    path.write_text(json.dumps({"data": [trace(1, 5, "gateway", "auth")]}))
    tables = jaeger.open_export(f"jaeger+file://{path}", None, None).tables
    assert conform("spans", tables["spans"])["service"].tolist() == ["gateway", "auth"]


@pytest.mark.parametrize("content", ["{}", '{"data": []}', '{"data": [{"spans": [7]}]}', "x"])
def test_a_file_without_traces_is_told(tmp_path, content):
    path = tmp_path / "trace.json"
    path.write_text(content)
    problem(lambda: jaeger.open_export(f"jaeger+file://{path}", None, None))


def test_a_span_without_a_start_is_left_out_and_said():
    spans = [span("ab", "x", 1, startTime=None), span("ab", "y", 1, duration=None)]
    with pytest.warns(FrameWarning) as noted:
        table = conform("spans", jaeger.spans_table([{"spans": spans, "processes": {}}]))
    assert len(noted) == 2 and table["operation"].tolist() == ["y"]
