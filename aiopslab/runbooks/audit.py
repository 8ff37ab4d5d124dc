"""The audit log: what was done, by whom and why, in records that are chained and only appended.

One JSON object a line. Each record holds the hash of the one before it and ends in its own, so that
a record that was changed, removed from the middle, put in or moved is found by `AuditLog.verify`.
What no chain without a key can show is a log cut off at its end or written anew as a whole: for
that, keep a hash that `verify` gave elsewhere, and ask for it later.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from aiopslab.runbooks.errors import AuditError
from aiopslab.runbooks.redaction import without_secrets
from aiopslab.runbooks.step import canonical

Event = Literal["started", "finished", "failed", "refused"]
FIRST = "0" * 64  # what the first record names as the one before it
PATIENCE_S = 60.0  # another deed may take that long


@dataclass(frozen=True)
class Checked:
    """What `AuditLog.verify` found: the number of records, and the hash of the last one."""

    records: int
    head: str

    def __str__(self) -> str:
        return f"{self.records} records, unchanged; the last is {self.head}"


class AuditLog:
    """An append-only file of records.

    Parameters
    ----------
    path
        The file, made with the first record; a lock beside it is named ``FILE.lock``.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> log = AuditLog(Path(folder.name) / "audit.jsonl")
    >>> log.append("refused", step="0" * 64, why="nobody approved it")["number"]
    1
    >>> log.verify().records
    1
    >>> folder.cleanup()
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._lock = FileLock(f"{self.path}.lock", timeout=PATIENCE_S)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the log, so that one process at a time looks, acts and records.

        Raises
        ------
        AuditError
            If another process holds it for too long, or the folder cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise AuditError(
                f"another process has held {self.path} for {PATIENCE_S:g} s", "Try again."
            ) from None
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            yield
        finally:
            self._lock.release()

    def append(
        self, event: Event, *, step: str, approval: str = "", **content: Any
    ) -> dict[str, Any]:
        """Write a record to the end, and to the disk before returning.

        Parameters
        ----------
        event
            ``started``, ``finished``, ``failed`` or ``refused``.
        step, approval
            Digests of what it is about.
        **content
            Plain values; secrets are hidden in them.

        Returns
        -------
        dict
            The record, with its ``number`` and ``hash``.

        Raises
        ------
        AuditError
            If the log was changed, or cannot be written.
        """
        with self.locked():
            known = self.records()
            record = {
                **without_secrets(content),
                "number": len(known) + 1,
                "at": datetime.now(UTC).isoformat(),
                "event": event,
                "step": step,
                "approval": approval,
                "previous": known[-1]["hash"] if known else FIRST,
            }
            record["hash"] = _hash(record)
            try:
                self._write(canonical(record) + b"\n")
            except OSError as error:
                raise self._unwritable(error) from None
        return record

    def records(self) -> list[dict[str, Any]]:
        """Return every record, the oldest first; none where there is no file yet.

        Raises
        ------
        AuditError
            If one was changed; names the first.
        """
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise AuditError(
                f"cannot read {self.path}: {error.strerror}", "Check the path."
            ) from None
        *lines, rest = content.split(b"\n")
        known: list[dict[str, Any]] = []
        for number, line in enumerate(lines, start=1):
            known.append(self._read(line, number, known[-1]["hash"] if known else FIRST))
        if rest:
            raise self._changed(len(lines) + 1, "its line has no end")
        return known

    def verify(self, seen: str = "") -> Checked:
        """Check every record against the one before it.

        Parameters
        ----------
        seen
            The hash of a record that was there once: that it still is shows that nothing was cut
            off after it or written anew. Empty to check the chain alone.

        Raises
        ------
        AuditError
            If the file is not there, a record was changed, or `seen` is gone.
        """
        if not self.path.exists():
            raise AuditError(f"there is no audit log {self.path}", "Check the path.")
        known = self.records()
        if seen and seen not in {record["hash"] for record in known}:
            raise AuditError(
                f"no record of {self.path} has the hash {seen}",
                "The log was cut off or written anew after that hash was taken.",
            )
        return Checked(len(known), known[-1]["hash"] if known else FIRST)

    def _write(self, line: bytes) -> None:
        is_new = not self.path.exists()
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(handle).st_size
            try:
                if os.write(handle, line) != len(line):
                    raise OSError(0, "the disk is full")
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, size)  # half a record would make the log unusable
                raise
        finally:
            os.close(handle)
        if is_new:
            folder = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def _read(self, line: bytes, number: int, previous: str) -> dict[str, Any]:
        try:
            record = json.loads(line)
            is_whole = canonical(record) == line and record["hash"] == _hash(record)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise self._changed(number, "it is not a record") from None
        if not is_whole:
            raise self._changed(number, "it does not have the hash that it names")
        if record["previous"] != previous or record["number"] != number:
            raise self._changed(number, "it does not follow the one before it")
        known: dict[str, Any] = record
        return known

    def _changed(self, number: int, how: str) -> AuditError:
        return AuditError(
            f"record {number} of {self.path} was changed: {how}",
            "Keep the file as it is for whoever looks into it, and name another one.",
        )

    def _unwritable(self, error: OSError) -> AuditError:
        return AuditError(
            f"cannot write {self.path}: {error.strerror}",
            "Nothing is done without it; name another.",
        )


def _hash(record: dict[str, Any]) -> str:
    content = {name: value for name, value in record.items() if name != "hash"}
    return hashlib.sha256(canonical(content)).hexdigest()
