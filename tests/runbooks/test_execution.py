"""Nothing is done without an approval of that very step, and what is done is done once."""

import multiprocessing
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aiopslab.governance.approval import Approval
from aiopslab.governance.errors import AuditError, Denied
from aiopslab.runbooks import Step, built_in
from aiopslab.runbooks.audit import AuditLog
from aiopslab.runbooks.errors import Refused, RunbookError
from aiopslab.runbooks.execution import execute, undo_of
from aiopslab.runbooks.executors import Executors, Sight
from tests.runbooks.conftest import silence_step

BY = ("whoever is on call", "the cause is being worked on")


@pytest.fixture
def audit(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def events(audit):
    return [record["event"] for record in audit.records()]


def approved(step):
    return Approval.now(step, *BY)


@given(
    st.one_of(
        st.none(),
        st.builds(
            lambda of, age: Approval(*BY, datetime.now(UTC) - timedelta(minutes=age), of),
            st.sampled_from(["", "5" * 64, "of another", "of this"]),
            st.one_of(st.floats(15.1, 1e6), st.floats(-1e6, -1.1), st.just(0)),
        ),
    )
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.server
def test_without_a_valid_approval_nothing_is_ever_asked(noted, audit, approval):
    step = silence_step(noted.address)
    if approval is not None:
        is_valid = abs((datetime.now(UTC) - approval.at).total_seconds()) < 30
        of = step.digest if approval.of == "of this" and not is_valid else approval.of
        if approval.of == "of another":
            of = silence_step(noted.address, "Other").digest
        approval = Approval(approval.by, approval.reason, approval.at, of)
    noted.requests.clear()
    with pytest.raises(Denied) as raised:
        execute(step, approval, audit, dry_run=False)
    assert raised.value.remedy
    assert noted.requests == []
    assert events(audit)[-1] == "refused"


@pytest.mark.server
def test_a_dry_run_only_asks(noted, audit):
    step = silence_step(noted.address)
    for approval in (None, approved(step)):
        noted.requests.clear()
        with pytest.raises(Refused, match="fires now"):
            execute(step, approval, audit)
        assert {method for method, _ in noted.requests} == {"GET"}
    assert not audit.path.exists()


@pytest.mark.parametrize(("by", "reason"), [("", "x"), ("x", " "), ("x", "a\nb"), ("\x1b[2J", "x")])
def test_an_approval_says_who_and_why(by, reason):
    with pytest.raises(Denied, match="approval"):
        Approval(by, reason, datetime.now(UTC), "5" * 64)


def test_an_approval_has_a_zone():
    with pytest.raises(Denied, match="without a zone"):
        Approval(*BY, datetime(2026, 3, 1), "5" * 64)  # noqa: DTZ001


def test_a_step_that_a_person_does_is_shown_and_never_run(audit):
    step = Step.of(built_in()["restart-service"], "auth", {}, "It is slow.")
    assert "yourself" in execute(step).says
    with pytest.raises(Refused, match="nothing here can do restart-service"):
        execute(step, approved(step), audit, dry_run=False)
    assert events(audit) == ["refused"]


def test_acting_needs_an_audit_log():
    step = Step.of(built_in()["restart-service"], "auth", {}, "It is slow.")
    with pytest.raises(Refused, match="audit log"):
        execute(step, approved(step), None, dry_run=False)


class Counter:
    """An executor of a file of lines: what each did is a line of it."""

    reads = ("service",)

    def __init__(self, path, fails=None, dies=None):
        self.path, self.fails, self.dies = path, fails, dies

    def complete(self, step):
        return {}

    def look(self, step):
        return Sight({"lines": self._lines()}, "add a line", self._lines() > 0)

    def act(self, step, approval):
        if self.fails:
            raise self.fails
        with self.path.open("a") as file:
            file.write("done\n")
        if self.dies:
            raise self.dies
        return {"lines": self._lines()}

    def inverse(self, step, after):
        return step.with_values({"namespace": "back"})

    def _lines(self):
        return len(self.path.read_text().splitlines()) if self.path.exists() else 0


def counted(path, fails=None, dies=None):
    """Return a step, and the executors that do it."""
    from dataclasses import replace

    executors = Executors()
    executors.register("counter", Counter(path, fails, dies))
    action = replace(built_in()["restart-service"], executor="counter")
    return Step.of(action, "auth", {}, "It is slow."), executors


def test_one_approval_is_good_for_one_deed(tmp_path, audit):
    step, executors = counted(tmp_path / "deeds")
    approval = approved(step)
    first = execute(step, approval, audit, False, executors)
    (tmp_path / "deeds").unlink()  # as if somebody had taken it back
    second = execute(step, approval, audit, False, executors)
    assert first.acted and not second.acted
    assert second.after == first.after == {"lines": 1}
    assert events(audit) == ["started", "finished"]
    assert execute(step, approved(step), audit, False, executors).acted


def test_what_is_done_already_is_left_alone(tmp_path, audit):
    step, executors = counted(tmp_path / "deeds")
    assert execute(step, approved(step), audit, False, executors).acted
    assert not execute(step, approved(step), audit, False, executors).acted
    assert (tmp_path / "deeds").read_text() == "done\n"


def test_a_crash_in_the_middle_leaves_started_without_finished(tmp_path, audit):
    step, executors = counted(tmp_path / "deeds", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        execute(step, approved(step), audit, False, executors)
    assert events(audit) == ["started"]
    record = next(audit.records())
    assert (record["by"], record["reason"]) == BY
    assert record["before"] == {"lines": 0} and record["step"] == step.digest
    step, executors = counted(tmp_path / "deeds")
    assert execute(step, approved(step), audit, False, executors).acted
    assert events(audit) == ["started", "started", "finished"]


@pytest.mark.parametrize("dies", [KeyboardInterrupt(), TimeoutError("no answer")])
def test_what_was_done_before_a_crash_is_found_and_can_be_taken_back(tmp_path, audit, dies):
    step, executors = counted(tmp_path / "deeds", dies=dies)
    with pytest.raises((KeyboardInterrupt, RunbookError)):
        execute(step, approved(step), audit, False, executors)
    outcome = execute(step, approved(step), audit, False, executors)
    assert not outcome.acted and "did not live" in outcome.says
    assert (tmp_path / "deeds").read_text() == "done\n"
    assert undo_of(list(audit.records())[outcome.record - 1]) == outcome.undo
    assert not execute(step, approved(step), audit, False, executors).record


def test_a_failure_is_recorded_and_has_a_remedy(tmp_path, audit):
    step, executors = counted(tmp_path / "deeds", OSError("password=hunter2 refused"))
    with pytest.raises(RunbookError, match="failed") as raised:
        execute(step, approved(step), audit, False, executors)
    assert events(audit) == ["started", "failed"]
    assert "hunter2" not in audit.path.read_text() + str(raised.value)


def test_a_log_that_was_changed_stops_everything(tmp_path, audit):
    step, executors = counted(tmp_path / "deeds")
    audit.path.write_text("{}\n")
    with pytest.raises(AuditError, match="was changed"):
        execute(step, approved(step), audit, False, executors)
    assert not (tmp_path / "deeds").exists()


def test_an_executor_that_is_not_there_is_named(audit):
    step, _ = counted(audit.path)
    with pytest.raises(RunbookError, match="'counter'"):
        execute(step)


def test_an_action_without_what_its_executor_reads_is_refused(tmp_path):
    from dataclasses import replace

    action = replace(built_in()["restart-service"], executor="alertmanager-silence")
    with pytest.raises(RunbookError, match=r"alert, .*which alertmanager-silence reads"):
        execute(Step.of(action, "auth", {}, "It is slow."))


@pytest.mark.parametrize("event", ["started", "failed", "refused"])
def test_only_what_was_done_can_be_taken_back(event):
    with pytest.raises(Refused, match="nothing that can be taken back"):
        undo_of({"number": 1, "event": event})


def _race(step, path, barrier, results):
    barrier.wait()
    outcome = execute(step, Approval.now(step, *BY), AuditLog(path), dry_run=False)
    results.put(outcome.acted)


@pytest.mark.server
def test_of_processes_with_the_same_step_one_acts(alerts_at, firing, audit):
    step = silence_step(alerts_at, firing)
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(2), context.Queue()
    running = [
        context.Process(target=_race, args=(step, audit.path, barrier, results)) for _ in range(2)
    ]
    for process in running:
        process.start()
    acted = sorted(results.get(timeout=60) for _ in running)
    for process in running:
        process.join(30)
    assert acted == [False, True]
    listed = httpx.get(f"{alerts_at}/api/v2/silences").json()
    assert len([each for each in listed if step.digest[:16] in each["comment"]]) == 1
    assert events(audit) == ["started", "finished"]
