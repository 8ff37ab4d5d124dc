"""Archives: the earlier files of a trail that was closed, beside the one that goes on."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiopslab.governance import chain
from aiopslab.governance.errors import AuditError

EVENT = "archive"  # of the record with which a file goes on after one that was closed


def close(path: Path, last: dict[str, Any], **content: Any) -> Path:
    """Close a file, and go on in a new one of its name.

    Parameters
    ----------
    path
        Of a trail that nobody else writes meanwhile.
    last
        Its last record.
    **content
        Of the record with which the new one begins.
    """
    name = f"{path.stem}-{last['number']}-{last['hash'][:8]}{path.suffix}"
    closed, begun = path.with_name(name), path.with_name(f"{name}.new")
    handle = os.open(begun, os.O_RDWR | os.O_TRUNC | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        chain.write(file, chain.after(last, EVENT, {**content, "archive": name}))
    if not closed.exists():  # else of an attempt that ended here
        os.link(path, closed)
    begun.replace(path)  # at no moment is there no trail
    closed.chmod(0o400)
    return closed


def lines(path: Path, first: bytes) -> Iterator[bytes]:
    """Yield the lines of all archives of a trail, the oldest first.

    Parameters
    ----------
    path
        Of the trail.
    first
        Its first line. That lines belong together is for the chain to show.

    Raises
    ------
    AuditError
        If an archive is not there.
    """
    found: list[Path] = []
    named = _named(first)
    while named:
        number, name = named
        found.append(path.with_name(name))
        try:
            with found[-1].open("rb") as file:
                named = _named(file.readline(chain.LONGEST), number)
        except OSError as error:
            raise AuditError(
                f"the records before {number} of {path} are in {found[-1]}, which cannot be read: "
                f"{error.strerror}",
                "Bring the archive back beside the trail.",
            ) from None
    for each in reversed(found):
        with each.open("rb") as file:
            yield from chain.lines(file)


def _named(line: bytes, before: int | None = None) -> tuple[int, str] | None:
    """Return the number of a record and the archive that it names, if it names one beside it."""
    try:
        record = json.loads(line)
        number, name = record["number"], record["archive"]
        is_one = record["event"] == EVENT and Path(name).name == name
        return (number, name) if is_one and (before is None or number < before) else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
