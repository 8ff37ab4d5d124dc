"""Silences in a real Alertmanager: by the executor, and by the command that a person would run."""

import shlex
import subprocess
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from aiopslab.governance.approval import Approval
from aiopslab.runbooks.audit import AuditLog
from aiopslab.runbooks.errors import Refused, RunbookError
from aiopslab.runbooks.execution import execute, undo_of
from tests.runbooks.conftest import silence_step
from tests.sources.prometheus.conftest import free_port
from tests.sources.servers import Answer, serving
from tests.sources.test_alertmanager import alert
from tests.system import need

pytestmark = pytest.mark.server


@pytest.fixture
def audit(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def done(step, audit, reason="the cause is being worked on"):
    approval = Approval.now(step, "whoever is on call", reason)
    return execute(step, approval, audit, dry_run=False)


def state(address, name):
    """Return whether an alert is active or suppressed."""
    parameters = {"filter": f'alertname="{name}"'}
    (listed,) = httpx.get(f"{address}/api/v2/alerts", params=parameters).json()
    return listed["status"]["state"]


def test_an_alert_is_silenced_for_a_while_and_told_again_after_the_undo(alerts_at, firing, audit):
    step = silence_step(alerts_at, firing, duration="30m")
    seen = execute(step)
    assert not seen.acted and "POST" in seen.says and seen.before["firing"] == 1
    assert state(alerts_at, firing) == "active"

    outcome = done(step, audit)
    assert outcome.acted and state(alerts_at, firing) == "suppressed"
    silence = httpx.get(f"{alerts_at}/api/v2/silence/{outcome.after['silence']}").json()
    ends = datetime.fromisoformat(silence["endsAt"])
    assert abs(ends - datetime.now(UTC) - timedelta(minutes=30)) < timedelta(minutes=1)
    assert silence["createdBy"] == "whoever is on call"
    assert {each["name"] for each in silence["matchers"]} == {"alertname", "service"}
    assert "already" in execute(step).says

    back = undo_of(list(audit.records())[outcome.record - 1])
    assert back == outcome.undo
    assert "DELETE" in execute(back).says
    assert done(back, audit).acted and state(alerts_at, firing) == "active"
    assert not done(back, audit).acted
    assert [each["event"] for each in audit.records()] == ["started", "finished"] * 2
    assert audit.verify().records == 4


def test_after_an_undo_it_can_be_silenced_again(alerts_at, firing, audit):
    step = silence_step(alerts_at, firing)
    done(done(step, audit).undo, audit)
    assert done(step, audit).acted and state(alerts_at, firing) == "suppressed"


def test_an_alert_that_no_longer_fires_is_not_silenced(alerts_at, audit):
    with pytest.raises(Refused, match="fires now"):
        done(silence_step(alerts_at, "Nothing"), audit)
    assert [each["event"] for each in audit.records()] == ["refused"]
    assert not any(
        "Nothing" in str(each["matchers"])
        for each in httpx.get(f"{alerts_at}/api/v2/silences").json()
    )


@pytest.mark.parametrize("name", ['a"b', "a\\b", "~.*", "ü 語", "a; rm -rf /", "x', y='z", "{a}"])
def test_names_with_special_letters_match_only_themselves(alerts_at, audit, name):
    alerts = [alert(each, service=f"auth {name}") for each in (name, "Another")]
    httpx.post(f"{alerts_at}/api/v2/alerts", json=alerts).raise_for_status()
    outcome = done(silence_step(alerts_at, name, f"auth {name}"), audit)
    assert outcome.acted and outcome.before["firing"] == 1
    done(outcome.undo, audit)


def test_the_command_does_what_the_executor_does(alerts_at, firing):
    need("amtool")
    step = silence_step(alerts_at, firing)
    asked = subprocess.run(shlex.split(step.check), capture_output=True, text=True, check=True)
    assert firing[:12] in asked.stdout
    made = subprocess.run(shlex.split(step.command), capture_output=True, text=True, check=True)
    assert state(alerts_at, firing) == "suppressed"
    url = f"{alerts_at}/api/v2/silence/{made.stdout.strip()}"
    matchers = httpx.get(url).json()["matchers"]
    assert {each["value"] for each in matchers} == {firing, "auth"}
    assert not any(each["isRegex"] for each in matchers)
    httpx.delete(url)


def test_a_regular_expression_cannot_be_put_in_the_command(alerts_at, firing):
    need("amtool")
    step = silence_step(alerts_at, "~.*", "~.*")
    made = subprocess.run(shlex.split(step.command), capture_output=True, text=True, check=True)
    assert state(alerts_at, firing) == "active"
    httpx.delete(f"{alerts_at}/api/v2/silence/{made.stdout.strip()}")


@pytest.mark.parametrize("duration", ["0", "-1h", "soon", "25h", "9999999999h", "inf", "nan"])
def test_a_silence_has_an_end_within_a_day(alerts_at, firing, duration):
    with pytest.raises(RunbookError, match="duration"):
        execute(silence_step(alerts_at, firing, duration=duration))


def test_a_silence_that_is_not_there_cannot_be_ended(alerts_at, firing, audit):
    back = done(silence_step(alerts_at, firing), audit).undo
    with pytest.raises(Refused, match="there is no silence"):
        execute(back.with_values({"silence": "../silences"}))


def test_a_server_that_is_down_is_named(audit):
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(RunbookError, match=address) as raised:
        done(silence_step(address), audit)
    assert "Alertmanager runs" in raised.value.remedy


def test_only_what_authenticates_with_an_alertmanager_is_sent(audit, monkeypatch):
    monkeypatch.setenv("AIOPSLAB_PROMETHEUS_TOKEN", "t0ken-of-prometheus")
    monkeypatch.setenv("AIOPSLAB_ALERTMANAGER_TOKEN", "t0ken-of-mine")
    known = {"silenceID": "1", "status": {"silencedBy": []}}
    with serving(
        {
            "/api/v2/silences": lambda asked: known if asked.method == "POST" else [],
            "/api/v2/alerts": lambda _: [known],
        }
    ) as server:
        assert done(silence_step(server.address), audit).acted
    assert {each.headers["authorization"] for each in server.requests} == {"Bearer t0ken-of-mine"}
    assert "POST" in {each.method for each in server.requests}


@pytest.mark.parametrize(("status", "told"), [(400, "refused"), (500, "may have done it")])
def test_a_change_is_asked_for_once_and_a_lost_answer_is_no_refusal(audit, status, told):
    def answer(asked):
        if asked.method == "GET":
            return [] if asked.path.endswith("silences") else [{"status": {"silencedBy": []}}]
        return Answer(b"no", status)

    with serving({"*": answer}) as server, pytest.raises(RunbookError, match=told):
        done(silence_step(server.address), audit)
    assert [each.method for each in server.requests].count("POST") == 1


@pytest.mark.parametrize("address", ["localhost:9093", "ftp://localhost", "http://"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(RunbookError, match="expected an address"):
        execute(silence_step(address))


def test_a_secret_in_the_reason_reaches_neither_server_nor_log(alerts_at, firing, audit):
    outcome = done(silence_step(alerts_at, firing), audit, "see https://me:hunter2@host/")
    silence = httpx.get(f"{alerts_at}/api/v2/silence/{outcome.after['silence']}").text
    assert "hunter2" not in silence + audit.path.read_text()
