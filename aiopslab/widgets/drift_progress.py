"""Progress of what takes seconds before there is a widget to show it in."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import ipywidgets as widgets

PATIENCE = 0.5  # seconds before a bar is shown


@contextmanager
def progress(told: str) -> Iterator[Callable[[float], None]]:
    """Show a bar in the cell that runs, where there is one and it takes long; it goes at the end.

    Parameters
    ----------
    told
        What is done.

    Yields
    ------
    callable
        Which takes the share that is done.

    Examples
    --------
    >>> with progress("Profiling") as tell:
    ...     tell(0.5)
    """
    from IPython import display, get_ipython

    show: Any = display.display
    clear: Any = display.clear_output
    started, bar = time.monotonic(), widgets.FloatProgress(max=1.0, description=told)
    is_shown = False

    def tell(share: float) -> None:
        nonlocal is_shown
        bar.value = share
        if not is_shown and get_ipython() and time.monotonic() - started > PATIENCE:
            is_shown = True
            show(bar)

    try:
        yield tell
    finally:
        if is_shown:
            clear()
        bar.close()
