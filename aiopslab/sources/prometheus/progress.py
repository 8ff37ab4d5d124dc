"""A progress bar for whoever watches, and silence for a scheduler."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Count steps; drawn only if there are several and somebody is there to see it.

    Parameters
    ----------
    label
        What is being waited for.
    total
        How many steps there are.

    Yields
    ------
    callable
        Call it after each step.
    """
    if total < 2 or not _is_watched():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


def _is_watched() -> bool:
    """Tell a terminal or a person's notebook from a scheduled run."""
    if sys.stderr.isatty():
        return True
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    # A front end lets cells ask for input; papermill and nbconvert do not.
    return bool(getattr(getattr(shell, "kernel", None), "_allow_stdin", False))
