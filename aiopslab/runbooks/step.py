"""One step of a plan: an action with its values, and why it is proposed."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from aiopslab.errors import did_you_mean
from aiopslab.governance.canonical import canonical, sha256
from aiopslab.runbooks.catalogue import RISK_LEVELS, Action, validated
from aiopslab.runbooks.errors import RunbookError
from aiopslab.runbooks.template import check_value, fill, holes, render
from aiopslab.sources.url import holds_credentials

Benefit = Literal["high", "medium", "low", "none"]
BENEFITS: tuple[Benefit, ...] = get_args(Benefit)


@dataclass(frozen=True)
class Step:
    """An action with the values of its holes.

    Parameters
    ----------
    action
        What is done.
    service
        Whom it is done to.
    values
        By name of the parameter.
    why
        The evidence for it, in a sentence.
    benefit
        What to expect of it: ``high`` undoes what probably caused the incident, ``medium`` treats
        what was measured, ``low`` is worth a try, ``none`` removes no cause. An order, not a
        probability.
    warning
        What about it is not as usual; empty where nothing is.

    Raises
    ------
    RunbookError
        If a value is no parameter, is not fit to be shown, or holds credentials.

    Examples
    --------
    >>> from aiopslab.runbooks import built_in
    >>> step = Step.of(built_in()["scale-out"], "auth", {"current": "2"}, "CPU is at its limit.")
    >>> step.needs
    ('replicas',)
    >>> print(step.with_values({"replicas": "3"}).command)
    kubectl scale deployment/auth --current-replicas=2 --replicas=3 --namespace default
    """

    action: Action
    service: str
    values: Mapping[str, str]
    why: str
    benefit: Benefit = "low"
    warning: str = ""

    def __post_init__(self) -> None:
        known = [*self.action.parameters]
        for name, value in self.values.items():
            if name not in known:
                raise RunbookError(
                    f"{self.action.name} has no parameter {name!r}", did_you_mean(name, known)
                )
            check_value(name, value)
            if holds_credentials(value):
                raise RunbookError(
                    f"{name} holds credentials, which would be shown and recorded",
                    "Leave them to the environment, and give the address without them.",
                )
        for command in self.action.commands:
            if command:
                render(command, self.values)

    @classmethod
    def of(
        cls,
        action: Action,
        service: str,
        values: Mapping[str, str],
        why: str,
        benefit: Benefit = "low",
        warning: str = "",
    ) -> "Step":
        """Make a step of what is known; of the rest, take what has a default."""
        filled = {"service": service} if "service" in action.parameters else {}
        filled |= values
        for name, parameter in action.parameters.items():
            default = parameter.default
            if name in filled or default is None:
                continue
            if all(hole in filled for hole in holes(default)):
                filled[name] = fill(default, filled)
        return cls(action, service, filled, why, benefit, warning)

    @property
    def needs(self) -> tuple[str, ...]:
        """The parameters of its commands that a person has to give."""
        wanted = holes(" ".join(self.action.commands))
        return tuple(name for name in wanted if name not in self.values)

    @property
    def command(self) -> str:
        """What does it."""
        return render(self.action.command, self.values)

    @property
    def precondition(self) -> str:
        """What must hold first."""
        return fill(self.action.precondition.text, self.values)

    @property
    def check(self) -> str:
        """The command that shows whether it holds; may be empty."""
        command = self.action.precondition.command
        return render(command, self.values) if command else ""

    @property
    def undo(self) -> str:
        """How to take it back."""
        return fill(self.action.undo.text, self.values)

    @property
    def undo_command(self) -> str:
        """The command that takes it back; empty where none does."""
        command = self.action.undo.command
        return render(command, self.values) if command else ""

    @property
    def expected(self) -> str:
        """What to expect of it, in words."""
        return "removes no cause" if self.benefit == "none" else f"{self.benefit} benefit"

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, by which an approval is bound to it."""
        return sha256(self.to_json())

    @property
    def order(self) -> tuple[int, int, int]:
        """By what steps are sorted: benefit, risk, and whether it can be taken back."""
        risk = RISK_LEVELS.index(self.action.risk.level)
        return BENEFITS.index(self.benefit), risk, int(not self.action.is_reversible)

    def with_values(self, values: Mapping[str, str]) -> "Step":
        """Return the step with other values; its digest is another one then."""
        return replace(self, values={**self.values, **values})

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain: dict[str, Any] = json.loads(canonical(asdict(self)))
        return plain

    @classmethod
    def from_json(cls, plain: Any) -> "Step":
        """Read what `to_json` wrote.

        Raises
        ------
        RunbookError
            If a field is missing or does not fit.
        """
        step: Step = validated(Step, plain, "the step")
        return step
