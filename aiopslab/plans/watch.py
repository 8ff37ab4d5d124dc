"""Watch: how far each report and the whole are, live on a terminal, in lines in a log."""

from contextlib import AbstractContextManager
from typing import Any

from aiopslab.plans.batch_file import State
from aiopslab.plans.jobs import Job
from aiopslab.plans.worker import Step
from aiopslab.reports.render import GLYPHS
from aiopslab.wording import plain


def said(state: State) -> str:
    """Return what came of a job in one word: the level of its verdict, or its state."""
    return state.outcome.level if state.state == "finished" and state.outcome.level else state.state


def told(state: State) -> str:
    """Return what came of a job in a line."""
    text = state.outcome.headline if state.state == "finished" else state.outcome.problem
    return plain(text.partition("\n")[0])


class Lines:
    """A line where a report begins and where it ends, for logs.

    Parameters
    ----------
    console
        Of rich.
    total
        How many reports there are.
    """

    def __init__(self, console: Any, total: int) -> None:
        self._console, self._total, self._done = console, total, 0

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *raised: Any) -> None:
        return

    def began(self, job: Job, attempt: int) -> None:
        """Say that an attempt begins."""
        again = f", attempt {attempt}" if attempt > 1 else ""
        self._print(f"  began {job.origin.series}{again}")

    def step(self, job: Job, step: Step) -> None:
        """Say nothing: cells are too many for a log."""

    def ended(self, job: Job, state: State, again_s: float | None) -> None:
        """Say what came of it."""
        self._done += again_s is None
        again = f"; again in {again_s:.0f} s" if again_s is not None else ""
        number = f"{self._done}/{self._total}"
        word = said(state)
        series, took = job.origin.series, f"{state.outcome.seconds:.1f} s"
        line = f"{number} {GLYPHS.get(word, '…')} {word} {series}, {took}: {told(state)}{again}"
        self._print(line)

    def _print(self, text: str) -> None:
        self._console.print(plain(text), markup=False, highlight=False, soft_wrap=True)


class Bars(Lines):
    """A bar a report that runs, and one for the whole; what ended stays above them as lines.

    Parameters
    ----------
    console, total
        As of `Lines`.
    """

    def __init__(self, console: Any, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        super().__init__(console, total)
        text = TextColumn("{task.description}", markup=False)
        columns = text, BarColumn(), MofNCompleteColumn(), Elapsed()
        self._bars = Progress(*columns, console=console, transient=True)
        self._whole = self._bars.add_task("all reports", total=total)
        self._tasks: dict[str, Any] = {}

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._bars.stop()

    def began(self, job: Job, attempt: int) -> None:
        """Show a bar."""
        self._tasks[job.id] = self._bars.add_task(plain(job.origin.series), total=None)

    def step(self, job: Job, step: Step) -> None:
        """Move it."""
        if job.id in self._tasks:
            text = plain(f"{job.origin.series}: {step.section}")
            self._bars.update(
                self._tasks[job.id], total=step.cells, completed=step.cell - 1, description=text
            )

    def ended(self, job: Job, state: State, again_s: float | None) -> None:
        """Take it away, and leave a line."""
        self._bars.remove_task(self._tasks.pop(job.id))
        super().ended(job, state, again_s)
        self._bars.update(self._whole, completed=self._done)


def watching(total: int) -> AbstractContextManager[Lines]:
    """Return what suits standard error: bars on a terminal, else lines."""
    from rich.console import Console

    console = Console(stderr=True)
    return Bars(console, total) if console.is_terminal else Lines(console, total)
