"""Machine: as many worker processes at once as its cores and its memory bear."""

import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiopslab.plans import capacity
from aiopslab.plans.inbox import emptied
from aiopslab.plans.jobs import Job
from aiopslab.plans.outcome import Outcome, Task
from aiopslab.plans.worker import Event, Lost, Memory, Worker

DEFAULT_BYTES = 500_000_000  # of a report of which nothing is known: a kernel and its libraries
SPARE_BYTES = 200_000_000  # that are left to the machine
MARGIN = 1.2  # on what earlier reports of the series took
PATIENCE_S = 4.0


# What each busy worker of this process was promised and has taken, in bytes: a scheduler has
# several crews at once.
_everywhere: dict[Worker, tuple[int, int]] = {}


class Machine:
    """The crew of one machine.

    Parameters
    ----------
    workers
        At once at the most; as many as there are cores where ``None``.
    folder
        They work in.
    peak
        Returns the most memory that earlier reports of a series took, in bytes.
    """

    def __init__(
        self, workers: int | None, folder: Path, peak: Callable[[str], int | None]
    ) -> None:
        self.most = workers or capacity.cores()
        self._folder, self._peak = folder, peak
        self._inbox: queue.Queue[tuple[Worker, Event]] = queue.Queue()
        self._idle: list[Worker] = []
        self._busy: dict[Worker, Job] = {}
        self._factor: dict[str, int] = {}

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *raised: Any) -> None:
        for worker in self._busy:
            worker.kill()
        for worker in self._idle:
            worker.dismiss()
        for worker in [*self._idle, *self._busy]:
            worker.join()
            _everywhere.pop(worker, None)

    def can_take(self, job: Job) -> bool:
        """Tell whether a core is free, and memory too; one report is run whatever it takes."""
        if not self._busy:
            return True
        if len(_everywhere) >= self.most:
            return False
        promised = sum(max(0, reserved - taken) for reserved, taken in _everywhere.values())
        return capacity.available_bytes() - promised >= self._estimate(job) + SPARE_BYTES

    def _estimate(self, job: Job) -> int:
        known = self._peak(job.origin.series)
        return int(known * MARGIN if known else DEFAULT_BYTES) * self._factor.get(job.id, 1)

    def learn(self, job: Job, kind: str) -> None:
        """Reserve twice the memory for a job that ran out of it."""
        if kind == "memory":
            self._factor[job.id] = 2 * self._factor.get(job.id, 1)

    def take(self, job: Job, task: Task) -> None:
        """Give a job to a worker that is idle, or to a new one."""
        worker = self._idle.pop() if self._idle else Worker(self._folder, self._inbox)
        self._busy[worker] = job
        _everywhere[worker] = self._estimate(job), 0
        worker.give(task)

    def events(self, timeout_s: float) -> list[tuple[str, Event]]:
        """Return what happened; wait for a time where nothing did."""
        found = emptied(self._inbox, timeout_s)
        told = (self._heard(worker, event) for worker, event in found)
        return [each for each in told if each is not None]

    def _heard(self, worker: Worker, event: Event) -> tuple[str, Event] | None:
        job = self._busy.get(worker)
        if isinstance(event, Memory) and worker in _everywhere:
            _everywhere[worker] = _everywhere[worker][0], event.now_bytes
        if isinstance(event, Outcome | Lost):
            _everywhere.pop(worker, None)
        if isinstance(event, Outcome):
            del self._busy[worker]
            if event.kind != "interrupted":  # else it leaves
                self._idle.append(worker)
        if isinstance(event, Lost):
            self._busy.pop(worker, None)
            if worker in self._idle:
                self._idle.remove(worker)
        return (job.id, event) if job else None

    def stop(self) -> list[tuple[str, Event]]:
        """Ask all to stop, end those that do not, and return what happened until then."""
        for worker in self._busy:
            worker.stop()
        end, found = time.monotonic() + PATIENCE_S, []
        while self._busy and (left := end - time.monotonic()) > 0:
            found += self.events(left)
        return found
