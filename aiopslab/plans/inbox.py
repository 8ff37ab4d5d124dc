"""An inbox, into which threads put what happens."""

import queue
from typing import TypeVar

Item = TypeVar("Item")


def emptied(inbox: "queue.Queue[Item]", timeout_s: float) -> list[Item]:
    """Return all that is in an inbox; wait for a time where nothing is.

    Examples
    --------
    >>> inbox = queue.Queue()
    >>> inbox.put(1); inbox.put(2)
    >>> emptied(inbox, 0.01), emptied(inbox, 0.01)
    ([1, 2], [])
    """
    found = []
    try:
        found.append(inbox.get(timeout=timeout_s))
        while True:
            found.append(inbox.get_nowait())
    except queue.Empty:
        return found
