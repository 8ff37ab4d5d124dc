"""Runs of a launcher: started and stopped by a button, followed, and kept as a short history."""

import threading
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets

from aiopslab.errors import AIOpsLabError
from aiopslab.reports.background import BackgroundRun
from aiopslab.reports.catalogue import Template
from aiopslab.reports.record import PAGE, Record
from aiopslab.reports.render import GLYPHS, state
from aiopslab.widgets.fields import message
from aiopslab.widgets.links import ALONE, alone, served

TICK_S = 0.25  # between two looks at a run
KEPT = 5  # runs in the history
_LINK = (
    'target="_blank" rel="noopener" '
    'style="color: var(--jp-content-link-color, revert); text-decoration: underline"'
)


class Runs:
    """A button that runs, one that stops, how far the run is, and what the last ones came to.

    One run goes on at a time, in a process of its own, so that the kernel stays free.

    Parameters
    ----------
    request
        Asked for a template and its values when *Run* is pressed; what it raises is shown.
    folder
        Of the gallery.
    say
        Told what screen readers shall announce.

    Attributes
    ----------
    start, stop : ipywidgets.Button
        To be pressed.
    bar : ipywidgets.IntProgress
        Code cells begun, of all.
    run : BackgroundRun or None
        The last that was started.
    records : list of Record
        Of the runs that ended, the last one first.
    box : ipywidgets.VBox
        What is shown.
    """

    def __init__(
        self,
        request: Callable[[], tuple[Template, Mapping[str, Any]]],
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        self._request, self.folder, self._say = request, folder, say
        self.run: BackgroundRun | None = None
        self.records: list[Record] = []
        self.start = widgets.Button(
            description="Run", tooltip="Run the report in the background", icon="play"
        )
        self.stop = widgets.Button(
            description="Stop",
            tooltip="Stop the run, and keep what there is of its report",
            icon="stop",
            disabled=True,
        )
        self.bar = widgets.IntProgress(min=0, max=1, layout=widgets.Layout(width="16em"))
        self._progress, self._told, self._history = (widgets.HTML() for _ in range(3))
        self.start.on_click(lambda _: self._start())
        self.stop.on_click(lambda _: self._stop())
        row = widgets.Layout(flex_flow="row wrap", align_items="center")
        self.box = widgets.VBox(
            [
                widgets.HBox([self.start, self.stop, self.bar, self._progress], layout=row),
                self._told,
                self._history,
            ]
        )

    def _start(self) -> None:
        if self.run is not None and self.run.is_running:
            return
        try:
            template, values = self._request()
            self.run = run = BackgroundRun(template, values, self.folder)
        except AIOpsLabError as error:
            self._told.value = message(error.problem, error.remedy)
            return
        self.quiet()
        self.start.disabled, self.stop.disabled = True, False
        self._say(f"Started: {template.title}")
        threading.Thread(target=self._follow, args=(run,), daemon=True).start()

    def quiet(self) -> None:
        """Take back what was wrong with the last request; it may be mended by now."""
        self._told.value = ""

    def _stop(self) -> None:
        if self.run is not None and self.run.is_running:
            self.stop.disabled = True
            self.run.stop()
            self._say("Stopping the run")

    def _follow(self, run: BackgroundRun) -> None:
        """Show how far a run is until it ends; in a thread, so that the kernel stays free."""
        section = ""
        while not run.wait(TICK_S):
            self._show(run)
            if run.step.section != section:
                section = run.step.section
                self._say(f"{section}: cell {run.step.cell} of {run.step.cells}")
        self._show(run)
        try:
            record = run.record()
        except AIOpsLabError as error:
            self._told.value = message(error.problem, error.remedy)
        else:
            alone(self.folder / record.id / PAGE)
            self.records.insert(0, record)
            self._history.value = self.history()
            self._say(_outcome(record))
        self.start.disabled, self.stop.disabled = False, True

    def _show(self, run: BackgroundRun) -> None:
        step = run.step
        self.bar.max, self.bar.value = max(step.cells, 1), step.cell
        where = f"{step.section} · cell {step.cell} of {step.cells}" if step.cell else "starting"
        if not run.is_running:
            where = "ended"
        elif self.stop.disabled:
            where = "stopping"
        self._progress.value = f"{escape(where)} · {run.elapsed_s:.0f} s"

    def history(self) -> str:
        """Return the last runs as a list, each with its verdict and where its report is."""
        items = [_item(each, self.folder / each.id / PAGE) for each in self.records[:KEPT]]
        return f'<ul aria-label="Runs, the last first">{"".join(items)}</ul>' if items else ""


def _outcome(record: Record) -> str:
    """Say what a run came to, its level as a sign and as a word."""
    level = state(record)
    told = record.failure or (record.verdict.headline if record.verdict else "")
    return f"{GLYPHS[level]} {level}: {told}"


def _item(record: Record, page: Path) -> str:
    url = served(page.with_name(ALONE))
    link = ""
    if url is not None:
        link = f'<a href="{escape(url)}" {_LINK}>Open the report</a> · '
    where = f"{link}<code>{escape(str(page))}</code>"
    told = f"{record.template}, {record.started[11:19]} UTC, {record.duration_s:.0f} s, {record.id}"
    return (
        f'<li style="line-height: 1.4"><b>{escape(_outcome(record))}</b><br>'
        f"{where}<br><small>{escape(told)}</small></li>"
    )
