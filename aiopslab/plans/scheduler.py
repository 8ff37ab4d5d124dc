"""Scheduler: runs the entries of a plan when they are due, and catches up after an outage."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from apscheduler.triggers.base import BaseTrigger

from aiopslab.errors import AIOpsLabError, ReportError
from aiopslab.plans.batch import BatchResult
from aiopslab.plans.plan import Plan, load
from aiopslab.plans.plan_run import Order, at, run_pass, state_path
from aiopslab.plans.schedule_book import Book, Kind, opened
from aiopslab.plans.timetable import Timetable, of

AT_ONCE = 32  # entries that may be due; how many reports run is for the crew to say
_stopping = threading.Event()

Run = Callable[[Plan, Order, datetime], BatchResult]


class Due(BaseTrigger):  # type: ignore[misc]
    """Of APScheduler: tells when the entry of a timetable is due.

    Its own `CronTrigger` runs a daily report twice on the night that the clocks go back, counts
    weekdays from Monday, and takes a day of the month and a weekday together.

    Parameters
    ----------
    timetable
        Of the entry.
    """

    def __init__(self, timetable: Timetable) -> None:
        self.timetable = timetable

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime
    ) -> datetime | None:
        """Return when it is due after the last time, or after now where there was none."""
        return self.timetable.next_begin(previous_fire_time or now)

    def __getstate__(self) -> Timetable:
        return self.timetable

    def __setstate__(self, state: Timetable) -> None:
        self.timetable = state


def timetables(plan: Plan) -> list[Timetable]:
    """Return the timetables of the entries that have one."""
    found = (of(plan.head, entry) for entry in plan.entries)
    return [each for each in found if each is not None]


def book_path(plan: Plan, output: str) -> Path:
    """Return where the book of a plan is, which is the job store too."""
    return state_path(plan, output, "schedule.sqlite")


@contextmanager
def scheduled(plan: Plan, order: Order) -> Iterator[Any]:
    """Run the entries of a plan when they are due, in the background, until it is left.

    Parameters
    ----------
    plan
        With a schedule for some entries. It is read anew for each run, but for its timetables.
    order
        How its reports are run.

    Yields
    ------
    apscheduler.schedulers.background.BackgroundScheduler
        That has begun; times that were missed since it last ran are seen to at once. On leaving,
        reports that run are stopped and kept.

    Raises
    ------
    ReportError
        If another process runs these schedules, or the store cannot be written.
    """
    from apscheduler.executors.pool import ThreadPoolExecutor
    from apscheduler.jobstores.sqlalchemy import SQLAlchemyJobStore
    from apscheduler.schedulers.background import BackgroundScheduler

    path = book_path(plan, order.output)
    with _alone(path), opened(path) as book:
        scheduler = BackgroundScheduler(
            jobstores={"default": SQLAlchemyJobStore(f"sqlite:///{path}")},
            executors={"default": ThreadPoolExecutor(AT_ONCE)},
            # All times that are due are one wake-up: what becomes of each is ours to say.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=UTC,
        )
        _stopping.clear()
        scheduler.start(paused=True)
        try:
            _agree(scheduler, plan, order, book)
            scheduler.resume()
            yield scheduler
        finally:
            _stopping.set()
            scheduler.shutdown(wait=True)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.with_suffix(".lock"), blocking=False):
            yield
    except Timeout:
        raise ReportError(
            "the schedules of this plan are being run into this folder by another process",
            "Stop it, or choose another folder with -o.",
        ) from None


def _agree(scheduler: Any, plan: Plan, order: Order, book: Book) -> None:
    """Let the store have the entries of the plan; those that stay keep when they are next due."""
    wanted = {each.name: each for each in timetables(plan)}
    arguments = str(plan.path.absolute()), order.output, order.workers, order.cluster
    for job in scheduler.get_jobs():
        if job.id not in wanted or job.trigger.timetable != wanted[job.id]:
            job.remove()
        else:
            job.modify(args=(*arguments, job.id))
    stored = {job.id for job in scheduler.get_jobs()}
    now = datetime.now(UTC)
    for name, each in wanted.items():
        since = book.since(name, now)
        if name not in stored:
            scheduler.add_job(_wake, Due(each), args=(*arguments, name), id=name, name=name)
        if book.cut_short(name) or each.due(since, now):
            scheduler.modify_job(name, next_run_time=now)


def _wake(path: str, output: str, workers: int | None, cluster: str | None, name: str) -> None:
    """See to an entry that is due; what APScheduler's thread calls."""
    order = Order(output, workers, cluster)
    plan = load(Path(path))
    with opened(book_path(plan, output)) as book:
        see_to(plan, order, name, book, datetime.now(UTC), partial(_run))


def see_to(plan: Plan, order: Order, name: str, book: Book, now: datetime, run: Run) -> None:
    """Run the times of an entry that are due, by its policy, and note what became of each.

    Parameters
    ----------
    plan, order
        What is run, and how.
    name
        Of the entry.
    book
        That says up to when it is dealt with.
    now
        With an offset.
    run
        Runs the plan for a time, which its relative times are relative to.
    """
    timetable = next((each for each in timetables(plan) if each.name == name), None)
    if timetable is None:
        return  # it was taken out of the plan since the scheduler began
    due = [*book.cut_short(name), *timetable.due(book.since(name, now), now)]
    chosen = timetable.chosen(due, now)
    for time in due:
        if time not in chosen:
            book.note(name, time, "missed", "by the policy of catching up")
            continue
        book.note(name, time, "running")
        state, said = _ended(partial(run, plan.only([name]), order, time))
        book.note(name, time, state, said)
        if state == "interrupted":
            return


def _ended(run: Callable[[], BatchResult]) -> tuple[Kind, str]:
    try:
        result = run()
    except AIOpsLabError as error:
        return "failed", str(error)
    if result.stopped:
        return "interrupted", "the scheduler was stopped"
    from collections import Counter

    from aiopslab.plans.watch import said

    counts = Counter(said(state) for state in result.states.values())
    words = ", ".join(f"{count} {word}" for word, count in counts.items())
    failed = any(state.state != "finished" for state in result.states.values())
    return "failed" if failed else "done", words


def _run(plan: Plan, order: Order, time: datetime) -> BatchResult:
    from rich.console import Console

    from aiopslab.plans.watch import Lines

    console = Console(stderr=True)
    result, _ = run_pass(
        plan,
        order,
        at(time, order.output),
        lambda jobs, left: Lines(console, left),
        _stopping.is_set,
    )
    return result
