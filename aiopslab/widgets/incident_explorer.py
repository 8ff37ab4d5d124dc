"""The incident explorer: a window is brushed, and all that the evidence says of it follows."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets as widgets
import pandas as pd

from aiopslab.errors import AIOpsLabError
from aiopslab.incident.analysis import IncidentAnalysis
from aiopslab.incident.case import prepare
from aiopslab.incident.window import WindowReader, analyse_window, likely_window
from aiopslab.incident.window_tables import WindowTables, ranking_frame
from aiopslab.reports.invocation import command_line
from aiopslab.sources import check
from aiopslab.sources.evidence import Evidence
from aiopslab.widgets.incident_cause import CauseForm
from aiopslab.widgets.incident_figures import services_map, window_timeline
from aiopslab.widgets.incident_html import alert, analysed, command, first_reading
from aiopslab.widgets.incident_tabs import IncidentTabs
from aiopslab.widgets.panel import Panel
from aiopslab.widgets.table import Table
from aiopslab.widgets.view import View
from aiopslab.widgets.window import WindowBrush

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from aiopslab.widgets.panel import Pick

Found = TypeVar("Found")

NOBODY = "(no service)"
SHOWN = 3  # services whose series are drawn
ROWS = 10  # of the ranking where no kernel runs


class IncidentExplorer(View):
    """Explores an incident: whichever window is brushed is taken as it.

    The services are ranked by what is off within the window against what lies before it; what comes
    after it is left out. That first reading comes at once. The verdict, with intervals, is that of
    the report, and comes when it is asked for.

    Parameters
    ----------
    evidence
        Evidence, or frames by name. Preparing it takes a while: some 50 s of a million log lines.
    labels
        File in which causes that are marked are kept, see `aiopslab.incident.cause_labels`;
        ``None`` keeps none.

    Attributes
    ----------
    selection : dict
        ``start, end`` (ISO 8601) and ``service``, which is pinned, or ``None``. It can be observed.
    analysis : IncidentAnalysis or None
        Of the window, once it is analysed.

    Raises
    ------
    AIOpsLabError
        If the evidence has nothing at two times, or the labels cannot be kept.

    Examples
    --------
    >>> from aiopslab import sources
    >>> explorer = IncidentExplorer(sources.open("sample://retriever-latency"))
    >>> explorer.ranking["service"].iloc[0]
    'retriever'
    >>> sorted(explorer.to_parameters())
    ['end', 'evidence', 'onset', 'start']
    """

    def __init__(
        self,
        evidence: Evidence | Mapping[str, pd.DataFrame],
        labels: str | Path | None = None,
    ) -> None:
        super().__init__("Incident explorer")
        self._is_opened = isinstance(evidence, Evidence)
        self.evidence = evidence if isinstance(evidence, Evidence) else Evidence.of(evidence)
        self.case = prepare(self.evidence.frames)
        self._reader = WindowReader(self.case)
        self._window = likely_window(self.case)
        self._service: str | None = None
        self.analysis: IncidentAnalysis | None = None
        self.ranking, self.suspects = pd.DataFrame(), pd.DataFrame()
        self._scores, self._named = pd.Series(dtype=float), list[str]()
        self.headline, self.command = widgets.HTML(), widgets.HTML()
        self.pin = widgets.Dropdown(
            options=[NOBODY, *self.case.services],
            description="Pinned:",
            tooltip="Whose evidence is shown; also a click on the map or in the ranking",
        )
        self.button = widgets.Button(
            description="Analyse this window",
            tooltip="Intervals, probabilities and the verdict of the report",
            layout=widgets.Layout(width="auto"),
        )
        self._read()
        times = pd.DatetimeIndex(self.case.series.index)
        self.brush = WindowBrush(
            self.page, self._timeline(), times, self._window, "Incident window"
        )
        self.map = Panel(self.page, self._map())
        self.table = Table(self.ranking, "Services, the likeliest cause first")
        held: set[str] = {name for name, frame in self.evidence.frames.items() if len(frame)}
        self.tabs = IncidentTabs(WindowTables(self.evidence.frames, self.case), held)
        self.cause = CauseForm(
            labels,
            self.evidence.source,
            self.evidence.digest,
            lambda: (*self._window, self._service),
            self.page.say,
        )
        self._no_calls = widgets.HTML("" if self.case.topology is not None else _NO_CALLS)
        self.brush.observe(lambda change: self._move(change["new"]), "window")
        self.map.on_pick(self._picked)
        self.table.on_pick(lambda row: self._pin(str(self.ranking["service"].iloc[row])))
        self.pin.observe(lambda change: self._pinned(change["new"]), "value")
        self.button.on_click(lambda _: self._analyse())
        self.show(
            self.headline,
            self.brush.widget,
            widgets.HBox([self.pin, self.button], layout=widgets.Layout(flex_flow="wrap")),
            self.table.widget,
            self.map.widget,
            self._no_calls,
            self.tabs.widget,
            self.cause.widget,
            self.command,
        )
        self._follow()

    def to_parameters(self) -> dict[str, Any]:
        """Return the window as parameters of the template ``incident``.

        Returns
        -------
        dict
            ``evidence`` (and ``also``, of evidence that was joined), ``start`` and ``end`` of what
            is read, and ``onset``, the start of the window.

        Raises
        ------
        AIOpsLabError
            If the evidence is not from a URL, so that no report can open it.
        """
        urls = self.evidence.source.split(" + ")
        try:
            if not self._is_opened:
                raise AIOpsLabError("frames have no URL")
            first, *also = [check(each) for each in urls]
        except AIOpsLabError as error:
            raise AIOpsLabError(
                f"the evidence cannot be opened by a report: {error.problem}",
                "Open it by its URL, with sources.open(…), and explore that.",
            ) from None
        start, end = self._window
        began = self.evidence.start or self.case.series.index[0]
        told: dict[str, Any] = {"evidence": first, "also": also} if also else {"evidence": first}
        return told | {
            "start": began.isoformat(),
            "end": end.isoformat(),
            "onset": start.isoformat(),
        }

    def analyse(self) -> IncidentAnalysis:
        """Analyse the window as the report does, show that, and return it.

        Raises
        ------
        FrameError
            If nothing lies before the window, or nothing in it.
        """
        analysis = analyse_window(self.case, *self._window)
        self._analysed(analysis)
        return analysis

    def summary(self) -> str:
        """Return the headline and the ranking as HTML."""
        table = self.ranking.head(ROWS).to_html(index=False, border=0, na_rep="")
        return f"{self.headline.value}{table if len(self.ranking) else ''}"

    def pictures(self) -> "list[go.Figure]":
        """Return the timeline and the map."""
        return [self._timeline(), self._map()]

    def __repr__(self) -> str:
        start, end, service = self.selection.values()
        return f"IncidentExplorer({self.evidence.source!r}: {start} to {end}, {service} pinned)"

    def _move(self, window: tuple[pd.Timestamp, pd.Timestamp]) -> None:
        """Take another window."""
        self._window, self.analysis = (window[0], window[1]), None
        self._read()
        self._draw()

    def _read(self) -> None:
        """Rank the services by the window."""
        try:
            services, self.suspects = self._reader.read(*self._window)
        except AIOpsLabError as error:
            self.ranking = pd.DataFrame(columns=["service", "score", "strongest"])
            self._scores, self._named = pd.Series(dtype=float), []
            self.headline.value = alert(error)
            return
        self.ranking = ranking_frame(services, self.suspects)
        self._scores, self._named = services.set_index("service")["score"], []
        reading = first_reading(*self._window, self.ranking, self._reader.is_whole)
        self.headline.value = reading

    def _draw(self) -> None:
        self.table.draw(self.ranking)
        self._follow()
        self.map.draw(self._map())

    def _follow(self) -> None:
        """Let tabs, selection and command follow the window and what is pinned."""
        self.tabs.draw(*self._window, self._service)
        start, end = (each.isoformat() for each in self._window)
        self.selection = {"start": start, "end": end, "service": self._service}
        try:
            self.command.value = command(command_line("incident", self.to_parameters()))
        except AIOpsLabError as error:
            self.command.value = alert(error)

    def _picked(self, pick: "Pick") -> None:
        self._pin(str(pick.data))

    def _pin(self, service: str) -> None:
        if service in self.pin.options:
            self.pin.value = service

    def _pinned(self, service: str) -> None:
        self._service = None if service == NOBODY else service
        self.brush.draw(self._timeline())
        self._follow()
        self.page.say(f"{service} pinned" if self._service else "Nothing pinned")

    def _analyse(self) -> None:
        window = self._window
        self.button.disabled, self.button.description = True, "Analysing …"
        self.page.say("Analysing the window")

        def work() -> IncidentAnalysis | AIOpsLabError:
            try:
                return analyse_window(self.case, *window)
            except AIOpsLabError as error:
                return error

        def then(found: IncidentAnalysis | AIOpsLabError) -> None:
            self.button.disabled, self.button.description = False, "Analyse this window"
            if isinstance(found, AIOpsLabError):
                self.headline.value = alert(found)
            elif window == self._window:
                self._analysed(found)

        _meanwhile(work, then)

    def _analysed(self, analysis: IncidentAnalysis) -> None:
        self.analysis, self.suspects = analysis, analysis.suspects
        self.ranking = ranking_frame(analysis.services, analysis.suspects)
        self._scores = analysis.services.set_index("service")["score"]
        self._named = analysis.named
        self.headline.value = analysed(analysis, self.evidence.get("changes"))
        self.brush.draw(self._timeline())
        self._draw()
        self.page.say(analysis.verdict().headline)

    def _timeline(self) -> "go.Figure":
        """Draw the series that tell most of the window, those of the pinned service first."""
        shown = self._named or self.ranking["service"].head(SHOWN).tolist()
        return window_timeline(
            self.evidence, self.case, self.suspects, self._window[0], shown, self._service
        )

    def _map(self) -> "go.Figure":
        return services_map(self.case, self._scores, self._named)


_NO_CALLS = (
    "<p>Who calls whom is not known. Add traces, or a topology: "
    "<code>sources.open(…).joined(sources.open(&quot;topology.csv&quot;))</code>.</p>"
)


def _meanwhile(work: Callable[[], Found], then: Callable[[Found], None]) -> None:
    """Work beside the event loop of a kernel, or at once where none runs."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        then(work())
        return
    loop.run_in_executor(None, work).add_done_callback(lambda done: then(done.result()))
