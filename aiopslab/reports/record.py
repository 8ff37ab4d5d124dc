"""The record of a run: what was asked, what became of it, kept beside its notebook.

A run's status is ours. papermill marks every cell of a notebook whose kernel was killed as
completed, so a notebook is never asked how its run went.
"""

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil

from aiopslab.errors import ReportError
from aiopslab.findings import Verdict

Status = Literal["running", "finished", "failed"]
Kind = Literal[
    "parameter",
    "cell",
    "kernel",
    "memory",
    "timeout",
    "interrupted",
    "disk",
    "policy",
    "secret",
    "other",
]
FILE, NOTEBOOK, PAGE = "run.json", "notebook.ipynb", "report.html"


@dataclass(frozen=True)
class Failure:
    """Why a run failed.

    Parameters
    ----------
    name, message
        The exception, and what it said.
    cell
        Number of the code cell, counted from 1; ``None`` where it was not a cell that failed.
    kind
        What retries and notifications go by: a dead kernel may live at the next attempt, a cell
        that raised will raise again.
    """

    name: str
    message: str
    cell: int | None = None
    kind: Kind = "other"

    def __str__(self) -> str:
        where = f"cell {self.cell}: " if self.cell else ""
        return f"{where}{self.name}: {self.message}"


@dataclass(frozen=True)
class Origin:
    """Where a run comes from.

    Parameters
    ----------
    series
        What the runs of the same thing share; made from template and parameters where empty.
    plan
        Path of the plan without its suffix; empty where the run was started by hand.
    job
        Its id in its batch.
    attempt
        Which try of the job it is, counted from 1.
    """

    series: str = ""
    plan: str = ""
    job: str = ""
    attempt: int = 1


BY_HAND = Origin()


@dataclass(frozen=True)
class Record:
    """One run of a template.

    Parameters
    ----------
    id
        ``TEMPLATE-YYYYMMDDTHHMMSSZ-xxxxxx``; also the name of its folder.
    template, title, template_digest
        What was run.
    parameters
        Every value it was run with.
    status
        ``running``, ``finished`` or ``failed``.
    started, ended
        ISO 8601 in UTC; `ended` is empty while it runs.
    verdict
        What it concluded; ``None`` where it did not come to that.
    failure
        Why it failed.
    evidence
        What each source it opened said of itself: ``source, digest, start, end, frames, notes``.
    versions
        Of Python and of the packages that its result depends on.
    notes
        What else a reader of the report should know, e.g. that MLflow was out of reach.
    process
        ``[pid, create time]`` of the runner, by which an orphan is told from a live run.
    series, plan, job, attempt
        Its `Origin`.
    seconds
        What took how long, in seconds: ``kernel`` until it was ready, ``cells``, ``render``.
    redacted
        How often what looked like a secret was taken out, by where it was.
    """

    id: str
    template: str
    title: str
    template_digest: str
    parameters: dict[str, Any]
    started: str
    process: tuple[int, float]
    status: Status = "running"
    ended: str = ""
    verdict: Verdict | None = None
    failure: Failure | None = None
    evidence: tuple[dict[str, Any], ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    series: str = ""
    plan: str = ""
    job: str = ""
    attempt: int = 1
    seconds: dict[str, float] = field(default_factory=dict)
    redacted: dict[str, int] = field(default_factory=dict)

    @property
    def duration_s(self) -> float:
        """Seconds from start to end; NaN while it runs."""
        if not self.ended:
            return float("nan")
        return (_time(self.ended) - _time(self.started)).total_seconds()

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = asdict(replace(self, verdict=None))
        plain["verdict"] = self.verdict.to_json() if self.verdict else None
        plain["duration_s"] = self.duration_s if self.ended else None
        return plain


def now() -> str:
    """Return the time in UTC as ISO 8601 with seconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def series(template: str, parameters: Mapping[str, Any]) -> str:
    """Return the name that runs of a template with the same parameters share.

    Examples
    --------
    >>> series("drift", {"alpha": 0.05})
    'drift-e7fcc53d'
    """
    canonical = json.dumps(parameters, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode("utf-8", "backslashreplace")).hexdigest()
    return f"{template}-{digest[:8]}"


def begin(
    template: str,
    title: str,
    digest: str,
    parameters: dict[str, Any],
    origin: Origin = BY_HAND,
) -> Record:
    """Return the record of a run that starts now, in this process."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return Record(
        id=f"{template}-{stamp}-{secrets.token_hex(3)}",
        template=template,
        title=title,
        template_digest=digest,
        parameters=parameters,
        started=now(),
        process=(os.getpid(), psutil.Process().create_time()),
        series=origin.series or series(template, parameters),
        plan=origin.plan,
        job=origin.job,
        attempt=origin.attempt,
    )


def write(record: Record, folder: Path) -> None:
    """Keep a record in ``FOLDER/ID/run.json``, so that a reader never sees half of it."""
    text = json.dumps(record.to_json(), indent=1, ensure_ascii=False)
    write_atomically(folder / record.id / FILE, text)


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that its readers see the old text or the new, never a part.

    Raises
    ------
    ReportError
        If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
                file.write(text)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ReportError(
            f"cannot write {path}: {error.strerror}", "Choose another folder with -o."
        ) from None


def from_json(plain: dict[str, Any]) -> Record:
    """Return a record from what `Record.to_json` made, also of an earlier version."""
    known = {each.name for each in fields(Record)}
    values = {name: value for name, value in plain.items() if name in known}
    values["process"] = tuple(values["process"])
    values["evidence"] = tuple(values["evidence"])
    values["notes"] = tuple(values["notes"])
    if values["verdict"] is not None:
        values["verdict"] = Verdict.from_json(values["verdict"])
    if values["failure"] is not None:
        values["failure"] = Failure(**values["failure"])
    record = Record(**values)
    _time(record.started)
    return record


def read(path: Path) -> Record:
    """Read a record; a run whose process is gone is one that failed.

    Raises
    ------
    ReportError
        If the file is torn, or not a record.
    """
    try:
        record = from_json(json.loads(path.read_text(encoding="utf-8")))
    except Exception as error:
        raise ReportError(
            f"{path} is not the record of a run: {error}", "Delete it, or run the report again."
        ) from error
    if record.status == "running" and not _is_alive(*record.process):
        gone = Failure("Interrupted", "the process that ran this report is gone")
        return replace(record, status="failed", failure=gone)
    return record


def _is_alive(pid: int, created: float) -> bool:
    try:
        return bool(abs(psutil.Process(pid).create_time() - created) < 1)
    except psutil.Error:
        return False


def records(folder: Path) -> Iterator[Record | ReportError]:
    """Yield the record of every run in a folder, and an error for each that cannot be read."""
    for path in sorted(folder.glob(f"*/{FILE}")):
        try:
            yield read(path)
        except ReportError as error:
            yield error
