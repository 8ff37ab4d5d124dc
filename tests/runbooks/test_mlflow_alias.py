"""Aliases in a real MLflow server: rolled back, refused when moved meanwhile, and put back."""

import shlex
import sys

import pytest

from aiopslab.governance.approval import Approval
from aiopslab.runbooks import Step, built_in
from aiopslab.runbooks.audit import AuditLog
from aiopslab.runbooks.errors import Refused, RunbookError
from aiopslab.runbooks.execution import execute, undo_of
from tests.runbooks.conftest import alias_step
from tests.sources.prometheus.conftest import free_port

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def audit(tmp_path):
    return AuditLog(tmp_path / "audit.jsonl")


def done(step, audit):
    return execute(step, Approval.now(step, "on call", "it answers nonsense"), audit, dry_run=False)


def champion(registry, model):
    return str(registry.get_model_version_by_alias(model, "champion").version)


def test_the_dry_run_says_which_version_was_before(mlflow_at, registry, model):
    values = {"model": model, "mlflow": mlflow_at}
    step = Step.of(built_in()["rollback-model"], "classifier", values, "It was promoted.")
    assert execute(step).suggested == {"current": "3", "version": "2"}
    registry.delete_model_version(model, "2")
    assert execute(step).suggested == {"current": "3", "version": "1"}
    assert execute(step.with_values({"version": "1"})).suggested == {"current": "3"}
    registry.set_registered_model_alias(model, "champion", "1")
    with pytest.raises(Refused, match="no version before 1"):
        execute(step)


def test_an_alias_is_rolled_back_and_put_back(mlflow_at, registry, model, audit):
    step = alias_step(mlflow_at, model)
    assert "from version 3 to 2" in execute(step).says
    assert champion(registry, model) == "3"
    outcome = done(step, audit)
    assert outcome.acted and champion(registry, model) == "2"
    assert outcome.before["version"] == "3" and outcome.after["version"] == "2"
    assert not done(step, audit).acted
    back = undo_of(list(audit.records())[outcome.record - 1])
    assert back == outcome.undo
    assert done(back, audit).acted and champion(registry, model) == "3"
    assert audit.verify().records == 4


def test_an_alias_that_somebody_moved_meanwhile_stays(mlflow_at, registry, model, audit):
    step = alias_step(mlflow_at, model)
    approval = Approval.now(step, "on call", "it answers nonsense")
    registry.set_registered_model_alias(model, "champion", "1")
    with pytest.raises(Refused, match="points at version 1, not 3"):
        execute(step, approval, audit, dry_run=False)
    assert champion(registry, model) == "1"


@pytest.mark.parametrize("version", ["9", "x", "0"])
def test_a_version_that_is_not_there_is_refused(mlflow_at, registry, model, version):
    with pytest.raises(Refused, match=f"version {version} of {model} is not there"):
        execute(alias_step(mlflow_at, model, version))


@pytest.mark.parametrize("name", ["none such", "a' OR '1'='1", "ü/語"])
def test_a_model_that_is_not_there_is_named(mlflow_at, name):
    with pytest.raises(RunbookError, match="MLflow at"):
        execute(alias_step(mlflow_at, name))


def test_the_commands_do_what_the_executor_does(mlflow_at, registry, model, monkeypatch, capsys):
    step = alias_step(mlflow_at, model)

    def run(command):
        """Run it as `python -c` does, but here, where MLflow is imported already."""
        python, option, code, *arguments = shlex.split(command)
        assert python.startswith("python") and option == "-c"
        monkeypatch.setattr(sys, "argv", ["-c", *arguments])
        exec(code, {"__name__": "__main__"})
        return capsys.readouterr().out.strip()

    assert run(step.check) == "3"
    run(step.command)
    assert champion(registry, model) == "2"
    run(step.undo_command)
    assert champion(registry, model) == "3"


def test_a_server_that_is_down_is_named(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RunbookError, match="MLflow at"):
        execute(alias_step(f"http://127.0.0.1:{free_port()}", "topics"))


def test_a_store_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(RunbookError, match="no MLflow store"):
        execute(alias_step(f"sqlite:///{tmp_path}/none.db", "topics"))
    assert not (tmp_path / "none.db").exists()
