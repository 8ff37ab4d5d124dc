"""Button: as wide as its text, with a word on what it does."""

from typing import Any

import ipywidgets as widgets


def button(text: str, told: str) -> Any:
    """Return a button that is as wide as its text.

    Examples
    --------
    >>> button("Undo", "Take the last back").tooltip
    'Take the last back'
    """
    return widgets.Button(description=text, tooltip=told, layout=widgets.Layout(width="auto"))
