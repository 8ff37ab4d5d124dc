"""Rehearse: run the system, break it, and record what that looks like."""

import asyncio
import os
import shutil
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiopslab.errors import RehearsalError
from aiopslab.rehearsal import recorder
from aiopslab.rehearsal.errors import PlanError
from aiopslab.rehearsal.faults import parse
from aiopslab.rehearsal.plan import Plan
from aiopslab.rehearsal.run import Progress, Run
from aiopslab.rehearsal.supervisor import free_ports

_TERMINATED = 143


def rehearse(
    fault: str,
    folder: Path,
    at_s: float = 180.0,
    minutes: float = 8.0,
    seed: int = 0,
    lasts_s: float | None = None,
    port: int | None = None,
    overwrite: bool = False,
    watch: Callable[[Progress], None] = lambda progress: None,
    harder_at_s: float | None = None,
) -> dict[str, Any]:
    """Run the system, break it, and record what that looks like.

    Parameters
    ----------
    fault
        ``service:kind``, e.g. ``"retriever:latency"``, or ``"none"``.
    folder
        Where the recording goes; it must not exist, or be empty, unless `overwrite`.
    at_s
        When the fault begins, in seconds from the beginning of the recording.
    minutes
        How long is recorded.
    seed
        The same seed asks the same questions at the same times.
    lasts_s
        How long the fault acts; to the end unless given.
    port
        The first of eight ports in a row; free ones are found unless given.
    overwrite
        Whether a recording in `folder` may be replaced.
    watch
        Called about once a second.
    harder_at_s
        When users begin to ask harder questions; never unless given.

    Returns
    -------
    dict
        What ``truth.json`` holds.

    Raises
    ------
    PlanError
        If a parameter is wrong; nothing was started.
    RehearsalError
        If a service was lost on the way; what was recorded until then is kept, marked as
        incomplete. Or if the recording could not be written.
    KeyboardInterrupt, SystemExit
        On Ctrl-C and on SIGTERM; what was recorded is kept likewise.
    """
    plan = Plan(parse(fault), at_s, minutes * 60, seed, lasts_s, harder_at_s)
    _check_thread()
    folder = folder.resolve()
    _check_free(folder, overwrite=overwrite)
    run = Run(plan, free_ports(port), watch)
    failure: BaseException | None = None
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as scratch:
        try:
            asyncio.run(run.main(Path(scratch)))
        except (RehearsalError, KeyboardInterrupt) as error:
            failure = error
        except asyncio.CancelledError:  # SIGTERM, or the terminal was closed
            failure = SystemExit(_TERMINATED)
        if run.began is None and failure is not None:
            raise failure  # nothing was recorded yet
        watch(run.progress("saving"))
        truth = run.truth(complete=failure is None)
        try:
            _save(run, Path(scratch), truth, folder)
        except OSError as error:
            raise RehearsalError(
                f"the recording could not be written to {folder}: {error.strerror}",
                "Make room, or choose another folder with -o, and run it again.",
            ) from failure
    if failure is not None:
        raise failure
    return truth


def _check_thread() -> None:
    """Refuse where signals would not arrive, and where services would outlive their parent."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        if threading.current_thread() is threading.main_thread():
            return
    raise PlanError(
        "a rehearsal needs the main thread, and no event loop that runs there already",
        "In a notebook, run the command: !aiopslab rehearse --fault …",
    )


def _check_free(folder: Path, *, overwrite: bool) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PlanError(
            f"{folder.parent} cannot be made: {error.strerror}", "Choose another folder with -o."
        ) from None
    if not os.access(folder.parent, os.W_OK):
        raise PlanError(
            f"{folder.parent} cannot be written to", "Choose a folder elsewhere with -o."
        )
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not (folder / "truth.json").is_file():
        raise PlanError(
            f"{folder} is not empty, and it is not a recording either",
            "Choose another folder with -o; only a recording can be overwritten.",
        )
    if not overwrite:
        raise PlanError(
            f"{folder} holds a recording already",
            "Choose another folder with -o, or replace the recording with --overwrite.",
        )


def _save(run: Run, scratch: Path, truth: dict[str, Any], folder: Path) -> None:
    """Write beside the folder and rename, so that no half of a recording is ever seen there."""
    assert run.began is not None and run.ended is not None
    ratings = run.load.ratings if run.load else {}
    tables = recorder.tables(run.recorder, scratch, ratings, run.began, run.ended)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
        written = Path(temporary) / folder.name
        written.mkdir()
        recorder.write(tables, truth, written)
        if folder.exists():
            folder.rename(Path(temporary) / "replaced")
        shutil.move(written, folder)
