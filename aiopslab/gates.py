"""Gates: what those of models, prompts and indexes say alike, to a person and to a pipeline."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

import click

from aiopslab.errors import AIOpsLabError
from aiopslab.mlflow_aliases import Aliases, Kind, Promotion

Word = Literal["promote", "keep", "not enough data"]
WORDS: tuple[Word, ...] = get_args(Word)

CODES: dict[Word, int] = {"promote": 0, "keep": 3, "not enough data": 4}
COLOURS: dict[Word, str] = {"promote": "green", "keep": "red", "not enough data": "yellow"}
STANDARD_OUTPUT = "-"
TAG = "aiopslab.gate"  # of a version in the registry: the last decision on it
EXIT_CODES = """\b
Exit codes
  0  promote the candidate
  2  a wrong command, or evidence that cannot be used
  3  keep the baseline: the candidate is worse, or no better than is asked for
  4  not enough data to tell, or a policy does not permit what was decided
"""

as_json = click.option(
    "--json",
    "written",
    metavar="FILE",
    help="Write the decision as JSON, too; - writes nothing else to standard output.",
)


@dataclass(frozen=True)
class Measured:
    """A number that a decision rests on, with its interval; NaN where nobody can tell."""

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Decided:
    """What a gate says.

    Parameters
    ----------
    gate
        Of what: a ``model``, a ``prompt`` or an ``index``.
    decision
        ``promote``, ``keep`` or ``not enough data``.
    candidate, baseline
        What was compared, as the command was given it; no baseline where bounds alone decide.
    reasons
        Sentences, the decisive first.
    measured
        What they rest on.
    alias
        That was moved; ``None`` where none was.

    Examples
    --------
    >>> said = Decided("prompt", "keep", "new.md", "old.md", ("It is worse.",))
    >>> said.exit_code, said.to_json()["decision"]
    (3, 'keep')
    """

    gate: Kind
    decision: Word
    candidate: str
    baseline: str | None
    reasons: tuple[str, ...]
    measured: tuple[Measured, ...] = ()
    alias: Promotion | None = None

    @property
    def exit_code(self) -> int:
        """By which a pipeline goes on."""
        return CODES[self.decision]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; a number that is not finite becomes null."""
        plain = asdict(self)
        plain["measured"] = [
            {name: _finite(value) for name, value in each.items()} for each in plain["measured"]
        ]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        return {**plain, "exit_code": self.exit_code, "decided": now}


def say(decided: Decided, lines: Iterator[str], written: str | None) -> None:
    """Say a decision, and write it where it is asked for.

    Parameters
    ----------
    decided
        By a gate.
    lines
        What a person reads below the decision.
    written
        Path of a JSON file; ``-`` for JSON on standard output and nothing else there; ``None`` for
        none.

    Raises
    ------
    AIOpsLabError
        If the file cannot be written.
    """
    text = json.dumps(decided.to_json(), indent=1, ensure_ascii=False)
    if written == STANDARD_OUTPUT:
        click.echo(text)
        return
    click.secho(decided.decision, bold=True, fg=COLOURS[decided.decision])
    for line in lines:
        click.echo(line)
    if written is None:
        return
    try:
        Path(written).write_text(f"{text}\n", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise AIOpsLabError(
            f"the decision cannot be written to {written!r}: {error.strerror}", "Name a file."
        ) from None


def remember(decided: Decided, aliases: Aliases, version: int) -> None:
    """Keep a decision with the version that it is on, where whoever asks later finds it."""
    aliases.note(version, TAG, json.dumps(decided.to_json(), ensure_ascii=False))


def stays(alias: str | None, name: str, moved: Promotion | None) -> str:
    """Say what became of an alias; empty where none was to be moved.

    Examples
    --------
    >>> stays("production", "support", None)
    'production of support stays where it is'
    """
    if alias is None:
        return ""
    return str(moved) if moved is not None else f"{alias} of {name} stays where it is"


def _finite(value: Any) -> Any:
    return value if not isinstance(value, float) or math.isfinite(value) else None
