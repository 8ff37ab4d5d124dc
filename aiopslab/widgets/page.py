"""Page: what a widget knows of the page around it, and what it tells those who do not see it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets


class Page(anywidget.AnyWidget):
    """The page around a widget: its theme, its keys, and a voice for screen readers.

    It shows nothing. It is a child of the box whose keys it takes.

    Attributes
    ----------
    dark : bool
        Whether the page is dark: by JupyterLab's theme, by VS Code's, else by the system's.
    shortcuts : list of str
        The keys that are taken while the focus is inside the box and not in a field of text, by
        their names in ``KeyboardEvent.key``.
    names : dict
        What is read instead of the figure in the element of a class.

    Examples
    --------
    >>> page, heard = Page(shortcuts=["u"]), []
    >>> page.on_key(heard.append)
    >>> page.press("u")
    >>> heard
    ['u']
    """

    _esm = Path(__file__).with_name("page.js")
    dark = traitlets.Bool(False).tag(sync=True)
    shortcuts = traitlets.List(traitlets.Unicode()).tag(sync=True)
    names = traitlets.Dict().tag(sync=True)
    _said = traitlets.Unicode().tag(sync=True)

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self._callbacks: list[Callable[[str], None]] = []
        self._brushes: dict[str, Callable[[list[Any]], None]] = {}
        self._shown: dict[str, Callable[[], None]] = {}
        self.on_msg(lambda _, content, __: self._hear(content))

    def on_key(self, callback: Callable[[str], None]) -> None:
        """Call a function with the name of each key that is pressed, of those in `shortcuts`."""
        self._callbacks.append(callback)

    def press(self, key: str) -> None:
        """Act as if a key were pressed; one that is not in `shortcuts` is passed over."""
        if key in self.shortcuts:
            for callback in self._callbacks:
                callback(key)

    def say(self, text: str) -> None:
        """Have a screen reader say something, once it is idle."""
        # The same words twice are two events; an invisible change makes them so.
        self._said = text + ("\N{NO-BREAK SPACE}" if self._said == text else "")

    def on_brush(self, css_class: str, callback: Callable[[list[Any]], None]) -> None:
        """Call a function with each range of x that is dragged over a figure that has a name."""
        self._brushes[css_class] = callback

    def on_shown(self, css_class: str, callback: Callable[[], None]) -> None:
        """Call a function when a view of the figure of a class, which has a name, has opened."""
        self._shown[css_class] = callback

    def name(self, css_class: str, description: str) -> None:
        """Give the figure in the element of a class a name that is read instead of it."""
        self.names = {**self.names, css_class: description}

    def _hear(self, content: dict[str, Any]) -> None:
        if "key" in content:
            self.press(str(content["key"]))
        shown = self._shown.get(str(content.get("shown")))
        if shown is not None:
            shown()
        brush = self._brushes.get(str(content.get("brush")))
        if brush is not None:
            brush(list(content["range"]))
