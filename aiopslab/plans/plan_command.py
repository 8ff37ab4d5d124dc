"""The command ``aiopslab run-all``: a plan of reports, as many at once as the machine bears."""

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiopslab.reports.command import ALARM, DONE, FAILED

if TYPE_CHECKING:
    from aiopslab.plans.batch import BatchResult
    from aiopslab.plans.batch_file import Batch, BatchFile, State
    from aiopslab.plans.jobs import Job
    from aiopslab.plans.plan import Plan

SHOWN = 40  # rows of the table, those that need somebody first
ORDER = ("failed", "interrupted", "waiting", "act", "watch", "finished", "ok")

EXIT_CODES = """\b
Exit codes
  0    every report is done
  1    a report failed, and what there is of it is kept and marked; or somebody could not be told,
       or the gallery not be published
  2    the plan or the command is wrong; nothing was started
  3    a verdict reached the level of --fail-on
  130  interrupted; what there is is kept, --resume goes on (143: by SIGTERM)
"""


@click.command("run-all", epilog=EXIT_CODES)
@click.argument("plan", type=click.Path(path_type=Path), metavar="PLAN.yml")
@click.option("-o", "--output", help="Folder or URL of the reports; else that of the plan.")
@click.option(
    "--resume", is_flag=True, help="Go on with the last pass: run what is missing or failed."
)
@click.option("--workers", type=click.IntRange(1, 1024), help="At once at the most.")
@click.option("--only", multiple=True, metavar="NAME", help="A report of the plan, or a template.")
@click.option("--dry-run", is_flag=True, help="Check the plan and show what it comes to.")
@click.option(
    "--cluster",
    metavar="tcp://HOST:PORT",
    help="Scheduler of dask.distributed that the reports are sent to.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["watch", "act"]),
    metavar="LEVEL",
    help="Exit with 3 when a verdict is this level or worse: watch or act.",
)
def run_all(
    plan: Path,
    output: str | None,
    resume: bool,
    workers: int | None,
    only: tuple[str, ...],
    dry_run: bool,
    cluster: str | None,
    fail_on: str | None,
) -> None:
    """Run all reports of a plan, side by side.

    A plan names reports with their parameters, lists and ranges of them, and dates relative to now.
    As many run at once as there are cores and memory for. A report whose kernel died, ran out of
    memory or time is tried again, after a while; one with a wrong parameter or a failing cell is
    not. Relative paths in a plan are relative to its folder.

    \b
    A plan
      output: reports
      timezone: Europe/Berlin
      timeout: {cell: 10min, report: 1h}
      reports:
        - name: yesterday
          template: incident
          parameters: {evidence: telemetry/, start: today-1d, end: today}
          matrix: {lookback_minutes: {from: 10, to: 30, step: 10}}

    \b
    Examples
      aiopslab run-all plan.yml --dry-run     what would be run, with which values
      aiopslab run-all plan.yml --fail-on act
      aiopslab run-all plan.yml --resume      what was cut short or failed, and nothing else
      aiopslab run-all plan.yml --cluster tcp://scheduler:8786 -o s3://bucket/reports
    """  # noqa: D301 - click reads \b as the start of a verbatim block
    from aiopslab.plans.plan import load
    from aiopslab.plans.plan_run import Order, run_pass
    from aiopslab.plans.watch import watching

    loaded = load(plan)
    chosen = loaded.only(only) if only else loaded
    target = target_of(loaded, output)
    if dry_run:
        _show(chosen.jobs(datetime.now(UTC)), target)
        return

    def watched(jobs: "Sequence[Job]", left: int) -> Any:
        click.echo(f"{left} of {len(jobs)} reports to run into {target}", err=True)
        return watching(left)

    order = Order(target, workers, cluster)
    choose = _going_on(target) if resume else _fresh()
    with interruptions() as stopped:
        result, ran = run_pass(chosen, order, choose, watched, lambda: bool(stopped))
        _summarise(result, ran, target)
    if result.stopped:
        sys.exit(128 + stopped[0])
    sys.exit(_exit_code(result, fail_on))


def target_of(plan: "Plan", output: str | None) -> str:
    """Return where reports go: as was asked for, else as the plan says."""
    from aiopslab.plans.delivery import is_url

    given = output or plan.output
    return given if is_url(given) else str(Path(given).absolute())


@contextmanager
def interruptions() -> Iterator[list[int]]:
    """Note Ctrl-C and SIGTERM instead of raising in the middle of anything."""
    noted: list[int] = []
    numbers = signal.SIGINT, signal.SIGTERM
    before = [signal.signal(each, lambda number, frame: noted.append(number)) for each in numbers]
    try:
        yield noted
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _fresh() -> "Callable[[BatchFile], Batch]":
    """Return what begins a pass, and tells of one that was left."""
    from aiopslab.plans.plan_run import anew

    def choose(file: "BatchFile") -> "Batch":
        last = file.last()
        if last and not last.ended:
            left = sum(state.state != "finished" for state in file.states(last).values())
            told = f"The last pass left {left} reports undone; --resume would have run only these."
            click.echo(told, err=True)
        return anew(file)

    return choose


def _going_on(output: str) -> "Callable[[BatchFile], Batch]":
    """Return what goes on with the last pass."""
    from aiopslab.plans.plan_run import anew, gone_on

    def choose(file: "BatchFile") -> "Batch":
        last = file.last()
        return gone_on(file, last, output) if last else anew(file)

    return choose


def _show(jobs: "Sequence[Job]", target: str) -> None:
    """Print the jobs with the values that their templates do not have of themselves."""
    from aiopslab.reports.invocation import text_of
    from aiopslab.wording import plain

    click.echo(f"{len(jobs)} report{'s' if len(jobs) > 1 else ''} into {target}")
    for job in jobs:
        defaults = {each.name: each.default for each in job.template.parameters}
        own = {name: value for name, value in job.parameters.items() if value != defaults[name]}
        click.secho(f"\n{plain(job.origin.series)}", bold=True)
        click.echo(f"  template: {plain(job.template.name)}   job: {job.id}")
        for name, value in own.items():
            click.echo(f"  {name}: {plain(text_of(value))}")


def _summarise(result: "BatchResult", jobs: "Sequence[Job]", target: str) -> None:
    """Print what came of each report, and how many came to what."""
    import pandas as pd

    from aiopslab.plans.watch import said, told
    from aiopslab.terminal import aligned
    from aiopslab.wording import plain

    states = [result.states[job.id] for job in jobs]
    ranked = sorted(states, key=lambda state: ORDER.index(said(state)))
    rows = [
        {
            "": said(state),
            "report": state.series,
            "attempts": state.attempt,
            "seconds": round(state.outcome.seconds, 1),
            "what it says": told(state)[:100],
        }
        for state in ranked[:SHOWN]
    ]
    for line in aligned(pd.DataFrame(rows)):
        click.echo(line)
    if len(ranked) > SHOWN:
        click.echo(f"and {len(ranked) - SHOWN} more")
    counts = pd.Series([said(state) for state in ranked]).value_counts(sort=False)
    click.secho(", ".join(f"{count} {word}" for word, count in counts.items()), bold=True)
    click.echo(f"  reports  {target}")
    for problem in result.problems:
        click.echo(f"Note: {plain(problem)}", err=True)
    if result.stopped or any(state.state == "failed" for state in states):
        click.echo("  --resume runs what is missing or failed, and nothing else")


def _exit_code(result: "BatchResult", fail_on: str | None) -> int:
    from aiopslab.findings import LEVELS

    states: list[State] = list(result.states.values())
    if result.problems or any(state.state != "finished" for state in states):
        return FAILED
    levels: list[str] = list(LEVELS)
    worst = max(
        (levels.index(each.outcome.level) for each in states if each.outcome.level), default=0
    )
    return ALARM if fail_on and worst >= levels.index(fail_on) else DONE
