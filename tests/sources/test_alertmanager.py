"""A real Alertmanager on loopback, fed by hand and by a real Prometheus whose rule fires."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bcrypt
import httpx
import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.sources.alertmanager import alerts_table, matchers
from aiopslab.sources.rules import open_rules, read_rules, with_rules
from tests.sources.prometheus.conftest import free_port
from tests.sources.servers import Answer, problem, serving
from tests.system import need

NOW = pd.Timestamp.now("UTC").floor("s")
CONFIG = """
route: {receiver: nobody}
receivers: [{name: nobody}]
inhibit_rules:
  - source_matchers: [alertname="DatabaseDown"]
    target_matchers: [alertname="Slow"]
    equal: [zone]
"""
RULES = """
groups:
  - name: practice
    rules:
      - record: up:count
        expr: count(up)
      - alert: AlwaysUp
        expr: up{job="prometheus"} == 1
        labels: {severity: info, service: practice}
        annotations:
          summary: "{{ $labels.instance }} is up"
          runbook_url: https://runbooks.example/up
"""
PROMETHEUS = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - static_configs: [{targets: ["ALERTMANAGER"]}]
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: ["127.0.0.1:PORT"]}]
"""


def eventually(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        httpx.get(url)
    except httpx.TransportError:
        return False
    return True


@contextmanager
def started(folder: Path, command: list[str], address: str) -> Iterator[None]:
    """Run a server until the block ends."""
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            eventually(
                lambda: process.poll() is not None or answers(address), f"{command[0]} is not up"
            )
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            yield
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def alertmanager(folder: Path, *options: str) -> Iterator[str]:
    """Run an Alertmanager; yield its address."""
    (folder / "alertmanager.yml").write_text(CONFIG)
    address = f"http://127.0.0.1:{free_port()}"
    command = [
        need("prometheus-alertmanager"),
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/data",
        f"--web.listen-address={address.removeprefix('http://')}",
        "--cluster.listen-address=",
        *options,
    ]
    with started(folder, command, address):
        yield address


def alert(name: str, minutes: float = 5, **labels: str) -> dict[str, object]:
    """Make an alert that has fired for some minutes."""
    return {
        "labels": {"alertname": name, "zone": "a", **labels},
        "startsAt": (NOW - pd.Timedelta(minutes=minutes)).isoformat(),
        "endsAt": (NOW + pd.Timedelta("1h")).isoformat(),
    }


def send(address: str, path: str, body: object) -> None:
    httpx.post(f"{address}/api/v2/{path}", json=body).raise_for_status()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """An Alertmanager with four alerts, one silenced and one inhibited."""
    with alertmanager(tmp_path_factory.mktemp("alertmanager")) as address:
        alerts = [
            alert("DatabaseDown", 30, service="database", severity="page"),
            alert("Slow", 20, job="shop", severity="warn"),
            alert("Noisy", 10, instance="10.0.0.7:80", team="a,b"),
            alert("Größe <b>&", 5, zone="b"),
        ]
        send(address, "alerts", alerts)
        silence = {
            "matchers": [{"name": "alertname", "value": "Noisy", "isRegex": False}],
            "startsAt": NOW.isoformat(),
            "endsAt": (NOW + pd.Timedelta("1h")).isoformat(),
            "createdBy": "a test",
            "comment": "practice",
        }
        send(address, "silences", silence)
        reached = f"{address}/api/v2/alerts?silenced=false&inhibited=false"
        eventually(lambda: len(httpx.get(reached).json()) == 2, "nothing is suppressed")
        yield address


def names(address: str, **options: object) -> list[str]:
    return sources.open(f"alertmanager+{address}", **options).alerts["name"].tolist()


@pytest.mark.server
def test_alerts_are_listed_from_when_they_began(server):
    evidence = sources.open(f"alertmanager+{server}")
    alerts = evidence.alerts
    assert alerts["name"].tolist() == ["DatabaseDown", "Slow", "Noisy", "Größe <b>&"]
    assert alerts["service"].fillna("none").tolist() == ["database", "shop", "10.0.0.7:80", "none"]
    assert alerts["severity"].fillna("none").tolist() == ["page", "warn", "none", "none"]
    assert alerts["state"].unique().tolist() == ["firing"], "an end to come is no end"
    assert (NOW - alerts["timestamp"]).dt.total_seconds().tolist() == [1800, 1200, 600, 300]
    assert alerts["fingerprint"].nunique() == 4
    assert alerts["labels"][0]["zone"] == "a"
    assert any("resolved before" in note for note in evidence.notes)


@pytest.mark.server
def test_silenced_and_inhibited_alerts_can_be_left_out(server):
    assert names(server, silenced=False) == ["DatabaseDown", "Slow", "Größe <b>&"]
    assert names(f"{server}/?inhibited=false") == ["DatabaseDown", "Noisy", "Größe <b>&"]
    assert names(f"{server}/?inhibited=false", inhibited=True, silenced="false") == [
        *("DatabaseDown", "Slow", "Größe <b>&")
    ]


@pytest.mark.server
def test_matchers_choose_alerts(server):
    assert names(server, match='{zone="a",alertname!="Slow"}') == ["DatabaseDown", "Noisy"]
    assert names(f'{server}/?match={{alertname=~"S.%2B|D.%2B"}}') == ["DatabaseDown", "Slow"]
    assert names(server, match='{team="a,b"}') == ["Noisy"]
    assert names(server, match="{}") == names(server)


@pytest.mark.server
def test_a_label_of_ones_own_holds_the_service(server):
    alerts = sources.open(f"alertmanager+{server}/?service_label=zone").alerts
    assert alerts["service"].tolist() == ["a", "a", "a", "b"]


@pytest.mark.server
def test_what_fired_before_the_window_is_listed_at_its_start(server):
    start = NOW - pd.Timedelta("15min")
    alerts = sources.open(f"alertmanager+{server}", start).alerts
    assert alerts["timestamp"].tolist()[:2] == [start, start]
    assert len(alerts) == 4
    early = sources.open(f"alertmanager+{server}", end=NOW - pd.Timedelta("12min")).alerts
    assert early["name"].tolist() == ["DatabaseDown", "Slow"]


@pytest.mark.server
def test_what_cannot_be_had_is_said(server):
    url = f"alertmanager+{server}"
    assert "no alert that matches" in problem(lambda: sources.open(url, match='{a="none"}'))
    assert "expected matchers" in problem(lambda: sources.open(url, match="sum(up)"))
    assert "silenced is 'perhaps'" in problem(lambda: sources.open(url, silenced="perhaps"))
    assert "'silenced'" in problem(lambda: sources.open(f"{url}/?silence=false"))
    assert "timeout" in problem(lambda: sources.open(url, timeout="soon"))
    assert "names no host" in problem(lambda: sources.open("alertmanager+http:///alerts"))


@pytest.mark.server
def test_a_password_comes_from_the_environment(tmp_path, monkeypatch):
    hashed = bcrypt.hashpw(b"hunter2", bcrypt.gensalt(4)).decode()
    config = tmp_path / "web.yml"
    config.write_text(f"basic_auth_users: {{ann: '{hashed}'}}\n")
    with alertmanager(tmp_path, f"--web.config.file={config}") as address:
        refused = problem(lambda: sources.open(f"alertmanager+{address}"))
        assert "401" in refused
        assert "AIOPSLAB_ALERTMANAGER_TOKEN" in refused
        monkeypatch.setenv("AIOPSLAB_ALERTMANAGER_USER", "ann")
        monkeypatch.setenv("AIOPSLAB_ALERTMANAGER_PASSWORD", "hunter2")
        assert "has no alert" in problem(lambda: sources.open(f"alertmanager+{address}"))
        inside = address.replace("http://", "http://ann:hunter2@")
        told = problem(lambda: sources.open(f"alertmanager+{inside}"))
        assert "hunter2" not in told and "AIOPSLAB_ALERTMANAGER_TOKEN" in told


@pytest.mark.parametrize("status", [200, 401])
def test_its_own_token_is_sent_and_never_shown_and_no_other_server_s_is(monkeypatch, status):
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_TOKEN", "t0ken-of-prometheus")

    def echo(asked):
        return Answer([asked.headers.get("authorization", "")], status)

    with serving({"/api/v2/alerts": echo}) as server:
        url = f"alertmanager+{server.address}"
        problem(lambda: sources.open(url))
        monkeypatch.setenv("AIOPSLAB_ALERTMANAGER_TOKEN", "t0ken-of-mine")
        assert "t0ken" not in problem(lambda: sources.open(url))
    sent = [each.headers.get("authorization") for each in server.requests]
    assert sent == [None, "Bearer t0ken-of-mine"]


@pytest.mark.server
def test_a_rule_that_fires_is_found_with_its_condition(tmp_path):
    prometheus = tmp_path / "prometheus"
    prometheus.mkdir()
    port = free_port()
    with alertmanager(tmp_path) as address:
        config = PROMETHEUS.replace("ALERTMANAGER", address.removeprefix("http://"))
        (prometheus / "prometheus.yml").write_text(config.replace("PORT", str(port)))
        (prometheus / "rules.yml").write_text(RULES)
        command = [
            need("prometheus"),
            f"--config.file={prometheus}/prometheus.yml",
            f"--storage.tsdb.path={prometheus}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with started(prometheus, command, f"http://127.0.0.1:{port}"):
            eventually(lambda: bool(httpx.get(f"{address}/api/v2/alerts").json()), "nothing fires")
            alerts = sources.open(f"alertmanager+{address}").alerts
            rules = open_rules(f"prometheus+http://127.0.0.1:{port}")
    assert alerts[["name", "service", "severity"]].to_numpy().tolist() == [
        ["AlwaysUp", "practice", "info"]
    ]
    for read in (rules, open_rules(str(prometheus / "rules.yml"))):
        explained = with_rules(alerts, read).iloc[0]
        assert explained["expr"] == 'up{job="prometheus"} == 1'
        assert explained["for_s"] == 0
        assert explained["runbook_url"] == "https://runbooks.example/up"
        assert explained["annotations"]["summary"] == "{{ $labels.instance }} is up"


def test_nobody_listens():
    message = problem(lambda: sources.open(f"alertmanager+http://127.0.0.1:{free_port()}"))
    assert "Alertmanager runs there" in message


@pytest.mark.parametrize(
    "body", [b"<html>Please log in</html>", {}, {"data": {}}, [1], [{}], 7, [{"labels": {}}]]
)
def test_what_is_no_alertmanager_is_told(body):
    with serving({"*": lambda _: Answer(body)}) as server:
        told = problem(lambda: sources.open(f"alertmanager+{server.address}"))
    assert "not as Alertmanager does" in told


def test_an_end_in_the_past_is_the_end():
    listed = {"labels": {}, "fingerprint": "f"}
    over = {"startsAt": "2026-03-01T12:00:00Z", "endsAt": "2026-03-01T12:05:00Z", **listed}
    never = {"startsAt": "2026-03-01T12:00:00Z", "endsAt": "0001-01-01T00:00:00Z", **listed}
    now = pd.Timestamp("2026-03-01T13:00Z")
    table = alerts_table([over, never], ["job"], now)
    assert table["state"].tolist() == ["firing", "resolved", "firing"]
    assert table["name"].unique().tolist() == ["unnamed"]
    later = alerts_table([over, never], ["job"], now, start=pd.Timestamp("2026-03-01T12:30Z"))
    assert later["timestamp"].dt.strftime("%H:%M").tolist() == ["12:00", "12:05", "12:30"]
    assert alerts_table([], ["job"], now).empty


@pytest.mark.parametrize(
    ("match", "expected"),
    [
        ("", []),
        ('a="b"', ['a="b"']),
        ('{a="b, c=\\"d\\"", e!~"f",}', ['a="b, c=\\"d\\""', 'e!~"f"']),
    ],
)
def test_matchers_are_told_apart(match, expected):
    assert matchers(match) == expected


TWO = """
groups:
  - name: shop
    rules:
      - {alert: Slow, expr: p95 > 1, labels: {severity: warn}}
      - {alert: Slow, expr: p95 > 5, for: 1h30m, labels: {severity: page, by: "{{ $labels.x }}"}}
      - {alert: Slow, expr: p95 > 9, labels: {severity: page, zone: a}}
"""


def test_rules_of_one_name_are_told_apart_by_their_labels():
    labels = [
        {"severity": "warn"},
        {"severity": "page", "zone": "b", "by": "y"},
        {"severity": "page", "zone": "a"},
        {"severity": "info"},
        None,
    ]
    alerts = pd.DataFrame({"name": "Slow", "labels": labels}, index=list("vwxyz"))
    explained = with_rules(alerts, read_rules(TWO))
    assert explained["expr"].fillna("none").tolist() == [
        *("p95 > 1", "p95 > 5", "p95 > 9", "none", "none")
    ]
    assert explained["for_s"].tolist()[1] == 5400
    assert explained.index.tolist() == list("vwxyz")
    assert with_rules(explained, read_rules(TWO)).columns.is_unique
    assert with_rules(alerts[:0], read_rules(TWO)).empty
    assert with_rules(alerts, read_rules(""))["expr"].isna().all()
    assert with_rules(alerts[["name"]], read_rules(TWO))["expr"].isna().all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("groups: [", "no YAML at line 1"),
        ("- a\n- b", "is no file of Prometheus rules"),
        ("groups: [{rules: [{alert: A, expr: x}]}]", "'name'"),
        ("groups: [{name: g, rules: [{alert: A}]}]", "'expr'"),
        ("groups: [{name: g, rules: [{alert: A, expr: x, for: soon}]}]", "'soon' is no duration"),
        ("groups: [{name: g, rules: [{alert: A, expr: x, labels: [b]}]}]", "is no file"),
    ],
)
def test_what_is_no_rule_file_is_told(text, expected):
    assert expected in problem(lambda: read_rules(text, "rules.yml"))


@pytest.mark.parametrize(
    "text", ["", "groups:", "groups: [{name: g}]", "groups: [{name: g, rules: }]"]
)
def test_a_file_without_rules_has_none(text):
    assert read_rules(text).empty


def test_a_rule_file_that_is_not_there_is_told(tmp_path):
    problem(lambda: open_rules(str(tmp_path / "none.yml")))
    problem(lambda: open_rules(str(tmp_path)))
