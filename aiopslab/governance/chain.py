"""The chain: records of a line each, of which every one holds the hash of the one before it."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

from aiopslab.governance.canonical import canonical, sha256

FIRST = "0" * 64  # what the first record names as the one before it
USUAL, LONGEST = 8_192, 1_000_000  # bytes of a record


def after(last: dict[str, Any] | None, event: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return the record that follows another, or the first."""
    made = {
        **content,
        "event": event,
        "number": last["number"] + 1 if last else 1,
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "previous": last["hash"] if last else FIRST,
    }
    return made | {"hash": sha256(made)}


def write(file: BinaryIO, record: dict[str, Any]) -> None:
    """Write a record to the end of a file and to the disk, whole or not at all."""
    line = canonical(record) + b"\n"
    size = file.seek(0, os.SEEK_END)
    if len(line) > LONGEST:
        raise OSError(0, f"a record has {len(line):,} bytes; at most {LONGEST:,} are kept")
    try:
        if file.write(line) != len(line):
            raise OSError(0, "the disk is full")
        os.fsync(file.fileno())
    except OSError:
        file.truncate(size)  # half a record would make the trail unusable
        raise


def lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a file; one that is too long to be a record comes in parts."""
    return iter(lambda: file.readline(LONGEST), b"")


def last_line(file: BinaryIO) -> bytes:
    """Return the last line of a file, without reading what stands far before it."""
    end = file.seek(0, os.SEEK_END)
    found: list[bytes] = []
    for size in (USUAL, LONGEST):
        file.seek(max(end - size, 0))
        found = file.read(size).splitlines(keepends=True)
        if len(found) > 1 or size >= end:  # else it may begin before what was read
            break
    return found[-1] if found else b""


def read(line: bytes) -> dict[str, Any]:
    """Read a record.

    Raises
    ------
    ValueError
        If it is none, or was changed; says how.
    """
    if not line.endswith(b"\n"):
        raise ValueError("its line has no end")
    try:
        record: dict[str, Any] = json.loads(line)
        content = {name: value for name, value in record.items() if name != "hash"}
        is_whole = canonical(record) + b"\n" == line and record["hash"] == sha256(content)
        is_whole = is_whole and isinstance(record["number"], int) and "previous" in record
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("it is not a record") from None
    if not is_whole:
        raise ValueError("it does not have the hash that it names")
    return record
