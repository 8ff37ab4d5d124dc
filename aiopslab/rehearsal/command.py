"""The command ``aiopslab rehearse``."""

import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from aiopslab.errors import RehearsalError
from aiopslab.rehearsal.errors import PlanError
from aiopslab.rehearsal.faults import KINDS
from aiopslab.rehearsal.services import SERVICES

_LINE_EVERY_S = 15.0
_FAILED, _INTERRUPTED = 1, 130


def _catalogue() -> Table:
    table = Table("kind", "what it does", "services", title="Faults")
    for kind in KINDS.values():
        fits = "all" if kind.services == SERVICES else ", ".join(kind.services)
        table.add_row(kind.name, kind.summary, fits)
    return table


def _list_faults(context: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        Console().print(_catalogue())
        context.exit()


class _Display:
    """Shows progress: a live panel on a terminal, a line now and then elsewhere."""

    def __init__(self, fault: str) -> None:
        self._fault, self._console = fault, Console(stderr=True)
        self._live = Live(console=self._console, transient=True) if sys.stderr.isatty() else None
        self.phase, self._said = "", -_LINE_EVERY_S

    def __enter__(self) -> "_Display":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    def __call__(self, progress: Any) -> None:
        """Show how the rehearsal stands."""
        changed, self.phase = progress.phase != self.phase, progress.phase
        left = max(progress.total_s - progress.elapsed_s, 0.0)
        state = f"{self._fault} {'on' if progress.fault else 'off'}"
        alerts = ", ".join(f"{rule} {service}" for rule, service in progress.firing)
        if self._live is not None:
            grid = Table.grid(padding=(0, 2))
            grid.add_row("phase", Text(progress.phase, style="bold"))
            grid.add_row("questions", f"{progress.asked}, {progress.failed} failed")
            grid.add_row("fault", Text(state, style="red" if progress.fault else ""))
            grid.add_row("alerts", Text(alerts or "none"))
            grid.add_row("left", f"{left:.0f} s")
            bar = ProgressBar(total=max(progress.total_s, 1.0), completed=progress.elapsed_s)
            self._live.update(Group(grid, bar))
        elif changed or time.monotonic() - self._said >= _LINE_EVERY_S:
            self._said = time.monotonic()
            self._console.print(
                f"{progress.phase}: {progress.elapsed_s:.0f} of {progress.total_s:.0f} s, "
                f"{progress.asked} questions, {progress.failed} failed, fault {state}, "
                f"alerts: {alerts or 'none'}",
                soft_wrap=True,
                highlight=False,
            )


@click.command(
    epilog="""\b
Examples:
  aiopslab rehearse --list-faults
  aiopslab rehearse --fault retriever:latency --at 180 --minutes 8 --seed 7 -o slow-retriever
  aiopslab rehearse --fault llm:costly_prompt --at 120 --for 90 --minutes 5 -o dear-prompt
  aiopslab rehearse --fault none --minutes 5 -o a-good-day
  aiopslab rehearse --fault none --harder-at 150 --minutes 5 -o other-questions

\b
The recording is a folder of Parquet files (metrics, logs, spans, alerts, changes,
topology, observations, calls) and truth.json, which says what was broken. Pass the
folder wherever evidence is asked for, and compare the verdict with the truth.
""",
)
@click.option(
    "--fault", metavar="SERVICE:KIND", required=True, help="What breaks, or 'none' for nothing."
)
@click.option(
    "--at",
    "at_s",
    type=float,
    default=180.0,
    show_default=True,
    metavar="SECONDS",
    help="When it breaks, from the beginning of the recording.",
)
@click.option(
    "--for",
    "lasts_s",
    type=float,
    metavar="SECONDS",
    help="How long it stays broken.  [default: to the end]",
)
@click.option(
    "--harder-at",
    "harder_at_s",
    type=float,
    metavar="SECONDS",
    help="When users begin to ask harder questions, fault or not.  [default: never]",
)
@click.option("--minutes", type=float, default=8.0, show_default=True, help="How long is recorded.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="The same seed asks the same questions at the same times.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Where the recording goes.",
)
@click.option(
    "--port", type=int, metavar="BASE", help="First of eight ports in a row.  [default: free ones]"
)
@click.option("--overwrite", is_flag=True, help="Replace a recording that is there.")
@click.option(
    "--list-faults",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_faults,
    help="Show what can be broken, and how.",
)
def rehearse(
    fault: str,
    at_s: float,
    lasts_s: float | None,
    harder_at_s: float | None,
    minutes: float,
    seed: int,
    folder: Path,
    port: int | None,
    overwrite: bool,
) -> None:
    """Break a small real system on purpose, and record what that looks like.

    An enterprise knowledge assistant starts as eight processes on this machine: gateway, auth,
    cache, classifier, retriever, llm, database and indexer. Users ask it about four questions a
    second. One service is broken in one way; every metric, log, span, alert and change is
    recorded. It needs about a third of a core and 1 GB, and leaves no process behind.
    """
    from aiopslab.rehearsal import rehearsal

    display = _Display(fault)
    try:
        with display:
            rehearsal.rehearse(
                *(fault, folder, at_s, minutes, seed, lasts_s, port, overwrite),
                watch=display,
                harder_at_s=harder_at_s,
            )
    except PlanError as error:
        raise click.UsageError(str(error)) from None
    except RehearsalError as error:
        click.echo(f"Error: {error}", err=True)
        code: Any = _FAILED
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except SystemExit as ending:
        code = ending.code
    else:
        click.echo(f"Recorded in {folder}.")
        return
    kept = f"; what was recorded is in {folder}" if display.phase == "saving" else ""
    click.echo(f"Stopped{kept}.", err=True)
    sys.exit(code)


if __name__ == "__main__":
    rehearse()
