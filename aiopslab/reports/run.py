"""One run: a template, its parameters, a kernel; then a notebook, a page and a record."""

import json
import platform
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from aiopslab.findings import VERDICT_MIME, Verdict
from aiopslab.reports import gallery, render, tracking
from aiopslab.reports.catalogue import Template
from aiopslab.reports.execution import Limits, Progress, execute, termination
from aiopslab.reports.parameters import validate
from aiopslab.reports.record import (
    NOTEBOOK,
    PAGE,
    Failure,
    Origin,
    Record,
    begin,
    now,
    write,
    write_atomically,
)
from aiopslab.sources.evidence import EVIDENCE_MIME

PACKAGES = ("aiopslab", "numpy", "pandas", "scipy", "plotly", "papermill")


def run(
    template: Template,
    values: Mapping[str, Any],
    folder: Path,
    progress: Progress = lambda cell, cells, section: None,
    origin: Origin = Origin(),
    limits: Limits = Limits(),
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
        Its `status` is ``failed`` where the kernel died, a cell raised or nothing was concluded;
        the partial notebook and a page marked as failed are kept then.

    Raises
    ------
    ParameterError
        If the values do not fit; nothing has been started or written then.
    ReportError
        If the folder cannot be written.
    KeyboardInterrupt
        After an interruption, when the record of what there is has been written.
    """
    parameters = validate(template.parameters, values)
    record = begin(template.name, template.title, template.digest, parameters, origin)
    write(record, folder)
    home = folder / record.id
    with termination():
        failure, interruption = execute(template, parameters, home / NOTEBOOK, progress)
    notebook = _read(home / NOTEBOOK) or _read(template.path) or {"cells": []}
    # papermill leaves the paths of this machine in a notebook that is made to be passed on.
    for path in ("input_path", "output_path"):
        notebook.get("metadata", {}).get("papermill", {}).pop(path, None)
    verdicts = _bundles(notebook, VERDICT_MIME)
    verdict = Verdict.from_json(verdicts[-1]) if verdicts else None
    if failure is None and verdict is None:
        failure = _inconclusive(notebook)
    record = replace(
        record,
        status="failed" if failure else "finished",
        ended=now(),
        verdict=verdict,
        failure=failure,
        evidence=tuple(_bundles(notebook, EVIDENCE_MIME)),
        versions={"python": platform.python_version()} | {each: version(each) for each in PACKAGES},
    )
    record = _publish(record, notebook, folder)
    if interruption is not None:
        raise interruption
    return record


def _publish(record: Record, notebook: dict[str, Any], folder: Path) -> Record:
    home = folder / record.id
    write_atomically(home / NOTEBOOK, json.dumps(notebook, indent=1, ensure_ascii=False))
    write_atomically(home / PAGE, render.page(notebook, record))
    write(record, folder)  # the report is safe before anything else can go wrong
    problem = tracking.log(record, folder)
    if problem:
        record = replace(record, notes=(*record.notes, problem))
        write_atomically(home / PAGE, render.page(notebook, record))
        write(record, folder)
    gallery.build(folder)
    return record


def _inconclusive(notebook: dict[str, Any]) -> Failure:
    """Say why a run without an error has no verdict."""
    for number, cell in enumerate(_code(notebook), start=1):
        if any(output.get("ename") == "SystemExit" for output in cell["outputs"]):
            reason = "the cell left the kernel; the cells below it never ran"
            return Failure("SystemExit", reason, number)
    reason = "no cell called conclude(verdict), so there is nothing to report"
    return Failure("NoVerdict", reason)


def _bundles(notebook: dict[str, Any], mime: str) -> list[Any]:
    outputs = [output for cell in _code(notebook) for output in cell["outputs"]]
    bundles = [output["data"] for output in outputs if "data" in output]
    return [bundle[mime] for bundle in bundles if mime in bundle]


def _code(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return notebook
