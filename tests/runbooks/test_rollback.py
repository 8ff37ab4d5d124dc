"""The alias of a model, a prompt and an index: rolled back when approved, undone by one command."""

import re
import shlex
import subprocess
import sys
from uuid import uuid4

import pytest
from click.testing import CliRunner

from aiopslab.governance import Trail
from aiopslab.mlflow_aliases import Aliases
from aiopslab.runbooks import Step, built_in
from aiopslab.runbooks.audit import AuditLog
from aiopslab.runbooks.command import remediate

pytestmark = [pytest.mark.server, pytest.mark.slow]

BY = ("--approve", "--by", "ann", "--reason", "answers got worse")
KINDS = ["model", "prompt", "index"]


@pytest.fixture(params=KINDS)
def aliases(request, registry):
    """The aliases of something with three versions, whose third was promoted over its first."""
    kind, name = request.param, f"{request.param}-{uuid4().hex[:8]}"
    if kind == "prompt":
        for text in ("One.", "Two.", "Three."):
            registry.register_prompt(name, template=text)
    else:
        registry.create_registered_model(name)
        for _ in range(3):
            registry.create_model_version(name, source="s3://nowhere/it")
    made = Aliases(registry, kind, name)
    made.promote("production", 1)
    made.promote("production", 3)
    return made


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        shown = CliRunner().invoke(remediate, [str(each) for each in arguments])
        return shown.exit_code, shown.output

    return call


def test_an_approved_roll_back_is_undone_by_one_command(
    aliases, run, mlflow_at, tmp_path, monkeypatch
):
    trail = tmp_path / "audit.jsonl"
    monkeypatch.setenv("AIOPSLAB_AUDIT", str(trail))
    values = {aliases.kind: aliases.name, "alias": "production", "mlflow": mlflow_at}
    told = [each for name, value in values.items() for each in ("--set", f"{name}={value}")]
    action = f"rollback-{aliases.kind}"
    code, shown = run(
        "step", action, "--service", "llm", "--why", "It got worse.", "-o", "p.json", *told
    )
    assert code == 0 and "aiopslab remediate run p.json 1" in shown
    code, shown = run("run", "p.json", 1)
    assert code == 0 and "--set current=3 --set version=1" in shown, "where it was before"
    suggested = ("--set", "version=1", "--set", "current=3")
    assert run("run", "p.json", 1, *suggested, "--approve")[0] == 2, "nobody said who and why"
    assert aliases.at("production") == 3
    code, shown = run("run", "p.json", 1, *suggested, *BY)
    assert code == 0 and aliases.at("production") == 1
    (undo,) = re.findall(r"aiopslab remediate (undo \d+)", shown)
    assert run(*undo.split())[0] == 0 and aliases.at("production") == 1, "shown first"
    code, shown = run(*undo.split(), *BY)
    assert code == 0 and aliases.at("production") == 3
    assert [each["event"] for each in AuditLog("remediation.jsonl").records()] == [
        *("started", "finished") * 2
    ]
    scheme = {"model": "models", "prompt": "prompts", "index": "indexes"}[aliases.kind]
    done = [each for each in Trail(trail).records() if each["decision"] == "done"]
    assert [(each["event"], each["subject"]) for each in done] == [
        ("rollback", f"{scheme}:/{aliases.name}"),
        ("promote", f"{scheme}:/{aliases.name}"),
    ]


def test_the_commands_of_the_catalogue_do_the_same(aliases, mlflow_at):
    values = {aliases.kind: aliases.name, "alias": "production", "version": "1", "current": "3"}
    action = built_in()[f"rollback-{aliases.kind}"]
    step = Step.of(action, "llm", {**values, "mlflow": mlflow_at}, "It was promoted.")
    for command, version in ((step.command, 1), (step.undo_command, 3)):
        subprocess.run([sys.executable, *shlex.split(command)[1:]], check=True)
        assert aliases.at("production") == version


def test_an_alias_that_somebody_moved_meanwhile_stays(aliases, run, mlflow_at):
    values = {aliases.kind: aliases.name, "version": 1, "current": 3, "mlflow": mlflow_at}
    told = [each for name, value in values.items() for each in ("--set", f"{name}={value}")]
    told += ["--set", "alias=production"]
    action = f"rollback-{aliases.kind}"
    run("step", action, "--service", "llm", "--why", "It got worse.", "-o", "p.json", *told)
    aliases.point("production", 2)
    code, shown = run("run", "p.json", 1, *BY)
    assert code == 4 and "points at version 2, not 3" in shown
    assert aliases.at("production") == 2
    code, shown = run("run", "p.json", 1, "--set", "version=9", "--set", "current=2", *BY)
    assert code == 4 and f"version 9 of {aliases.name} is not there" in shown
    code, shown = run("run", "p.json", 1, "--set", "alias=nobodys")
    assert code == 1 and "with an alias 'nobodys'" in shown


def test_an_action_that_is_not_there_is_named(run):
    code, shown = run("step", "rollback-promt", "--service", "llm", "--why", "It got worse.")
    assert code == 1 and "Did you mean 'rollback-prompt'?" in shown
    code, shown = run("step", "rollback-prompt", "--service", "llm")
    assert code == 2 and "--why" in shown
