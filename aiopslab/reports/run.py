"""One run: a template, its parameters, a kernel; then a notebook, a page and a record."""

import json
import platform
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aiopslab.errors import ReportError
from aiopslab.findings import VERDICT_MIME, Verdict
from aiopslab.kernels import warm_up
from aiopslab.reports import gallery, secrets, tracking
from aiopslab.reports.catalogue import Template
from aiopslab.reports.execution import USUAL, Limits, Outcome, Progress, execute, load
from aiopslab.reports.interruption import Interruption
from aiopslab.reports.parameters import validate
from aiopslab.reports.permission import permitted
from aiopslab.reports.record import (
    BY_HAND,
    NOTEBOOK,
    Failure,
    Origin,
    Record,
    begin,
    from_json,
    now,
    series,
    write,
)
from aiopslab.reports.safekeeping import Keeper, cleaned, deposit, rescued
from aiopslab.reports.scan import Scanner
from aiopslab.sources.mime import EVIDENCE_MIME

PACKAGES = ("aiopslab", "numpy", "pandas", "scipy", "plotly", "papermill")


def run(
    template: Template,
    values: Mapping[str, Any],
    folder: Path,
    progress: Progress = lambda cell, cells, section: None,
    origin: Origin = BY_HAND,
    limits: Limits = USUAL,
) -> Record:
    """Run a template and keep all that comes of it.

    Parameters
    ----------
    template
        What to run.
    values
        Parameters by name; text is read leniently (see `aiopslab.reports.parameters.validate`).
    folder
        Of the gallery; the run gets a folder of its own in it.
    progress
        Called before each code cell with its number, how many there are, and the heading above it.
    origin
        Series, plan and job that the run belongs to.
    limits
        What it may take.

    Returns
    -------
    Record
        Its `status` is ``failed`` where the kernel died, a cell raised or took too long, a secret
        was shown, or nothing was concluded; the partial notebook and a page marked as failed are
        kept then.

    Raises
    ------
    ParameterError
        If the values do not fit; nothing has been started or written then.
    SecretError
        If a secret is not where its reference points; nothing has been started then either.
    Denied
        If a policy does not let this user run it on these sources; nothing has been started.
    ReportError
        If the folder cannot be written. Where that shows when the report is done, it is a
        `DiskError` that says where the report is kept instead.
    KeyboardInterrupt
        After an interruption, when what there is of the report has been written.
    """
    parameters = validate(template.parameters, values)
    with permitted(template, parameters) as tell:
        record = _run(template, parameters, folder, progress, origin, limits)
        tell(record)
    return record


def _run(
    template: Template,
    parameters: dict[str, Any],
    folder: Path,
    progress: Progress,
    origin: Origin,
    limits: Limits,
) -> Record:
    sources = _sources(template)
    scanner = Scanner(secrets.known(template.parameters, parameters, sources))
    warm_up(sources)  # a parent imports what the kernel will need while we do what we need
    record = _begun(template, parameters, origin, scanner)
    write(record, folder)
    with Interruption() as interruption:
        keeper = Keeper(folder / record.id / NOTEBOOK, scanner)

        def told(cell: int, cells: int, section: str) -> None:
            progress(cell, cells, scanner.text(section, "headings"))

        try:
            load()
            tracking.warm_up()  # while the parent imports, or the kernel starts
            outcome = execute(template, parameters, told, limits, interruption, keeper.keep)
        except BaseException as error:  # of the caller's progress, or a defect of ours
            reason = scanner.text(str(error), "record")
            failure = Failure(type(error).__name__, reason)
            write(replace(record, status="failed", ended=now(), failure=failure), folder)
            raise
        notebook = cleaned(outcome.notebook, scanner)
        record = _concluded(record, notebook, outcome, scanner)
        record = _publish(record, notebook, folder, scanner, interruption)
        interruption.answer()
    return record


def _begun(
    template: Template, parameters: dict[str, Any], origin: Origin, scanner: Scanner
) -> Record:
    name = scanner.text(template.name, "name")
    if name != template.name:
        name = re.sub(r"[^\w.-]+", "-", name).strip("-")  # which names a folder
    title = scanner.text(template.title, "title")
    shown = scanner.value(parameters, "parameters")
    given = {each.name: each.default for each in template.parameters}
    changed = {key: value for key, value in shown.items() if value != given.get(key)}
    if not origin.series:
        origin = replace(origin, series=series(name, changed))
    return begin(name, title, template.digest, shown, origin)


def _sources(template: Template) -> list[str]:
    notebook = json.loads(template.path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in _code(notebook)]


def _concluded(
    record: Record, notebook: dict[str, Any], outcome: Outcome, scanner: Scanner
) -> Record:
    """Return the record of a run that has ended, without secrets."""
    verdicts = _bundles(notebook, VERDICT_MIME)
    verdict = Verdict.from_json(verdicts[-1]) if verdicts else None
    failure = outcome.failure
    if failure is None and verdict is None:
        reason = "no cell called conclude(verdict), so there is nothing to report"
        failure = Failure("NoVerdict", reason, kind="cell")
    notes = [*outcome.notes]
    if scanner.leaked:
        names = ", ".join(sorted(scanner.leaked))
        places = ", ".join(scanner.found)
        reason = f"the value of {names} was shown ({places}); it has been taken out"
        failure = failure or Failure("SecretShown", reason, kind="secret")
        notes.append(
            f"{reason[0].upper()}{reason[1:]}. Let the template not show it; renew the secret "
            "where an earlier report may have."
        )
    elif scanner.found:
        count, places = sum(scanner.found.values()), ", ".join(scanner.found)
        notes.append(f"What looks like a secret was taken out {count} times ({places}).")
    record = replace(
        record,
        status="failed" if failure else "finished",
        ended=now(),
        verdict=verdict,
        failure=failure,
        evidence=tuple(_bundles(notebook, EVIDENCE_MIME)),
        versions={"python": platform.python_version()} | _versions(),
        notes=tuple(notes),
        seconds=outcome.seconds,
        redacted=dict(scanner.found),
    )
    plain = record.to_json()
    clean = scanner.value(plain, "record")
    return record if clean is plain else from_json(clean)


@cache
def _versions() -> dict[str, str]:
    return {each: version(each) for each in PACKAGES}


def _publish(
    record: Record,
    notebook: dict[str, Any],
    folder: Path,
    scanner: Scanner,
    interruption: Interruption,
) -> Record:
    """Write a report, log it, and let it join the gallery."""
    try:
        record = deposit(record, notebook, folder, scanner)
    except ReportError as error:
        raise rescued(error, record, notebook, scanner) from None
    # The report is safe before anything else can go wrong.
    record = _noted(record, notebook, folder, scanner, _log(record, folder, interruption))
    try:
        gallery.build(folder)
    except ReportError as error:
        record = _noted(record, notebook, folder, scanner, f"It is in no gallery: {error.problem}.")
    return record


def _log(record: Record, folder: Path, interruption: Interruption) -> str:
    """Log a run to MLflow, as long as nobody wants it to end; return what went wrong."""
    if interruption.count:
        return "This run is not in MLflow: it was stopped."
    try:
        with interruption.breaking():
            return tracking.log(record, folder)
    except KeyboardInterrupt:
        return "This run is not wholly in MLflow: it was stopped while it was logged."


def _noted(
    record: Record, notebook: dict[str, Any], folder: Path, scanner: Scanner, note: str
) -> Record:
    if not note:
        return record
    record = replace(record, notes=(*record.notes, scanner.text(note, "notes")))
    with suppress(ReportError):  # the report itself is safe
        return deposit(record, notebook, folder, scanner)
    return record


def _bundles(notebook: dict[str, Any], mime: str) -> list[Any]:
    outputs = [output for cell in _code(notebook) for output in cell["outputs"]]
    bundles = [output["data"] for output in outputs if "data" in output]
    return [bundle[mime] for bundle in bundles if mime in bundle]


def _code(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
