"""Store: every call that was ever answered, so that none is paid for twice."""

import fcntl
import hashlib
import json
import os
import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from aiopslab.closing import Closing
from aiopslab.errors import PromptError
from aiopslab.sqlite_file import connect, storable, write_ahead

APPLICATION = 0x41494F43  # marks the file as ours
VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS calls (
    key TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    request TEXT NOT NULL,
    output TEXT NOT NULL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    latency_ms REAL,
    cost_usd REAL,
    finish TEXT,
    answered REAL NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Request:
    """One call of a model, and what tells it from every other.

    Parameters
    ----------
    model
        Which, as the endpoint calls it.
    messages
        Each with a role and a content.
    parameters
        E.g. ``{"temperature": 0}``.
    repetition
        Counts the same call from 0, where an answer depends on chance.

    Examples
    --------
    >>> request = Request("m", ({"role": "user", "content": "Hello"},), {"temperature": 0})
    >>> request.key == Request("m", request.messages, {"temperature": 0}, 1).key
    False
    """

    model: str
    messages: Sequence[Mapping[str, str]]
    parameters: Mapping[str, Any]
    repetition: int = 0

    @cached_property
    def body(self) -> dict[str, Any]:
        """What is sent."""
        messages = [dict(each) for each in self.messages]
        return {**self.parameters, "model": self.model, "messages": messages}

    @cached_property
    def content(self) -> str:
        """All that its answer may depend on, as JSON."""
        return json.dumps({"body": self.body, "repetition": self.repetition}, sort_keys=True)

    @cached_property
    def key(self) -> str:
        """The address of its content."""
        return hashlib.sha256(self.content.encode()).hexdigest()


@dataclass(frozen=True)
class Answer:
    """What a model said.

    Parameters
    ----------
    output
        Its text, which may be empty.
    input_tokens, output_tokens
        As the endpoint counts them; ``None`` where it does not.
    latency_ms
        Of the attempt that was answered.
    cost_usd
        By the prices of the run; ``None`` where none are known.
    finish
        Why it ended: ``stop``, ``length``, …
    answered
        When, in seconds since 1970.
    """

    output: str
    input_tokens: int | None
    output_tokens: int | None
    latency_ms: float
    cost_usd: float | None
    finish: str
    answered: float


class Store(Closing):
    """Answers by the content of their requests, in one SQLite file.

    Each is written in a transaction of its own before anybody looks at it, so that a process that
    is killed loses only calls that were not answered. Several processes may share a file.

    Parameters
    ----------
    path
        Of the file; made where there is none.

    Raises
    ------
    PromptError
        If the file is no store, or cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> request = Request("m", ({"role": "user", "content": "Hello"},), {})
    >>> with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "calls.db") as store:
    ...     store.keep(request, Answer("Hi", 3, 1, 12.5, None, "stop", 0.0))
    ...     store.find(request).output, len(store)
    ('Hi', 1)
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Beside the file: to close SQLite's own by another descriptor would drop its locks.
            self._marks = os.open(f"{self.path}-asking", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise _unusable(path, error) from None
        try:
            self._connection = connect(self.path)
            _lock(self._marks, 0, fcntl.F_OFD_SETLKW, fcntl.F_WRLCK)
            self._prepare()
            _lock(self._marks, 0, fcntl.F_OFD_SETLK, fcntl.F_UNLCK)
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise _unusable(path, error) from None
        except PromptError:
            self.close()
            raise

    def _prepare(self) -> None:
        """Make the table where the file is new, and see to it that the file is a store."""
        application, version, tables = (
            int(self._connection.execute(each).fetchone()[0])
            for each in (
                "PRAGMA application_id",
                "PRAGMA user_version",
                "SELECT count(*) FROM sqlite_master",
            )
        )
        if tables and application != APPLICATION:
            raise _unusable(self.path, "it is a database of something else")
        if version > VERSION:
            raise PromptError(
                f"{str(self.path)!r} is a store of version {version}; up to {VERSION} can be read",
                "Update aiopslab, or name another file.",
            )
        write_ahead(self._connection)
        if not tables:
            self._connection.executescript(
                f"BEGIN; {_SCHEMA} PRAGMA application_id = {APPLICATION}; "
                f"PRAGMA user_version = {VERSION}; COMMIT;"
            )

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM calls").fetchone()[0])

    def find(self, request: Request) -> Answer | None:
        """Return what was answered to the same request before, if anything."""
        row = self._connection.execute(
            "SELECT output, input_tokens, output_tokens, latency_ms, cost_usd, finish, answered "
            "FROM calls WHERE key = ?",
            (request.key,),
        ).fetchone()
        return None if row is None else Answer(*row)

    def keep(self, request: Request, answer: Answer) -> None:
        """Write an answer down; the first answer to a request stays.

        Raises
        ------
        PromptError
            If it cannot be written.
        """
        try:
            self._connection.execute(
                "INSERT OR IGNORE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    request.key,
                    request.model,
                    request.content,
                    storable(answer.output),
                    answer.input_tokens,
                    answer.output_tokens,
                    answer.latency_ms,
                    answer.cost_usd,
                    answer.finish,
                    answer.answered,
                ),
            )
        except sqlite3.Error as error:
            raise _unusable(self.path, error) from None

    @contextmanager
    def asking(self, request: Request) -> Iterator[bool]:
        """Mark a request as being asked, for all processes that share the file.

        Yields
        ------
        bool
            Whether it is ours to ask; where not, somebody else is at it. The mark is a lock of the
            operating system, which goes with the process however that ends.
        """
        place = 1 + int(request.key[:15], 16)
        try:
            _lock(self._marks, place, fcntl.F_OFD_SETLK, fcntl.F_WRLCK)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            _lock(self._marks, place, fcntl.F_OFD_SETLK, fcntl.F_UNLCK)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
        os.close(self._marks)


def _lock(file: int, place: int, how: int, kind: int) -> None:
    """Lock or unlock one byte of a file that is open, which need not be there."""
    fcntl.fcntl(file, how, struct.pack("hhqqi4x", kind, os.SEEK_SET, place, 1, 0))


def _unusable(path: str | Path, reason: object) -> PromptError:
    return PromptError(
        f"{str(path)!r} cannot be used as a store of calls: {reason}",
        "Name another file, or a folder that can be written.",
    )
