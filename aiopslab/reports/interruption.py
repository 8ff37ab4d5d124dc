"""Being asked to stop, by Ctrl-C or SIGTERM: noted at once, answered where nothing can be torn."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """The runner was asked to stop by a signal other than Ctrl-C."""


class Interruption:
    """Takes the signals that ask a process to stop for as long as it is entered.

    A signal raises nothing where it arrives, in the middle of a write for example: who listens is
    called, and `answer` raises when all is safe. Outside of the main thread, signals are left to
    who owns it.

    Attributes
    ----------
    count : int
        How often it was asked.

    Examples
    --------
    >>> import os
    >>> with Interruption() as interruption:
    ...     os.kill(os.getpid(), signal.SIGTERM)
    ...     interruption.count
    1
    """

    def __init__(self) -> None:
        self.count = 0
        self._first: int | None = None
        self._previous: dict[int, Any] = {}
        self._listener: Callable[[], None] | None = None
        self._raises = False

    def __enter__(self) -> "Interruption":
        for number in SIGNALS:
            if signal.getsignal(number) is signal.SIG_IGN:
                continue  # as under nohup: who started the process has decided
            try:
                self._previous[number] = signal.signal(number, self._asked)
            except ValueError:  # not the main thread
                break
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for number, previous in self._previous.items():
            signal.signal(number, previous)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self._first = self._first or number
        if self._listener is not None:
            self._listener()
        if self._raises:
            self._raises = False
            raise self._exception()

    def _exception(self) -> KeyboardInterrupt:
        return KeyboardInterrupt() if self._first == signal.SIGINT else Terminated()

    @contextmanager
    def listened(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call a listener, in the main thread, each time it is asked."""
        self._listener = listener
        try:
            yield
        finally:
            self._listener = None

    @contextmanager
    def breaking(self) -> Iterator[None]:
        """Let a signal break what goes on, which may take long and can be given up."""
        self._raises = True
        try:
            yield
        finally:
            self._raises = False

    def answer(self) -> None:
        """Raise what was asked for.

        Raises
        ------
        KeyboardInterrupt
            If it was asked; `Terminated` by a signal other than Ctrl-C.
        """
        if self.count:
            raise self._exception()
