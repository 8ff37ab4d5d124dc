"""Gates: what a registry keeps of the gates that a version was put to."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aiopslab.cards.card import Section
from aiopslab.errors import ReportError
from aiopslab.gates import TAG

COLUMNS = ("decided (UTC)", "decision", "against", "measured (interval)", "because")
UNTOLD = "Not known: no gate has recorded a decision on it."


def passed(tags: Mapping[str, str], files: Iterable[Path], addresses: Iterable[str]) -> Section:
    """Return what gates decided on a version.

    Parameters
    ----------
    tags
        Of the version.
    files
        Decisions that gates wrote with ``--json``.
    addresses
        Of the version, by number and by alias: decisions on others are left out.

    Raises
    ------
    ReportError
        If a file holds no decision.
    """
    kept = [_read(tags[TAG], "the registry")] if TAG in tags else []
    told = [_read(_text(path), str(path)) for path in files]
    own = set(addresses)
    found = [*kept, *(each for each in told if each["candidate"] in own)]
    rows = {_row(each): None for each in found}
    return Section("Gates", COLUMNS, tuple(rows), UNTOLD)


def _row(said: Mapping[str, Any]) -> tuple[str, ...]:
    measured = ", ".join(
        f"{each['name']} {_number(each['value'])} "
        f"({_number(each['low'])} to {_number(each['high'])})"
        for each in said["measured"]
    )
    decided = str(said["decided"])[:19].replace("T", " ")
    against = str(said["baseline"] or "bounds alone")
    return decided, str(said["decision"]), against, measured, " ".join(map(str, said["reasons"]))


def _number(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4g}"


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"cannot read {path}: {error}", "Check the path.") from None


def _read(text: str, where: str) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(text)
        _row(said)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ReportError(
            f"{where} holds no decision of a gate", "Give what a gate wrote with --json."
        ) from None
    return said
