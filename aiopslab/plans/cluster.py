"""Cluster: the jobs of a plan on the workers of a dask scheduler."""

import queue
import secrets
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiopslab.dask_scheduler import connect
from aiopslab.plans.inbox import emptied
from aiopslab.plans.jobs import Job
from aiopslab.plans.outcome import Outcome, Task, perform
from aiopslab.plans.worker import Event, Lost, Step

if TYPE_CHECKING:
    from distributed import Future

AHEAD = 2  # jobs a thread, so that none waits for the next
LOOK_S = 5  # how often workers are counted
PATIENCE_S = 3.0


class Cluster:
    """The crew of a cluster.

    A job runs in a temporary folder of a worker, and its files are put to the URL of the reports.
    The report is one when its record is there too, which only this process writes: so a job that
    was run twice, since its worker was taken for dead, is one report.

    Parameters
    ----------
    address
        Of the scheduler.

    Raises
    ------
    AIOpsLabError
        As of `aiopslab.dask_scheduler.connect`.
    """

    def __init__(self, address: str) -> None:
        self._client = connect(address)
        self._inbox: queue.Queue[tuple[str, Future | Step]] = queue.Queue()
        self._futures: dict[str, Future] = {}
        self._topic = f"aiopslab-{secrets.token_hex(6)}"
        self._client.subscribe_topic(self._topic, self._hear)
        self._threads, self._counted = 0, -LOOK_S * 1.0

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *raised: Any) -> None:
        with suppress(Exception):  # of a scheduler that is gone
            self._client.unsubscribe_topic(self._topic)
        self._client.close()

    def can_take(self, job: Job) -> bool:
        """Tell whether a thread is soon free."""
        if time.monotonic() - self._counted > LOOK_S:
            self._counted = time.monotonic()
            self._threads = sum(self._client.nthreads().values())
        return len(self._futures) < AHEAD * max(1, self._threads)

    def learn(self, job: Job, kind: str) -> None:
        """Leave memory to the workers' own limits."""

    def take(self, job: Job, task: Task) -> None:
        """Send a job, with the text of its notebook."""
        text = Path(task.template).read_text(encoding="utf-8")
        key = f"{task.origin.job}/{task.origin.attempt}"
        future = self._client.submit(
            _perform, replace(task, notebook=text), self._topic, job.id, key=key, pure=False
        )
        self._futures[job.id] = future
        future.add_done_callback(lambda done: self._inbox.put((job.id, done)))

    def events(self, timeout_s: float) -> list[tuple[str, Event]]:
        """Return what happened; wait for a time where nothing did."""
        found = emptied(self._inbox, timeout_s)
        return [(job, self._event(job, told)) for job, told in found]

    def _event(self, job: str, told: "Future | Step") -> Event:
        if isinstance(told, Step):
            return told
        self._futures.pop(job, None)
        try:
            outcome: Outcome = told.result(timeout=PATIENCE_S)
        except Exception as error:  # of the cluster: perform raises none
            return Lost(f"{type(error).__name__}: {error}".partition("\n")[0])
        return outcome

    def _hear(self, event: Any) -> None:
        _, told = event
        self._inbox.put((told["job"], Step(**told["step"])))

    def stop(self) -> list[tuple[str, Event]]:
        """Cancel all; what runs stops at its next cell, and is not seen."""
        with suppress(Exception):  # of a scheduler that is gone
            self._client.cancel([*self._futures.values()], force=True)
        self._futures.clear()
        return []


def _perform(task: Task, topic: str, job: str) -> Outcome:
    """Make an attempt on a worker of the cluster."""
    from distributed import get_worker

    worker = get_worker()
    key = worker.get_current_task()

    def tell(run: str, cell: int, cells: int, section: str) -> None:
        state = worker.state.tasks.get(key)
        if state is None or state.state == "cancelled":
            raise KeyboardInterrupt
        step = {"run": run, "cell": cell, "cells": cells, "section": section}
        worker.log_event(topic, {"job": job, "step": step})

    try:
        return perform(task, tell)
    except KeyboardInterrupt:  # which would end the worker
        return Outcome(kind="interrupted", problem="the run was stopped before it ended")
