"""The overview board: five health tiles, whose targets and window are moved by hand."""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
import pandas as pd

from aiopslab.errors import AIOpsLabError
from aiopslab.findings import LEVELS
from aiopslab.overview import Overview, Targets, prepare
from aiopslab.overview.drawing import trend_figure, whole_figure
from aiopslab.overview.tile import GLYPHS, Tile
from aiopslab.reports.invocation import command_line
from aiopslab.retrieval.freshness import Freshness
from aiopslab.widgets.panel import Panel
from aiopslab.widgets.target_sliders import TargetSliders
from aiopslab.widgets.tile_cards import TileCards
from aiopslab.widgets.view import View
from aiopslab.widgets.window import WindowBrush

if TYPE_CHECKING:
    import plotly.graph_objects as go

TIMES = 121  # that an end of the window can be set to
_DEFAULTS = Targets()


class OverviewBoard(View):
    """Shows the health of a system, and lets a person ask what if.

    Choose a tile to see its trend, its targets and the report that looks into it. A target that is
    moved judges anew what was measured; a window that is dragged is measured anew, and judged as
    it was then.

    Parameters
    ----------
    frames
        By name: ``metrics``, ``topology``, ``observations``, ``calls``, …; see
        `aiopslab.overview.tiles`.
    targets
        To begin with.
    now
        When it is judged; the end of the evidence where ``None``.
    freshness
        What `aiopslab.retrieval.staleness` found of the index.
    source
        URL that the frames were opened from; without it no report can be told where they are.
    confidence
        Of every interval.

    Attributes
    ----------
    selection : dict
        ``tile``, and ``start`` and ``end`` of the window (ISO 8601; ``None`` where nothing has a
        time).
    overview : Overview
        What is shown.

    Raises
    ------
    ParameterError
        If the confidence is none.
    FrameError
        If `now` is not a time.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=60, freq="min", tz="UTC")
    >>> observations = pd.DataFrame({"timestamp": times, "prediction": "cat"})
    >>> observations["target"] = (["cat"] * 9 + ["dog"]) * 6
    >>> board = OverviewBoard({"observations": observations})
    >>> board.selection["tile"], board.overview["model accuracy"].state
    ('model accuracy', 'ok')
    >>> board.sliders.by_name["accuracy"].value = 0.92
    >>> board.overview["model accuracy"].state
    'watch'
    """

    def __init__(
        self,
        frames: Mapping[str, pd.DataFrame],
        targets: Targets = _DEFAULTS,
        now: str | datetime | pd.Timestamp | None = None,
        *,
        freshness: Freshness | None = None,
        source: str | None = None,
        confidence: float = 0.95,
    ) -> None:
        super().__init__("Overview")
        self.prepared = prepare(frames, now, freshness=freshness, source=source)
        self.confidence = confidence
        self.whole = self.overview = self.prepared.judge(targets, confidence=confidence)
        self.cards = TileCards(chosen=_worst(self.overview).name)
        self.sliders = TargetSliders(targets, self._retarget)
        self.headline, self.detail = widgets.HTML(), widgets.HTML()
        self.panel = Panel(self.page)
        self.brush = self._brush()
        self.cards.observe(lambda _: self._choose(), "chosen")
        below = [self.panel.widget, *([self.brush.widget] if self.brush else [])]
        self.show(self.headline, self.cards, self.sliders.widget, self.detail, *below)
        self._choose()

    @property
    def tile(self) -> Tile:
        """The tile that is chosen."""
        return self.overview[self.cards.chosen]

    def to_parameters(self) -> dict[str, Any]:
        """Return what the report of the chosen tile is told: its evidence, and the window.

        Its template is ``board.tile.link.template``. Empty where the source is not known.
        """
        return dict(self.tile.link.parameters)

    def summary(self) -> str:
        """Return headline and tiles."""
        return f"{self.headline.value}\n{self.overview._repr_html_()}"

    def pictures(self) -> "list[go.Figure]":
        """Return the trend of the chosen tile."""
        return [trend_figure(self.tile)]

    def _brush(self) -> WindowBrush | None:
        """Return what chooses the window, where there are two times to choose from."""
        start, end = self.prepared.start, self.prepared.end
        if start is None or end is None or start >= end:
            return None
        times = pd.date_range(start, end, periods=TIMES)
        figure = whole_figure(self.whole[self.cards.chosen])
        brush = WindowBrush(self.page, figure, times, window=(start, end), label="judged")
        brush.observe(lambda change: self._remeasure(*change["new"]), "window")
        return brush

    def _remeasure(self, start: pd.Timestamp, end: pd.Timestamp) -> None:
        try:
            self.overview = self.prepared.judge(self.sliders.targets, start, end, self.confidence)
        except AIOpsLabError as error:
            self._alert(error)
            return
        self._show()

    def _retarget(self, targets: Targets) -> None:
        self.overview = self.overview.against(targets)
        self._show()

    def _choose(self) -> None:
        """Show another tile."""
        if self.cards.chosen not in {each.name for each in self.overview.tiles}:
            return
        self.sliders.show([each.target for each in self.tile.measures])
        if self.brush is not None:
            self.brush.draw(whole_figure(self.whole[self.cards.chosen]))
        self._show()

    def _show(self) -> None:
        verdict = self.overview.verdict()
        told = f"{GLYPHS[verdict.level]} {verdict.level}"
        notes = "".join(f"<li>{escape(each)}</li>" for each in self.overview.notes)
        self.headline.value = (
            f'<div role="status"><strong>{told}</strong> {escape(verdict.headline)}</div>'
            + (f"<ul>{notes}</ul>" if notes else "")
        )
        self.cards.draw(self.overview.tiles)
        self.detail.value = self._told()
        self.panel.draw(trend_figure(self.tile))
        ends = (self.overview.start, self.overview.end)
        start, end = (None if each is None else each.isoformat() for each in ends)
        self.selection = {"tile": self.tile.name, "start": start, "end": end}
        self.page.say(f"{self.tile.name}: {self.tile.state}")

    def _told(self) -> str:
        """Return what is known of the chosen tile, and what to do next."""
        tile, targets = self.tile, self.sliders.targets
        said = [each.sentence(targets) for each in tile.measures] or [tile.sentence]
        if tile.is_stale:
            said = [tile.sentence]
        rows = "".join(f"<li>{escape(each)}</li>" for each in [*said, *tile.notes])
        return (
            f'<div style="line-height: 1.5"><b>{escape(tile.name)}</b>: {tile.glyph} '
            f'{escape(tile.state)}<ul style="margin: 0">{rows}</ul>{self._command()}</div>'
        )

    def _command(self) -> str:
        link = self.tile.link
        if self.prepared.source is None:
            return (
                f"<p>Its report is <code>{escape(link.template)}</code>. Give the board a source=… "
                "to have the command, with the evidence in it.</p>"
            )
        try:
            command = command_line(link.template, self.to_parameters())
        except AIOpsLabError as error:
            return _alarm(error)
        return (
            "<div>To look into it:</div>"
            f'<pre tabindex="0" style="user-select:all">{escape(command)}</pre>'
        )

    def _alert(self, error: AIOpsLabError) -> None:
        self.headline.value = _alarm(error)


def _worst(overview: Overview) -> Tile:
    """Return the tile to look at first: the worst of those that have data."""
    known = [each for each in overview.tiles if each.level is not None]
    ranked = known or list(overview.tiles)
    return max(ranked, key=lambda each: LEVELS.index(each.level or "ok"))


def _alarm(error: AIOpsLabError) -> str:
    told = escape(str(error)).replace("\n", "<br>")
    return f'<div role="alert">{told}</div>'
