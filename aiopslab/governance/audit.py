"""The audit trail: who did what, in records that are chained and only appended.

One JSON object a line. Each record holds the hash of the one before it and ends in its own, so that
a record that was changed, removed from the middle, put in or moved is found by `Trail.verify`. What
no chain without a key can show is a trail cut off at its end or written anew as a whole: for that,
keep a hash that `verify` gave elsewhere, and ask for it later.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from aiopslab.governance.errors import AuditError

FIRST = "0" * 64  # what the first record names as the one before it
LONGEST = 1_000_000  # bytes of a record


@dataclass(frozen=True)
class Checked:
    """What `Trail.verify` found: the number of records, and the hash of the last one."""

    records: int
    head: str

    def __str__(self) -> str:
        return f"{self.records} records, unchanged; the last is {self.head}"


class Trail:
    """An append-only file of records.

    Parameters
    ----------
    path
        The file, made with the first record; a lock beside it is named ``FILE.lock``.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> trail = Trail(Path(folder.name) / "audit.jsonl")
    >>> trail.append("run", principal="ana", template="drift")["number"]
    1
    >>> trail.verify().records
    1
    >>> folder.cleanup()
    """

    patience_s = 10.0  # with who holds it; a record is written in milliseconds

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from filelock import FileLock

        self.path = Path(path)
        self._lock = FileLock(f"{self.path}.lock", timeout=self.patience_s)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the trail, so that one process at a time looks, acts and records.

        Raises
        ------
        AuditError
            If another process holds it for too long, or the folder cannot be written.
        """
        from filelock import Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except Timeout:
            raise AuditError(
                f"another process has held {self.path} for {self.patience_s:g} s", "Try again."
            ) from None
        except OSError as error:
            raise self._unwritable(error) from None
        try:
            yield
        finally:
            self._lock.release()

    def append(self, event: str, **content: Any) -> dict[str, Any]:
        """Write a record to the end, and to the disk before returning.

        Parameters
        ----------
        event
            What was done or asked for, e.g. ``run``.
        **content
            Plain JSON values, without secrets.

        Returns
        -------
        dict
            The record, with its ``number``, ``at`` (UTC), ``previous`` and ``hash``.

        Raises
        ------
        AuditError
            If the end of the trail was changed, or it cannot be written. Only the last record is
            read, so that a trail of a million takes no longer than one of ten.
        """
        with self.locked():
            try:
                handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
                with os.fdopen(handle, "r+b", buffering=0) as file:
                    last = self._last(file)
                    record = {
                        **content,
                        "event": event,
                        "number": last["number"] + 1 if last else 1,
                        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                        "previous": last["hash"] if last else FIRST,
                    }
                    record["hash"] = _hash(record)
                    _write(file, _canonical(record) + b"\n")
            except OSError as error:
                raise self._unwritable(error) from None
        return record

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record, the oldest first; none where there is no file yet.

        Raises
        ------
        AuditError
            If one was changed; names the first.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        except OSError as error:
            raise AuditError(
                f"cannot read {self.path}: {error.strerror}", "Check the path."
            ) from None
        previous = FIRST
        with file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST), b""), start=1):
                record = self._read(line, number)
                if record["previous"] != previous or record["number"] != number:
                    raise self._changed(number, "it does not follow the one before it")
                previous = record["hash"]
                yield record

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
            raise AuditError(f"there is no audit trail {self.path}", "Check the path.")
        count, head, is_seen = 0, FIRST, not seen
        for record in self.records():
            count, head = record["number"], record["hash"]
            is_seen |= head == seen
        if not is_seen:
            raise AuditError(
                f"no record of {self.path} has the hash {seen}",
                "The trail was cut off or written anew after that hash was taken.",
            )
        return Checked(count, head)

    def _last(self, file: BinaryIO) -> dict[str, Any] | None:
        end = file.seek(0, os.SEEK_END)
        if not end:
            return None
        file.seek(max(end - LONGEST, 0))
        lines = file.read(LONGEST).splitlines(keepends=True)
        return self._read(lines[-1], 0)

    def _read(self, line: bytes, number: int) -> dict[str, Any]:
        if not line.endswith(b"\n"):
            raise self._changed(number, "its line has no end")
        try:
            record: dict[str, Any] = json.loads(line)
            is_whole = _canonical(record) + b"\n" == line and record["hash"] == _hash(record)
            is_whole = is_whole and isinstance(record["number"], int) and "previous" in record
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise self._changed(number, "it is not a record") from None
        if not is_whole:
            raise self._changed(number, "it does not have the hash that it names")
        return record

    def _changed(self, number: int, how: str) -> AuditError:
        which = f"record {number}" if number else "the last record"
        return AuditError(
            f"{which} of {self.path} was changed: {how}",
            "Keep the file as it is for whoever looks into it, and name another one.",
        )

    def _unwritable(self, error: OSError) -> AuditError:
        return AuditError(
            f"cannot write {self.path}: {error.strerror}",
            "Nothing is done without it; name another.",
        )


def _write(file: BinaryIO, line: bytes) -> None:
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


def _canonical(plain: Any) -> bytes:
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def _hash(record: dict[str, Any]) -> str:
    content = {name: value for name, value in record.items() if name != "hash"}
    return hashlib.sha256(_canonical(content)).hexdigest()
