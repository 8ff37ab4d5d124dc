"""The parent of kernels: it imports what reports need, with one thread, and forks on request.

What a runner says that its kernel is to import is imported before the fork, for all that follow;
what else reports use, when nobody asks for anything. So a first report never waits for a library
that it does not need.

Run as ``python -m aiopslab.kernels.parent SOCKET`` with the listening socket as a file descriptor,
by `aiopslab.kernels.client`.
"""

import gc
import os
import resource
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiopslab.kernels import preload
from aiopslab.kernels.imports import Imports
from aiopslab.kernels.messages import receive, send
from aiopslab.kernels.surroundings import IDLE, IDLE_S, USUAL, wanted_modules

_PATIENCE_S = 10.0  # with who connects and then does not say what they want


@dataclass(frozen=True)
class Request:
    """A kernel that is wanted.

    Parameters
    ----------
    argv
        Its arguments, after ``python -m ipykernel_launcher``.
    env, cwd
        Its whole environment, and its folder.
    streams
        File descriptors of its standard input, output and error.
    runner
        The pidfd of the process that it is for, with which it ends; none where it is independent.
    """

    argv: list[str]
    env: dict[str, str]
    cwd: str
    streams: list[int]
    runner: int | None


@dataclass
class Kernel:
    """A child that runs.

    Parameters
    ----------
    pid, pidfd
        Of it.
    runner
        The pidfd of the process that it is for, if it ends with that.
    connection
        To who asked for it, and hears of its end.
    started
        When, as seconds of `time.time`.
    """

    pid: int
    pidfd: int
    runner: int | None
    connection: socket.socket
    started: float = field(default_factory=time.time)

    def close(self) -> None:
        """Close what the parent holds of it."""
        self.connection.close()
        os.close(self.pidfd)
        if self.runner is not None:
            os.close(self.runner)


class Parent:
    """Forks kernels and looks after them, and imports on between.

    Parameters
    ----------
    listener
        A Unix socket that nobody else can reach.
    idle_s
        How long it stays without a kernel.
    imports
        What it has still to import.
    """

    def __init__(self, listener: socket.socket, idle_s: float, imports: Imports) -> None:
        self.listener: socket.socket | None = listener
        self.idle_s = idle_s
        self.kernels: dict[int, Kernel] = {}
        # With epoll, a child would change what the parent waits for.
        self.selector = selectors.PollSelector()
        self.selector.register(listener, selectors.EVENT_READ, self._accept)
        self.imports = imports
        self._busy_until = time.monotonic()

    def serve(self) -> Request | None:
        """Fork kernels until none has been wanted for long.

        Returns
        -------
        Request or None
            In a child, what it is to become; ``None`` in the parent, in the end.
        """
        while self.kernels or (self.listener and self._idle_left() > 0):
            for key, _ in self.selector.select(self._timeout()):
                if key.fileobj not in self.selector.get_map():
                    continue  # a kernel that ended together with its runner
                request: Request | None = key.data()
                if request is not None:
                    return request
            self.imports.go_on()
        return None

    def _timeout(self) -> float | None:
        """Return how long to wait for what may be asked."""
        due = self.imports.due_in()
        return due if due is not None or self.kernels else self._idle_left()

    def leave(self) -> None:
        """Be there for nobody else."""
        if self.listener is not None:
            Path(self.listener.getsockname()).unlink(missing_ok=True)
            self.selector.unregister(self.listener)
            self.listener.close()
            self.listener = None

    def _idle_left(self) -> float:
        return self._busy_until + self.idle_s - time.monotonic()

    def _accept(self) -> Request | None:
        assert self.listener is not None
        connection, _ = self.listener.accept()
        connection.settimeout(_PATIENCE_S)
        try:
            message, fds = receive(connection)
        except (OSError, EOFError, ValueError):
            connection.close()
            return None
        if message["ask"] == "fork":
            return self._fork(connection, message, fds)
        if message["ask"] == "import":
            self.imports.need(message["runner"], message["names"])
            connection.close()
            return None
        with connection, suppress(OSError):
            if message["ask"] == "leave":
                self.leave()
            send(connection, self._status())
        return None

    def _fork(
        self, connection: socket.socket, message: dict[str, Any], fds: list[int]
    ) -> Request | None:
        runner = fds.pop() if message["ends_with_runner"] else None
        self.idle_s = idle_s(message["env"])
        self.imports.finish(message["runner"])
        preload.settle()
        gc.freeze()  # a collection in a child touches, and so copies, nothing of the parent
        pid = os.fork()
        if not pid:
            os.setsid()  # a group of its own, which ends as a whole
            self._close_all()
            connection.close()
            return Request(message["argv"], message["env"], message["cwd"], fds, runner)
        for each in fds:
            os.close(each)
        kernel = Kernel(pid, os.pidfd_open(pid), runner, connection)
        self.kernels[pid] = kernel
        self.selector.register(kernel.pidfd, selectors.EVENT_READ, lambda: self._reap(kernel))
        if runner is not None:
            self.selector.register(runner, selectors.EVENT_READ, lambda: self._end(kernel))
        with suppress(OSError):  # the runner is gone already, which will be seen
            send(connection, {"pid": pid}, [kernel.pidfd])
        return None

    def _end(self, kernel: Kernel) -> None:
        """End a kernel whose runner is gone, even if it hears nothing."""
        assert kernel.runner is not None
        self.selector.unregister(kernel.runner)
        _kill_group(kernel.pid)

    def _reap(self, kernel: Kernel) -> None:
        """Tell how a kernel ended, and end what it left behind."""
        # While it is not waited for, its number is nobody else's.
        _kill_group(kernel.pid)
        _, status = os.waitpid(kernel.pid, 0)
        with suppress(OSError):
            send(kernel.connection, {"returncode": os.waitstatus_to_exitcode(status)})
        self.selector.unregister(kernel.pidfd)
        with suppress(KeyError, TypeError, ValueError):
            self.selector.unregister(kernel.runner)  # type: ignore[arg-type]
        kernel.close()
        del self.kernels[kernel.pid]
        self._busy_until = time.monotonic()

    def _close_all(self) -> None:
        """Close, in a child, what is the parent's; registrations stay as they are."""
        self.selector.close()
        if self.listener is not None:
            self.listener.close()
        for kernel in self.kernels.values():
            kernel.close()

    def _status(self) -> dict[str, Any]:
        own, children = (
            resource.getrusage(each) for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        return {
            "pid": os.getpid(),
            "kernels": [
                {"pid": each.pid, "started": each.started} for each in self.kernels.values()
            ],
            "is_importing": self.imports.are_left,
            "idle_left_s": None if self.kernels else self._idle_left(),
            "cpu_s": own.ru_utime + own.ru_stime,
            "ended_kernels_cpu_s": children.ru_utime + children.ru_stime,
        }


def idle_s(environment: Any) -> float:
    """Return how long a parent stays without a kernel.

    Examples
    --------
    >>> idle_s({"AIOPSLAB_KERNEL_IDLE_S": "30"}), idle_s({})
    (30.0, 600.0)
    """
    try:
        return float(environment.get(IDLE, IDLE_S))
    except ValueError:
        return IDLE_S


def _kill_group(pid: int) -> None:
    """Kill a child that is not waited for yet, and all of its group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:  # it has not made its group yet
        os.kill(pid, signal.SIGKILL)


def _dismiss_older(path: Path) -> None:
    """Have parents leave that stand here too, but imported what is no longer on the disk."""
    place = path.name.partition("-")[0]
    for other in path.parent.glob(f"{place}-*.sock"):
        if other != path:
            with socket.socket(socket.AF_UNIX) as connection:
                try:
                    connection.connect(str(other))
                    send(connection, {"ask": "leave"})
                except OSError:
                    other.unlink(missing_ok=True)


def main() -> None:
    """Import, fork, and become a kernel in each child."""
    listener = socket.socket(fileno=int(sys.argv[1]))
    if Path(sys.path[0]) == Path.cwd():
        del sys.path[0]  # the folder of sockets, which ``-m`` puts there
    _dismiss_older(Path(listener.getsockname()))
    wanted = wanted_modules(os.environ)
    try:
        preload.begin(wanted)
        imports = Imports(preload.usual() if USUAL in wanted else iter(()))
        parent = Parent(listener, idle_s(os.environ), imports)
        request = parent.serve()
    except RuntimeError as error:
        sys.exit(str(error))
    if request is None:
        parent.leave()
        return
    from aiopslab.kernels.child import become_kernel

    become_kernel(request)


if __name__ == "__main__":
    main()
