"""The audit trail: who did what, in records that are chained and only appended.

One JSON object a line. Each record holds the hash of the one before it and ends in its own, so that
a record that was changed, removed from the middle, put in or moved is found by `Trail.verify`. What
no chain without a key can show is a trail cut off at its end or written anew as a whole: for that,
keep a hash that `verify` gave elsewhere, and ask for it later.

A trail that has become long is closed into an archive beside it. The chain goes on: the first
record of the new file names the archive and holds the hash of its last, and both are read as one.
"""

import os
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain as joined
from pathlib import Path
from typing import Any

from aiopslab.governance import archives, chain, environment
from aiopslab.governance.errors import AuditError
from aiopslab.governance.principal import user


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

    patience_s = 60.0  # with who holds it: a record takes milliseconds, a remediation more

    def __init__(self, path: str | os.PathLike[str]) -> None:
        from filelock import FileLock

        self.path = Path(path)
        # One lock a file and thread: who holds it records into it by whatever way.
        name = f"{self.path.absolute()}.lock"
        self._lock = FileLock(name, timeout=self.patience_s, is_singleton=True)

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
                    line = chain.last_line(file)
                    record = chain.after(self._read(line, 0) if line else None, event, content)
                    chain.write(file, record)
            except OSError as error:
                raise self._unwritable(error) from None
        return record

    def archive(self) -> Path:
        """Close the file, and go on in a new one that begins with the hash of its last record.

        Returns
        -------
        pathlib.Path
            The archive, beside the trail and read-only. Reading and verifying the trail take all
            its archives; nothing is ever removed from one.

        Raises
        ------
        AuditError
            If there is nothing to close, a record was changed, or it cannot be written.
        """
        with self.locked():
            found = deque(self.records(), maxlen=1)  # read all: what is closed must be sound
            if not found or found[0]["event"] == archives.EVENT:
                raise AuditError(
                    f"{self.path} has no record since it was archived", "Keep it as it is."
                )
            try:
                return archives.close(self.path, found[0], principal=user(), decision="done")
            except OSError as error:
                raise self._unwritable(error) from None

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield every record, the oldest first; none where there is no file yet.

        Raises
        ------
        AuditError
            If one was changed, or an archive is missing; names the first.
        """
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        except OSError as error:
            raise AuditError(
                f"cannot read {self.path}: {error.strerror}", "Check the path."
            ) from None
        number, previous = 0, chain.FIRST
        with file:
            first = file.readline(chain.LONGEST)
            file.seek(0)
            for line in joined(archives.lines(self.path, first), chain.lines(file)):
                number += 1
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
        count, head, is_seen = 0, chain.FIRST, not seen
        for record in self.records():
            count, head = record["number"], record["hash"]
            is_seen |= head == seen
        if not is_seen:
            raise AuditError(
                f"no record of {self.path} has the hash {seen}",
                "The trail was cut off or written anew after that hash was taken.",
            )
        return Checked(count, head)

    def _read(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            return chain.read(line)
        except ValueError as error:
            raise self._changed(number, str(error)) from None

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


def record(event: str, **content: Any) -> dict[str, Any] | None:
    """Append to the trail that the environment names; do nothing where it names none.

    Parameters
    ----------
    event
        What was done: ``run``, ``promote``, ``publish``, ``redact``, ``prune``, …
    **content
        Plain JSON values, without secrets: the ``subject``, and where known the digest of the
        ``data`` and the versions of ``model``, ``prompt`` and ``index``. ``principal`` is the user
        of the process unless given, ``decision`` is ``done``.

    Raises
    ------
    AuditError
        If it cannot be recorded.
    """
    path = environment.trail()
    if path is None:
        return None
    return Trail(path).append(event, **{"principal": user(), "decision": "done"} | content)
