"""Batch file: which jobs of a plan are done, kept so that no end of a process loses any."""

import json
import os
import socket
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiopslab.errors import ReportError
from aiopslab.plans.jobs import Job
from aiopslab.plans.outcome import Outcome
from aiopslab.sqlite_file import claim, connect, storable, writing

APPLICATION = 0x41494F42
SCHEMA = """
CREATE TABLE IF NOT EXISTS batches (
    id TEXT PRIMARY KEY, now TEXT NOT NULL, started TEXT NOT NULL, ended TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS jobs (
    batch TEXT NOT NULL, job TEXT NOT NULL, series TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting', attempt INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT '{}', peak_bytes INTEGER,
    is_to_be_seen INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (batch, job)
);
CREATE INDEX IF NOT EXISTS jobs_by_series ON jobs (series);
CREATE TABLE IF NOT EXISTS runs (
    batch TEXT NOT NULL, job TEXT NOT NULL, run TEXT NOT NULL, PRIMARY KEY (batch, run)
);
"""
REMEMBERED = 5  # reports of a series whose memory is looked at


@dataclass(frozen=True)
class State:
    """How a job stands.

    Parameters
    ----------
    job, series
        Which.
    state
        ``waiting``, ``running``, ``finished``, ``failed`` or ``interrupted``.
    attempt
        The last one; 0 before the first.
    outcome
        Of it.
    """

    job: str
    series: str
    state: str
    attempt: int
    outcome: Outcome


@dataclass(frozen=True)
class Batch:
    """One pass over the jobs of a plan.

    Parameters
    ----------
    id
        Of the pass.
    now
        What its relative times are relative to.
    started
        When it began.
    ended
        Whether it came to its end.
    """

    id: str
    now: datetime
    started: datetime
    ended: bool


class BatchFile:
    """The passes over a plan, and their jobs.

    Parameters
    ----------
    path
        Of the file; made where there is none.

    Raises
    ------
    ReportError
        If it cannot be opened, or is another's.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._sql = connect(path)
            is_ours = claim(self._sql, APPLICATION, SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ReportError(
                f"cannot write {path}: {error}", "Free the disk, or choose another folder with -o."
            ) from None
        if not is_ours:
            raise ReportError(f"{path} is the file of another program", "Move it away.")

    def close(self) -> None:
        """Let go of the file."""
        self._sql.close()

    def last(self) -> Batch | None:
        """Return the last pass."""
        row = self._sql.execute(
            "SELECT id, now, started, ended FROM batches ORDER BY rowid DESC LIMIT 1"
        ).fetchone()
        if row is None:
            return None
        now, started = datetime.fromisoformat(row[1]), datetime.fromisoformat(row[2])
        return Batch(row[0], now, started, bool(row[3]))

    def begin(self, batch: Batch) -> None:
        """Note a pass that begins."""
        values = batch.id, batch.now.isoformat(), batch.started.isoformat()
        with writing(self._sql):
            self._sql.execute("INSERT INTO batches (id, now, started) VALUES (?, ?, ?)", values)

    def add(self, batch: Batch, jobs: Sequence[Job]) -> None:
        """Note the jobs of a pass; those that are known stay as they are."""
        rows = [(batch.id, job.id, job.origin.series) for job in jobs]
        statement = "INSERT OR IGNORE INTO jobs (batch, job, series) VALUES (?, ?, ?)"
        with writing(self._sql):
            self._sql.executemany(statement, rows)
            self._sql.execute("UPDATE batches SET ended = '' WHERE id = ?", [batch.id])

    def states(self, batch: Batch) -> dict[str, State]:
        """Return how each job of a pass stands."""
        rows = self._sql.execute(
            "SELECT job, series, state, attempt, outcome FROM jobs WHERE batch = ?", [batch.id]
        )
        return {
            job: State(job, series, state, attempt, Outcome(**json.loads(outcome)))
            for job, series, state, attempt, outcome in rows
        }

    def start(self, batch: Batch, job: str, attempt: int) -> None:
        """Note an attempt that begins."""
        with writing(self._sql):
            self._sql.execute(
                "UPDATE jobs SET state = 'running', attempt = ? WHERE batch = ? AND job = ?",
                [attempt, batch.id, job],
            )

    def note(self, batch: Batch, job: str, run: str) -> None:
        """Note a run of a job, of which only one will be seen."""
        with writing(self._sql):
            self._sql.execute(
                "INSERT OR IGNORE INTO runs (batch, job, run) VALUES (?, ?, ?)",
                [batch.id, job, run],
            )

    def end(self, batch: Batch, job: str, state: str, outcome: Outcome, peak: int | None) -> None:
        """Note what came of a job; its run is then to be seen, which `seen` confirms."""
        values = [
            state,
            storable(json.dumps(asdict(outcome))),
            peak,
            bool(outcome.run),
            batch.id,
            job,
        ]
        with writing(self._sql):
            self._sql.execute(
                "UPDATE jobs SET state = ?, outcome = ?, peak_bytes = ?, is_to_be_seen = ? "
                "WHERE batch = ? AND job = ?",
                values,
            )

    def to_be_seen(self, batch: Batch) -> set[str]:
        """Return the jobs of which a run ended, and perhaps is not yet the only one to be seen."""
        rows = self._sql.execute(
            "SELECT job FROM jobs WHERE batch = ? AND is_to_be_seen", [batch.id]
        )
        return {row[0] for row in rows}

    def seen(self, batch: Batch, job: str, run: str) -> None:
        """Note that a report is where it shall be seen, and the other runs of its job are gone."""
        with writing(self._sql):
            self._sql.execute(
                "UPDATE jobs SET is_to_be_seen = 0 WHERE batch = ? AND job = ?", [batch.id, job]
            )
            self._sql.execute(
                "DELETE FROM runs WHERE batch = ? AND job = ? AND run != ?", [batch.id, job, run]
            )

    def runs(self, batch: Batch, job: str) -> list[str]:
        """Return the runs of a job that were noted."""
        rows = self._sql.execute(
            "SELECT run FROM runs WHERE batch = ? AND job = ?", [batch.id, job]
        )
        return [row[0] for row in rows]

    def finish(self, batch: Batch) -> None:
        """Note that a pass has come to its end."""
        with writing(self._sql):
            ended = datetime.now(UTC).isoformat()
            self._sql.execute("UPDATE batches SET ended = ? WHERE id = ?", [ended, batch.id])

    def peak(self, series: str) -> int | None:
        """Return the most memory that the last reports of a series took, in bytes."""
        rows = self._sql.execute(
            "SELECT peak_bytes FROM jobs WHERE series = ? AND peak_bytes IS NOT NULL "
            "ORDER BY rowid DESC LIMIT ?",
            [series, REMEMBERED],
        ).fetchall()
        return max((row[0] for row in rows), default=None)


@contextmanager
def held(path: Path) -> Iterator[BatchFile]:
    """Hold a batch file, as only one process at a time may.

    Raises
    ------
    ReportError
        If another process holds it, with which one and since when; or as of `BatchFile`.
    """
    from filelock import FileLock, Timeout

    holder = path.with_suffix(".holder")
    lock = FileLock(path.with_suffix(".lock"), blocking=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        since = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        holder.write_text(f"process {os.getpid()} on {socket.gethostname()} since {since}")
    except Timeout:
        who = holder.read_text() if holder.exists() else "another process"
        raise ReportError(
            f"this plan is being run into this folder by {who}",
            "Wait for it, stop it, or choose another folder with -o.",
        ) from None
    except OSError as error:
        raise ReportError(
            f"cannot write {path}: {error.strerror}", "Choose another folder with -o."
        ) from None
    try:
        file = BatchFile(path)
        try:
            yield file
        finally:
            file.close()
    finally:
        lock.release()
