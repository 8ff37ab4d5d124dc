"""Schedule book: which times of a timetable were run, which were missed, and how far it is."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from aiopslab.errors import ReportError
from aiopslab.sqlite_file import claim, connect, storable, writing

APPLICATION = 0x41494F53
SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (name TEXT PRIMARY KEY, since TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS times (
    name TEXT NOT NULL, time TEXT NOT NULL, state TEXT NOT NULL, noted TEXT NOT NULL,
    said TEXT NOT NULL DEFAULT '', PRIMARY KEY (name, time)
);
"""
Kind = Literal["running", "done", "failed", "missed", "interrupted"]


@dataclass(frozen=True)
class Noted:
    """What became of a time.

    Parameters
    ----------
    name
        Of the entry.
    time
        In UTC, without its jitter.
    state
        ``running``, ``done``, ``failed``, ``interrupted`` or ``missed``.
    said
        How it ended, in words.
    """

    name: str
    time: datetime
    state: str
    said: str


class Book:
    """What became of the times of all entries of a plan; one object for each thread.

    Parameters
    ----------
    connection
        To its file, see `opened`.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._sql = connection

    def since(self, name: str, now: datetime) -> datetime:
        """Return the time up to which an entry is dealt with; now, for one that is new."""
        with writing(self._sql):
            self._sql.execute(
                "INSERT OR IGNORE INTO entries (name, since) VALUES (?, ?)", [name, _text(now)]
            )
        row = self._sql.execute("SELECT since FROM entries WHERE name = ?", [name]).fetchone()
        return datetime.fromisoformat(row[0])

    def note(self, name: str, time: datetime, state: Kind, said: str = "") -> None:
        """Note what becomes of a time; all before it is then dealt with."""
        with writing(self._sql):
            self._sql.execute(
                "INSERT OR REPLACE INTO times (name, time, state, noted, said) "
                "VALUES (?, ?, ?, ?, ?)",
                [name, _text(time), state, _text(datetime.now(UTC)), storable(said)],
            )
            self._sql.execute(
                "UPDATE entries SET since = ? WHERE name = ? AND since < ?",
                [_text(time), name, _text(time)],
            )

    def cut_short(self, name: str) -> list[datetime]:
        """Return the times whose runs began and did not come to an end."""
        rows = self._sql.execute(
            "SELECT time FROM times WHERE name = ? AND state IN ('running', 'interrupted') "
            "ORDER BY time",
            [name],
        )
        return [datetime.fromisoformat(row[0]) for row in rows]

    def last(self, name: str) -> Noted | None:
        """Return the last time that was run."""
        return next(self._noted("name = ? AND state != 'missed'", name), None)

    def missed(self, name: str) -> list[Noted]:
        """Return the times that were missed, the last one first."""
        return list(self._noted("name = ? AND state = 'missed'", name))

    def _noted(self, condition: str, name: str) -> Iterator[Noted]:
        rows = self._sql.execute(
            f"SELECT name, time, state, said FROM times WHERE {condition} "  # noqa: S608 - ours
            "ORDER BY time DESC",
            [name],
        )
        for entry, time, state, said in rows:
            yield Noted(entry, datetime.fromisoformat(time), state, said)


@contextmanager
def opened(path: Path) -> Iterator[Book]:
    """Open a book, or begin one.

    Raises
    ------
    ReportError
        If it cannot be opened, or is another's.
    """
    try:
        connection = connect(path)
        is_ours = claim(connection, APPLICATION, SCHEMA)
    except (OSError, sqlite3.Error) as error:
        raise ReportError(
            f"cannot write {path}: {error}", "Free the disk, or choose another folder with -o."
        ) from None
    try:
        if not is_ours:
            raise ReportError(f"{path} is the file of another program", "Move it away.")
        yield Book(connection)
    finally:
        connection.close()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
