"""The back end of OpenSearch and Elasticsearch, against a self-made server that answers like them.

Neither is to be had here: the responses are self-made, in the form of their APIs; of the query
language, only the range of the time is acted on.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.errors import SourceError
from aiopslab.sources.opensearch import search as paging
from tests.sources.servers import Answer, Request, Server, in_turn, problem, serving

pytestmark = pytest.mark.server
START = pd.Timestamp("2026-03-01T12:00:00Z")
END = START + pd.Timedelta("10min")
FIRST = START.value // 10**6


def document(at: int, text: str = "hello", **more: object) -> dict:
    """Make a document some milliseconds after the start."""
    time = pd.Timestamp(FIRST + at, unit="ms", tz="UTC").isoformat()
    return {"@timestamp": time, "message": text, **more}


class Cluster:
    """Documents, in an index whose pages end anywhere among those of one time."""

    def __init__(self, documents: list[dict], kind: str = "opensearch", points: bool = True):
        self.documents = documents
        self.elastic = kind == "elasticsearch"
        self.points = points
        self.open: set[str] = set()
        self.made = 0

    def make(self, asked: Request) -> object:
        if not self.points:
            return Answer({"error": "no handler found"}, 400)
        assert asked.query["keep_alive"]
        self.made += 1
        self.open.add(f"point {self.made}")
        return {"id" if self.elastic else "pit_id": f"point {self.made}"}

    def close(self, asked: Request) -> object:
        said = asked.json()
        self.open -= {said["id"]} if self.elastic else {*said["pit_id"]}
        return {}

    def search(self, asked: Request) -> object:
        said = asked.json()
        if self.points:
            assert asked.path == "/_search" and said["pit"]["id"] in self.open
        (field, _), (tie, _) = (next(iter(each.items())) for each in said["sort"])
        assert tie == ("_shard_doc" if self.points and self.elastic else "_id")
        bounds = said["query"]["bool"]["filter"][0]["range"][field]
        hits = []
        for place, source in enumerate(self.documents):
            at = pd.Timestamp(source[field]).value // 10**6
            # As text, 10 goes before 9: an order that is not that of writing.
            key = [at, place if tie == "_shard_doc" else str(place)]
            if bounds["gte"] <= at <= bounds["lte"] and key > said.get("search_after", [0, 0]):
                hits.append({"_index": "logs", "_id": str(place), "_source": source, "sort": key})
        hits.sort(key=lambda hit: hit["sort"])
        shards = {"total": 1, "successful": 1, "failed": 0}
        answer = {"timed_out": False, "_shards": shards, "hits": {"hits": hits[: said["size"]]}}
        return answer | ({"pit_id": said["pit"]["id"]} if self.points else {})


@contextmanager
def running(cluster: Cluster) -> Iterator[Server]:
    point = "/_pit" if cluster.elastic else "/_search/point_in_time"
    routes = {point: cluster.close, f"/*{point}": cluster.make}
    with serving({**routes, "/_search": cluster.search, "/*/_search": cluster.search}) as server:
        yield server


def read(server: Server, kind: str = "opensearch", **options: object) -> sources.Evidence:
    return sources.open(f"{kind}+{server.address}", start=START, end=END, **options)


def one(source: dict, **options: object) -> pd.Series:
    """Return the row that a document becomes."""
    with running(Cluster([source])) as server:
        return read(server, **options).logs.iloc[0]


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for kind in ("OPENSEARCH", "ELASTICSEARCH"):
        for name in ("TOKEN", "USER", "PASSWORD", "CA", "API_KEY"):
            monkeypatch.delenv(f"AIOPSLAB_{kind}_{name}", raising=False)


TRACE = "0af7651916cd43dd8448eb211c80319c"
TOLD = {"service": "auth", "severity": "ERROR", "body": "naïve <b>", "trace_id": TRACE}


@pytest.mark.parametrize(
    "fields",
    [
        {"service": {"name": "auth"}, "log": {"level": "error"}, "message": "naïve <b>",
         "trace": {"id": TRACE}},
        {"service.name": "auth", "log.level": "ERROR", "message": "naïve <b>", "trace.id": TRACE},
        {"resource": {"attributes": {"service.name": "auth"}}, "severity_text": "Error",
         "body": {"text": "naïve <b>"}, "trace_id": TRACE},
        {"resource.attributes.service.name": "auth", "severity_number": 17, "body": "naïve <b>",
         "trace_id": TRACE},
        {"resource": {"attributes": {"service": {"name": "auth"}}}, "severity": {"number": 18,
         "text": ""}, "body": "naïve <b>", "traceId": TRACE.upper()},
        {"Resource": {"service": {"name": "auth"}}, "SeverityText": "error", "Body": "naïve <b>",
         "TraceId": TRACE},
        {"serviceName": "auth", "severityText": "ERROR", "severityNumber": 17, "body": "naïve <b>",
         "traceId": TRACE},
        {"kubernetes": {"labels": {"app": "auth"}, "container_name": "c"}, "level": "err",
         "log": "naïve <b>", "trace_id": TRACE},
        {"service": ["auth", "b"], "level": ["error"], "message": ["naïve <b>"],
         "trace.id": [TRACE]},
    ],
    ids=["ecs", "ecs-flat", "otel", "otel-flat", "ss4o", "exporter", "prepper", "fluent", "lists"],
)  # fmt: skip
def test_the_schemas_in_use_are_understood(fields):
    row = one({"@timestamp": START.isoformat(), **fields})
    assert {name: row[name] for name in TOLD} == TOLD


def test_a_document_that_says_little_is_a_log_all_the_same():
    row = one({"@timestamp": START.isoformat(), "a": {"b": 1}})
    assert row["service"] == "unknown" and row["severity"] == "INFO"
    assert '"b": 1' in row["body"] and row["attributes"]["a.b"] == 1


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2026-03-01T12:00:00.123456Z", "2026-03-01T12:00:00.123456Z"),
        ("2026-03-01T12:00:00.123456789Z", "2026-03-01T12:00:00.123456Z"),
        ("2026-03-01T13:00:01+01:00", "2026-03-01T12:00:01Z"),
        ("2026-03-01T12:00:00.5", "2026-03-01T12:00:00.5Z"),
        ("01 Mar 2026 12:00:02", "2026-03-01T12:00:02Z"),
    ],
)
def test_a_time_keeps_its_precision_and_any_format_of_an_index_is_read(written, expected):
    assert one({"@timestamp": written})["timestamp"] == pd.Timestamp(expected)


def test_both_ends_of_the_window_are_in():
    length = 600_000
    documents = [document(at, str(at)) for at in (-1, 0, length, length + 1)]
    with running(Cluster(documents)) as server:
        assert read(server).logs["body"].tolist() == ["0", str(length)]


@pytest.mark.parametrize("kind", ["opensearch", "elasticsearch"])
@pytest.mark.parametrize("points", [True, False], ids=["point", "no point"])
@pytest.mark.parametrize("length", [0, 1, 6, 7, 14, 50])
def test_many_pages_are_one_table(monkeypatch, kind, points, length):
    monkeypatch.setattr(paging, "PAGE", 7)
    cluster = Cluster([document(at // 20, str(at)) for at in range(length)], kind, points)
    with running(cluster) as server:
        if not length:
            assert "no documents" in problem(lambda: read(server, kind))
        else:
            found = read(server, kind, index="logs-*,x:y").logs["body"]
            assert sorted(map(int, found)) == list(range(length))
        assert cluster.open == set() and cluster.made == int(points)


@pytest.mark.parametrize("most", [1, 6, 7, 8, 20])
def test_a_limit_is_kept_and_said(monkeypatch, most):
    monkeypatch.setattr(paging, "PAGE", 7)
    with running(Cluster([document(at, str(at)) for at in range(20)])) as server:
        evidence = read(server, limit=most)
        searches = [each for each in server.requests if each.path == "/_search"]
    assert evidence.logs["body"].tolist() == [str(at) for at in range(most)]
    assert any("only the earliest" in note for note in evidence.notes) == (most < 20)
    assert len(searches) == most // 7 + 1


def test_the_point_in_time_ends_even_where_reading_fails():
    cluster = Cluster([document(1)])
    cluster.search = lambda _: {"hits": None}
    with running(cluster) as server:
        assert "not as OpenSearch does" in problem(lambda: read(server))
        assert cluster.made == 1 and cluster.open == set()


def test_shards_that_fail_are_said():
    cluster = Cluster([document(1)])
    search = cluster.search
    cluster.search = lambda asked: {
        **search(asked), "timed_out": True, "_shards": {"total": 5, "failed": 2}}  # fmt: skip
    with running(cluster) as server:
        notes = read(server).notes
    assert any("2 of 5 shards failed" in note for note in notes)
    assert any("ran out of time" in note for note in notes)


def test_options_may_stand_in_the_url():
    with running(Cluster([document(1) | {"time": START.isoformat()}])) as server:
        url = (f"opensearch+{server.address}/?index=<logs-{{now/d}}>,b"
               "&query=level:(error OR warn) AND a:\"x+y\"&time_field=time&limit=5")  # fmt: skip
        sources.open(url, start=START, end=END)
        made, searched, _ = server.requests
    assert made.path == "/%3Clogs-%7Bnow%2Fd%7D%3E,b/_search/point_in_time"
    bounds, text = searched.json()["query"]["bool"]["filter"]
    assert text == {"query_string": {"query": 'level:(error OR warn) AND a:"x+y"'}}
    assert "time" in bounds["range"]


def test_an_index_cannot_lead_elsewhere():
    with running(Cluster([document(1)], points=False)) as server:
        read(server, index="../_cluster/settings?x")
        assert not any("_cluster/" in each.path for each in server.requests)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": {"type": "x", "reason": "all shards failed", "root_cause": [
            {"type": "query_shard_exception", "reason": "Failed to parse query [a:(]"}]},
          "status": 400}, "Failed to parse query [a:(]"),
        ({"error": {"reason": "no such index [x]"}, "status": 404}, "no such index [x]"),
    ],
)  # fmt: skip
def test_a_refusal_is_told_in_the_servers_words(answer, said):
    cluster = Cluster([])
    cluster.search = lambda _: Answer(answer, answer["status"])
    with running(cluster) as server:
        assert said in problem(lambda: read(server))
        assert cluster.open == set()


@pytest.mark.parametrize(
    "answer",
    [[], {}, None, {"hits": {"hits": [{}]}}, {"hits": {"hits": [{"_source": 1, "sort": [1]}]}},
     {"hits": {"hits": [{"_source": {}, "sort": ["x"]}]}}, Answer(b"<html>")],
)  # fmt: skip
def test_an_answer_of_another_shape_is_told(answer):
    cluster = Cluster([])
    cluster.search = lambda _: answer
    with running(cluster) as server:
        assert "not as OpenSearch does" in problem(lambda: read(server))


def test_a_busy_cluster_is_asked_again():
    cluster = Cluster([document(1)])
    busy = Answer({"error": {"reason": "circuit_breaking_exception"}}, 429, {"Retry-After": "0"})
    search, answers = cluster.search, in_turn(busy, None)
    cluster.search = lambda asked: answers(asked) or search(asked)
    with running(cluster) as server:
        assert len(read(server).logs) == 1


@pytest.mark.parametrize(
    ("kind", "variables", "sent"),
    [
        ("opensearch", {"TOKEN": "s3cret"}, "Bearer s3cret"),
        ("opensearch", {"USER": "a", "PASSWORD": "s3cret"}, "Basic YTpzM2NyZXQ="),
        ("elasticsearch", {"API_KEY": "s3cret=="}, "ApiKey s3cret=="),
        ("elasticsearch", {"TOKEN": "s3cret", "API_KEY": "other"}, "Bearer s3cret"),
        ("elasticsearch", {}, None),
    ],
)
@pytest.mark.parametrize("status", [200, 401, 403])
def test_credentials_are_sent_and_never_shown(monkeypatch, kind, variables, sent, status):
    for name, held in variables.items():
        monkeypatch.setenv(f"AIOPSLAB_{kind.upper()}_{name}", held)

    def echo(asked: Request) -> Answer:
        reason = f"no account of {asked.headers.get('authorization')} {[*variables.values()]}"
        return Answer({"error": {"reason": reason}}, status)

    with serving({"/*": echo}) as server:
        with pytest.raises(SourceError) as raised:
            read(server, kind)
        assert {each.headers.get("authorization") for each in server.requests} == {sent}
    shown = f"{raised.value} {raised.value!r}"
    assert "s3cret" not in shown and "YTpz" not in shown
    if status != 200:
        assert f"AIOPSLAB_{kind.upper()}_TOKEN" in raised.value.remedy
