"""Terminal: texts of others as lines and tables, how far something is, and mistakes as messages."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

from aiopslab.errors import AIOpsLabError
from aiopslab.mlflow_server import without_credentials
from aiopslab.wording import plain

if TYPE_CHECKING:
    import pandas as pd

UNUSABLE = 2  # the exit code, which click gives a wrong command too


class Unusable(click.ClickException):
    """What a pipeline must not take for an answer; exits with 4 where a policy denies it."""

    def __init__(self, error: AIOpsLabError) -> None:
        told = without_credentials(str(error))
        super().__init__("\n".join(map(plain, told.splitlines())))
        self.exit_code = max(UNUSABLE, error.exit_code)  # type: ignore[misc]


class Group(click.Group):
    """A group whose commands end in a message where the user can mend it."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except AIOpsLabError as error:
            raise Unusable(error) from None


class Counted(Protocol):
    """Something that knows how far it is, and says so."""

    @property
    def total(self) -> int:
        """How much there is to do."""

    @property
    def done(self) -> int:
        """How much of it is done."""


@contextmanager
def shown() -> Iterator[Callable[[Counted], None]]:
    """Show progress as it comes, on a terminal or in a notebook.

    Yields
    ------
    Callable
        To be handed to what takes time as its ``report``.

    Examples
    --------
    >>> with shown() as report:  # doctest: +SKIP
    ...     run_prompts(prompts, items, endpoint, store, report=report)
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), Left())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=None, visible=False)

        def report(progress: Counted) -> None:
            total, done = progress.total, progress.done
            bar.update(task, total=total, completed=done, description=str(progress), visible=True)

        yield report


def aligned(table: "pd.DataFrame") -> Iterator[str]:
    r"""Yield the lines of a table, its columns as wide as their widest cell.

    Examples
    --------
    >>> import pandas as pd
    >>> print(*aligned(pd.DataFrame({"version": ["v1", "日本"], "calls": [9, 12]})), sep="\n")
    version  calls
    v1           9
    日本        12
    """
    from pandas.api.types import is_numeric_dtype
    from rich.cells import cell_len

    columns = []
    for name in table:
        cells = [plain(str(name)), *(plain(str(each)) for each in table[name])]
        width = max(map(cell_len, cells))
        gaps = [" " * (width - cell_len(each)) for each in cells]
        is_number = is_numeric_dtype(table[name])
        columns.append(
            [gap + each if is_number else each + gap for each, gap in zip(cells, gaps, strict=True)]
        )
    for row in zip(*columns, strict=True):
        yield "  ".join(row).rstrip()


def indented(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines as those that belong to the one before."""
    for each in lines:
        yield f"  {plain(each)}"
