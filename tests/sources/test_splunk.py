"""Splunk's logs, from exports and from a search head whose answers are made up here.

A real Splunk cannot be had in these tests; the answers follow the published API.
"""

import csv
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.errors import FrameError
from tests.sources.servers import Answer, Request, problem, serving

NOON = pd.Timestamp("2026-03-01T12:00Z")
WINDOW = (NOON, NOON + pd.Timedelta("10min"))
TOKEN = "splunk-s3cret-token"
EXPORT = "/services/search/v2/jobs/export"


def event(number: int = 0, **fields: Any) -> dict[str, Any]:
    """Make an event as a search returns it."""
    return {
        "_time": f"2026-03-01T12:00:{number:02d}.250+00:00",
        "_raw": f"12:00:{number:02d} INFO line {number}",
        "_indextime": "1772366400",
        "host": "node-1",
        "source": "/var/log/auth.log",
        "sourcetype": "auth",
        "index": "shop",
        "linecount": "1",
        "punct": "::__",
    } | fields


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return f"splunk+file://{path}"


def test_an_event_becomes_a_log(tmp_path):
    url = written(tmp_path / "events.json", json.dumps([event(level="warning", trace_id="t1")]))
    row = sources.open(url).logs.iloc[0]
    assert row["timestamp"] == NOON + pd.Timedelta("250ms")
    assert (row["service"], row["severity"], row["trace_id"]) == ("auth", "WARN", "t1")
    assert row["body"] == "12:00:00 INFO line 0"
    assert row["attributes"]["host"] == "node-1"
    assert row["attributes"]["source"] == "/var/log/auth.log"
    assert "punct" not in row["attributes"]


@pytest.mark.parametrize(
    ("fields", "service"),
    [
        ({"service": "pay", "app": "x"}, "pay"),
        ({"service.name": "pay"}, "pay"),
        ({"app": ["pay", "other"]}, "pay"),
        ({"service": ""}, "auth"),
        ({"sourcetype": None}, "node-1"),
        ({"sourcetype": None, "host": None}, "unknown"),
    ],
)
def test_the_service_is_the_best_name_that_an_event_has(tmp_path, fields, service):
    url = written(tmp_path / "events.json", json.dumps([event(**fields)]))
    assert sources.open(url).logs["service"].tolist() == [service]


@pytest.mark.parametrize(
    ("fields", "severity"),
    [
        ({"level": "critical"}, "FATAL"),
        ({"severity": "Err"}, "ERROR"),
        ({"_raw": "12:00:00 ERROR no pool"}, "ERROR"),
        ({"_raw": '{"level": "warn", "msg": "ERROR is a word"}'}, "WARN"),
        ({"_raw": "level=panic msg=x"}, "FATAL"),
        ({"_raw": "nothing is said of an error"}, "INFO"),
        ({"level": "whatever", "_raw": "x"}, "INFO"),
        ({"_raw": None, "message": "FATAL end"}, "FATAL"),
    ],
)
def test_the_severity_is_that_of_a_field_or_else_of_the_line(tmp_path, fields, severity):
    url = written(tmp_path / "events.json", json.dumps([event(**fields)]))
    assert sources.open(url).logs["severity"].tolist() == [severity]


@pytest.mark.parametrize(
    "time",
    [
        "2026-03-01T12:00:00.000+00:00",
        "2026-03-01T13:00:00.000+0100",
        "2026-03-01 12:00:00.000 UTC",
        "1772366400",
        1772366400.0,
    ],
)
def test_times_of_every_style_of_splunk_are_read(tmp_path, time):
    url = written(tmp_path / "events.json", json.dumps([event(_time=time)]))
    assert sources.open(url).logs["timestamp"].tolist() == [NOON]


def test_a_time_that_cannot_be_read_is_said(tmp_path):
    url = written(tmp_path / "events.json", json.dumps([event(_time="yesterday")]))
    with pytest.raises(FrameError, match="yesterday"):
        sources.open(url)


def test_exports_come_in_several_wrappings(tmp_path):
    events = [event(number, _raw=f"line {number}:\n „two“, <b>") for number in range(3)]
    lines = [{"preview": False, "offset": at, "result": each} for at, each in enumerate(events)]
    lines[-1]["lastrow"] = True
    for text in (
        json.dumps(events),
        "\n".join(map(json.dumps, events)),
        "\n".join(map(json.dumps, lines)),
        json.dumps({"preview": False, "init_offset": 0, "messages": [], "results": events}),
    ):
        logs = sources.open(written(tmp_path / "events.json", text)).logs
        assert logs["body"].tolist() == [each["_raw"] for each in events]


def test_the_csv_of_splunk_web_is_read(tmp_path):
    events = [event(number, _raw=f'line {number}:\n"two", <b>', code="007") for number in range(3)]
    with (tmp_path / "events.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(events[0]), quoting=csv.QUOTE_ALL)
        table.writeheader()
        table.writerows(events)
    logs = sources.open(f"splunk+file://{tmp_path}/events.csv").logs
    assert logs["body"].tolist() == [each["_raw"] for each in events]
    assert logs["attributes"].iloc[0]["code"] == "007", "text stays text"


def test_a_table_of_statistics_is_refused(tmp_path):
    said = problem(lambda: sources.open(written(tmp_path / "a.csv", "host,count\na,3\n")))
    assert "no Splunk events" in said
    assert "fields _time _raw" in said
    assert "no Splunk events" in problem(lambda: sources.open(written(tmp_path / "a.json", "[]")))


@pytest.fixture(autouse=True)
def token(monkeypatch):
    for name in ("USER", "PASSWORD", "CA"):
        monkeypatch.delenv(f"SPLUNK_{name}", raising=False)
    monkeypatch.setenv("SPLUNK_TOKEN", TOKEN)


def lines(*events: dict[str, Any], messages: tuple[tuple[str, str], ...] = ()) -> bytes:
    """Write what an export answers: an object a line."""
    said = [{"preview": False, "messages": [{"type": t, "text": text}]} for t, text in messages]
    rows = [{"preview": False, "offset": at, "result": each} for at, each in enumerate(events)]
    return "\n".join(map(json.dumps, [*said, *rows])).encode() + b"\n\n"


def form(request: Request) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(request.body.decode()).items()}


@pytest.mark.server
def test_a_search_is_asked_for_the_window():
    with serving({EXPORT: lambda _: Answer(lines(event(1), event(2)))}) as server:
        evidence = sources.open(f"splunk+{server.address}", *WINDOW, limit=10)
    assert evidence.logs["body"].tolist() == ["12:00:01 INFO line 1", "12:00:02 INFO line 2"]
    [request] = server.requests
    assert request.method == "POST"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert form(request) == {
        "search": "search index=* | head 11",
        "earliest_time": "1772366400.000",
        "latest_time": "1772367000.001",
        "output_mode": "json",
        "preview": "false",
    }


@pytest.mark.server
@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("search index=shop level=error", "search index=shop level=error"),
        ("index=shop", "search index=shop"),
        ("| from datamodel:x", "| from datamodel:x"),
    ],
)
def test_a_query_is_made_whole(query, asked):
    with serving({EXPORT: lambda _: Answer(lines(event()))}) as server:
        url = f"splunk+{server.address}"
        sources.open(url, *WINDOW, query=query)
        sources.open(f"{url}?query={query}", *WINDOW)
    assert {form(each)["search"] for each in server.requests} == {f"{asked} | head 50001"}


@pytest.mark.server
def test_a_session_key_is_sent_as_one(monkeypatch):
    monkeypatch.setenv("SPLUNK_TOKEN", "Splunk s3ssion-key")
    refusal = Answer({"messages": [{"type": "WARN", "text": "no s3ssion-key"}]}, 401)
    with serving({EXPORT: lambda _: refusal}) as server:
        said = problem(lambda: sources.open(f"splunk+{server.address}"))
    assert server.requests[0].headers["authorization"] == "Splunk s3ssion-key"
    assert "SPLUNK_TOKEN" in said
    assert "s3ssion-key" not in said


@pytest.mark.server
def test_an_older_splunk_is_asked_where_it_answers():
    with serving({"/services/search/jobs/export": lambda _: Answer(lines(event()))}) as server:
        assert len(sources.open(f"splunk+{server.address}", *WINDOW).logs) == 1


@pytest.mark.server
def test_a_limit_that_cuts_is_noted():
    with serving({EXPORT: lambda _: Answer(lines(*map(event, range(4))))}) as server:
        evidence = sources.open(f"splunk+{server.address}", *WINDOW, limit=3)
    assert len(evidence.logs) == 3
    assert any("only the latest 3 events" in each for each in evidence.notes)


@pytest.mark.server
def test_previews_are_not_counted_twice():
    body = json.dumps({"preview": True, "result": event()}).encode() + b"\n" + lines(event())
    with serving({EXPORT: lambda _: Answer(body)}) as server:
        assert len(sources.open(f"splunk+{server.address}", *WINDOW).logs) == 1


@pytest.mark.server
def test_complaints_in_between_are_heard():
    warned = lines(event(), messages=(("WARN", f"a peer is down, {TOKEN}"), ("DEBUG", "x")))
    with serving({EXPORT: lambda _: Answer(warned)}) as server:
        evidence = sources.open(f"splunk+{server.address}", *WINDOW)
    assert any("a peer is down" in each for each in evidence.notes)
    assert TOKEN not in f"{evidence.notes} {evidence!r}"
    failed = lines(event(), messages=(("FATAL", f"Unknown search command 'foo' {TOKEN}"),))
    with serving({EXPORT: lambda _: Answer(failed)}) as server:
        said = problem(lambda: sources.open(f"splunk+{server.address}", *WINDOW, query="| foo"))
    assert "Unknown search command 'foo'" in said
    assert TOKEN not in said


@pytest.mark.server
@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "SPLUNK_TOKEN"), (403, "capability search"), (400, "Mend the query"), (404, "host")],
)
def test_a_refusal_says_what_to_do_and_no_secret(status, words):
    refusal = Answer({"messages": [{"type": "ERROR", "text": f"no, {TOKEN}"}]}, status)
    with serving({"*": lambda _: refusal}) as server:
        said = problem(lambda: sources.open(f"splunk+{server.address}", *WINDOW))
    assert words in said
    assert TOKEN not in said


@pytest.mark.server
def test_a_search_that_finds_nothing_or_no_events_is_said():
    with serving({EXPORT: lambda _: Answer(b"")}) as server:
        said = problem(lambda: sources.open(f"splunk+{server.address}", *WINDOW))
        assert "finds nothing between 2026-03-01T12:00" in said
    with serving({EXPORT: lambda _: Answer(lines({"count": "3"}))}) as server:
        said = problem(lambda: sources.open(f"splunk+{server.address}", *WINDOW))
        assert "no Splunk events" in said
    for body in (b"<html>log in</html>", b"[1]", b'{"result": 5}'):
        with serving({EXPORT: lambda _, said=body: Answer(said)}) as server:
            said = problem(lambda: sources.open(f"splunk+{server.address}", *WINDOW))
            assert "not as Splunk does" in said, body
