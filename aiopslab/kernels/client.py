"""What a runner asks of a parent, which it starts where there is none."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiopslab.kernels.availability import CannotFork
from aiopslab.kernels.messages import receive, send
from aiopslab.kernels.process import ForkedProcess
from aiopslab.kernels.surroundings import IDLE, Surroundings, early_environment, folder, here

_START_S = 120.0  # much more than it takes to import everything, unless the machine is very busy
_LAST_LINES = 3
_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", IDLE)  # of the environment, by a parent

_failed: dict[Surroundings, str] = {}
_started: "list[subprocess.Popen[bytes]]" = []


def fork(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: str,
    streams: Sequence[int],
    ends_with_runner: bool = True,
) -> ForkedProcess:
    """Have a kernel forked.

    Parameters
    ----------
    argv
        Its arguments, after ``python -m ipykernel_launcher``.
    env, cwd
        Its whole environment, and its folder.
    streams
        File descriptors of its standard input, output and error.
    ends_with_runner
        Whether it ends when this process does, however that ends.

    Raises
    ------
    CannotFork
        If there is no parent to be had.
    """
    message = {
        "ask": "fork",
        "argv": list(argv),
        "env": dict(env),
        "cwd": cwd,
        "ends_with_runner": ends_with_runner,
        "runner": os.getpid(),
    }
    where = here()
    if where in _failed:
        raise CannotFork(_failed[where])
    for is_last in (False, True):  # a parent may leave in the moment that it is asked
        connection = parent()
        runner = [os.pidfd_open(os.getpid())] if ends_with_runner else []
        try:
            send(connection, message, [*streams, *runner])
            told, (pidfd,) = receive(connection)
            return ForkedProcess(told["pid"], pidfd, connection)
        except (OSError, EOFError):
            connection.close()
            if is_last:
                # Lest the next kernel waits as long to hear the same.
                _failed[where] = f"the parent of kernels failed{_why(where)}"
                raise CannotFork(_failed[where]) from None
        finally:
            for each in runner:
                os.close(each)
    raise AssertionError


def announce(names: Sequence[str]) -> None:
    """Tell the parent what the next kernel of this process is to import; start it for that.

    Raises
    ------
    CannotFork
        If it cannot be started.
    """
    with parent() as connection, suppress(OSError):  # it may leave in this moment
        send(connection, {"ask": "import", "names": list(names), "runner": os.getpid()})


def parent() -> socket.socket:
    """Return a connection to the parent for this process, started if there is none.

    It may be importing; who asks it something waits for what it is at.

    Raises
    ------
    CannotFork
        If it cannot be started.
    """
    from filelock import FileLock

    where = here()
    connection = _connect(where.socket)
    if connection is not None:
        return connection
    with FileLock(where.lock):  # those who start at the same time share what the first started
        connection = _connect(where.socket)
        if connection is None:
            try:
                _start(where)
            except OSError as error:
                raise CannotFork(f"no parent can be started: {error.strerror}") from None
            connection = _connect(where.socket)
    if connection is None:
        raise CannotFork(f"the parent of kernels failed{_why(where)}")
    return connection


def known() -> list[dict[str, Any]]:
    """Ask every parent of this user how it is."""
    return _ask_all("status")


def dismiss() -> list[dict[str, Any]]:
    """Have every parent of this user leave once its kernels have ended."""
    return _ask_all("leave")


def _ask_all(what: str) -> list[dict[str, Any]]:
    answers = []
    for path in sorted(folder().glob("*.sock")):
        connection = _connect(path)
        if connection is None:
            path.unlink(missing_ok=True)  # of one that was killed
            continue
        with connection:
            try:
                send(connection, {"ask": what})
                answers.append(receive(connection)[0])
            except (OSError, EOFError):  # it left
                continue
    return answers


def _connect(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_START_S)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    return connection


def _start(where: Surroundings) -> None:
    """Start a parent that listens from its first moment on."""
    where.socket.unlink(missing_ok=True)
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with socket.socket(socket.AF_UNIX) as listener, where.log.open("wb") as log:
        listener.bind(str(where.socket))
        listener.listen(socket.SOMAXCONN)
        command = [sys.executable, "-m", "aiopslab.kernels.parent", str(listener.fileno())]
        process = subprocess.Popen(  # noqa: S603 - our own module
            command,
            # Nothing of this run may be seen in another, so not its environment either.
            env=environment | early_environment(os.environ),
            cwd=folder(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )
    # It may outlive this process; where this one lives longer, it is waited for when there is need.
    _started[:] = [each for each in _started if each.poll() is None]
    _started.append(process)


def _why(where: Surroundings) -> str:
    try:
        said = where.log.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:]
    except OSError:
        return ""
    return f": {' '.join(said)}" if said else ""
