"""Progress: how far a run is, and what it has cost so far."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Progress:
    """How far a run is.

    Parameters
    ----------
    total
        Calls that the run is made of.
    answered, reused, failed
        By the endpoint now, out of the store, and not at all.
    cost_usd
        Of what was asked now; attempts that were cut off count with the most that they can cost
        where there is a cap.
    """

    total: int
    answered: int = 0
    reused: int = 0
    failed: int = 0
    cost_usd: float = 0.0

    @property
    def done(self) -> int:
        """Calls that need no more."""
        return self.answered + self.reused + self.failed

    def __str__(self) -> str:
        told = f"{self.done:,} of {self.total:,} calls, {self.reused:,} reused"
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{told}{failed}, {self.cost_usd:.4f} USD"


@contextmanager
def shown() -> Iterator[Callable[[Progress], None]]:
    """Show progress as it comes, on a terminal or in a notebook.

    Yields
    ------
    Callable
        To be handed to a run as its ``report``.

    Examples
    --------
    >>> with shown() as report:  # doctest: +SKIP
    ...     run_prompts(prompts, items, endpoint, store, report=report)
    """
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("calls", total=None)

        def report(progress: Progress) -> None:
            bar.update(
                task, total=progress.total, completed=progress.done, description=str(progress)
            )

        yield report
