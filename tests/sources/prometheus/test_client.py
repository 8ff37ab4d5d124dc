"""What is asked of Prometheus' API, against a self-made server that misbehaves on demand."""

from itertools import pairwise

import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.frames import FrameWarning
from aiopslab.sources.prometheus import client
from aiopslab.sources.prometheus.grid import Grid
from aiopslab.sources.rules import open_rules
from tests.sources.servers import Answer, problem, serving

pytestmark = pytest.mark.server
NOW = pd.Timestamp("2026-03-01T12:00:00Z")


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ("TOKEN", "USER", "PASSWORD", "CA"):
        monkeypatch.delenv(f"AIOPSLAB_PROMETHEUS_{name}", raising=False)


def refused(answer: Answer) -> str:
    """Return what the user is told, who is told it at once."""
    with serving({"/api/v1/query": lambda _: answer}) as server:
        with client.connect(server.address) as asking:
            said = problem(lambda: client.query(asking, "up", NOW))
        assert len(server.requests) == 1 and server.address in said
    return said


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer({"error": "parse error: unexpected end"}, 400), "parse error: unexpected end"),
        (Answer({"error": "too many samples"}, 422), "narrow it with match"),
        (Answer(b"", 401), "AIOPSLAB_PROMETHEUS_TOKEN"),
        (Answer(b"404 page not found", 404), "Check host, port and path"),
        (Answer(b"", 302, {"Location": "/login"}), "redirects"),
        (Answer(b"<html>Please log in</html>"), "not as Prometheus does"),
        (Answer([1, 2]), "not as Prometheus does"),
        (Answer({"status": "success"}), "not as Prometheus does"),
    ],
)
def test_what_will_not_pass_is_asked_once(answer, expected):
    assert expected in refused(answer)


def test_a_bad_query_is_named():
    assert "up cannot be evaluated" in refused(Answer({"error": "timed out"}, 422))


@pytest.mark.parametrize("answer", [Answer(b"", 404), {"data": []}, {"data": {"up": [7]}}])
def test_a_server_without_metadata_is_none_the_worse(answer):
    with serving({"*": lambda _: answer}) as server, client.connect(server.address) as asking:
        assert client.kinds(asking) == {}


def test_answers_of_several_requests_are_joined_by_series():
    """As much as a server gives at once, whatever order its series come in, and its warnings."""
    grid = Grid(NOW.value // 10**6, 1000, 25_000)

    def answer(asked):
        at = float(asked.query["start"])
        series = [{"metric": {"job": name}, "values": [[at, "1"]]} for name in "ab"]
        return {"data": {"result": series[:: -1 if at % 2 else 1]}, "warnings": ["partial"]}

    with (
        serving({"*": answer}) as server,
        client.connect(server.address) as asking,
        pytest.warns(FrameWarning, match="Prometheus: partial"),
    ):
        found = client.query_range(asking, "up", grid, lambda: None)
    assert [(each["metric"]["job"], len(each["values"])) for each in found] == [("a", 3), ("b", 3)]
    bounds = [(float(each.query["start"]), float(each.query["end"])) for each in server.requests]
    assert bounds[0][0] == grid.start.timestamp() and bounds[-1][1] == grid.end.timestamp()
    assert all(end - start < 11_000 for start, end in bounds)
    assert [later[0] - earlier[1] for earlier, later in pairwise(bounds)] == [1.0, 1.0]


def test_more_than_is_fetched_at_once_is_refused_before_it_is_fetched():
    counted = [{"metric": {}, "value": [0, "9000000"]}]

    def answer(asked):
        return {"data": {"result": counted if "count(" in asked.query["query"] else []}}

    with serving({"*/values": lambda _: {"data": ["m"]}, "*/query": answer}) as server:
        said = problem(lambda: sources.open(f"prometheus+{server.address}", "2026-03-01T11Z", NOW))
    assert "9,000,000 series" in said and "Narrow the selection" in said
    assert not any(path.endswith("query_range") for path in server.paths)


@pytest.mark.parametrize("queries", ["up", ["up"]])
def test_queries_without_names_are_told(queries):
    said = problem(lambda: sources.open("prometheus+http://127.0.0.1:1", queries=queries))
    assert "expected PromQL by names" in said


def test_a_url_with_credentials_sends_no_request():
    with serving({}) as server:
        url = f"prometheus+{server.address}".replace("http://", "http://ann:hunter2@")
        said = problem(lambda: sources.open(url))
    assert "AIOPSLAB_PROMETHEUS_TOKEN" in said and "hunter2" not in said
    assert server.requests == []


def rules(*listed: object) -> dict:
    return {"data": {"groups": [{"name": "größe", "rules": list(listed)}]}}


def test_rules_of_a_server_are_those_of_a_file(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_TOKEN", "t0ken-of-mine")
    rule = {
        "type": "alerting",
        "name": "Slow",
        "query": "latency_seconds > 2",
        "duration": 300,
        "labels": {"severity": "page", "job": "größe"},
        "annotations": {"runbook_url": "https://runbooks.example/slow"},
    }
    with serving({"/prom/api/v1/rules": lambda _: rules(rule)}) as server:
        read = open_rules(f"prometheus+{server.address}/prom?match=up").iloc[0]
    assert server.requests[0].query == {"type": "alert"}
    assert server.requests[0].headers["authorization"] == "Bearer t0ken-of-mine"
    assert (read["name"], read["expr"], read["for_s"]) == ("Slow", "latency_seconds > 2", 300)
    assert (read["group"], read["service"], read["severity"]) == ("größe", "größe", "page")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer({"error": "no t0ken-of-mine"}, 403), "AIOPSLAB_PROMETHEUS_TOKEN"),
        (Answer(b"", 429, {"Retry-After": "3600"}), "asks to wait 3600 s"),
        (Answer(b"", 503, {"Retry-After": "0"}), "Check that Prometheus runs there"),
        (Answer(b"<html>"), "not as Prometheus does"),
        (Answer({"data": {"groups": [{"name": "a", "rules": [7]}]}}), "not as Prometheus does"),
        (Answer(rules({"name": "A"})), "no file of Prometheus rules: 'expr'"),
    ],
)
def test_rules_that_cannot_be_had_are_told(monkeypatch, answer, expected):
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_TOKEN", "t0ken-of-mine")
    with serving({"*": lambda _: answer}) as server:
        said = problem(lambda: open_rules(f"prometheus+{server.address}"))
    assert expected in said and "t0ken" not in said


def test_a_server_without_rules_has_none():
    with serving({"*": lambda _: {"data": {"groups": []}}}) as server:
        assert open_rules(f"prometheus+{server.address}").empty
