"""One pass over a plan, from the lock on its batch file to the gallery."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiopslab.plans.aftercare import Telling, check, tidy
from aiopslab.plans.batch import BatchResult, Watch, begin, recover, run_all
from aiopslab.plans.batch_file import Batch, BatchFile, held
from aiopslab.plans.delivery import is_url
from aiopslab.plans.jobs import Job
from aiopslab.plans.plan import Plan
from aiopslab.reports.gallery import build


@dataclass(frozen=True)
class Order:
    """How a plan is run.

    Parameters
    ----------
    output
        Folder or URL of the reports.
    workers
        At once at the most; `None`: as the plan says, else as the machine bears.
    cluster
        Address of a dask scheduler; `None`: on this machine.
    """

    output: str
    workers: int | None = None
    cluster: str | None = None


def run_pass(
    plan: Plan,
    order: Order,
    choose: Callable[[BatchFile], Batch],
    watching: Callable[[Sequence[Job], int], AbstractContextManager[Watch]],
    is_stopped: Callable[[], bool],
) -> tuple[BatchResult, tuple[Job, ...]]:
    """Run what a pass has left of a plan.

    Parameters
    ----------
    plan
        Perhaps only some of its entries.
    order
        How it is run.
    choose
        Returns the pass: a new one (`batch.begin`) or one that goes on (`gone_on`).
    watching
        Makes those who look on, of the jobs and of how many are left.
    is_stopped
        Asked all the time; once it is true, what runs is stopped and kept.

    Raises
    ------
    ReportError
        If another process runs it into the same place, or that cannot be written.
    ParameterError
        If the plan wants more done than can be where the reports go.
    """
    check(plan.head, order.output)
    problems: list[str] = []
    with ExitStack() as stack:
        file = stack.enter_context(held(state_path(plan, order.output, "sqlite")))
        batch = choose(file)
        jobs = plan.jobs(batch.now)
        file.add(batch, jobs)
        states = file.states(batch)
        left = sum(states[job.id].state != "finished" for job in jobs)
        watch = stack.enter_context(watching(jobs, left))
        if plan.head.notify:
            telling = Telling(watch, plan.head.notify, Path(order.output))
            watch, problems = stack.enter_context(telling), telling.problems
        crew = stack.enter_context(_crew(plan, file, order))
        # A folder that workers of a cluster put reports into has to be theirs too.
        is_shared = order.cluster and not is_url(order.output)
        place = Path(order.output).as_uri() if is_shared else order.output
        result = run_all(jobs, file, batch, place, crew, watch, is_stopped)
    if not is_url(order.output):
        build(Path(order.output))  # without the attempts that others took the place of
        if not result.stopped:
            problems += tidy(plan.head, Path(order.output))
    return replace(result, problems=tuple(problems)), jobs


def at(moment: datetime, output: str) -> Callable[[BatchFile], Batch]:
    """Return what chooses the pass of a moment: that which was cut short, else a new one."""

    def choose(file: BatchFile) -> Batch:
        last = file.last()
        return gone_on(file, last, output) if last and last.now == moment else begin(file, moment)

    return choose


def gone_on(file: BatchFile, batch: Batch, output: str) -> Batch:
    """Return a pass that goes on, with what is known of it mended."""
    recover(file, batch, output)
    return batch


def anew(file: BatchFile) -> Batch:
    """Return a pass that begins now."""
    return begin(file, datetime.now(UTC))


def state_path(plan: Plan, output: str, suffix: str) -> Path:
    """Return where the state of a plan is kept, of these entries and this output.

    Some entries of a plan have a state of their own, so that they can be run while others are.
    """
    from platformdirs import user_state_path

    which = [str(plan.path.resolve()), output if is_url(output) else ""]
    which += [f"{each.name} {each.template}" for each in plan.entries] if plan.is_part else []
    digest = hashlib.sha256("\n".join(which).encode()).hexdigest()[:8]
    home = user_state_path("aiopslab") if is_url(output) else Path(output)
    return home / ".plans" / f"{plan.name}-{digest}.{suffix}"


def _crew(plan: Plan, file: BatchFile, order: Order) -> Any:
    if order.cluster:
        from aiopslab.plans.cluster import Cluster

        return Cluster(order.cluster)
    from aiopslab.plans.machine import Machine

    return Machine(order.workers or plan.head.workers, plan.folder, file.peak)
