"""Kubernetes' events, from exports and from an API server whose answers are made up here.

A real API server cannot be had in these tests; the answers follow the published API.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.sources import kubernetes
from aiopslab.sources.kubernetes import workload
from tests.sources.servers import Answer, Request, Route, in_turn, problem, serving

NOON = "2026-03-01T12:00:00Z"
TOKEN = "eyJ-kubernetes-s3cret"
CORE, MODERN = "/api/v1/events", "/apis/events.k8s.io/v1/events"
FORBIDDEN = Answer(
    {"kind": "Status", "status": "Failure", "message": f"{TOKEN} cannot list events", "code": 403},
    403,
)


def core(reason: str, kind: str, name: str, **fields: Any) -> dict[str, Any]:
    """Make an event as the core API has it."""
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {"name": f"{name}.17a", "namespace": "shop", "creationTimestamp": NOON},
        "involvedObject": {"kind": kind, "namespace": "shop", "name": name},
        "reason": reason,
        "message": f"{reason} of {name}",
        "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": "2026-03-01T11:00:00Z",
        "lastTimestamp": NOON,
        "count": 1,
        "type": "Normal",
        "eventTime": None,
        "reportingComponent": "",
    } | fields


def modern(reason: str, kind: str, name: str, **fields: Any) -> dict[str, Any]:
    """Make an event as events.k8s.io/v1 has it."""
    return {
        "metadata": {"name": f"{name}.17a", "namespace": "shop", "creationTimestamp": NOON},
        "regarding": {"kind": kind, "namespace": "shop", "name": name},
        "reason": reason,
        "note": f"{reason} of {name}",
        "type": "Normal",
        "eventTime": "2026-03-01T12:00:00.123456Z",
        "reportingController": "deployment-controller",
        "deprecatedFirstTimestamp": None,
        "deprecatedLastTimestamp": None,
    } | fields


@pytest.fixture
def export(tmp_path):
    """Write events as kubectl does, and open them."""

    def opened(*events: dict[str, Any]) -> sources.Evidence:
        path = tmp_path / "events.json"
        listed = {"apiVersion": "v1", "kind": "List", "metadata": {}, "items": list(events)}
        path.write_text(json.dumps(listed, indent=4))
        return sources.open(f"kubernetes+file://{path}")

    return opened


@pytest.mark.parametrize(
    ("kind", "name", "owner"),
    [
        ("Pod", "auth-75675f5897-x7k2p", "auth"),
        ("Pod", "pay-api-5d59d67564-2f9wq", "pay-api"),
        ("Pod", "old-1234567890-abcde", "old-1234567890-abcde"),  # abcde is never drawn
        ("Pod", "old-1234567890-bcdfg", "old"),
        ("Pod", "fluentd-zx2k9", "fluentd"),
        ("Pod", "mysql-0", "mysql"),
        ("Pod", "kafka-broker-12", "kafka-broker"),
        ("Pod", "backup-28471230-x7k2p", "backup"),
        ("Pod", "redis-cache", "redis-cache"),
        ("Pod", "single", "single"),
        ("Pod", "", ""),
        ("ReplicaSet", "auth-75675f5897", "auth"),
        ("ReplicaSet", "auth-v2", "auth-v2"),
        ("Job", "backup-28471230", "backup"),
        ("Job", "migrate", "migrate"),
        ("StatefulSet", "mysql-0", "mysql-0"),
        ("Deployment", "model-75675f5897", "model-75675f5897"),
        ("Node", "ip-10-0-0-7", "ip-10-0-0-7"),
    ],
)
def test_an_object_is_counted_to_its_workload(kind, name, owner):
    assert workload(kind, name) == owner


def test_an_event_becomes_a_log_of_its_workload(export):
    backing_off = core("BackOff", "Pod", "auth-75675f5897-x7k2p", type="Warning", count=7)
    row = export(backing_off).logs.iloc[0]
    assert row["timestamp"] == pd.Timestamp(NOON), "the last time it was seen"
    assert row["service"] == "auth"
    assert row["severity"] == "WARN"
    assert row["body"] == "BackOff: BackOff of auth-75675f5897-x7k2p (7 times)"
    assert row["attributes"] == {
        "namespace": "shop",
        "kind": "Pod",
        "name": "auth-75675f5897-x7k2p",
        "count": 7,
        "since": "2026-03-01T11:00:00Z",
        "node": "node-1",
        "component": "kubelet",
    }


@pytest.mark.parametrize(
    ("event", "seconds"),
    [
        (core("A", "Pod", "a"), 0),
        (core("A", "Pod", "a", lastTimestamp=None, eventTime="2026-03-01T12:00:02.5Z"), 2.5),
        (core("A", "Pod", "a", lastTimestamp=None, firstTimestamp="2026-03-01T12:00:03Z"), 3),
        (core("A", "Pod", "a", lastTimestamp=None, firstTimestamp=None), 0),
        (
            core("A", "Pod", "a", series={"lastObservedTime": "2026-03-01T12:00:09Z", "count": 3}),
            9,
        ),
        (modern("A", "Pod", "a"), 0.123456),
        (modern("A", "Pod", "a", deprecatedLastTimestamp="2026-03-01T12:00:04Z"), 4),
        (
            modern("A", "Pod", "a", series={"lastObservedTime": "2026-03-01T12:00:08.000001Z"}),
            8.000001,
        ),
    ],
)
def test_the_time_is_the_last_that_an_event_of_any_age_has(export, event, seconds):
    [time] = export(event).logs["timestamp"]
    assert time == pd.Timestamp(NOON) + pd.Timedelta(seconds, unit="s")


def test_both_versions_say_the_same(export):
    said = "Scaled up replica set auth-75675f5897 to 3 from 1"
    old = core("ScalingReplicaSet", "Deployment", "auth", message=said, count=None)
    new = modern("ScalingReplicaSet", "Deployment", "auth", note=said, eventTime=NOON)
    changes = export(old, new).changes.drop_duplicates()
    assert len(changes) == 1
    row = changes.iloc[0]
    assert (row["kind"], row["service"], row["ref"]) == ("deploy", "auth", "auth-75675f5897")
    assert row["description"] == f"ScalingReplicaSet: {said}"


@pytest.mark.parametrize(
    ("reason", "about", "kind"),
    [
        ("ScalingReplicaSet", "Deployment", "deploy"),
        ("SuccessfulDelete", "StatefulSet", "deploy"),
        ("SuccessfulDelete", "DaemonSet", "deploy"),
        ("SuccessfulDelete", "ReplicaSet", None),  # its Deployment says so already
        ("SuccessfulCreate", "StatefulSet", None),  # also what replaces a pod that was lost
        ("UpgradeSucceeded", "HelmRelease", "deploy"),
        ("SuccessfulRescale", "HorizontalPodAutoscaler", "config"),
        ("NodeNotSchedulable", "Node", "config"),
        ("BackOff", "Pod", None),
        ("Killing", "Pod", None),
        ("OOMKilling", "Node", None),
    ],
)
def test_changes_are_what_someone_did(export, reason, about, kind):
    evidence = export(core(reason, about, "thing"), core("Pulled", "Pod", "other"))
    assert evidence.changes["kind"].tolist() == ([kind] if kind else [])
    assert len(evidence.logs) == 2, "every event is a log"


def test_an_event_that_lacks_nearly_everything_is_kept(export):
    bare = {"metadata": {"creationTimestamp": NOON}, "reason": None, "involvedObject": None}
    row = export(bare).logs.iloc[0]
    assert (row["service"], row["severity"], row["body"]) == ("kubernetes", "INFO", "Unknown")


def test_what_is_no_event_is_left_out_and_noted(export):
    evidence = export(core("Pulled", "Pod", "a"), {"kind": "Pod", "metadata": {"name": "a"}})
    assert len(evidence.logs) == 1
    assert any("no events are left out: 1" in each for each in evidence.notes)


def test_exports_come_in_several_wrappings(tmp_path):
    events = [core("A", "Pod", f"a{number}") for number in range(3)]
    listed = {"kind": "EventList", "items": events}
    for text in (
        json.dumps(listed),
        json.dumps(events),
        "\n".join(map(json.dumps, events)),
        "\n".join(json.dumps(each, indent=2) for each in events),  # kubectl get --watch
        json.dumps({"kind": "List", "items": events[:1]}) + json.dumps(events[1:]),
        "\ufeff" + json.dumps(listed),
    ):
        path = tmp_path / "events.json"
        path.write_text(text, encoding="utf-8")
        assert len(sources.open(f"kubernetes+file://{path}").logs) == 3
    path.write_bytes(gzip.compress(json.dumps(listed).encode()))
    assert len(sources.open(f"kubernetes+file://{path}").logs) == 3


def test_what_is_no_export_is_said(tmp_path):
    path = tmp_path / "events.json"

    def said(content: bytes) -> str:
        path.write_bytes(content)
        return problem(lambda: sources.open(f"kubernetes+file://{path}"))

    assert "kubectl get events" in said(b'{"kind": "List", "items": []}')
    assert "kubectl get events" in said(b"LAST SEEN   TYPE   REASON\n5m   Normal   Pulled\n")
    assert "line 2 is not JSON" in said(b'{"kind": "List",\n "items": [}')
    assert "is empty" in said(b"  \n")
    assert "expected JSON objects" in said(b"[1, 2]")
    assert "is not whole gzip" in said(b"\x1f\x8bbroken")
    assert "events.json" in problem(
        lambda: sources.open(f"kubernetes+file://{tmp_path}/event.json")
    )
    assert "is a folder" in problem(lambda: sources.open(f"kubernetes+file://{tmp_path}"))


def test_a_relative_path_is_one(tmp_path, monkeypatch):
    (tmp_path / "events.json").write_text(json.dumps(core("A", "Pod", "a")))
    monkeypatch.chdir(tmp_path)
    assert len(sources.open("kubernetes+file://events.json").logs) == 1


def test_the_window_is_kept(export, tmp_path):
    export(core("A", "Pod", "a"), core("B", "Pod", "b", lastTimestamp="2026-03-01T15:00:00Z"))
    url = f"kubernetes+file://{tmp_path}/events.json"
    read = sources.open(url, "2026-03-01T14:00Z", "2026-03-01T16:00Z")
    assert read.logs["service"].tolist() == ["b"]


@pytest.fixture(autouse=True)
def token(monkeypatch):
    for name in ("USER", "PASSWORD", "CA"):
        monkeypatch.delenv(f"AIOPSLAB_KUBERNETES_{name}", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("AIOPSLAB_KUBERNETES_TOKEN", TOKEN)


def page(*events: dict[str, Any], rest: str = "") -> dict[str, Any]:
    return {"kind": "EventList", "metadata": {"continue": rest}, "items": list(events)}


def listing(count: int) -> Route:
    """List so many events, page by page."""

    def listed(request: Request) -> Any:
        begin, size = int(request.query.get("continue", 0)), int(request.query.get("limit", count))
        events = [core("A", "Pod", f"a{number}") for number in range(begin, count)[:size]]
        return page(*events, rest=str(begin + size) if begin + size < count else "")

    return listed


@pytest.mark.server
def test_a_cluster_is_asked_page_by_page():
    with serving({CORE: listing(1100)}) as server:
        evidence = sources.open(f"kubernetes+{server.address}")
    assert evidence.logs["service"].nunique() == 1100
    assert server.paths == [CORE] * 3
    assert {each.headers["authorization"] for each in server.requests} == {f"Bearer {TOKEN}"}
    assert not evidence.notes


@pytest.mark.server
@pytest.mark.parametrize(
    ("query", "options"), [("?namespace=shop", {}), ("", {"namespace": "shop"})]
)
def test_a_namespace_without_events_is_named(query, options):
    with serving({"*": lambda _: page()}) as server:
        said = problem(lambda: sources.open(f"kubernetes+{server.address}{query}", **options))
    assert "no events in namespace shop" in said


@pytest.mark.server
def test_what_to_ask_is_said_in_the_url_or_beside_it():
    routes = {"/proxy/api/v1/namespaces/shop/events": listing(3)}
    with serving(routes) as server:
        url = f"kubernetes+{server.address}/proxy"
        assert len(sources.open(f"{url}?namespace=shop").logs) == 3
        assert len(sources.open(url, namespace="shop").logs) == 3
        assert "'../secrets'" in problem(lambda: sources.open(url, namespace="../secrets"))
        assert "Did you mean 'namespace'" in problem(lambda: sources.open(f"{url}?namespac=a"))
        assert "limit is 'all'" in problem(lambda: sources.open(url, limit="all"))


@pytest.mark.server
def test_a_list_that_expires_halfway_is_asked_for_whole():
    gone = Answer({"kind": "Status", "reason": "Expired", "message": "too old", "code": 410}, 410)
    whole = page(*(core("A", "Pod", f"a{number}") for number in range(5)))
    first = page(core("A", "Pod", "a0"), rest="x")
    with serving({CORE: in_turn(first, gone, whole)}) as server:
        assert len(sources.open(f"kubernetes+{server.address}").logs) == 5
    assert [dict(each.query) for each in server.requests] == [
        {"limit": "500"},
        {"limit": "500", "continue": "x"},
        {},
    ]


@pytest.mark.server
def test_a_list_without_end_is_told():
    with serving({CORE: lambda _: page(rest="more")}) as server:
        said = problem(lambda: sources.open(f"kubernetes+{server.address}"))
    assert "not as Kubernetes does" in said
    assert len(server.requests) == 2


@pytest.mark.server
def test_a_limit_that_cuts_is_noted():
    with serving({CORE: listing(1100)}) as server:
        evidence = sources.open(f"kubernetes+{server.address}", limit=600)
    assert len(evidence.logs) == 600
    assert len(server.requests) == 2, "no more is asked for than is kept"
    assert any("only 600 events" in each for each in evidence.notes)


@pytest.mark.server
def test_the_newer_api_is_asked_where_the_older_is_closed():
    newer = page(modern("ScalingReplicaSet", "Deployment", "auth"))
    for closed in (FORBIDDEN, Answer("not found", 404)):
        with serving({CORE: lambda _, said=closed: said, MODERN: lambda _: newer}) as server:
            evidence = sources.open(f"kubernetes+{server.address}")
        assert evidence.changes["service"].tolist() == ["auth"]


@pytest.mark.server
def test_a_refusal_says_which_right_is_lacking_and_no_secret():
    with serving({CORE: lambda _: FORBIDDEN, MODERN: lambda _: FORBIDDEN}) as server:
        said = problem(lambda: sources.open(f"kubernetes+{server.address}"))
        assert "--verb=list" in said
        assert "cannot list events" in said
        assert TOKEN not in said
    with serving({CORE: lambda _: Answer({"message": f"bad {TOKEN}"}, 401)}) as server:
        said = problem(lambda: sources.open(f"kubernetes+{server.address}"))
        assert "AIOPSLAB_KUBERNETES_TOKEN" in said
        assert TOKEN not in said


@pytest.mark.server
def test_a_cluster_without_events_is_said():
    with serving({CORE: lambda _: page() | {"items": None}}) as server:
        said = problem(lambda: sources.open(f"kubernetes+{server.address}"))
    assert "has no events" in said
    assert "hour" in said


@pytest.mark.server
@pytest.mark.parametrize(
    "answer", [b"<html>log in</html>", [], {"items": []}, {"items": [3], "metadata": {}}, "x"]
)
def test_what_answers_otherwise_is_said(answer):
    with serving({"*": lambda _: Answer(answer)}) as server:
        said = problem(lambda: sources.open(f"kubernetes+{server.address}"))
    assert "not as Kubernetes does" in said


@pytest.mark.server
def test_a_pod_shows_its_token_to_its_own_cluster_only(tmp_path, monkeypatch):
    (tmp_path / "token").write_text("s3cret-of-the-pod\n")
    monkeypatch.setattr(kubernetes, "SERVICE_ACCOUNT", Path(tmp_path))
    monkeypatch.delenv("AIOPSLAB_KUBERNETES_TOKEN")
    with serving({CORE: listing(1)}) as server:
        sources.open(f"kubernetes+{server.address}")
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        sources.open(f"kubernetes+{server.address}")
    sent = [each.headers.get("authorization") for each in server.requests]
    assert sent == [None, "Bearer s3cret-of-the-pod"]
    (tmp_path / "ca.crt").write_text("no certificate")
    said = problem(lambda: sources.open("kubernetes+https://127.0.0.1:1"))
    assert "ca.crt is no certificate file" in said
