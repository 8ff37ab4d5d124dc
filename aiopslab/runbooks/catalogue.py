"""The actions that a runbook knows, each with what must hold first, its risk and its undo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

from pydantic import StringConstraints, TypeAdapter, ValidationError

from aiopslab.errors import did_you_mean
from aiopslab.runbooks.errors import RunbookError
from aiopslab.runbooks.template import Command, holes

if TYPE_CHECKING:
    import pandas as pd

RiskLevel = Literal["low", "medium", "high"]
RISK_LEVELS: tuple[RiskLevel, ...] = get_args(RiskLevel)

ChangeCue = Literal["deploy", "flag", "config", "commit", "model", "prompt", "index"]
CueName = ChangeCue | Literal["stale index", "saturation", "silent", "symptom", "alert"]
"""What an action answers: a kind of change to the suspect, or what the suspect does.

``saturation`` is a resource at its limit, ``silent`` a service that nobody reaches, ``symptom``
one that is slow or failing with nothing to say why, ``alert`` one that fires.
"""

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]
_Sentence = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
_SECRET = ("password", "passwd", "secret", "token", "credential", "api_key", "apikey")


@dataclass(frozen=True)
class Parameter:
    """A hole of the commands of an action.

    Parameters
    ----------
    help
        What belongs there.
    default
        Taken where neither evidence nor user gives a value; may have holes of its own, e.g.
        ``"{service}-standby"``. Without one a person has to give it.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    help: _Sentence
    default: str | None = None


@dataclass(frozen=True)
class Instruction:
    """A sentence, and the command for it where there is one; both may have holes."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    text: _Sentence
    command: Command | Literal[""] = ""


@dataclass(frozen=True)
class Risk:
    """How much an action can hurt, and how."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    level: RiskLevel
    why: _Sentence


@dataclass(frozen=True)
class Action:
    """Something that can be done about an incident.

    Parameters
    ----------
    name, title
        For the command line, and for people.
    when
        What it answers; empty for one that is never proposed, such as the undo of another.
    precondition
        What must hold first, with the command that checks it and changes nothing.
    command
        What does it: one program with its arguments and holes, see
        `aiopslab.runbooks.template.render`.
    risk
        How much it can hurt, and how.
    undo
        How to take it back; without a command it cannot be taken back by one.
    parameters
        The holes, by name.
    executor
        Name of the executor that can do it from here; empty where a person runs the command.

    Raises
    ------
    RunbookError
        If a command has a hole that is no parameter.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    name: _Name
    title: _Sentence
    when: tuple[CueName, ...]
    precondition: Instruction
    command: Command
    risk: Risk
    undo: Instruction
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    executor: str = ""

    def __post_init__(self) -> None:
        for name in self.parameters:
            if any(word in name.lower() for word in _SECRET):
                raise RunbookError(
                    f"action {self.name!r} has the parameter {name!r}: its value would be shown",
                    "Let the program read its credentials from the environment.",
                )
        for text in (*self.commands, self.precondition.text, self.undo.text):
            for name in holes(text):
                if name not in self.parameters:
                    raise RunbookError(
                        f"action {self.name!r} uses {{{name}}}, which is none of its parameters",
                        f"Add {name} to its parameters, with a help.",
                    )

    @property
    def commands(self) -> tuple[str, str, str]:
        """The commands that check, do and undo it; the outer two may be empty."""
        return self.precondition.command, self.command, self.undo.command

    @property
    def is_reversible(self) -> bool:
        """Whether a command or an executor can take it back."""
        return bool(self.undo.command or self.executor)


@dataclass(frozen=True)
class Catalogue:
    """Actions by name.

    Examples
    --------
    >>> built_in()["restart-service"].risk.level
    'low'
    >>> [action.name for action in built_in().answering("model")]
    ['rollback-model']
    """

    actions: tuple[Action, ...]

    def __getitem__(self, name: str) -> Action:
        """Return an action by its name.

        Raises
        ------
        RunbookError
            If there is none, with the nearest.
        """
        known = {action.name: action for action in self.actions}
        if name not in known:
            raise RunbookError(f"there is no action {name!r}", did_you_mean(name, [*known]))
        return known[name]

    def answering(self, cue: CueName) -> list[Action]:
        """Return the actions that answer a cue, in the order of the catalogue."""
        return [action for action in self.actions if cue in action.when]

    def extended(self, actions: Sequence[Action]) -> "Catalogue":
        """Return a catalogue with more actions; one of a name that is there replaces it."""
        known = {action.name: action for action in self.actions}
        return Catalogue((*(known | {action.name: action for action in actions}).values(),))

    def table(self) -> "pd.DataFrame":
        """Return one row an action: ``action, title, when, risk, command, undo, executor``."""
        import pandas as pd

        columns = ["action", "title", "when", "risk", "command", "undo", "executor"]
        rows = [
            (
                *(each.name, each.title, ", ".join(each.when), each.risk.level, each.command),
                *(each.undo.command or each.undo.text, each.executor),
            )
            for each in self.actions
        ]
        return pd.DataFrame(rows, columns=columns)


@cache
def built_in() -> Catalogue:
    """Return the actions that come with the library."""
    return Catalogue(_read(Path(__file__).with_name("actions.yml")))


def load_catalogue(path: str | Path) -> Catalogue:
    """Add the actions of a YAML file to those that come with the library.

    Parameters
    ----------
    path
        A list of actions, with the fields of `Action`. An action of the same name as one that is
        there replaces it.

    Raises
    ------
    RunbookError
        If the file cannot be read, or a field of it is not as it should be; names every one.
    """
    return built_in().extended(_read(Path(path)))


def _read(path: Path) -> tuple[Action, ...]:
    import yaml

    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunbookError(f"cannot read {path}: {error.strerror}", "Check the path.") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise RunbookError(f"{path} is not YAML: {error}", "Mend the file.") from None
    actions: tuple[Action, ...] = validated(tuple[Action, ...], plain, f"{path}")
    names = [action.name for action in actions]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise RunbookError(f"{path} has {', '.join(twice)} twice", "Give each a name of its own.")
    return actions


def validated(kind: Any, plain: Any, place: str) -> Any:
    """Bring plain values to a type, or say of every field what is wrong with it.

    Raises
    ------
    RunbookError
        Names the fields, the values and what was expected.
    """
    try:
        return TypeAdapter(kind).validate_python(plain)
    except ValidationError as error:
        misfits = [
            f"{_place(each['loc'], plain) or 'it'}: {each['msg']}, not {_short(each['input'])}"
            for each in error.errors()
        ]
    listed = "".join(f"\n  {misfit}" for misfit in dict.fromkeys(misfits))
    raise RunbookError(f"{place} does not fit:{listed}", "Mend these fields.")


def _place(location: tuple[int | str, ...], plain: Any) -> str:
    """Write where a field is, with the name of the action that has it."""
    path = [str(step) for step in location if not str(step).startswith(("function-", "literal["))]
    if path and path[0].isdigit() and isinstance(plain, Sequence):
        entry = plain[int(path[0])]
        name = entry.get("name") if isinstance(entry, Mapping) else None
        path[0] = f"action {name}" if name else f"action {int(path[0]) + 1}"
    return ".".join(path)


def _short(value: Any, letters: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= letters else text[:letters] + "…"
