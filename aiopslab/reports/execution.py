"""The execution of a template in a kernel, within limits."""

import importlib
import logging
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiopslab.kernels import kernel_name
from aiopslab.reports.catalogue import Template
from aiopslab.reports.interruption import Interruption
from aiopslab.reports.record import Failure

Progress = Callable[[int, int, str], None]
Keep = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Limits:
    """What a run may take.

    Parameters
    ----------
    cell_s, report_s
        Seconds that one cell and all of them may take; ``None`` for as long as it takes.
    output_bytes
        Of what the cells print and show; what comes after is dropped as it arrives.
    """

    cell_s: float | None = None
    report_s: float | None = None
    output_bytes: int = 10_000_000


USUAL = Limits()


@dataclass(frozen=True)
class Outcome:
    """What came of an execution.

    Parameters
    ----------
    notebook
        As far as it came, format 4, as plain JSON.
    failure
        Why it came no further; ``None`` where every cell ran.
    notes
        What a reader of the report should know.
    seconds
        ``kernel`` until it was ready, ``cells``.
    """

    notebook: dict[str, Any]
    failure: Failure | None
    notes: tuple[str, ...]
    seconds: dict[str, float]


def execute(
    template: Template,
    parameters: dict[str, Any],
    progress: Progress,
    limits: Limits,
    interruption: Interruption,
    keep: Keep,
) -> Outcome:
    """Run the cells of a template in a kernel of their own.

    Parameters
    ----------
    template
        What to run.
    parameters
        Checked values by name.
    progress
        Called before each code cell with its number, how many there are, and the heading above it.
    limits
        What it may take.
    interruption
        By which it is asked to stop; what there is then is returned within seconds.
    keep
        Called with the notebook after each code cell, to keep what there is.
    """
    load()
    import papermill

    from aiopslab.reports import engine

    headings: list[str] = []

    def on_start(number: int) -> None:
        headings[:] = headings or _headings(execution.notebook)
        progress(number, len(headings), headings[number - 1])

    with tempfile.TemporaryDirectory(prefix="aiopslab-", ignore_cleanup_errors=True) as folder:
        execution = engine.Execution(limits, interruption, on_start, keep, Path(folder))
        papermill.execute_notebook(
            str(template.path),
            None,  # which papermill would write at every cell, and not at once
            parameters,
            engine_name=engine.NAME,
            kernel_name=kernel_name(),
            progress_bar=False,
            execution=execution,
        )
    return Outcome(execution.notebook, execution.failure, tuple(execution.notes), execution.seconds)


def load() -> None:
    """Import what executes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of papermill's own dependencies, which no user can mend
        importlib.import_module("aiopslab.reports.engine")
    # It warns of parameters that it cannot read; ours have been read and checked by now.
    logging.getLogger("papermill").setLevel(logging.ERROR)


def _headings(notebook: dict[str, Any]) -> list[str]:
    """Return the nearest heading above each code cell."""
    found, heading = [], ""
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found.append(heading)
        elif source.startswith("#"):
            heading = source.splitlines()[0].lstrip("# ")
    return found
