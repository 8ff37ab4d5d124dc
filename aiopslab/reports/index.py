"""The index of a gallery: what its pages tell of each run, kept in one SQLite file.

The records beside the reports are the truth. The index saves reading all of them again for each
new run; whatever is wrong with it is mended by making it anew.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from aiopslab.errors import ReportError
from aiopslab.reports.facts import Facts, told
from aiopslab.reports.listing import row
from aiopslab.reports.markup import digest
from aiopslab.reports.record import FILE, read
from aiopslab.sqlite_file import connect, storable, writing

FILENAME = ".gallery.db"
STATES = ("act", "watch", "ok", "failed", "running")
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (stamp TEXT);
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY, signature TEXT NOT NULL, template TEXT NOT NULL, state TEXT NOT NULL,
    started TEXT NOT NULL, month TEXT NOT NULL, series TEXT NOT NULL, facts TEXT NOT NULL,
    row TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS by_time ON runs (started);
CREATE INDEX IF NOT EXISTS by_series ON runs (series, started);
CREATE INDEX IF NOT EXISTS by_month ON runs (month, started);
CREATE TABLE IF NOT EXISTS unread (id TEXT PRIMARY KEY, signature TEXT, problem TEXT);
"""


@dataclass(frozen=True)
class Touched:
    """Which pages are out of date.

    Parameters
    ----------
    series, months
        Whose runs are not what they were.
    unread
        Whether other records than before cannot be read.
    """

    series: frozenset[str]
    months: frozenset[str]
    unread: bool

    def __bool__(self) -> bool:
        return bool(self.series or self.unread)


@dataclass(frozen=True)
class Listed:
    """Runs as a page lists them.

    Parameters
    ----------
    rows, facts
        A row and the facts of each, as HTML and as JSON.
    templates, states, series
        Those that occur, for the filters.
    """

    rows: tuple[str, ...]
    facts: tuple[str, ...]
    templates: tuple[str, ...]
    states: tuple[str, ...]
    series: tuple[str, ...]


class Index:
    """The runs of a gallery, as they were when `refresh` looked last."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder

    def refresh(self) -> Touched:
        """Read the records that are new or changed, and forget those that are gone."""
        known = dict(self._connection.execute("SELECT id, signature FROM runs"))
        torn = dict(self._connection.execute("SELECT id, signature FROM unread"))
        found = dict(_signatures(self._folder))
        touched: set[tuple[str, str]] = set()
        for name in known.keys() - found.keys():
            touched |= self._forget(name)
        for name in torn.keys() - found.keys():
            self._mend(name)
        for name, signature in found.items():
            if signature not in (known.get(name), torn.get(name)):
                touched |= self._learn(name, signature)
        is_other = torn != dict(self._connection.execute("SELECT id, signature FROM unread"))
        series, months = (frozenset(each[place] for each in touched) for place in (0, 1))
        return Touched(series, months, is_other)

    def _learn(self, name: str, signature: str) -> set[tuple[str, str]]:
        try:
            run = told(read(self._folder / name / FILE), self._folder)
        except ReportError as error:
            problem = (name, signature, storable(error.problem))
            self._connection.execute("INSERT OR REPLACE INTO unread VALUES (?, ?, ?)", problem)
            return self._forget(name)
        self._mend(name)
        text = run.to_json()
        same = self._connection.execute(
            "SELECT 1 FROM runs WHERE id = ? AND facts = ?", (name, text)
        )
        if same.fetchone():
            return set()
        touched = self._forget(name)
        # A run that goes on is looked at each time: its process may be gone.
        kept = "" if run.state == "running" else signature
        values = (name, kept, run.template, run.state, run.started, run.month, run.series, text)
        self._connection.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*values, storable(row(run)))
        )
        return touched | {(run.series, run.month)}

    def _forget(self, name: str) -> set[tuple[str, str]]:
        where = "SELECT series, month FROM runs WHERE id = ?"
        touched = set(self._connection.execute(where, (name,)).fetchall())
        self._connection.execute("DELETE FROM runs WHERE id = ?", (name,))
        return touched

    def _mend(self, name: str) -> None:
        self._connection.execute("DELETE FROM unread WHERE id = ?", (name,))

    def listed(self, most: int, *, series: str = "", month: str = "") -> Listed:
        """Return the newest runs, at most so many; of one series or month where it is named."""
        query = (
            "SELECT row, facts, template, state, series FROM runs"
            " WHERE (?1 = '' OR series = ?1) AND (?2 = '' OR month = ?2)"
            " ORDER BY started DESC, id DESC LIMIT ?3"
        )
        found = self._connection.execute(query, (series, month, most)).fetchall()
        rows, facts, templates, states, names = zip(*found, strict=True) if found else ((),) * 5
        return Listed(
            rows,
            facts,
            tuple(sorted(set(templates))),
            tuple(state for state in STATES if state in set(states)),
            tuple(sorted(set(names))),
        )

    def newest(self, most: int, series: str = "") -> list[Facts]:
        """Return the runs that ended last, the newest first; of one series where it is named."""
        query = (
            "SELECT facts FROM runs WHERE (?1 = '' OR series = ?1) AND state != 'running'"
            " ORDER BY started DESC, id DESC LIMIT ?2"
        )
        return [
            Facts.from_json(text) for (text,) in self._connection.execute(query, (series, most))
        ]

    def all(self) -> list[Facts]:
        """Return all runs, the newest first."""
        query = "SELECT facts FROM runs ORDER BY started DESC, id DESC"
        return [Facts.from_json(text) for (text,) in self._connection.execute(query)]

    def months(self) -> tuple[str, ...]:
        """Return the months that have runs, the newest first."""
        query = "SELECT DISTINCT month FROM runs ORDER BY month DESC"
        return tuple(each for (each,) in self._connection.execute(query))

    def series(self) -> tuple[str, ...]:
        """Return the names of all series, sorted."""
        query = "SELECT DISTINCT series FROM runs ORDER BY series"
        return tuple(each for (each,) in self._connection.execute(query))

    def count(self, series: str = "") -> int:
        """Return how many runs there are; of one series where it is named."""
        query = "SELECT count(*) FROM runs WHERE (?1 = '' OR series = ?1)"
        return int(self._connection.execute(query, (series,)).fetchone()[0])

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with each record that cannot be read."""
        query = "SELECT problem FROM unread ORDER BY id"
        return tuple(each for (each,) in self._connection.execute(query))


def discard(folder: Path) -> None:
    """Remove the index of a gallery, with what a writer that was killed left beside it."""
    for name in (FILENAME, f"{FILENAME}-journal"):
        (folder / name).unlink(missing_ok=True)


@contextmanager
def opened(folder: Path) -> Iterator[Index]:
    """Open the index of a gallery, for one writer at a time; all is kept, or nothing.

    An index that another version of the pages was made with, or that is not whole, is made anew.
    """
    path = folder / FILENAME
    if not _is_whole(path):
        discard(folder)
    with closing(connect(path)) as connection, writing(connection):
        for statement in filter(str.strip, _SCHEMA.split(";")):
            connection.execute(statement)
        if connection.execute("SELECT count(*) FROM about").fetchone()[0] == 0:
            connection.execute("INSERT INTO about VALUES (?)", (digest(),))
        yield Index(connection, folder)


def _is_whole(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        with closing(connect(path)) as connection:
            stamps = connection.execute("SELECT stamp FROM about").fetchall()
            checked = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error:
        return False
    return stamps == [(digest(),)] and checked == ("ok",)


def _signatures(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name of each run's folder, with what tells whether its record has changed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                # A Path for each of many runs takes four times longer than the look at its file.
                found = os.stat(f"{entry.path}/{FILE}")  # noqa: PTH116
            except OSError:
                continue
            yield entry.name, f"{found.st_mtime_ns}-{found.st_size}-{found.st_ino}"
