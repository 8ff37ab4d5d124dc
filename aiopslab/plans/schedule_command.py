"""The command ``aiopslab schedule``: reports of a plan by the clock, here or elsewhere."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiopslab.errors import ParameterError
from aiopslab.reports.command import Commands

if TYPE_CHECKING:
    from aiopslab.plans.plan import Plan
    from aiopslab.plans.schedule_book import Book
    from aiopslab.plans.timetable import Timetable

LOOK_S = 0.2
NEXT = 3  # runs that are shown of each entry
MISSED = 20  # times that are shown
TARGETS = ("systemd", "crontab", "kubernetes", "airflow", "jupyter-scheduler")

into = click.option("-o", "--output", help="Folder or URL of the reports; else that of the plan.")


@click.group(cls=Commands)
def schedule() -> None:
    """Run the reports of a plan by the clock, or hand them to what runs things by the clock.

    \b
    In a plan
      timezone: Europe/Berlin
      reports:
        - name: morning
          template: incident
          parameters: {evidence: telemetry/, start: now-1d}
          schedule: {cron: "30 6 * * mon-fri", jitter: 5min, catch_up: last}

    \b
    Examples
      aiopslab schedule run plan.yml
      aiopslab schedule show plan.yml
      aiopslab schedule export plan.yml --to systemd -o units/
    """  # noqa: D301 - click reads \b as the start of a verbatim block


@schedule.command()
@click.argument("plan", type=click.Path(path_type=Path), metavar="PLAN.yml")
@into
@click.option("--workers", type=click.IntRange(1, 1024), help="Reports at once at the most.")
@click.option("--cluster", metavar="tcp://HOST:PORT", help="Scheduler of dask.distributed.")
def run(plan: Path, output: str | None, workers: int | None, cluster: str | None) -> None:
    """Run the reports of a plan when they are due, until it is stopped.

    No report overlaps with itself. Times that were missed, since this was not running or a report
    took longer than to its next time, are caught up by the policy of their entry: the last one
    (`last`), each of them (`all`), or none. Relative times are relative to the time that a report
    was due, however late it is run. The plan is read anew for each run; new schedules are seen
    after a restart.
    """
    from aiopslab.plans.plan_command import interruptions, target_of
    from aiopslab.plans.plan_run import Order
    from aiopslab.plans.scheduler import scheduled

    loaded = _with_schedules(plan)
    target = target_of(loaded, output)
    with interruptions() as stopped:
        with scheduled(loaded, Order(target, workers, cluster)) as scheduler:
            for job in scheduler.get_jobs():
                when = job.next_run_time.astimezone(job.trigger.timetable.tz)
                click.echo(f"{job.name}: next {when:%Y-%m-%d %H:%M:%S %Z}", err=True)
            while not stopped:
                time.sleep(LOOK_S)
        click.echo("Stopped.", err=True)
    sys.exit(128 + stopped[0])


@schedule.command()
@click.argument("plan", type=click.Path(path_type=Path), metavar="PLAN.yml")
@into
def show(plan: Path, output: str | None) -> None:
    """Show when the reports of a plan run next, how they last ran, and what was missed."""
    import pandas as pd

    from aiopslab.plans.plan_command import target_of
    from aiopslab.plans.schedule_book import opened
    from aiopslab.plans.scheduler import book_path, timetables
    from aiopslab.terminal import aligned

    loaded = _with_schedules(plan)
    target = target_of(loaded, output)
    now = datetime.now(UTC)
    path = book_path(loaded, target)
    if not path.exists():
        click.echo("`aiopslab schedule run` has not run this plan yet.", err=True)
    with opened(path if path.exists() else Path(":memory:")) as book:
        every = timetables(loaded)
        rows = [_row(each, book, now) for each in every]
        for line in aligned(pd.DataFrame(rows)):
            click.echo(line)
        for each in every:
            missed = book.missed(each.name)
            for noted in missed[:MISSED]:
                click.echo(f"missed  {each.name}  {_when(noted.time, each)}")
            if len(missed) > MISSED:
                click.echo(f"missed  {each.name}  and {len(missed) - MISSED} before")
            waiting = each.due(book.since(each.name, now), now) if path.exists() else []
            for due in waiting[-MISSED:]:
                click.echo(f"due     {each.name}  {_when(due, each)}, and not run yet")


def _row(each: "Timetable", book: "Book", now: datetime) -> dict[str, Any]:
    last = book.last(each.name)
    upcoming = (each.begins(time) for time in each.after(now))
    return {
        "report": each.name,
        "cron": each.cron,
        "catch up": each.catch_up,
        "last": f"{_when(last.time, each)}: {last.state}" if last else "never",
        "it said": last.said.partition("\n")[0] if last else "",
        "next": ", ".join(
            _when(time, each) for time, _ in zip(upcoming, range(NEXT), strict=False)
        ),
    }


def _when(moment: datetime, timetable: "Timetable") -> str:
    return f"{moment.astimezone(timetable.tz):%Y-%m-%d %H:%M:%S %Z}"


@schedule.command()
@click.argument("plan", type=click.Path(path_type=Path), metavar="PLAN.yml")
@click.option("--to", "target", type=click.Choice(TARGETS), required=True, help="For whom.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default="schedule",
    show_default=True,
    help="Folder that the files are put into.",
)
def export(plan: Path, target: str, output: Path) -> None:
    """Write the schedules of a plan for systemd, cron, Kubernetes, Airflow or jupyter-scheduler.

    Each file says at its top how it is put to use, and what of the schedule the other cannot do.
    """
    from aiopslab.plans.schedule_export import files

    loaded = _with_schedules(plan)
    for name, text in files(loaded, target).items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        click.echo(path)


def _with_schedules(path: Path) -> "Plan":
    from aiopslab.plans.plan import load

    loaded = load(path)
    if not any(entry.schedule for entry in loaded.entries):
        raise ParameterError(
            f"{path} has no schedule",
            'Give a report one: `schedule: {cron: "0 6 * * mon-fri"}`.',
        )
    return loaded
