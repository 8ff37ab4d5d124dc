"""A forked kernel in the hands of who asked for it: the interface of `subprocess.Popen`."""

import os
import select
import signal
import socket
import subprocess
from typing import IO

from aiopslab.kernels.messages import receive

UNKNOWN = 255  # what a kernel ended with whose parent is gone
_TELL_S = 1.0  # for a parent to tell how a kernel ended that has ended


class ForkedProcess:
    """A kernel that is a child of another process.

    Parameters
    ----------
    pid, pidfd
        Of the kernel.
    connection
        To its parent, which tells how it ended.

    Attributes
    ----------
    returncode : int or None
        What it ended with, negative for the number of a signal, `UNKNOWN` where nobody saw it;
        ``None`` while it runs.
    """

    def __init__(self, pid: int, pidfd: int, connection: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdin: IO[bytes] | None = None
        self.stdout: IO[bytes] | None = None
        self.stderr: IO[bytes] | None = None
        self._pidfd = pidfd
        self._connection = connection

    def __del__(self) -> None:
        if self.returncode is None:
            self._close()

    def poll(self) -> int | None:
        """Return what it ended with, or ``None`` while it runs."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it has ended.

        Raises
        ------
        subprocess.TimeoutExpired
            If it still runs after so many seconds.
        """
        returncode = self._look(timeout)
        if returncode is None:
            raise subprocess.TimeoutExpired("kernel", timeout or 0)
        return returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._pidfd, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            watch = select.poll()
            watch.register(self._pidfd, select.POLLIN)
            if watch.poll(None if timeout is None else timeout * 1000):
                self.returncode = self._ended_with()
                self._close()
        return self.returncode

    def _ended_with(self) -> int:
        self._connection.settimeout(_TELL_S)
        try:
            return int(receive(self._connection)[0]["returncode"])
        except (OSError, EOFError, ValueError):
            return UNKNOWN

    def _close(self) -> None:
        self._connection.close()
        os.close(self._pidfd)
