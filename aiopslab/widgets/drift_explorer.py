"""The drift explorer: two windows by brush, what moved between them, and alarms on history."""

from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import ipywidgets as widgets
import pandas as pd

from aiopslab.charts.theme import BLUE, VERMILION  # of the two sides of distributions, too
from aiopslab.drift.observations import Roles
from aiopslab.errors import AIOpsLabError
from aiopslab.reports.invocation import command_line
from aiopslab.sources.evidence import Evidence
from aiopslab.widgets.button import button
from aiopslab.widgets.drift_controls import (
    WIDE,
    threshold_slider,
    windows_slider,
)
from aiopslab.widgets.drift_html import (
    alarms_html,
    command_html,
    feature_html,
    features_frame,
    features_html,
    notes_html,
    segments_html,
)
from aiopslab.widgets.drift_progress import progress
from aiopslab.widgets.drift_state import DriftState
from aiopslab.widgets.drift_strip import effects_strip, most_moved, rows_strip
from aiopslab.widgets.panel import Panel
from aiopslab.widgets.table import Table
from aiopslab.widgets.view import View
from aiopslab.widgets.window import WindowBrush

TOP = 10  # features that are shown where no kernel runs


class DriftExplorer(View):
    """Compares two windows of observations of a model, which a person sets on their time.

    Both windows are dragged or set by the keyboard; features are then listed by their effect, the
    one that is picked is drawn, and history shows the alarms that a threshold would have raised.

    Parameters
    ----------
    observations
        What is judged, with times; both windows are set on it where there is no reference.
    reference
        Observations that are known to be good, with times of their own.
    roles
        Which column is what; the usual names where ``None``.

    Attributes
    ----------
    selection : dict
        ``reference`` and ``current`` (times of the first and the last row of each window, ISO
        8601), ``feature`` (the one that is drawn), ``threshold`` (in margins) and ``windows`` (of
        history, a duration). It can be observed.
    state : DriftState
        With ``comparison`` and ``replay``, the results that are shown.

    Raises
    ------
    FrameError
        If a table cannot be read or has no times, or the two have no column in common.

    Notes
    -----
    Windows are of whole bins of time, at most 200 of them, whose profiles are made once.

    Examples
    --------
    >>> from aiopslab import drift
    >>> good, now = (drift.open_observations(f"sample://{name}")
    ...              for name in ("no-fault", "classifier-degraded"))
    >>> explorer = DriftExplorer(now, good)
    >>> explorer.selection["feature"]
    'score'
    >>> sorted(explorer.to_parameters())
    ['current', 'end', 'reference', 'reference_end', 'reference_start', 'start']
    """

    def __init__(
        self,
        observations: Evidence | pd.DataFrame,
        reference: Evidence | pd.DataFrame | None = None,
        roles: Roles | None = None,
    ) -> None:
        super().__init__("Drift explorer")
        tables = [observations] if reference is None else [reference, observations]
        with progress("Profiling") as told:
            self.state = DriftState(tables, roles, told)
        self._is_drawing = False
        self._make()
        self._follow_windows()
        self._draw_history()
        self._observe()
        self.show(*self._layout())

    def to_parameters(self) -> dict[str, Any]:
        """Return the parameters of the template ``drift`` that compare the same rows.

        Raises
        ------
        SourceError
            If the observations are a table in memory.
        """
        return self.state.parameters()

    def summary(self) -> str:
        """Return the headline and the features that moved most, as HTML."""
        frame = features_frame(self.state.comparison)
        return (
            f"<p><b>{escape(self.state.headline())}.</b></p>{notes_html(self.state.notes())}"
            f"{features_html(frame.head(TOP))}{self.alarms.value}{self.tree.value}"
        )

    def pictures(self) -> list[Any]:
        """Return history, and the distributions of the feature that is picked."""
        return [self._strip(), self.state.comparison.distribution(self.state.feature)]

    def __repr__(self) -> str:
        return f"DriftExplorer({self.state.headline()})"

    def _make(self) -> None:
        state = self.state
        self.threshold = threshold_slider()
        self.windows = windows_slider(state.lengths, state.length)
        self.picker = widgets.Dropdown(
            description="Feature", tooltip="Whose distributions are drawn", **WIDE
        )
        self.more = button("Intervals of all", "Estimate the interval of every effect")
        self.search = button("Find segments", "Search for the segments in which the windows differ")
        title = "Observations: drag the reference" if state.latest == 0 else "Reference"
        first, last = state.binned.span(0)
        self.reference = WindowBrush(
            self.page,
            rows_strip(state.binned.bins.iloc[first:last], title),
            state.edges(0),
            state.window(state.reference),
            "reference",
            BLUE,
        )
        self.current = WindowBrush(
            self.page,
            self._strip(),
            state.edges(state.latest),
            state.window(state.current),
            "current",
            VERMILION,
        )
        self.report = button("As a report", "Show the command that compares these windows headless")
        self.table = Table(features_frame(state.comparison), "Features by effect")
        self.distribution = Panel(self.page)
        self.notes, self.head, self.alarms, self.told = (widgets.HTML() for _ in range(4))
        self.tree, self.busy, self.command = (widgets.HTML() for _ in range(3))

    def _layout(self) -> list[Any]:
        row = widgets.Layout(flex_flow="row wrap")
        return [
            self.head,
            self.notes,
            self.reference.widget,
            self.current.widget,
            widgets.HBox([self.threshold, self.windows], layout=row),
            self.alarms,
            widgets.HBox([self.picker, self.more, self.search, self.report], layout=row),
            self.busy,
            self.table.widget,
            self.told,
            self.distribution.widget,
            self.tree,
            self.command,
        ]

    def _observe(self) -> None:
        self.reference.observe(lambda change: self._set_reference(change["new"]), "window")
        self.current.observe(lambda change: self._set_current(change["new"]), "window")
        self.threshold.observe(lambda _: self._raise_alarms(), "value")
        self.windows.observe(lambda change: self._look_back(change["new"]), "value")
        self.picker.observe(lambda change: self._pick(change["new"]), "value")
        self.table.on_pick(self._pick_row)
        self.more.on_click(lambda _: self._intervals())
        self.search.on_click(lambda _: self._search())
        self.report.on_click(lambda _: self._tell_command())

    def _set_reference(self, window: tuple[pd.Timestamp, pd.Timestamp]) -> None:
        with self._telling():
            self.state.set_reference(window)
            self._follow_windows()
            self._draw_history()

    def _set_current(self, window: tuple[pd.Timestamp, pd.Timestamp]) -> None:
        with self._telling():
            self.state.set_current(window)
            self._follow_windows()

    def _look_back(self, length: pd.Timedelta) -> None:
        with self._telling():
            self.state.look_back(length)
            self._raise_alarms()

    def _raise_alarms(self) -> None:
        self._draw_history()
        self.page.say(self.state.replay.told(self.threshold.value))

    def _pick_row(self, row: int) -> None:
        self._pick(self._rows[row])

    def _pick(self, feature: str | None) -> None:
        if self._is_drawing or feature is None or feature == self.state.feature:
            return
        with self._telling():
            self.state.pick(feature)
            self._draw_feature()
            if feature not in {trace.name for trace in self.current.panel.figure.data}:
                self._draw_history()

    def _intervals(self) -> None:
        with self._telling(), self._working("Estimating the intervals…", self.more):
            self.state.compare(at_once=len(self.state.comparison.features))
            self._draw_features()

    def _search(self) -> None:
        rows, more = self.state.rows()
        told = f"Searching segments in {rows:,} and {more:,} rows; with many columns, a minute…"
        with self._telling(), self._working(told, self.search):
            self.tree.value = segments_html(self.state.segments())
            self.page.say("The segments are below the distributions.")

    def _tell_command(self) -> None:
        with self._telling():
            self.command.value = command_html(command_line("drift", self.to_parameters()))

    def _follow_windows(self) -> None:
        """Show what a window changes; segments and command were those of the windows before."""
        self.tree.value = self.command.value = ""
        self.notes.value = notes_html(self.state.notes())
        told = f"{self.state.headline()}."
        self.head.value = f"<p><b>{escape(told)}</b><br>{escape(self.state.sides())}.</p>"
        self.page.say(told)
        self._draw_features()

    def _draw_features(self) -> None:
        self._rows = [each.feature for each in self.state.comparison.features]
        self.table.draw(features_frame(self.state.comparison))
        self._draw_feature()

    def _draw_feature(self) -> None:
        self._is_drawing = True  # not a person picks
        if list(self.picker.options) != self._rows:
            self.picker.options = self._rows
        self.picker.value = self.state.feature
        self._is_drawing = False
        self.told.value = feature_html(self.state.picked())
        self.distribution.draw(self.state.comparison.distribution(self.state.feature))
        self._select()

    def _strip(self) -> Any:
        state = self.state
        first, last = state.binned.span(state.latest)
        return effects_strip(
            state.binned.bins.iloc[first:last],
            state.replay,
            self.threshold.value,
            most_moved(state.replay, state.feature),
        )

    def _draw_history(self) -> None:
        state = self.state
        self.current.draw(self._strip())
        self.alarms.value = alarms_html(state.replay, self.threshold.value, state.margins)
        self._select()

    def _select(self) -> None:
        self.selection = {**self.state.chosen(), "threshold": round(self.threshold.value, 4)}

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Show an error of the library as a message, with everything as it was."""
        try:
            yield
        except AIOpsLabError as error:
            self.notes.value = notes_html([str(error)], "alert")

    @contextmanager
    def _working(self, told: str, button: Any) -> Iterator[None]:
        """Say what takes long, and leave its button alone until it is done."""
        button.disabled = True
        self.busy.value = f'<p role="status">⏳ {escape(told)}</p>'
        self.page.say(told)
        try:
            yield
        finally:
            button.disabled, self.busy.value = False, ""
