"""What a parent has still to import, and when: what a kernel waits for, else when it is quiet."""

import time
from collections.abc import Iterable, Iterator
from itertools import chain

from aiopslab.kernels import preload
from aiopslab.kernels.preload import Step

# Without a wish, before what nobody has asked for is imported: kernels of those who never tell what
# they need may need it now; others have what they need, and want the processors.
QUIET_S, PATIENT_S = 2.0, 20.0


class Imports:
    """Steps to take between the answers that a parent gives.

    Parameters
    ----------
    rest
        What is imported when nobody has asked for anything for a while.
    """

    def __init__(self, rest: Iterator[Step]) -> None:
        self._rest: Iterator[Step] | None = rest
        self._needed: dict[int, Iterator[Step]] = {}  # by the runner whose next kernel needs it
        self._told: set[int] = set()  # the runners that have said so
        self._due = time.monotonic() + QUIET_S

    @property
    def are_left(self) -> bool:
        """Whether there is something to import."""
        return bool(self._needed) or self._rest is not None

    def due_in(self) -> float | None:
        """Return the seconds until the next step; ``None`` where none is left."""
        if self._needed:
            return 0
        if self._rest is None:
            return None
        return max(self._due - time.monotonic(), 0)

    def need(self, runner: int, names: Iterable[str]) -> None:
        """Note what the next kernel of a runner is to import."""
        self._told.add(runner)
        self._wait(PATIENT_S)
        self._needed[runner] = chain(self._needed.get(runner, ()), preload.needed([*names]))

    def finish(self, runner: int) -> None:
        """Import all that the next kernel of a runner needs."""
        self._wait(PATIENT_S if runner in self._told else QUIET_S)
        self._told.discard(runner)
        for step in self._needed.pop(runner, ()):
            preload.take(step)

    def go_on(self) -> None:
        """Take one step, where it is due: who wants a kernel waits for no more than that."""
        for runner, steps in [*self._needed.items()]:
            if _taken(steps):
                return
            del self._needed[runner]
        if self.due_in() == 0 and self._rest is not None and not _taken(self._rest):
            self._rest = None

    def _wait(self, seconds: float) -> None:
        self._due = time.monotonic() + seconds


def _taken(steps: Iterator[Step]) -> bool:
    step = next(steps, None)
    if step is not None:
        preload.take(step)
    return step is not None
