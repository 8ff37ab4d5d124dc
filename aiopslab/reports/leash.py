"""A leash by which the system ends a kernel when its runner is gone.

A kernel looks for its runner itself, but in Python: a cell in a loop of C keeps it from looking.
So its standard input is a pipe whose other end the runner alone holds. When that end is closed, by
whatever death, Linux sends SIGIO to who owns the pipe's signals (fcntl(2), ``F_SETOWN``), and that
ends the kernel with all that it started.
"""

import os
import sys
from contextlib import suppress
from types import TracebackType

if sys.platform == "linux":
    import fcntl


class Leash:
    """Ends processes when this one has ended; does nothing where there is no Linux.

    Attributes
    ----------
    end : int or None
        The file descriptor that the kernel gets as its standard input. Nothing comes from it, and
        who reads it is told so at once.
    """

    def __init__(self) -> None:
        self.end: int | None = None
        self._ours: int | None = None
        if sys.platform == "linux":
            self.end, self._ours = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)

    def __enter__(self) -> "Leash":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for each in (self.end, self._ours):
            if each is not None:
                with suppress(OSError):
                    os.close(each)
        self.end = self._ours = None

    def tie(self, group: int) -> None:
        """Tie a group of processes, which have got `end`."""
        if sys.platform == "linux" and self.end is not None:
            fcntl.fcntl(self.end, fcntl.F_SETOWN, -group)
            flags = fcntl.fcntl(self.end, fcntl.F_GETFL)
            fcntl.fcntl(self.end, fcntl.F_SETFL, flags | os.O_ASYNC)
            os.close(self.end)  # the kernel has its own by now
            self.end = None
