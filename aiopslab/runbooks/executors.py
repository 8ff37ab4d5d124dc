"""What can do a step from here: the executors, by the name that an action gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiopslab.errors import did_you_mean
from aiopslab.governance.approval import Approval
from aiopslab.mlflow_aliases import Kind
from aiopslab.runbooks.errors import RunbookError
from aiopslab.runbooks.step import Step

# What points aliases, by the name that an action gives, and of what.
ALIASES: Mapping[str, Kind] = {
    "mlflow-alias": "model",
    "mlflow-prompt-alias": "prompt",
    "mlflow-index-alias": "index",
}


@dataclass(frozen=True)
class Sight:
    """What an executor sees before it acts.

    Parameters
    ----------
    before
        The state that the step would change, as plain values.
    would
        What the step would do, in a sentence.
    is_done
        Whether it is done already, so that there is nothing to do.
    """

    before: Mapping[str, Any]
    would: str
    is_done: bool = False


class Executor(Protocol):
    """Does the steps of one kind, on a real system.

    All but `act` only read. What a person can mend is raised as a `RunbookError`. `reads` names
    the parameters that it takes from a step.
    """

    reads: tuple[str, ...]

    def complete(self, step: Step) -> Mapping[str, str]:
        """Return what the system says that the values should be which the step lacks."""
        ...

    def look(self, step: Step) -> Sight:
        """Check the precondition; raises `Refused` where it does not hold."""
        ...

    def act(self, step: Step, approval: Approval) -> Mapping[str, Any]:
        """Do it; return the state after it, as plain values."""
        ...

    def inverse(self, step: Step, after: Mapping[str, Any]) -> Step | None:
        """Return the step that takes it back; ``None`` where there is none."""
        ...


class Executors:
    """Executors by name; those of your own are added with `register`."""

    def __init__(self) -> None:
        self._known: dict[str, Executor] = {}

    def register(self, name: str, executor: Executor) -> None:
        """Add an executor, or replace the one of that name."""
        self._known[name] = executor

    def of(self, step: Step) -> Executor | None:
        """Return what can do a step; ``None`` where a person has to.

        Raises
        ------
        RunbookError
            If its action names an executor that is not there, or lacks what that one reads.
        """
        name = step.action.executor
        if not name:
            return None
        if name not in self._known:
            raise RunbookError(
                f"{step.action.name} names the executor {name!r}, which is not there",
                did_you_mean(name, sorted(self._known)),
            )
        executor = self._known[name]
        absent = [each for each in executor.reads if each not in step.action.parameters]
        if absent:
            raise RunbookError(
                f"{step.action.name} has no {', '.join(absent)}, which {name} reads",
                "Add them to the parameters of the action.",
            )
        return executor


def default_executors() -> Executors:
    """Return the executors that come with the library."""
    from aiopslab.runbooks.alertmanager import Expire, Silence
    from aiopslab.runbooks.mlflow_alias import MlflowAlias

    executors = Executors()
    executors.register("alertmanager-silence", Silence())
    executors.register("alertmanager-expire", Expire())
    for name, kind in ALIASES.items():
        executors.register(name, MlflowAlias(kind))
    return executors
