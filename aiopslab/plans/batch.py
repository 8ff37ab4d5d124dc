"""Batch: one pass over the jobs of a plan, side by side, tried again, and never lost."""

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from aiopslab.plans import delivery
from aiopslab.plans.batch_file import Batch, BatchFile, State
from aiopslab.plans.jobs import Job
from aiopslab.plans.outcome import Outcome, Task, of_record, runs_of
from aiopslab.plans.worker import Event, Lost, Memory, Step
from aiopslab.reports.record import Failure, Kind, Record, now, write

# What may go well the next time; of interruptions those that nobody here asked for.
RETRIED = {"kernel", "memory", "timeout", "disk", "interrupted", "other"}
FIRST_S, LONGEST_S = 1.0, 60.0  # to wait before another attempt, doubled each time
TICK_S = 0.2
PATIENCE_S = 4  # for what is asked to stop


class Crew(Protocol):
    """Those who do the work: processes of this machine, or a cluster."""

    def can_take(self, job: Job) -> bool:
        """Tell whether there is room for a job now."""

    def take(self, job: Job, task: Task) -> None:
        """Begin a job."""

    def events(self, timeout_s: float) -> list[tuple[str, Event]]:
        """Return what happened, each with the id of its job; wait for a time where nothing did."""

    def learn(self, job: Job, kind: str) -> None:
        """Hear that a job failed in a way that is tried again."""

    def stop(self) -> list[tuple[str, Event]]:
        """Stop all, keep what there is, and return what happened until then; 5 s at the most."""


class Watch(Protocol):
    """Those who look on."""

    def began(self, job: Job, attempt: int) -> None:
        """See an attempt begin."""

    def step(self, job: Job, step: Step) -> None:
        """See how far it is."""

    def ended(self, job: Job, state: State, again_s: float | None) -> None:
        """See what came of it, and in how many seconds it is tried again."""


@dataclass(frozen=True)
class BatchResult:
    """What came of a pass.

    Parameters
    ----------
    batch
        Which.
    states
        By the id of each job, in the order of the plan.
    stopped
        Whether it was stopped before its end.
    problems
        What could not be done after the reports: who was not told, what was not published.
    """

    batch: Batch
    states: dict[str, State]
    stopped: bool
    problems: tuple[str, ...] = ()


@dataclass
class _Waiting:
    job: Job
    attempt: int
    not_before: float = 0.0


def begin(file: BatchFile, moment: datetime) -> Batch:
    """Begin a pass, of which relative times are relative to a moment."""
    started = datetime.now(UTC)
    batch = Batch(f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}", moment, started, False)
    file.begin(batch)
    return batch


def run_all(
    jobs: Sequence[Job],
    file: BatchFile,
    batch: Batch,
    output: str,
    crew: Crew,
    watch: Watch,
    is_stopped: Callable[[], bool],
) -> BatchResult:
    """Run the jobs that are not finished yet.

    Parameters
    ----------
    jobs
        Of the plan.
    file, batch
        What is known of them, see `begin`; of a pass that goes on, see `recover` first.
    output
        Folder or URL of the reports.
    crew
        That does the work.
    watch
        Those who look on.
    is_stopped
        Asked all the time; once it is true, what runs is stopped and kept.

    Returns
    -------
    BatchResult
    """
    file.add(batch, jobs)
    return _Pass(jobs, file, batch, output, crew, watch).run(is_stopped)


class _Pass:
    def __init__(
        self,
        jobs: Sequence[Job],
        file: BatchFile,
        batch: Batch,
        output: str,
        crew: Crew,
        watch: Watch,
    ) -> None:
        self.jobs = {job.id: job for job in jobs}
        self.file, self.batch, self.output = file, batch, output
        self.crew, self.watch = crew, watch
        known = file.states(batch)
        left = [job for job in jobs if known[job.id].state != "finished"]
        self.waiting = [_Waiting(job, known[job.id].attempt + 1) for job in left]
        self.first = {job.id: known[job.id].attempt for job in left}  # attempts of earlier passes
        self.running: dict[str, _Waiting] = {}
        self.peaks: dict[str, int] = {}

    def run(self, is_stopped: Callable[[], bool]) -> BatchResult:
        stopped = False
        while self.waiting or self.running:
            if is_stopped():
                stopped = True
                for id_, event in self.crew.stop():
                    self._take_in(id_, event, stopped=True)
                for id_ in list(self.running):
                    self._take_in(id_, Outcome(kind="interrupted", problem="stopped"), stopped=True)
                break
            self._hand_out()
            for id_, event in self.crew.events(TICK_S):
                self._take_in(id_, event)
        states = self.file.states(self.batch)
        if not stopped:
            self.file.finish(self.batch)
        return BatchResult(self.batch, {id_: states[id_] for id_ in self.jobs}, stopped)

    def _hand_out(self) -> None:
        for each in list(self.waiting):
            if each.not_before > time.monotonic():
                continue
            if not self.crew.can_take(each.job):
                return  # in the order of the plan: no job is passed over for ever
            self.waiting.remove(each)
            self.running[each.job.id] = each
            self.file.start(self.batch, each.job.id, each.attempt)
            self.watch.began(each.job, each.attempt)
            self.crew.take(each.job, self._task(each))

    def _task(self, each: _Waiting) -> Task:
        job = each.job
        origin = replace(job.origin, job=f"{self.batch.id}/{job.id}", attempt=each.attempt)
        path = str(job.template.path.absolute())
        return Task(path, "", job.parameters, self.output, origin, job.limits)

    def _take_in(self, id_: str, event: Event, *, stopped: bool = False) -> None:
        if id_ not in self.running:
            return  # the last words of an attempt that was given up
        match event:
            case Step():
                if event.run:
                    self.file.note(self.batch, id_, event.run)
                self.watch.step(self.jobs[id_], event)
            case Memory():
                self.peaks[id_] = event.peak_bytes
            case Lost():
                kind: Kind = "interrupted" if stopped else "kernel"
                self._end(id_, Outcome(kind=kind, problem=event.problem), stopped)
            case Outcome():
                self._end(id_, event, stopped)

    def _end(self, id_: str, told: Outcome, stopped: bool) -> None:
        each = self.running.pop(id_)
        outcome = self._looked_up(each, told)
        is_ours = stopped and outcome.kind == "interrupted"
        state = "interrupted" if is_ours else outcome.status
        self.file.end(self.batch, id_, state, outcome, self.peaks.pop(id_, None))
        settle(self.file, self.batch, id_, outcome, self.output)
        tries = each.attempt - self.first[id_]
        again_s = None
        if state == "failed" and outcome.kind in RETRIED and tries <= each.job.retries:
            again_s = min(FIRST_S * 2 ** (tries - 1), LONGEST_S)
            self.crew.learn(each.job, outcome.kind)
            self.waiting.append(_Waiting(each.job, each.attempt + 1, time.monotonic() + again_s))
        series = each.job.origin.series
        self.watch.ended(each.job, State(id_, series, state, each.attempt, outcome), again_s)

    def _looked_up(self, each: _Waiting, told: Outcome) -> Outcome:
        """Return what the record on disk says, where nobody was left to tell of it."""
        if told.run or delivery.is_url(self.output) or told.kind not in ("kernel", "interrupted"):
            return told
        folder, name = Path(self.output), f"{self.batch.id}/{each.job.id}"
        runs = runs_of(folder, name, self.batch.started)
        record = next((run for run in reversed(runs) if run.attempt == each.attempt), None)
        if record is None:
            return told
        return of_record(
            record if record.ended else _close(record, folder, told.kind, told.problem)
        )


def settle(file: BatchFile, batch: Batch, job: str, outcome: Outcome, output: str) -> None:
    """Let one run of a job be seen: that which ended last. All that it does may be done again."""
    if not outcome.run:
        return
    if outcome.record:
        delivery.reveal(outcome.run, outcome.record, output)
    file.note(batch, job, outcome.run)
    for run in file.runs(batch, job):
        if run != outcome.run:
            delivery.remove(run, output)
    file.seen(batch, job, outcome.run)


def recover(file: BatchFile, batch: Batch, output: str) -> None:
    """Make what is known of a pass that was cut short agree with the reports that there are.

    Parameters
    ----------
    file, batch
        Of the pass.
    output
        Folder or URL of its reports.

    Notes
    -----
    A report that ended, but of which its worker could tell nobody any more, counts as what it is.
    Processes that still run for the pass are ended first.
    """
    states = file.states(batch)
    for id_ in file.to_be_seen(batch):
        settle(file, batch, id_, states[id_].outcome, output)
    if delivery.is_url(output):
        return
    for record in runs_of(Path(output), f"{batch.id}/", batch.started):
        id_ = record.job.partition("/")[2]
        file.note(batch, id_, record.id)
        if not record.ended:
            _end_process(*record.process)
            _close(record, Path(output), "interrupted", "the pass was cut short")
        if record.status == "finished":
            file.end(batch, id_, "finished", of_record(record), None)
            settle(file, batch, id_, of_record(record), output)


def _close(record: Record, folder: Path, kind: Kind, problem: str) -> Record:
    """Mark a run whose process is gone as one that has ended."""
    failure = Failure("Interrupted", problem, kind=kind)
    closed = replace(record, status="failed", ended=now(), failure=failure)
    write(closed, folder)
    return closed


def _end_process(pid: int, created: float) -> None:
    """End a process, unless its number is another's by now."""
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        if abs(process.create_time() - created) < 1:
            process.terminate()
            with suppress(psutil.TimeoutExpired):
                process.wait(PATIENCE_S)
                return
            process.kill()
