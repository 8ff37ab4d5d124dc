"""The command from a recording to an alias rolled back and put back, refusals on the way."""

import json
import re
import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner

from aiopslab.findings import Finding, Verdict
from aiopslab.runbooks import Plan
from aiopslab.runbooks.command import remediate
from tests.runbooks.conftest import alias_step, silence_step
from tests.runbooks.test_catalogue import OWN

BY = ("--approve", "--by", "on call", "--reason", "users wait")


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        shown = CliRunner().invoke(remediate, [str(each) for each in arguments])
        assert shown.exception is None or isinstance(shown.exception, SystemExit), shown.exception
        return shown.exit_code, shown.output

    return call


def champion(registry, model):
    return str(registry.get_model_version_by_alias(model, "champion").version)


def saved(folder, *steps):
    path = folder / "plan.json"
    path.write_text(json.dumps(Plan(steps).to_json()))
    return path


def test_help_teaches(run):
    code, shown = run("--help")
    assert code == 0
    assert "remediate run plan.json 1" in shown and "Exit codes" in shown
    for command in ("list", "plan", "show", "run", "undo", "audit"):
        assert run(command, "--help")[0] == 0


def test_importing_the_command_is_cheap():
    heavy = "{'pandas', 'numpy', 'httpx', 'mlflow', 'pydantic', 'yaml'}"
    code = f"import sys, aiopslab.runbooks.command; print({heavy} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert shown.stdout.strip() == "set()"


def test_the_catalogue_is_listed_with_actions_of_ones_own(run, tmp_path):
    own = tmp_path / "own.yml"
    own.write_text(yaml.safe_dump([OWN]))
    code, shown = run("list", "-c", own)
    assert code == 0
    assert "drain-node" in shown and "rollback-deploy" in shown
    own.write_text(yaml.safe_dump([{**OWN, "risk": {"level": "huge", "why": "x"}}]))
    code, shown = run("list", "-c", own)
    assert code == 1 and "drain-node.risk.level" in shown and "→" in shown


def test_a_recording_becomes_a_plan(run, tmp_path):
    path = tmp_path / "plan.json"
    code, shown = run("plan", "sample://classifier-deploy", "-o", path, "--set", "namespace=shop")
    assert code == 0
    assert "kubectl rollout undo deployment/classifier --namespace shop" in shown
    assert run("show", path)[1].splitlines()[0] in shown
    code, shown = run("show", path, 1)
    assert code == 0
    for part in ("risk", "medium", "kubectl rollout history", "undo", "version 2.1.7"):
        assert part in shown
    code, shown = run("run", path, 1)
    assert code == 0 and "run it yourself" in shown
    code, shown = run("run", path, 1, *BY)
    assert code == 4 and "kubectl rollout undo" in shown


@pytest.mark.parametrize("nested", [False, True])
def test_a_verdict_becomes_a_plan(run, tmp_path, nested):
    finding = Finding("Latency rose.", "auth", "act", "metrics: auth")
    plain = Verdict("act", "Slow", {}, (finding,), ("Read the logs.",)).to_json()
    path = tmp_path / "run.json"
    path.write_text(json.dumps({"id": "x", "verdict": plain} if nested else plain))
    code, shown = run("plan", path)
    assert code == 0 and "deployment/auth" in shown and "Read the logs." in shown


@pytest.mark.server
@pytest.mark.slow
def test_an_alias_is_rolled_back_and_put_back(run, tmp_path, mlflow_at, registry, model):
    step = alias_step(mlflow_at, model)
    bare = {name: step.values[name] for name in ("model", "alias", "mlflow")}
    path = saved(tmp_path, type(step)(step.action, step.service, bare, step.why))
    code, shown = run("run", path, 1)
    assert code == 0
    found = ("--set", "current=3", "--set", "version=2")
    assert " ".join(found) in shown

    code, shown = run("run", path, 1, *BY)
    assert code == 4 and "lacks" in shown
    code, shown = run("run", path, 1, *found)
    assert code == 0 and "Dry run: Would point champion" in shown and "--approve" in shown
    assert champion(registry, model) == "3"

    code, shown = run("run", path, 1, *found, *BY)
    assert code == 0 and "Done." in shown
    assert champion(registry, model) == "2"
    number = re.search(r"remediate undo (\d+)", shown)[1]
    assert "already" in run("run", path, 1, *found, *BY)[1]

    code, shown = run("undo", number)
    assert code == 0 and "Dry run" in shown
    assert run("undo", number, *BY)[0] == 0
    assert champion(registry, model) == "3"

    code, shown = run("audit", "show")
    assert code == 0 and shown.count("finished") == 2 and "on call: users wait" in shown
    code, shown = run("audit", "verify")
    head = shown.split()[-1]
    assert code == 0 and run("audit", "verify", "--seen", head)[0] == 0
    assert run("audit", "verify", "--seen", "0" * 64)[0] == 1
    log = tmp_path / "remediation.jsonl"
    log.write_text(log.read_text().replace("on call", "nobody1"))
    code, shown = run("audit", "verify")
    assert code == 1 and "was changed" in shown


@pytest.mark.server
@pytest.mark.parametrize("missing", [0, 1, 3])
def test_without_who_and_why_nothing_is_asked(run, tmp_path, noted, missing):
    noted.requests.clear()
    path = saved(tmp_path, silence_step(noted.address))
    options = [["--approve"], BY[:3], ["--approve", *BY[3:]]][min(missing, 2)]
    code, shown = run("run", path, 1, *options)
    assert code == 2 and "--by NAME" in shown
    assert noted.requests == []
    assert not (tmp_path / "remediation.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["plan", "sample://none"], 1, "none"),
        (["plan", "none.json"], 1, "cannot read"),
        (["show", "none.json"], 1, "cannot read"),
        (["show", "plan.json", "2"], 1, "there is no step 2"),
        (["show", "torn.json"], 1, "not JSON"),
        (["show", "list.json"], 1, "does not fit"),
        (["run", "plan.json", "1", "--set", "duration"], 2, "NAME=VALUE"),
        (["run", "plan.json", "1", "--set", "duratoin=1h"], 1, "duration"),
        (["run", "plan.json", "1", "--set", "alert=a\nb"], 1, "printable"),
        (["undo", "1"], 2, "no record 1"),
        (["audit", "verify"], 1, "there is no audit trail"),
        (["audit", "show", "--audit", "torn.json"], 1, "was changed"),
    ],
)
def test_a_mistake_ends_in_a_message(run, tmp_path, arguments, code, told):
    saved(tmp_path, silence_step("http://localhost:1"))
    (tmp_path / "torn.json").write_text("{")
    (tmp_path / "list.json").write_text("[]")
    found, shown = run(*arguments)
    assert found == code and told in shown


def test_nothing_shown_steers_the_terminal(run, tmp_path):
    finding = Finding("\x1b[2JLatency rose.\u202e", "auth", "act", "metrics: auth")
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(Verdict("act", "\x1b[2J", {}, (finding,), ("\x1b[2J",)).to_json()))
    code, shown = run("plan", path)
    assert code == 0 and "\x1b" not in shown and "\u202e" not in shown
