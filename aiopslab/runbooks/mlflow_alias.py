"""Aliases in an MLflow model registry: pointed at the version before, and back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiopslab.governance.approval import Approval
from aiopslab.mlflow_server import configure, connect
from aiopslab.runbooks.errors import Refused, RunbookError
from aiopslab.runbooks.executors import Sight
from aiopslab.runbooks.redaction import without_secrets
from aiopslab.runbooks.step import Step

_READY = "READY"


class MlflowAlias:
    """Points an alias of a registered model at another of its versions."""

    reads: tuple[str, ...] = ("model", "alias", "version", "current", "mlflow")

    def complete(self, step: Step) -> Mapping[str, str]:
        """Return the version that the alias points at, and the one before it that is ready."""
        model, alias = step.values["model"], step.values["alias"]
        with _asking(step) as client:
            current = _version_of(client, model, alias)
            if "version" in step.values:
                return {"current": current}
            for number in range(int(current) - 1, 0, -1):
                if _state(client, model, str(number)) == _READY:
                    return {"current": current, "version": str(number)}
        raise Refused(
            f"{model} has no version before {current} that is ready", "Train or register one."
        )

    def look(self, step: Step) -> Sight:
        """See where the alias points, and whether the version that it should point at is ready."""
        values = step.values
        model, alias, version = values["model"], values["alias"], values["version"]
        with _asking(step) as client:
            points = _version_of(client, model, alias)
            state = _state(client, model, version)
        before = {"model": model, "alias": alias, "version": points}
        if points == version:
            return Sight(before, f"nothing: {alias} points at version {version} already", True)
        planned = values["current"]
        if points != planned:
            raise Refused(
                f"{alias} of {model} points at version {points}, not {planned} as planned",
                f"Somebody moved it since. Look at the step again, with --set current={points}.",
            )
        if state != _READY:
            raise Refused(
                f"version {version} of {model} is {state or 'not there'}",
                "Name one that is ready, with --set version=NUMBER.",
            )
        return Sight(before, f"point {alias} of {model} from version {points} to {version}")

    def act(self, step: Step, approval: Approval) -> Mapping[str, Any]:
        """Point it there, and read it back."""
        model, alias = step.values["model"], step.values["alias"]
        with _asking(step) as client:
            client.set_registered_model_alias(model, alias, step.values["version"])
            points = _version_of(client, model, alias)
        return {"model": model, "alias": alias, "version": points}

    def inverse(self, step: Step, after: Mapping[str, Any]) -> Step | None:
        """Return the step that points it back."""
        back = {"version": step.values["current"], "current": step.values["version"]}
        why = f"It points {step.values['alias']} of {step.values['model']} back."
        return Step(step.action, step.service, {**step.values, **back}, why, "none")


@contextmanager
def _asking(step: Step) -> Iterator[Any]:
    """Yield a client; what MLflow raises becomes an error that says what to do."""
    address = step.values["mlflow"]
    _check_store(address)
    configure()
    from mlflow.exceptions import MlflowException

    try:
        yield connect(address)
    except MlflowException as error:
        reason = str(without_secrets(error.message)).splitlines()[0][:300]
        raise RunbookError(
            f"MLflow at {address}: {reason}",
            "Check that the server runs and has this model; name it with --set mlflow=ADDRESS.",
        ) from None


def _check_store(address: str) -> None:
    """Refuse a database that is not there, since MLflow would make it."""
    path = Path(address.removeprefix("sqlite:///"))
    if address.startswith("sqlite:") and not path.is_file():
        raise RunbookError(f"there is no MLflow store at {address}", "Check the path.")


def _version_of(client: Any, model: str, alias: str) -> str:
    return str(client.get_model_version_by_alias(model, alias).version)


def _state(client: Any, model: str, version: str) -> str:
    """Return the state of a version; empty where it is not there."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_model_version(model, version).status)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return ""
        raise
