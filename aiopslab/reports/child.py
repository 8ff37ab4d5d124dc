"""A process that runs a module of ours for this one, and ends with it."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO

from aiopslab.errors import ReportError


def start(module: str, errors: IO[str], folder: Path | None = None) -> "subprocess.Popen[str]":
    """Start a module with pipes for what it reads and tells, in a session of its own.

    Parameters
    ----------
    module
        Its name; it gets the number of this process as its argument, to end when that is gone.
    errors
        Where its standard error goes.
    folder
        In which it works; that of this process where ``None``.

    Raises
    ------
    ReportError
        If no process can be started.
    """
    # -P: what lies in the folder is no module of ours.
    command = [sys.executable, "-P", "-m", module, str(os.getpid())]
    try:
        return subprocess.Popen(  # noqa: S603 - our own module
            command,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
    except OSError as error:
        raise ReportError(
            f"no process can be started: {error.strerror}", "Free memory, and run it again."
        ) from None
