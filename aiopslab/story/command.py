"""The command ``aiopslab story``."""

import getpass
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiopslab.story.telling import MINUTES, REPORTS, SEED, TRAIL, tell
from aiopslab.wording import plain

if TYPE_CHECKING:
    from aiopslab.governance.approval import Approval
    from aiopslab.reports.record import Record
    from aiopslab.runbooks.step import Step

HELPED, NOT_SURELY = 0, 3
LINE_EVERY_S = 30.0


@click.command()
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("story"),
    show_default=True,
    help="Where recordings, reports and the audit trail go.",
)
@click.option("--minutes", type=float, default=MINUTES, show_default=True, help="Of a recording.")
@click.option("--seed", type=click.IntRange(min=0), default=SEED, show_default=True)
@click.option("--approve", is_flag=True, help="Approve the roll-back; you are asked otherwise.")
@click.option("--by", default=None, help="Who approves.  [default: your user name]")
@click.option("--reason", default="accuracy fell after the promotion", show_default=True)
def story(
    folder: Path, minutes: float, seed: int, approve: bool, by: str | None, reason: str
) -> None:
    """Live through an incident across the layers, from the fault to the proof that it is gone.

    A real system runs on this machine and a worse model is promoted in it. The overview sees that
    something is wrong, the analysis finds the layer, the roll-back waits for your approval and is
    written into an audit trail, and the next overview shows, with intervals, whether it helped.
    It takes about 10 minutes, a third of a core and 1 GB.

    \b
    Examples
      aiopslab story
      aiopslab story --approve --minutes 5 -o tonight

    \b
    Exit codes
      0  the roll-back surely helped
      1  it went no further: no cause was found, or nobody approved
      3  it did not surely help
    """  # noqa: D301 - click reads \\b as the start of a verbatim block

    def asked(step: "Step", says: str) -> "Approval | None":
        from aiopslab.governance.approval import Approval

        if not approve and not click.confirm("Approve it?", default=False):
            return None
        return Approval.now(step, by or getpass.getuser(), reason)

    with _watching() as watch:
        told = tell(folder, asked, _reporter(folder), _say, watch, minutes=minutes, seed=seed)
    click.echo()
    for each in told.recovery.findings():
        click.echo(f"  {plain(str(each.claim))}")
    click.secho(
        "The roll-back surely helped." if told.helped else "It did not surely help.", bold=True
    )
    click.echo(f"  reports  {folder / REPORTS / 'index.html'}\n  trail    {folder / TRAIL}")
    sys.exit(HELPED if told.helped else NOT_SURELY)


def _say(line: str) -> None:
    click.secho(f"\n{plain(line)}", bold=True)


def _reporter(folder: Path) -> Any:
    def report(values: Mapping[str, Any]) -> "Record":
        from aiopslab.reports import find
        from aiopslab.reports.command import run_template

        return run_template(find("overview"), dict(values), folder / REPORTS)

    return report


@contextmanager
def _watching() -> Iterator[Any]:
    """Show how a rehearsal stands: a bar to a person, a line now and then to a log."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, highlight=False)
    said = ["", -LINE_EVERY_S]
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("rehearsal", total=None)

        def watch(progress: Any) -> None:
            told = f"{progress.phase}, {progress.asked} questions, {progress.failed} failed"
            bar.update(
                task, total=progress.total_s or None, completed=progress.elapsed_s, description=told
            )
            is_due = progress.elapsed_s - said[1] >= LINE_EVERY_S or progress.phase != said[0]
            if not console.is_terminal and is_due:
                said[:] = [progress.phase, progress.elapsed_s]
                console.print(told, markup=False)

        yield watch
