"""The Tempo back end, against a self-made server that answers as Tempo's documentation says.

No Tempo is to be had here: the responses are self-made; the traces in them are encoded by the
exporter of the real OpenTelemetry SDK.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pytest
from google.protobuf.json_format import MessageToDict
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from aiopslab import sources
from aiopslab.errors import SourceError
from aiopslab.sources import tempo
from tests.sources.servers import Answer, Request, Server, in_turn, problem, serving

pytestmark = pytest.mark.server
START = pd.Timestamp("2026-03-01T12:00:00Z")
END = START + pd.Timedelta("10min")


def traces(seconds: list[float]) -> dict[str, tuple[int, dict]]:
    """Record a trace of two services at each time: by its identifier, when, and what it is."""
    exporter = InMemorySpanExporter()
    tracers = []
    for name in ("gateway", "auth <b>"):
        provider = TracerProvider(resource=Resource.create({"service.name": name}))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        tracers.append(provider.get_tracer("test"))
    made = {}
    for second in seconds:
        begun = START.value + int(second * 1e9)
        with tracers[0].start_as_current_span("GET /", start_time=begun, end_on_exit=False) as root:
            tracers[1].start_span("login", start_time=begun + 1_000).end(begun + 2_000_000)
            root.end(begun + 3_000_000)
        identity = f"{root.get_span_context().trace_id:x}"  # Tempo drops leading zeros
        made[identity] = (begun, MessageToDict(encode_spans(exporter.get_finished_spans())))
        exporter.clear()
    return made


def batches(trace: dict) -> dict:
    return {"batches": trace["resourceSpans"]}


class Tempo:
    """Traces, and the API that hands them out."""

    def __init__(self, stored: dict[str, tuple[int, dict]], wrap=batches) -> None:
        self.stored = stored
        self.wrap = wrap

    def search(self, asked: Request) -> object:
        start, end, limit = (int(asked.query[name]) for name in ("start", "end", "limit"))
        found = [
            {"traceID": identity, "startTimeUnixNano": str(at), "durationMs": 3}
            for identity, (at, _) in self.stored.items()
            if start * 10**9 <= at <= end * 10**9
        ]
        return {"traces": found[::-1][:limit], "metrics": {}}

    def trace(self, asked: Request) -> object:
        assert asked.headers["accept"] == "application/json"
        identity = asked.path.rpartition("/")[2]
        if identity not in self.stored:
            return Answer(b"trace not found", 404)
        return self.wrap(self.stored[identity][1])


@contextmanager
def running(stored: dict[str, tuple[int, dict]], wrap=batches) -> Iterator[Server]:
    instance = Tempo(stored, wrap)
    with serving({"/api/search": instance.search, "/api/traces/*": instance.trace}) as server:
        yield server


def read(server: Server, **options: object) -> sources.Evidence:
    return sources.open(f"tempo+{server.address}", start=START, end=END, **options)


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("TOKEN", "USER", "PASSWORD", "CA"):
        monkeypatch.delenv(f"AIOPSLAB_TEMPO_{name}", raising=False)


@pytest.mark.parametrize(
    "wrap", [batches, lambda trace: trace, lambda trace: {"trace": trace}], ids=["1", "2", "v2"]
)
def test_traces_become_spans(wrap):
    made = traces([0, 300, 599.9])
    with running(made, wrap) as server:
        spans = read(server).spans
    assert spans["service"].tolist() == ["gateway", "auth <b>"] * 3
    assert spans["duration_ms"].tolist()[:2] == [3.0, 1.999]
    assert spans["start"].iloc[0] == START
    assert set(spans["trace_id"]) == {identity.zfill(32) for identity in made}
    assert spans["parent_span_id"].iloc[1] == spans["span_id"].iloc[0]


def test_more_traces_than_wanted_are_taken_evenly():
    made = traces([float(at) for at in range(0, 600, 2)])
    with running(made) as server:
        evidence = read(server, limit=30)
    roots = evidence.spans[evidence.spans["operation"] == "GET /"]
    assert len(roots) == 30
    gaps = roots["start"].diff().dropna().dt.total_seconds()
    assert gaps.between(15, 25).all()
    assert any("30 of 300 traces" in note for note in evidence.notes)


def test_a_burst_is_not_read_less_than_the_limit_allows():
    with running(traces([300 + at / 1000 for at in range(60)])) as server:
        assert read(server, limit=60).spans["trace_id"].nunique() == 60
        evidence = read(server, limit=50)
    assert evidence.spans["trace_id"].nunique() == 50
    assert any("1 of 20 parts of the window" in note for note in evidence.notes)


def test_a_window_shorter_than_its_parts_is_searched():
    with running(traces([0.5])) as server:
        end = START + pd.Timedelta("1s")
        spans = sources.open(f"tempo+{server.address}", start=START, end=end).spans
    assert len(spans) == 2


def test_a_trace_that_is_gone_is_said():
    made = traces([1, 2])
    instance = Tempo(made)
    found = instance.search
    with serving(
        {
            "/api/search": lambda asked: {
                "traces": [*found(asked)["traces"], {"traceID": "f00"}, {"traceID": "f00"}]
            },
            "/api/traces/*": instance.trace,
        }
    ) as server:
        evidence = read(server)
    assert evidence.spans["trace_id"].nunique() == 2
    assert any(note.startswith("1 traces are no longer there") for note in evidence.notes)


def test_a_trace_that_is_too_large_is_said(monkeypatch):
    defaults = tempo.Client.__init__.__kwdefaults__
    monkeypatch.setattr(tempo.Client.__init__, "__kwdefaults__", {**defaults, "limit": 20_000})
    made = traces([1, 2])
    (_, large), *_ = made.values()
    large["padding"] = "." * 20_000
    with running(made, lambda trace: trace) as server:
        evidence = read(server)
    assert evidence.spans["trace_id"].nunique() == 1
    assert any(note.startswith("1 traces are too large") for note in evidence.notes)


def test_options_may_stand_in_the_url():
    with running(traces([1])) as server:
        url = f"tempo+{server.address}/?query={{status=error %26%26 true}}&tenant=shop"
        sources.open(url, start=START, end=END)
        assert server.requests[0].query["q"] == "{status=error && true}"
        assert {each.headers["x-scope-orgid"] for each in server.requests} == {"shop"}


def test_an_identifier_cannot_lead_elsewhere():
    found = {"traces": [{"traceID": "../../flush?x=/y"}]}
    with serving({"/api/search": lambda _: found}) as server:
        problem(lambda: read(server))
        assert all(each.path.startswith("/api/") for each in server.requests)


def test_nothing_found_is_told():
    with running({}) as server:
        assert "finds no traces" in problem(lambda: read(server))


@pytest.mark.parametrize("answer", [[], 7, {"traces": [7]}, {"traces": [{}]}, Answer(b"<html>")])
def test_an_answer_of_another_shape_is_told(answer):
    with serving({"/api/search": lambda _: answer}) as server:
        assert "not as Tempo does" in problem(lambda: read(server))


@pytest.mark.parametrize(
    "answer", [[], {"batches": [7]}, {"batches": {"a": 1}}, Answer(b"\x0a\x10")]
)
def test_a_trace_of_another_shape_is_told(answer):
    found = {"traces": [{"traceID": "ab"}]}
    routes = {"/api/search": lambda _: found, "/api/traces/*": lambda _: answer}
    with serving(routes) as server:
        assert "not as Tempo does" in problem(lambda: read(server))


def test_a_busy_server_is_asked_again():
    made = traces([1])
    instance = Tempo(made)
    busy = Answer(b"", 429, {"Retry-After": "0"})
    identity = next(iter(made))
    answer = in_turn(busy, batches(made[identity][1]))
    with serving({"/api/search": instance.search, "/api/traces/*": answer}) as server:
        assert len(read(server).spans) == 2


@pytest.mark.parametrize("status", [200, 400, 401, 404])
def test_credentials_are_sent_and_never_shown(monkeypatch, status):
    monkeypatch.setenv("AIOPSLAB_TEMPO_TOKEN", "t0ken-of-mine")

    def echo(asked: Request) -> Answer:
        return Answer(asked.headers["authorization"].encode(), status)

    with serving({"/api/search": echo}) as server:
        with pytest.raises(SourceError) as raised:
            read(server)
        assert server.requests[-1].headers["authorization"] == "Bearer t0ken-of-mine"
    assert "t0ken" not in f"{raised.value} {raised.value!r}"
