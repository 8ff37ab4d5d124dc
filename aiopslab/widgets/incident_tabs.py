"""What happened in a window, in tabs: log lines, slow paths, alerts, changes."""

from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd

from aiopslab.incident.window_tables import WindowTables
from aiopslab.widgets.table import PagedTable, Table

Find = Callable[[pd.Timestamp, pd.Timestamp, str | None], pd.DataFrame]

NOTES = {
    "logs": "Log lines of the window.",
    "spans": "Where the slowest requests of the window spend their time, and did before it.",
    "alerts": "Alerts that fired in the window.",
    "changes": "What was changed in the window and in the half hour before it.",
}
TITLES = {"logs": "Logs", "spans": "Traces", "alerts": "Alerts", "changes": "Changes"}
MISSING = {
    "logs": ("log lines", "loki+http://…"),
    "spans": ("traces", "tempo+http://…"),
    "alerts": ("alerts", "alertmanager+http://…"),
    "changes": ("changes", "git+file://…"),
}


class IncidentTabs:
    """The tabs of the incident explorer. What is not open is read when it is opened.

    Parameters
    ----------
    tables
        That are shown.
    held
        Names of the frames that the evidence has; the tab of another tells how to add it.
    """

    def __init__(self, tables: WindowTables, held: set[str]) -> None:
        self._find: dict[str, Find] = {
            "logs": tables.logs,
            "spans": tables.paths,
            "alerts": tables.alerts,
            "changes": tables.changes,
        }
        self._names = list(self._find)
        self._held = held
        self._stale: set[str] = set()
        self._asked: tuple[pd.Timestamp, pd.Timestamp, str | None] | None = None
        self.tables: dict[str, Any] = {}
        self.notes = {name: widgets.HTML() for name in self._names}
        self._boxes = {name: widgets.VBox([self.notes[name]]) for name in self._names}
        self.widget = widgets.Tab(
            list(self._boxes.values()), titles=[TITLES[name] for name in self._names]
        )
        self.widget.selected_index = 0
        self.widget.observe(lambda _: self._show(), "selected_index")
        for name in self._names:
            if name not in held:
                self.notes[name].value = _missing(name)

    def draw(self, start: pd.Timestamp, end: pd.Timestamp, service: str | None) -> None:
        """Show another window, of one service where it is named."""
        self._asked = start, end, service
        self._stale = {name for name in self._names if name in self._held}
        self._show()

    def _show(self) -> None:
        name = self._names[self.widget.selected_index or 0]
        if name not in self._stale or self._asked is None:
            return
        self._stale.discard(name)
        found = self._find[name](*self._asked)
        self.notes[name].value = _told(name, found, self._asked[2])
        if name not in self.tables:
            caption = NOTES[name].rstrip(".")
            self.tables[name] = (
                PagedTable(found, caption, searched=("body", "service"))
                if name == "logs"
                else Table(found, caption)
            )
            self._boxes[name].children = [self.notes[name], self.tables[name].widget]
        else:
            self.tables[name].draw(found)


def _told(name: str, found: pd.DataFrame, service: str | None) -> str:
    of = f" Of {escape(service)} alone." if service else ""
    count = f"{len(found):,} rows." if len(found) else "There are none."
    return f"<p>{NOTES[name]}{of} {count}</p>"


def _missing(name: str) -> str:
    what, url = MISSING[name]
    return (
        f"<p>This evidence has no {what}. Join some of the same time, e.g. "
        f"<code>sources.open(…).joined(sources.open(&quot;{url}&quot;))</code>.</p>"
    )
