"""Outcome: one attempt at a job, wherever it is made, and what came of it."""

import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from aiopslab.errors import AIOpsLabError, ParameterError, ReportError, SecretError
from aiopslab.governance import PolicyError
from aiopslab.plans import delivery
from aiopslab.reports import tracking
from aiopslab.reports.catalogue import FOLDERS, load
from aiopslab.reports.execution import Limits
from aiopslab.reports.record import FILE, Kind, Origin, Record, read

Tell = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class Task:
    """What is handed to a worker; plain values, so that it passes through any pipe.

    Parameters
    ----------
    template
        Path of the notebook; only its name is used where `notebook` has its text.
    notebook
        Its text, where the worker may not have the file; else empty.
    values
        Parameters by name, checked.
    output
        Folder of the gallery, or a URL that the run's folder is put to.
    origin, limits
        See `aiopslab.reports.run.run`.
    """

    template: str
    notebook: str
    values: dict[str, Any]
    output: str
    origin: Origin
    limits: Limits

    def to_json(self) -> str:
        """Return it on one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Task":
        """Read what `to_json` wrote."""
        plain = json.loads(text)
        origin, limits = Origin(**plain.pop("origin")), Limits(**plain.pop("limits"))
        return cls(**plain, origin=origin, limits=limits)


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt.

    Parameters
    ----------
    run
        Id of the run; empty where it did not come to one.
    status
        ``finished`` or ``failed``.
    kind, problem
        Why it failed, see `aiopslab.reports.record.Failure`.
    level, headline
        Of the verdict; empty without one.
    seconds
        It took.
    record
        Text of its `run.json`, where the report is at a URL and not yet to be seen; else empty.
    """

    run: str = ""
    status: str = "failed"
    kind: Kind | Literal[""] = ""
    problem: str = ""
    level: str = ""
    headline: str = ""
    seconds: float = 0.0
    record: str = ""


def perform(task: Task, tell: Tell = lambda run, cell, cells, section: None) -> Outcome:
    """Make an attempt.

    Parameters
    ----------
    task
        What is to be run, and where to.
    tell
        Called before each code cell with the id of the run where it is known, the number of the
        cell, how many there are, and the heading above it.

    Returns
    -------
    Outcome
        Of a mistake too: nothing but an interruption is raised, once what there is has been kept.
    """
    try:
        if delivery.is_url(task.output):
            return _at_url(task, tell)
        return _in_folder(task, Path(task.output), tell)
    except AIOpsLabError as error:
        return Outcome(kind=_kind(error), problem=str(error))


def _kind(error: AIOpsLabError) -> Kind:
    kinds: dict[type[AIOpsLabError], Kind] = {
        ParameterError: "parameter",
        SecretError: "secret",
        PolicyError: "policy",
        ReportError: "disk",
    }
    return next((kind for each, kind in kinds.items() if isinstance(error, each)), "other")


def _in_folder(task: Task, folder: Path, tell: Tell) -> Outcome:
    from aiopslab.reports.run import run

    def progress(cell: int, cells: int, section: str) -> None:
        tell("", cell, cells, section)

    with tempfile.TemporaryDirectory(prefix="aiopslab-") as scratch:
        template = load(_notebook(task, Path(scratch)))
        record = run(template, task.values, folder, progress, task.origin, task.limits)
    return of_record(record)


def _at_url(task: Task, tell: Tell) -> Outcome:
    """Run here, and put all but the record there; what has no record is not a report yet."""
    from aiopslab.reports.run import run

    if not os.environ.get("MLFLOW_TRACKING_URI"):
        os.environ[tracking.SWITCH] = "off"  # the store would be in a folder that goes away
    with tempfile.TemporaryDirectory(prefix="aiopslab-") as scratch:
        folder = Path(scratch) / "reports"
        template = load(_notebook(task, Path(scratch)))

        def progress(cell: int, cells: int, section: str) -> None:
            made = next(folder.glob(f"*/{FILE}"), None)
            tell(made.parent.name if made else "", cell, cells, section)

        record = run(template, task.values, folder, progress, task.origin, task.limits)
        delivery.put(folder / record.id, task.output)
        text = (folder / record.id / FILE).read_text(encoding="utf-8")
    return replace(of_record(record), record=text)


def _notebook(task: Task, scratch: Path) -> Path:
    """Return the notebook: the file that it was sent from, or one of the same text."""
    if not task.notebook:
        return Path(task.template)
    name = Path(task.template).name
    for own in (folder / name for folder in FOLDERS):
        if own.is_file() and own.read_text(encoding="utf-8") == task.notebook:
            return own  # which policies know by its name
    path = scratch / name
    path.write_text(task.notebook, encoding="utf-8")
    return path


def of_record(record: Record) -> Outcome:
    """Return what a record says came of its run."""
    failure, verdict = record.failure, record.verdict
    return Outcome(
        run=record.id,
        status=record.status,
        kind=failure.kind if failure else "",
        problem=str(failure) if failure else "",
        level=verdict.level if verdict else "",
        headline=verdict.headline if verdict else "",
        seconds=record.duration_s if record.ended else 0.0,
    )


def runs_of(folder: Path, job: str, since: datetime) -> list[Record]:
    """Return the runs of a job (or, where it ends in a slash, of a batch), the first one first.

    Parameters
    ----------
    folder
        Of the gallery.
    job
        As the records have it.
    since
        None of them began before this.
    """
    first = f"{since.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    found = []
    for path in folder.glob(f"*/{FILE}"):
        if path.parent.name.rpartition("-")[0].rpartition("-")[2] < first:
            continue
        try:
            record = read(path)
        except ReportError:
            continue
        if record.job == job or (job.endswith("/") and record.job.startswith(job)):
            found.append(record)
    return sorted(found, key=lambda record: (record.started, record.attempt))
