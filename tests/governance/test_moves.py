"""Aliases of a real registry move as the policy permits, and remediations too."""

import json
from uuid import uuid4

import pytest

from aiopslab.governance import Approval, Denied, Trail, approve, record, user
from aiopslab.mlflow_aliases import Aliases
from aiopslab.mlflow_server import connect
from aiopslab.prompts.aliases import last_promotion, promote, roll_back
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.registry import register
from aiopslab.runbooks import AuditLog, Plan
from aiopslab.runbooks.execution import execute
from tests.runbooks.test_execution import counted

POLICY = """\
@id("on-call")
permit (principal, action in [Action::"rollback", Action::"approve"], resource);

@id("promotion")
permit (principal, action == Action::"promote", resource);

@id("four-eyes")
forbid (principal, action == Action::"promote", resource is Model)
unless { context.approvals >= 1 };
"""


@pytest.fixture
def trail(tmp_path, monkeypatch):
    (tmp_path / "policy.cedar").write_text(POLICY)
    monkeypatch.setenv("AIOPSLAB_POLICY", str(tmp_path))
    return Trail(tmp_path / "audit.jsonl")


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.parametrize("kind", ["model", "index"])
def test_an_alias_moves_when_somebody_else_has_approved_it(mlflow_at, trail, kind):
    client, name = connect(mlflow_at), f"loans-{uuid4().hex[:6]}"
    client.create_registered_model(name)
    for _ in range(2):
        client.create_model_version(name, source="s3://nowhere/model")
    aliases = Aliases(client, kind, name)
    if kind == "index":  # which is none of the models that the rule is of
        assert aliases.promote("production", 2).has_moved
        assert [each["index"] for each in trail.records()] == [f"{name} 2"] * 2
        return
    with pytest.raises(Denied, match="four-eyes"):
        aliases.promote("champion", 1, data="d" * 64)
    assert aliases.at("champion") is None
    approve(1, "holds on all segments", "kim")
    aliases.promote("champion", 1, data="d" * 64)
    assert aliases.at("champion") == 1
    aliases.take_back("champion")  # which takes no approval
    assert aliases.at("champion") is None
    told = [(each["event"], each["decision"]) for each in trail.records()]
    assert told == [
        ("promote", "deny"),
        ("approve", "permit"),
        ("promote", "permit"),
        ("promote", "done"),
        ("rollback", "permit"),
        ("rollback", "done"),
    ]
    promoted = list(trail.records())[3]
    assert promoted["subject"] == f"models:/{name}" and promoted["principal"] == user()
    assert (promoted["model"], promoted["data"]) == (f"{name} 1", "d" * 64)


@pytest.mark.server
@pytest.mark.slow
def test_a_prompt_that_may_not_move_stays_and_exits_with_4(mlflow_at, trail, aiopslab, tmp_path):
    name = f"prompt-{uuid4().hex[:6]}"
    for text in ("a", "b"):
        register(Prompt.of(text, f"{text}: {{{{ text }}}}"), name, mlflow_at)
    promote(name, "production", 1, mlflow_at)
    (tmp_path / "policy.cedar").write_text(POLICY.replace("resource is Model", "resource"))
    asked = ("prompts", "register", tmp_path / "b.md", "--name", name, "--alias", "production")
    (tmp_path / "b.md").write_text("b: {{ text }}")
    code, _, problem = aiopslab(*asked, "--tracking-uri", mlflow_at)
    assert code == 4 and "four-eyes" in problem and "policy approve" in problem
    assert Aliases(connect(mlflow_at), "prompt", name).at("production") == 1
    roll_back(last_promotion(name, "production", mlflow_at), mlflow_at)
    last = list(trail.records())[-1]
    assert (last["event"], last["decision"], last["before"]) == ("rollback", "done", 1)


def test_a_remediation_that_is_not_permitted_is_not_done(trail, tmp_path):
    step, executors = counted(tmp_path / "deeds")
    log = AuditLog(tmp_path / "remediation.jsonl")
    approval = Approval.now(step, "the one on call", "users wait; password=hunter2")
    with pytest.raises(Denied, match=r"nothing in .* permits it"):
        execute(step, approval, log, False, executors)
    assert not (tmp_path / "deeds").exists()
    assert [each["event"] for each in log.records()] == ["refused"]
    rule = 'permit (principal, action == Action::"remediate", resource == Runbook::"{}");'
    text = POLICY + rule.format(step.action.name)
    (tmp_path / "policy.cedar").write_text(text)
    assert execute(step, approval, log, False, executors).acted
    told = list(trail.records())
    assert [each["decision"] for each in told] == ["deny", "permit", "done"]
    assert {each["subject"] for each in told} == {f"runbooks:/{step.action.name}"}
    assert told[-1]["by"] == "the one on call" and "hunter2" not in trail.path.read_text()


def test_one_file_may_be_the_trail_and_the_log_of_remediations(tmp_path, monkeypatch):
    step, executors = counted(tmp_path / "deeds")
    log = AuditLog(tmp_path / "audit.jsonl")
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(log.path))
    record("prune", subject="reports")
    assert execute(step, Approval.now(step, "kim", "slow"), log, False, executors).acted
    told = [(each["event"], each.get("decision")) for each in log.records()]
    assert told == [
        ("prune", "done"),
        ("remediate", "permit"),
        ("started", None),
        ("remediate", "done"),
        ("finished", None),
    ]
    again = execute(step, Approval.now(step, "kim", "slow"), log, False, executors)
    assert not again.acted and len(list(log.records())) == 5


def test_the_command_of_a_remediation_exits_with_4_where_it_may_not_be_done(
    trail, tmp_path, aiopslab, monkeypatch
):
    step, executors = counted(tmp_path / "deeds")
    monkeypatch.setattr("aiopslab.runbooks.execution.default_executors", lambda: executors)
    (tmp_path / "plan.json").write_text(json.dumps(Plan((step,)).to_json()))
    asked = ("remediate", "run", tmp_path / "plan.json", "1", "--audit", tmp_path / "log.jsonl")
    for reason, problem in (("slow", "nothing in"), ("\x1b[2J", "reason of the approval")):
        code, _, told = aiopslab(*asked, "--approve", "--by", "kim", "--reason", reason)
        assert code == 4 and problem in told
    assert not (tmp_path / "deeds").exists()
