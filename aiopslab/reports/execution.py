"""The execution of a notebook in a kernel, within limits."""

import json
import logging
import signal
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiopslab.reports.catalogue import Template
from aiopslab.reports.record import Failure

KERNEL = "python3"

Progress = Callable[[int, int, str], None]


class Terminated(KeyboardInterrupt):
    """The runner was asked to stop by a signal other than Ctrl-C."""


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


def execute(
    template: Template, parameters: dict[str, Any], output: Path, progress: Progress
) -> tuple[Failure | None, KeyboardInterrupt | None]:
    """Execute a template; return how it failed and what stopped it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of papermill's own dependencies, which no user can mend
        import papermill
        from jupyter_client.kernelspec import NoSuchKernel
        from nbclient.exceptions import CellControlSignal, DeadKernelError
        from traitlets.config import Config

    # It warns of parameters that it cannot read; ours have been read and checked by now.
    logging.getLogger("papermill").setLevel(logging.ERROR)

    headings = _headings(_read(template.path) or {"cells": []})
    started: list[int] = []

    def on_cell_start(cell: Any, cell_index: int) -> None:
        if cell.cell_type == "code":
            started.append(cell_index)
            progress(len(started), len(headings), headings[min(len(started), len(headings)) - 1])

    try:
        # Sockets in a private folder: no port that others on the machine could listen to, and none
        # that runs side by side could contend for.
        with tempfile.TemporaryDirectory(prefix="aiopslab-") as sockets:
            papermill.execute_notebook(
                str(template.path),
                str(output),
                parameters,
                kernel_name=KERNEL,
                progress_bar=False,
                on_cell_start=on_cell_start,
                config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
                # What a kernel says of its own end is no business of the reader's.
                extra_arguments=["--IPKernelApp.log_level=CRITICAL"],
            )
    except papermill.PapermillExecutionError as error:
        return Failure(error.ename, error.evalue, error.exec_count), None
    except DeadKernelError:
        reason = "the kernel died; the machine may have run out of memory"
        return Failure("DeadKernel", reason, len(started) or None), None
    except (CellControlSignal, NoSuchKernel, OSError, RuntimeError) as error:
        return Failure(type(error).__name__, str(error), len(started) or None), None
    except KeyboardInterrupt as interruption:
        reason = "the run was stopped before it ended"
        return Failure("Interrupted", reason, len(started) or None), interruption
    return None, None


@contextmanager
def termination() -> Iterator[None]:
    """Let SIGTERM end a run as Ctrl-C does, so that the kernel goes and the record stays."""

    def terminate(number: int, frame: Any) -> None:
        raise Terminated

    try:
        previous = signal.signal(signal.SIGTERM, terminate)
    except ValueError:  # not the main thread: its owner decides about signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _headings(notebook: dict[str, Any]) -> list[str]:
    """Return the nearest heading above each code cell."""
    found, heading = [], ""
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            found.append(heading)
        elif source.startswith("#"):
            heading = source.splitlines()[0].lstrip("# ")
    return [*found, heading]  # papermill adds a cell for the parameters


def _read(path: Path) -> dict[str, Any] | None:
    try:
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return notebook
