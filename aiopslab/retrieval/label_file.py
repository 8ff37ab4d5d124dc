"""Label file: passages to be labelled, and their labels, in SQLite, each written at once."""

import sqlite3
import time
from pathlib import Path
from typing import Any

import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.sqlite_file import claim, connect, writing

APPLICATION = 0x4C41424C  # "LABL": told from every other SQLite file
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
    task INTEGER PRIMARY KEY,
    question TEXT NOT NULL,
    text TEXT NOT NULL,
    document TEXT NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    passage TEXT NOT NULL,
    UNIQUE (question, document, start, "end")
);
CREATE TABLE IF NOT EXISTS labels (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks,
    rater TEXT NOT NULL,
    grade INTEGER NOT NULL,
    start INTEGER NOT NULL,
    "end" INTEGER NOT NULL,
    labelled REAL NOT NULL,
    UNIQUE (task, rater)
);
"""
_LABELS = """
SELECT task, question, text, document, labels.start, labels."end", rater, grade, labelled,
    tasks.start, tasks."end"
FROM labels JOIN tasks USING (task) ORDER BY number
"""
_COLUMNS = (
    *("task", "question", "text", "document", "start", "end", "rater", "grade", "labelled"),
    *("from", "to"),
)


class LabelFile:
    """The file of `Labels`; see there for what is raised where it is none."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            self._connection = connect(self.path)
            is_ours = claim(self._connection, APPLICATION, _SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise RetrievalError(
                f"{str(path)!r} cannot be used as a store of labels: {error}",
                "Name another file, or a folder that can be written.",
            ) from None
        if not is_ours:
            self._connection.close()
            raise RetrievalError(
                f"{str(path)!r} is a database of something else", "Name another file."
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def add(self, rows: list[tuple[Any, ...]]) -> int:
        """Add tasks, all or none of them; return how many are new."""
        with writing(self._connection):
            before = self._connection.total_changes
            self._connection.executemany(
                'INSERT OR IGNORE INTO tasks (question, text, document, start, "end", passage) '
                "VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
            return self._connection.total_changes - before

    def first_open(self, rater: str) -> tuple[Any, ...] | None:
        """Return the first task that a rater has not labelled, as `Task` has it."""
        row: tuple[Any, ...] | None = self._connection.execute(
            'SELECT task, text, document, start, "end", passage FROM tasks WHERE task NOT IN '
            "(SELECT task FROM labels WHERE rater = ?) ORDER BY task LIMIT 1",
            (rater,),
        ).fetchone()
        return row

    def find(self, question: str, document: str, start: int, end: int) -> tuple[Any, ...] | None:
        """Return the task of a passage, as `Task` has it."""
        row: tuple[Any, ...] | None = self._connection.execute(
            'SELECT task, text, document, start, "end", passage FROM tasks '
            'WHERE question = ? AND document = ? AND start = ? AND "end" = ?',
            (question, document, start, end),
        ).fetchone()
        return row

    def write(
        self, number: int, passage: str, rater: str, grade: int, start: int, end: int
    ) -> bool:
        """Write a label; tell whether there is such a task.

        Raises
        ------
        RetrievalError
            If the rater has labelled it before.
        """
        try:
            with writing(self._connection):
                written = self._connection.execute(
                    'INSERT INTO labels (task, rater, grade, start, "end", labelled) '
                    "SELECT task, ?, ?, ?, ?, ? FROM tasks WHERE task = ? AND passage = ?",
                    (rater, grade, start, end, time.time(), number, passage),
                )
                return written.rowcount > 0
        except sqlite3.IntegrityError:
            raise RetrievalError(
                f"{rater} has labelled task {number} before",
                "Take the label back with undo(), and label again.",
            ) from None

    def take_back(self, rater: str) -> bool:
        """Delete the last label of a rater; tell whether there was one."""
        with writing(self._connection):
            deleted = self._connection.execute(
                "DELETE FROM labels WHERE number = "
                "(SELECT max(number) FROM labels WHERE rater = ?)",
                (rater,),
            )
            return deleted.rowcount > 0

    def withdraw(self, number: int, rater: str) -> bool:
        """Delete the label of a task by a rater; tell whether there was one."""
        with writing(self._connection):
            deleted = self._connection.execute(
                "DELETE FROM labels WHERE task = ? AND rater = ?", (number, rater)
            )
            return deleted.rowcount > 0

    def table(self) -> pd.DataFrame:
        """Return one row a label, in the order of writing."""
        table = pd.DataFrame(self._connection.execute(_LABELS).fetchall(), columns=_COLUMNS)
        times = pd.to_datetime(table["labelled"].astype("float64"), unit="s", utc=True)
        return table.assign(labelled=times)

    def progress(self) -> pd.DataFrame:
        """Return one row a rater: ``rater, labelled, tasks``."""
        tasks = self._connection.execute("SELECT count(*) FROM tasks").fetchone()[0]
        rows = self._connection.execute(
            "SELECT rater, count(*) FROM labels GROUP BY rater ORDER BY rater"
        ).fetchall()
        return pd.DataFrame(rows, columns=["rater", "labelled"]).assign(tasks=tasks)
