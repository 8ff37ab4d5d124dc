"""Aliases in an MLflow registry: pointed at the version before, and back."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiopslab.governance.approval import Approval
from aiopslab.mlflow_aliases import ABSENT, Aliases, Kind
from aiopslab.mlflow_server import configure, connect
from aiopslab.runbooks.errors import Refused, RunbookError
from aiopslab.runbooks.executors import Sight
from aiopslab.runbooks.redaction import without_secrets
from aiopslab.runbooks.step import Step

_READY = "READY"


class MlflowAlias:
    """Points an alias of a registered model, prompt or index at another of its versions.

    Parameters
    ----------
    kind
        Of what; its name is the parameter of the action that is called like it.
    """

    def __init__(self, kind: Kind = "model") -> None:
        self.kind = kind
        self.reads: tuple[str, ...] = (kind, "alias", "version", "current", "mlflow")

    def complete(self, step: Step) -> Mapping[str, str]:
        """Return the version that the alias points at, and the one that it pointed at before.

        Where nobody knows the latter, it is the last one that is ready and older.
        """
        with self._asking(step) as aliases:
            current, name = self._at(step, aliases), aliases.name
            if "version" in step.values:
                return {"current": current}
            last = aliases.last(step.values["alias"])
            is_known = last is not None and str(last.version) == current and last.before
            older = range(int(current) - 1, 0, -1)
            for number in (*([last.before] if last and is_known else []), *older):
                if _state(aliases, str(number)) == _READY:
                    return {"current": current, "version": str(number)}
        raise Refused(
            f"{name} has no version before {current} that is ready", "Make or register one."
        )

    def look(self, step: Step) -> Sight:
        """See where the alias points, and whether the version that it should point at is ready."""
        values = step.values
        name, alias, version = values[self.kind], values["alias"], values["version"]
        with self._asking(step) as aliases:
            points, state = self._at(step, aliases), _state(aliases, version)
        before = {self.kind: name, "alias": alias, "version": points}
        if points == version:
            return Sight(before, f"nothing: {alias} points at version {version} already", True)
        planned = values["current"]
        if points != planned:
            raise Refused(
                f"{alias} of {name} points at version {points}, not {planned} as planned",
                f"Somebody moved it since. Look at the step again, with --set current={points}.",
            )
        if state != _READY:
            raise Refused(
                f"version {version} of {name} is {state or 'not there'}",
                "Name one that is ready, with --set version=NUMBER.",
            )
        return Sight(before, f"point {alias} of {name} from version {points} to {version}")

    def act(self, step: Step, approval: Approval) -> Mapping[str, Any]:
        """Point it there, and read it back."""
        alias = step.values["alias"]
        with self._asking(step) as aliases:
            aliases.point(alias, int(step.values["version"]))
            aliases.forget(alias)  # the log knows where it was; what is taken back is no way back
            points = self._at(step, aliases)
        return {self.kind: step.values[self.kind], "alias": alias, "version": points}

    def inverse(self, step: Step, after: Mapping[str, Any]) -> Step | None:
        """Return the step that points it back."""
        back = {"version": step.values["current"], "current": step.values["version"]}
        why = f"It points {step.values['alias']} of {step.values[self.kind]} back."
        return Step(step.action, step.service, {**step.values, **back}, why, "none")

    def _at(self, step: Step, aliases: Aliases) -> str:
        """Return the version that the alias points at."""
        alias, at = step.values["alias"], aliases.at(step.values["alias"])
        if at is None:
            raise RunbookError(
                f"MLflow at {step.values['mlflow']}: there is no {self.kind} {aliases.name!r} with "
                f"an alias {alias!r}",
                f"Check its name; name another with --set {self.kind}=NAME.",
            )
        return str(at)

    @contextmanager
    def _asking(self, step: Step) -> Iterator[Aliases]:
        """Yield the aliases; what MLflow raises becomes an error that says what to do."""
        address = step.values["mlflow"]
        _check_store(address)
        configure()
        from mlflow.exceptions import MlflowException

        try:
            yield Aliases(connect(address), self.kind, step.values[self.kind])
        except MlflowException as error:
            reason = str(without_secrets(error.message)).splitlines()[0][:300]
            raise RunbookError(
                f"MLflow at {address}: {reason}",
                f"Check that the server runs and has this {self.kind}; name it with --set "
                "mlflow=ADDRESS.",
            ) from None


def _check_store(address: str) -> None:
    """Refuse a database that is not there, since MLflow would make it."""
    path = Path(address.removeprefix("sqlite:///"))
    if address.startswith("sqlite:") and not path.is_file():
        raise RunbookError(f"there is no MLflow store at {address}", "Check the path.")


def _state(aliases: Aliases, version: str) -> str:
    """Return the state of a version; empty where it is not there."""
    from mlflow.exceptions import MlflowException

    client, name = aliases.client, aliases.name
    try:
        if aliases.kind == "prompt":
            return "" if client.get_prompt_version(name, version) is None else _READY
        return str(client.get_model_version(name, version).status)
    except MlflowException as error:
        if error.error_code in ABSENT:
            return ""
        raise
