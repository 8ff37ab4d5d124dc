"""The files of a run, written without secrets, whole or not at all, and elsewhere if need be."""

import json
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiopslab.errors import DiskError, ReportError
from aiopslab.reports import render
from aiopslab.reports.kept import KEY, block
from aiopslab.reports.record import NOTEBOOK, PAGE, Record, write, write_atomically
from aiopslab.reports.scan import Scanner

KEEP_S = 2.0  # how often what there is of a notebook is written while it runs
REFUGES: tuple[Callable[[], str | Path], ...] = (
    tempfile.gettempdir,
    lambda: "/dev/shm",  # noqa: S108 - in memory, where every disk is full
    Path.home,
)


def cleaned(notebook: dict[str, Any], scanner: Scanner) -> dict[str, Any]:
    """Return a notebook without secrets, and without the paths of this machine."""
    number, cells = 0, []
    for cell in notebook["cells"]:
        is_code = cell["cell_type"] == "code"
        number += is_code
        cells.append(scanner.value(cell, f"cell {number}" if is_code else "text"))
    rest = {name: each for name, each in notebook.items() if name != "cells"}
    rest = scanner.value(rest, "metadata of the notebook")
    # papermill leaves the paths of this machine in a notebook that is made to be passed on.
    for path in ("input_path", "output_path"):
        rest.get("metadata", {}).get("papermill", {}).pop(path, None)
    return {"cells": cells, **rest}


class Keeper:
    """Writes what there is of a notebook now and then, lest all is lost with its runner.

    Parameters
    ----------
    path
        Of the notebook.
    scanner
        Whose secrets are not written.
    """

    def __init__(self, path: Path, scanner: Scanner) -> None:
        self._path, self._known = path, scanner.known
        self._due = 0.0

    def keep(self, notebook: dict[str, Any]) -> None:
        """Write a notebook, where that has not been done for a while."""
        began = time.monotonic()
        if began < self._due:
            return
        with suppress(ReportError):  # of a full disk the end of the run will tell
            _write_notebook(self._path, cleaned(notebook, Scanner(self._known)))
        ended = time.monotonic()
        self._due = ended + max(KEEP_S, 20 * (ended - began))


def deposit(record: Record, notebook: dict[str, Any], folder: Path, scanner: Scanner) -> Record:
    """Write notebook, page and record of a run.

    Parameters
    ----------
    record, notebook
        Of the run, without secrets.
    folder
        Of the gallery.
    scanner
        Looks over the page once more, since HTML is another form of what it shows.

    Returns
    -------
    Record
        With the seconds that the page took.

    Raises
    ------
    ReportError
        If they cannot be written.
    """
    began = time.monotonic()
    page = scanner.text(render.page(notebook, record), "page")
    taken = {"render": round(time.monotonic() - began, 3)}
    record = replace(record, seconds=record.seconds | taken)
    # By what is in a notebook it can be told from others, and repeated, wherever it is passed on.
    metadata = {**notebook.get("metadata", {}), KEY: block(record)}
    _write_notebook(folder / record.id / NOTEBOOK, {**notebook, "metadata": metadata})
    write_atomically(folder / record.id / PAGE, page)
    write(record, folder)
    return record


def rescued(
    error: ReportError, record: Record, notebook: dict[str, Any], scanner: Scanner
) -> DiskError:
    """Keep a report that cannot be written where it belongs; return the error that says where."""
    for refuge in REFUGES:
        with suppress(OSError, ReportError, RuntimeError):
            folder = Path(tempfile.mkdtemp(prefix="aiopslab-report-", dir=refuge()))
            deposit(record, notebook, folder, scanner)
            return DiskError(
                f"{error.problem}. The report is kept in {folder / record.id}",
                "Mend that, and move it there; or run it again.",
            )
    return DiskError(f"{error.problem}, and it could not be kept elsewhere", error.remedy)


def _write_notebook(path: Path, notebook: dict[str, Any]) -> None:
    """Write a notebook a cell a line, which json does many times faster than with an indent."""
    cells = ",\n".join(json.dumps(cell, ensure_ascii=False) for cell in notebook["cells"])
    rest = json.dumps({**notebook, "cells": []}, ensure_ascii=False)
    write_atomically(path, rest.replace('"cells": []', f'"cells": [\n{cells}\n]', 1))
