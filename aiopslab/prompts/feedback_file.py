"""Feedback file: tasks, raters and ratings in SQLite, each written at once."""

import hashlib
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.errors import PromptError
from aiopslab.prompts.preference_pairs import Balance
from aiopslab.prompts.tasks import RaterKind
from aiopslab.sqlite_file import connect, storable, write_ahead, writing

VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (seed INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
    task INTEGER PRIMARY KEY,
    content TEXT NOT NULL UNIQUE,
    item TEXT NOT NULL,
    input TEXT NOT NULL,
    first TEXT NOT NULL,
    first_output TEXT NOT NULL,
    second TEXT,
    second_output TEXT
);
CREATE TABLE IF NOT EXISTS raters (rater TEXT PRIMARY KEY, kind TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ratings (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks,
    rater TEXT NOT NULL REFERENCES raters,
    swapped INTEGER NOT NULL,
    value INTEGER NOT NULL,
    rated REAL NOT NULL,
    UNIQUE (task, rater)
);
"""
_RATED = """
SELECT task, item, rater, kind, first, second, swapped, value, rated
FROM ratings JOIN tasks USING (task) JOIN raters USING (rater)
WHERE (second IS NULL) = ? ORDER BY number
"""


class FeedbackFile:
    """The file of a `Feedback`; see there for what is raised where it is none."""

    def __init__(self, path: str | Path, seed: int) -> None:
        self.path = Path(path)
        try:
            self._connection = connect(self.path)
            write_ahead(self._connection)
            version = int(self._connection.execute("PRAGMA user_version").fetchone()[0])
            if version <= VERSION:
                self._connection.executescript(_SCHEMA)
                with writing(self._connection):
                    self._connection.execute(f"PRAGMA user_version = {VERSION}")
                    self._connection.execute(
                        "INSERT INTO settings SELECT ? WHERE NOT EXISTS (SELECT 1 FROM settings)",
                        (seed,),
                    )
        except (OSError, sqlite3.Error) as error:
            raise PromptError(
                f"{str(path)!r} cannot be used as a store of feedback: {error}",
                "Name another file, or a folder that can be written.",
            ) from None
        if version > VERSION:
            self._connection.close()
            raise PromptError(
                f"{str(path)!r} is a store of version {version}; up to {VERSION} can be read",
                "Update aiopslab, or name another file.",
            )
        self.seed = int(self._connection.execute("SELECT seed FROM settings").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, rows: list[tuple[Any, ...]]) -> int:
        """Add tasks, all or none of them; return how many are new."""
        told = []
        for key, *rest in rows:
            texts = [None if each is None else storable(each) for each in rest]
            content = json.dumps([key, texts], default=str)
            digest = hashlib.sha256(content.encode()).hexdigest()
            told.append((digest, json.dumps(key[0], default=str), *texts))
        with writing(self._connection):
            before = self._connection.total_changes
            self._connection.executemany(
                "INSERT OR IGNORE INTO tasks (content, item, input, first, first_output, second, "
                "second_output) VALUES (?, ?, ?, ?, ?, ?, ?)",
                told,
            )
            return self._connection.total_changes - before

    def kind_of(self, rater: str) -> str | None:
        """Return the kind of a rater; ``None`` of one who is not enrolled."""
        of_rater = "SELECT kind FROM raters WHERE rater = ?"
        row = self._connection.execute(of_rater, (rater,)).fetchone()
        return None if row is None else str(row[0])

    def enrol(self, rater: str, kind: RaterKind) -> None:
        """Add a rater, unless another process has just done so."""
        with writing(self._connection):
            self._connection.execute("INSERT OR IGNORE INTO raters VALUES (?, ?)", (rater, kind))

    def unrated(self, rater: str) -> list[int]:
        """Return the numbers of the tasks that a rater has not rated."""
        open_tasks = self._connection.execute(
            "SELECT task FROM tasks WHERE task NOT IN (SELECT task FROM ratings WHERE rater = ?)",
            (rater,),
        )
        return [int(number) for (number,) in open_tasks]

    def content(self, number: int) -> tuple[str, str, str | None] | None:
        """Return the input of a task and its outputs, of which the second may be none."""
        row: tuple[str, str, str | None] | None = self._connection.execute(
            "SELECT input, first_output, second_output FROM tasks WHERE task = ?", (number,)
        ).fetchone()
        return row

    def write(self, number: int, rater: str, swapped: bool, value: int) -> None:
        """Write a rating; raise `PromptError` where the rater has rated the task before."""
        try:
            with writing(self._connection):
                self._connection.execute(
                    "INSERT INTO ratings (task, rater, swapped, value, rated) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (number, rater, swapped, value, time.time()),
                )
        except sqlite3.IntegrityError:
            raise PromptError(
                f"{rater} has rated task {number} before",
                "Take the rating back with undo(), and rate again.",
            ) from None

    def take_back(self, rater: str) -> int | None:
        """Delete the last rating of a rater, and return the number of its task."""
        with writing(self._connection):
            last = self._connection.execute(
                "SELECT number, task FROM ratings WHERE rater = ? ORDER BY number DESC LIMIT 1",
                (rater,),
            ).fetchone()
            if last is None:
                return None
            self._connection.execute("DELETE FROM ratings WHERE number = ?", (last[0],))
        return int(last[1])

    def progress(self) -> pd.DataFrame:
        """Return one row a rater: ``rater, kind, rated, tasks``."""
        tasks = int(self._connection.execute("SELECT count(*) FROM tasks").fetchone()[0])
        rows = self._connection.execute(
            "SELECT rater, kind, count(task) FROM raters LEFT JOIN ratings USING (rater) "
            "GROUP BY rater ORDER BY kind, rater"
        ).fetchall()
        return pd.DataFrame(rows, columns=["rater", "kind", "rated"]).assign(tasks=tasks)

    def rated(self, single: bool) -> pd.DataFrame:
        """Return one row a rating of single outputs or of pairs, in the order of writing."""
        rows = self._connection.execute(_RATED, (single,)).fetchall()
        columns = ["task", "item", "rater", "kind", "first", "second", "swapped", "value", "rated"]
        table = pd.DataFrame(rows, columns=columns)
        times = pd.to_datetime(table["rated"].astype("float64"), unit="s", utc=True)
        return table.assign(item=table["item"].map(json.loads), rated=times)

    def balanced(self, kind: RaterKind) -> pd.DataFrame:
        """Return one row a pair: ``item, input, first, second, balance``."""
        rows = self._connection.execute(
            "SELECT item, input, first_output, second_output, sum(value) FROM ratings "
            "JOIN tasks USING (task) JOIN raters USING (rater) "
            "WHERE second IS NOT NULL AND kind = ? GROUP BY task ORDER BY task",
            (kind,),
        ).fetchall()
        table = pd.DataFrame(rows, columns=["item", "input", "first", "second", "balance"])
        return table.assign(item=table["item"].map(json.loads))

    def balances(self, kind: RaterKind) -> list[Balance]:
        """Return one row a pair that raters of a kind have rated."""
        columns = ["input", "first", "second", "balance"]
        return list(self.balanced(kind)[columns].itertuples(index=False, name=None))
