"""Datadog's records, from exports and from an API whose answers are made up here.

Datadog itself cannot be had in these tests; the answers follow the published API.
"""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aiopslab import sources
from tests.sources.servers import Answer, Request, Route, in_turn, problem, serving

NOON = pd.Timestamp("2026-03-01T12:00Z")
WINDOW = (NOON, NOON + pd.Timedelta("10min"))
KEYS = {"DD_API_KEY": "s3cret-api-key", "DD_APP_KEY": "s3cret-app-key"}
LOGS, SPANS = "/api/v2/logs/events/search", "/api/v2/spans/events/search"
EVENTS, METRICS = "/api/v2/events/search", "/api/v1/query"
FORBIDDEN = Answer({"errors": [f"Forbidden for {KEYS['DD_APP_KEY']}"]}, 403)


def log(number: int = 0, **fields: Any) -> dict[str, Any]:
    """Make a log as the API has it."""
    attributes = {
        "timestamp": f"2026-03-01T12:00:{number:02d}.250Z",
        "status": "info",
        "service": "auth",
        "host": "node-1",
        "message": f"line {number}",
        "tags": ["env:prod", "service:auth"],
        "attributes": {"dd": {"trace_id": "77"}, "duration": 12},
    }
    return {"id": f"log-{number}", "type": "log", "attributes": attributes | fields}


def span(number: int = 0, **fields: Any) -> dict[str, Any]:
    """Make a span as the API has it."""
    attributes = {
        "service": "auth",
        "resource_name": "GET /login",
        "operation_name": "http.request",
        "start_timestamp": f"2026-03-01T12:00:{number:02d}.000Z",
        "end_timestamp": f"2026-03-01T12:00:{number:02d}.125Z",
        "trace_id": "t1",
        "span_id": f"s{number}",
        "parent_id": "0",
        "status": "ok",
    }
    return {"id": f"span-{number}", "type": "spans", "attributes": attributes | fields}


def event(title: str, tags: tuple[str, ...] = (), **details: Any) -> dict[str, Any]:
    """Make an event as the API has it."""
    return {
        "id": "event-1",
        "type": "event",
        "attributes": {
            "timestamp": "2026-03-01T12:00:00.000Z",
            "message": "as ordered",
            "tags": list(tags),
            "attributes": {"title": title, "status": "info"} | details,
        },
    }


def opened(path: Path, *records: Any) -> sources.Evidence:
    path.write_text(json.dumps({"data": list(records)}), encoding="utf-8")
    return sources.open(f"datadog+file://{path}")


def test_a_log_of_the_api_is_read(tmp_path):
    row = opened(tmp_path / "logs.json", log(status="warning")).logs.iloc[0]
    assert row["timestamp"] == NOON + pd.Timedelta("250ms")
    assert (row["service"], row["severity"], row["body"]) == ("auth", "WARN", "line 0")
    assert row["trace_id"] == "77"
    assert row["attributes"]["host"] == "node-1"
    assert row["attributes"]["duration"] == 12


def test_logs_of_every_export_are_the_same(tmp_path):
    api = log(3)
    said = api["attributes"]
    older = {"id": "log-3", "content": {key: said[key] for key in said if key != "status"}}
    archived = {"_id": "x", "date": said["timestamp"], "source": "python"} | {
        key: value for key, value in said.items() if key != "timestamp"
    }
    archived["attributes"] = archived["attributes"] | {"timestamp": 5}
    csv = 'Date,Host,Service,Status,Message,@dd.trace_id\n"{}",node-1,auth,info,line 3,77\n'
    texts = [
        json.dumps({"data": [api], "meta": {"page": {}}}),
        json.dumps({"logs": [older], "nextLogId": None}),
        json.dumps([archived]),
        json.dumps(archived) + "\n",
        csv.format(said["timestamp"]),
    ]
    for text in texts:
        (tmp_path / "export").write_text(text)
        row = sources.open(f"datadog+file://{tmp_path}/export").logs.iloc[0]
        assert row["timestamp"] == NOON + pd.Timedelta("3250ms"), text
        assert (row["service"], row["severity"], row["body"]) == ("auth", "INFO", "line 3"), text
        assert row["trace_id"] == "77", text
        assert row["attributes"]["host"] == "node-1", text


@pytest.mark.parametrize(
    ("fields", "service"),
    [
        ({"service": "", "tags": ["env:prod", "service:pay"]}, "pay"),
        ({"service": None, "tags": ["kube_deployment:pay"]}, "pay"),
        ({"service": None, "tags": []}, "node-1"),
        ({"service": None, "tags": None, "host": None}, "unknown"),
    ],
)
def test_a_log_without_a_service_is_counted_to_the_nearest_name(tmp_path, fields, service):
    assert opened(tmp_path / "a", log(**fields)).logs["service"].tolist() == [service]


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"status": "emergency"}, "FATAL"),
        ({"status": "ok"}, "INFO"),
        ({"status": "whatever"}, "INFO"),
        ({"status": None, "message": "ERROR no pool"}, "ERROR"),
        ({"status": "error", "message": "INFO is a word"}, "ERROR"),
        ({"status": "info", "message": None}, "INFO"),
    ],
)
def test_the_status_becomes_a_severity(tmp_path, fields, severity):
    assert opened(tmp_path / "a", log(**fields)).logs["severity"].tolist() == [severity]


@pytest.mark.parametrize(
    ("fields", "status", "duration"),
    [
        ({}, "OK", 125.0),
        ({"status": "error"}, "ERROR", 125.0),
        ({"status": None, "custom": {"error": {"type": "Timeout"}}}, "ERROR", 125.0),
        ({"status": None}, "UNSET", 125.0),
        ({"custom": {"duration": 2_500_000}}, "OK", 2.5),
        ({"end_timestamp": None}, "OK", None),
    ],
)
def test_a_span_has_its_duration_and_its_status(tmp_path, fields, status, duration):
    row = opened(tmp_path / "a", span(**fields)).spans.iloc[0]
    assert row["status"] == status
    assert row["duration_ms"] == duration if duration is not None else pd.isna(row["duration_ms"])
    assert (row["service"], row["operation"]) == ("auth", "http.request")
    assert pd.isna(row["parent_span_id"]), "a root"


def test_the_parent_of_a_span_is_kept(tmp_path):
    spans = opened(tmp_path / "a", span(0), span(1, parent_id="s0")).spans
    assert spans["parent_span_id"].tolist()[1] == "s0"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (event("Deployed auth v2", ("service:auth",)), "deploy"),
        (event("auth", ("service:auth",), source_type_name="jenkins"), "deploy"),
        (event("auth rolled back", ("service:auth",)), "deploy"),
        (event("New flag value", ("service:auth", "feature_flag:fast")), "flag"),
        (
            event("x", (), service="auth", changed_resource={"type": "feature_flag", "name": "f"}),
            "flag",
        ),
        (event("x", (), service="auth", changed_resource={"type": "configuration"}), "config"),
        (event("terraform apply", ("service:auth",)), "config"),
        (event("Pushed", ("service:auth",), source_type_name="github"), "commit"),
    ],
)
def test_an_event_of_a_change_is_one(tmp_path, said, kind):
    row = opened(tmp_path / "a", said).changes.iloc[0]
    assert (row["kind"], row["service"]) == (kind, "auth")
    assert row["description"].endswith(": as ordered")


def test_an_event_that_is_neither_is_left_out(tmp_path):
    evidence = opened(tmp_path / "a", event("Agent started"), log())
    assert evidence.changes.empty
    assert evidence.alerts.empty


def test_the_events_of_a_monitor_are_its_alerts(tmp_path):
    monitor = {"id": 7, "name": "Slow login"}
    fields = {"monitor_id": 7, "monitor": monitor, "monitor_groups": ["service:auth"]}
    alerts = opened(
        tmp_path / "a",
        event(
            "[Triggered on {service:auth}] Slow login",
            ("env:prod",),
            **fields | {"status": "error"},
        ),
        event("[Recovered on {service:auth}] Slow login", **fields | {"status": "success"}),
    ).alerts
    assert alerts["state"].tolist() == ["firing", "resolved"]
    assert set(alerts["name"]) == {"Slow login"}
    assert set(alerts["service"]) == {"auth"}
    assert alerts["fingerprint"].nunique() == 1
    assert alerts["labels"].iloc[0] == {"env": "prod", "service": "auth"}


def test_an_empty_export_is_said(tmp_path):
    assert "no records" in problem(lambda: opened(tmp_path / "a"))


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def has_no_key(text: object) -> bool:
    return not any(key in str(text) for key in KEYS.values())


def pages(make: Any, count: int, size: int = 1000) -> Route:
    """Answer a search for so many records, page by page."""

    def answered(request: Request) -> Any:
        asked = request.json()
        page = asked.get("data", {}).get("attributes", asked)["page"]
        begin = int(page.get("cursor", 0))
        records = [make(number % 60) for number in range(begin, count)[: min(size, page["limit"])]]
        after = begin + len(records)
        return {"data": records, "meta": {"page": {"after": str(after)} if after < count else {}}}

    return answered


@pytest.mark.server
def test_everything_there_is_of_a_window_is_read():
    series = {"tag_set": ["service:auth"], "pointlist": [[1772366400000.0, 1.5]]}
    routes = {
        LOGS: pages(log, 3),
        SPANS: pages(span, 2),
        EVENTS: pages(lambda _: event("Deployed", ("service:auth",)), 1),
        METRICS: lambda _: {"status": "ok", "series": [series]},
    }
    with serving(routes) as server:
        url = f"datadog+{server.address}?query=env:prod&queries=avg:cpu.user{{*}} by {{service}}"
        evidence = sources.open(url, *WINDOW)
    assert len(evidence.logs) == 3
    assert len(evidence.spans) == 2
    assert evidence.changes["service"].tolist() == ["auth"]
    assert evidence.metrics["auth", "cpu.user"].tolist() == [1.5]
    for each in server.requests:
        assert each.headers["dd-api-key"] == KEYS["DD_API_KEY"]
        assert each.headers["dd-application-key"] == KEYS["DD_APP_KEY"]
    asked = {each.path: each for each in server.requests}
    window = {"from": "2026-03-01T12:00:00.000+00:00", "to": "2026-03-01T12:10:00.001+00:00"}
    assert asked[LOGS].json()["filter"] == window | {"query": "env:prod"}
    assert asked[SPANS].json()["data"]["attributes"]["filter"] == window | {"query": "env:prod"}
    assert asked[METRICS].query == {
        "from": "1772366400",
        "to": "1772367001",
        "query": "avg:cpu.user{*} by {service}",
    }
    assert has_no_key(f"{evidence!r} {evidence.notes} {evidence._repr_html_()}")


@pytest.mark.server
def test_pages_follow_the_cursor():
    with serving({LOGS: pages(log, 25, size=10)}) as server:
        url = f"datadog+{server.address}"
        assert len(sources.open(url, *WINDOW, kinds="logs").logs) == 25
        cut = sources.open(url, *WINDOW, kinds=["logs"], limit=15)
    assert len(server.requests) == 3 + 2
    assert len(cut.logs) == 15
    assert any("only the earliest 15 logs" in each for each in cut.notes)


@pytest.mark.server
def test_a_search_that_never_ends_its_pages_ends():
    with serving(
        {
            LOGS: in_turn(
                {"data": [log()], "meta": {"page": {"after": "x"}}},
                {"data": [], "meta": {"page": {"after": "x"}}},
            )
        }
    ) as server:
        assert len(sources.open(f"datadog+{server.address}", *WINDOW, kinds="logs").logs) == 1


@pytest.mark.server
def test_what_a_key_may_not_read_is_left_out_and_noted():
    routes = {LOGS: pages(log, 1), SPANS: lambda _: FORBIDDEN, EVENTS: lambda _: FORBIDDEN}
    with serving(routes) as server:
        evidence = sources.open(f"datadog+{server.address}", *WINDOW)
    assert list(evidence.frames) == ["logs"]
    notes = " ".join(evidence.notes)
    assert "spans are left out: the application key lacks the scope apm_read" in notes
    assert "events_read" in notes
    assert has_no_key(notes)


@pytest.mark.server
def test_a_refusal_of_everything_says_which_scopes_and_no_key():
    with serving({"*": lambda _: FORBIDDEN}) as server:
        said = problem(lambda: sources.open(f"datadog+{server.address}", *WINDOW))
    for word in ("logs_read_data", "apm_read", "events_read", "DD_APP_KEY", server.address):
        assert word in said
    assert has_no_key(said)
    with serving({"*": lambda _: Answer({"errors": ["Unauthorized"]}, 401)}) as server:
        assert "DD_API_KEY" in problem(lambda: sources.open(f"datadog+{server.address}", *WINDOW))


@pytest.mark.server
def test_a_rate_limit_is_waited_for_or_said():
    busy = Answer({"errors": ["Too many requests"]}, 429, {"X-RateLimit-Reset": "0"})
    with serving({LOGS: in_turn(busy, busy, {"data": [log()]})}) as server:
        url = f"datadog+{server.address}"
        assert len(sources.open(url, *WINDOW, kinds="logs").logs) == 1
    assert len(server.requests) == 3
    later = Answer({"errors": ["Too many requests"]}, 429, {"X-RateLimit-Reset": "1800"})
    with serving({LOGS: lambda _: later}) as server:
        said = problem(lambda: sources.open(f"datadog+{server.address}", *WINDOW, kinds="logs"))
    assert "wait 1800 s" in said


@pytest.mark.parametrize("name", KEYS)
def test_a_key_that_is_not_set_is_named(name, monkeypatch):
    monkeypatch.setenv(name, " ")
    said = problem(lambda: sources.open("datadog+http://127.0.0.1:1", *WINDOW))
    assert said.startswith(f"{name} not set")
    assert has_no_key(said)


@pytest.mark.server
def test_what_datadog_complains_of_is_noted():
    meta = {"status": "timeout", "warnings": [{"title": "Bad index", "detail": "no index main"}]}
    with serving({LOGS: lambda _: {"data": [log()], "meta": meta}}) as server:
        evidence = sources.open(f"datadog+{server.address}", *WINDOW, kinds="logs")
    notes = " ".join(evidence.notes)
    assert "Bad index: no index main" in notes
    assert "gave up" in notes


@pytest.mark.server
def test_series_keep_apart_and_have_the_service_of_their_tags():
    def series(scope: str, value: float | None, **fields: Any) -> dict[str, Any]:
        points = [[1772366400000.0, value], [1772366460000.0, None]]
        return {"metric": "cpu", "scope": scope, "pointlist": points} | fields

    listed = [
        series("host:a,service:auth", 1),
        series("host:b,service:auth", 2),
        series("x", 3, tag_set=["kube_deployment:pay"]),
        series("host:c", 4),
        series("*", 5, tag_set=[]),
        series("*", None, tag_set=["service:idle"]),
    ]
    with serving({METRICS: lambda _: {"status": "ok", "series": listed}}) as server:
        url = f"datadog+{server.address}"
        metrics = sources.open(url, *WINDOW, kinds="metrics", queries={"cpu": "avg:cpu{*}"}).metrics
    assert metrics.iloc[0].dropna().to_dict() == {
        ("auth", "cpu{host:a}"): 1.0,
        ("auth", "cpu{host:b}"): 2.0,
        ("pay", "cpu"): 3.0,
        ("c", "cpu"): 4.0,
        ("all", "cpu"): 5.0,
    }
    assert metrics.iloc[1].isna().all()


@pytest.mark.server
def test_a_query_that_datadog_refuses_is_said():
    answer = {"status": "error", "error": "Error parsing query: nope"}
    with serving({METRICS: lambda _: answer}) as server:
        url = f"datadog+{server.address}"
        said = problem(lambda: sources.open(url, *WINDOW, kinds="metrics", queries="nope"))
        assert "Error parsing query" in said
        assert "without a query" in problem(lambda: sources.open(url, *WINDOW, kinds="metrics"))
        assert "'spans'" in problem(lambda: sources.open(url, *WINDOW, kinds="span"))


@pytest.mark.server
def test_a_window_with_nothing_in_it_is_said():
    empty = {"data": [], "series": []}
    with serving({"*": lambda _: empty}) as server:
        url = f"datadog+{server.address}"
        said = problem(lambda: sources.open(url, *WINDOW, queries="avg:cpu{*}"))
        assert "no logs, spans, events, metrics between 2026-03-01T12:00" in said
    with serving({LOGS: pages(log, 1), "*": lambda _: empty}) as server:
        assert list(sources.open(f"datadog+{server.address}", *WINDOW).frames) == ["logs"]


@pytest.mark.server
@pytest.mark.parametrize("answer", [b"<html>log in</html>", [], {"data": 5}, {"data": [5]}])
def test_what_answers_otherwise_is_said(answer):
    with serving({"*": lambda _: Answer(answer)}) as server:
        said = problem(lambda: sources.open(f"datadog+{server.address}", *WINDOW))
    assert "not as Datadog does" in said
