"""Deeds: who approved, promoted and rolled back a thing, from a trail that was not changed."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aiopslab.cards.card import UNKNOWN, Kind, Section
from aiopslab.governance.audit import Trail

MOVES = frozenset({"promote", "rollback"})
SCHEMES: Mapping[Kind, str] = {"model": "models", "prompt": "prompts", "index": "indexes"}
COLUMNS = ("when (UTC)", "who", "did", "version", "alias", "decision", "on data")


def deeds(trail: Path | None, kind: Kind, name: str) -> list[dict[str, Any]]:
    """Return the records of a trail that are of a thing, the newest first.

    Parameters
    ----------
    trail
        The file, of the audit trail or of remediations; ``None`` where there is none.
    kind, name
        Of the thing.

    Raises
    ------
    AuditError
        If the trail was changed: nothing of it is told then. Or if there is none.
    """
    if trail is None:
        return []
    found = Trail(trail)
    found.verify()
    subject = f"{SCHEMES[kind]}:/{name}"
    return [each for each in found.records() if _is_of(each, kind, name, subject)][::-1]


def approvals(trail: Path | None, records: Iterable[Mapping[str, Any]]) -> Section:
    """Return who approved what; that nobody did, or that it is not known, is said."""
    known = list(records)
    asked = {each["deed"]: each for each in known if "deed" in each}
    rows = tuple(
        (_at(each), who, what, _version(asked.get(each.get("of"), each)), _why(each))
        for each in known
        for who, what in _approvals(each)
    )
    unknown = (
        "Not known: no audit trail was named."
        if trail is None
        else "The audit trail has no approval of it."
    )
    columns = ("when (UTC)", "who", "approved", "version", "why")
    return Section("Approved by", columns, rows, unknown)


def moves(trail: Path | None, records: Iterable[Mapping[str, Any]], last: str) -> Section:
    """Return what became of its aliases.

    Parameters
    ----------
    trail
        The file; ``None`` where there is none.
    records
        From `deeds`.
    last
        What the registry itself keeps of the last move; empty where it keeps nothing.
    """
    rows = tuple(
        (
            *(_at(each), _who(each), str(each.get("action") or each["event"]), _version(each)),
            *(_alias(each), _decision(each), str(each.get("data", ""))[:16] or UNKNOWN),
        )
        for each in records
        if _is_move(each)
    )
    if not rows and last:
        rows = (("", UNKNOWN, last, "", "", "from the registry", UNKNOWN),)
    unknown = "Not known: MLflow keeps no history of aliases, and "
    unknown += (
        "no audit trail was named." if trail is None else "the audit trail has no move of it."
    )
    return Section("History of its aliases", COLUMNS, rows, unknown)


def _is_of(record: Mapping[str, Any], kind: Kind, name: str, subject: str) -> bool:
    """Tell whether a record is of a thing, whoever wrote it: an audit trail, or a remediation."""
    values = record.get("values") or {}
    return bool(record.get("subject") == subject or values.get(kind) == name)


def _is_move(record: Mapping[str, Any]) -> bool:
    """Tell a move, done or refused, from the leave to make it."""
    if record["event"] in MOVES:
        return record.get("decision") != "permit"
    return record["event"] == "finished" and "values" in record


def _approvals(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield who approved what by a record; somebody who was not allowed to did not."""
    if record["event"] == "approve" and record.get("decision") != "deny":
        yield _who(record), str(record.get("approves") or UNKNOWN)
    if record["event"] == "finished" and record.get("by"):
        yield str(record["by"]), str(record.get("action") or UNKNOWN)


def _at(record: Mapping[str, Any]) -> str:
    return str(record["at"])[:19].replace("T", " ")


def _who(record: Mapping[str, Any]) -> str:
    return str(record.get("principal") or record.get("by") or UNKNOWN)


def _why(record: Mapping[str, Any]) -> str:
    return str(record.get("reason") or record.get("why") or UNKNOWN)


def _decision(record: Mapping[str, Any]) -> str:
    return str(record.get("decision") or record["event"])


def _alias(record: Mapping[str, Any]) -> str:
    return str(record.get("alias") or (record.get("values") or {}).get("alias") or "")


def _version(record: Mapping[str, Any]) -> str:
    told = [record.get(each) for each in SCHEMES] + [(record.get("values") or {}).get("version")]
    return str(next((each for each in told if each), UNKNOWN))
