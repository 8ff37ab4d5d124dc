"""The overview: five tiles of one window, and what they come to together."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.findings import LEVELS, Level, Verdict
from aiopslab.overview.targets import Targets
from aiopslab.overview.tile import Link, Tile
from aiopslab.overview.written import interval_of, value_of
from aiopslab.wording import listed

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = [
    *("tile", "state", "measure", "value", "low", "high", "unit", "target", "wanted", "rows"),
    *("change", "change_low", "change_high", "direction", "seen", "sentence"),
]
_CARD = (
    "flex:1 1 10em;min-width:10em;padding:.6em .8em;border-radius:4px;"
    "border:1px solid var(--jp-border-color2,#8888)"
)


@dataclass(frozen=True, repr=False)
class Overview:
    """The health of a system.

    Parameters
    ----------
    tiles
        The five.
    targets
        That they are held against.
    now
        When they are judged; ``None`` where nothing has a time.
    start, end
        Of the window that was judged.
    notes
        What was assumed or left out.
    """

    tiles: tuple[Tile, ...]
    targets: Targets
    now: pd.Timestamp | None
    start: pd.Timestamp | None
    end: pd.Timestamp | None
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Tile:
        """Return a tile by its name."""
        return next(each for each in self.tiles if each.name == name)

    def against(self, targets: Targets) -> "Overview":
        """Return the same, held against other targets: nothing is measured again."""
        return replace(
            self, tiles=tuple(each.against(targets) for each in self.tiles), targets=targets
        )

    def linked(self, reports: Mapping[str, str]) -> "Overview":
        """Return the same with links.

        Parameters
        ----------
        reports
            Address of the report that looks into a tile, by the name of its template.
        """
        linked = (each.linked(reports.get(each.link.template, "")) for each in self.tiles)
        return replace(self, tiles=tuple(linked))

    def table(self) -> pd.DataFrame:
        """Return one row a measure; a tile without data has one, too.

        Returns
        -------
        pandas.DataFrame
            ``tile, state, measure, value, low, high, unit, target, wanted, rows, change,
            change_low, change_high, direction, seen, sentence``; the state is that of the tile,
            and shares are 0 to 1.
        """
        rows = [row for each in self.tiles for row in _rows(each)]
        return pd.DataFrame(rows, columns=COLUMNS)

    def figure(self) -> "go.Figure":
        """Draw every measure through time, with its target."""
        from aiopslab.overview.drawing import overview_figure

        return overview_figure(self.tiles, "Health, and its targets")

    def verdict(self) -> Verdict:
        """Say how it is, the worst first; what nobody can tell is said, too."""
        known = [each for each in self.tiles if each.level is not None]
        missing = [each.name for each in self.tiles if each.level is None]
        levels: list[Level] = [each.level for each in known if each.level is not None]
        level: Level = max(levels, key=LEVELS.index, default="watch")
        by_state = {
            state: [each for each in known if each.state == state]
            for state in ("act", "watch", "stale", "ok")
        }
        parts = []
        if missed := [f"{each.name} ({_told(each)})" for each in by_state["act"]]:
            parts.append(f"Target surely missed: {listed(missed)}.")
        if watched := [each.name for each in by_state["watch"]]:
            parts.append(f"To be watched: {listed(watched)}.")
        if stale := [f"{each.name} ({each.freshness})" for each in by_state["stale"]]:
            parts.append(f"Stale, so not known: {listed(stale)}.")
        if good := len(by_state["ok"]):
            verb = "meets its target" if good == 1 else "meet their targets"
            parts.append(f"{good} of {len(self.tiles)} tiles {verb}.")
        if missing:
            parts.append(f"No data: {listed(missing)}.")
        found = [each.finding() for each in sorted(known, key=_worst_first)]
        return Verdict(
            level,
            " ".join(parts),
            {each.name: each.value for each in self.tiles},
            tuple(each for each in found if each is not None),
            tuple(
                f"Look into {each.name}: run the template {each.link.template}."
                for each in sorted(known, key=_worst_first)
                if each.level != "ok"
            ),
        )

    def __repr__(self) -> str:
        return f"Overview({', '.join(f'{each.name}: {each.state}' for each in self.tiles)})"

    def _repr_html_(self) -> str:
        from aiopslab.overview.drawing import sparkline

        cards = "".join(
            f'<div style="{_CARD}" class="aiopslab-{escape(each.level or "none")}">'
            f"<div><b>{escape(each.name)}</b></div>"
            f"<div>{each.glyph} {escape(each.state)}</div>"
            f'<div style="font-size:1.5em">{escape(value_of(each.value, each.unit))}</div>'
            f"<div><small>{escape(_measured(each))}</small></div>"
            f"<div>{sparkline(each)}</div>"
            f"<small>{escape(each.sentence)} {escape(' '.join(each.notes))} "
            f"({escape(each.freshness)})</small>{_way_on(each.link)}</div>"
            for each in self.tiles
        )
        notes = "".join(f"<li>{escape(each)}</li>" for each in self.notes)
        return (
            '<section class="aiopslab-overview"><div style="display:flex;flex-wrap:wrap;gap:.6em">'
            f"{cards}</div>" + (f"<ul>{notes}</ul>" if notes else "") + "</section>"
        )


def _told(tile: Tile) -> str:
    bound = "at least" if tile.good_side == "above" else "at most"
    target = value_of(tile.target, tile.unit)
    return f"{value_of(tile.value, tile.unit)}, not {bound} {target}"


def _measured(tile: Tile) -> str:
    """Say what the value of a tile is, with its interval."""
    if tile.worst is None:
        return ""
    span = interval_of(tile.interval, tile.unit)
    return f"{tile.worst.effect.name}{f', {span}' if span else ''}"


def _way_on(link: Link) -> str:
    """Return a link to the report that looks into a tile, and the command that makes one."""
    report, command = "", ""
    if link.report:
        href = escape(link.report, quote=True)
        report = f'<div><a href="{href}">Newest report: {escape(link.template)}</a></div>'
    if link.command:
        command = (
            "<details><summary><small>Look into it</small></summary>"
            f'<code style="overflow-wrap:anywhere">{escape(link.command)}</code></details>'
        )
    return report + command


def _worst_first(tile: Tile) -> int:
    return -LEVELS.index(tile.level or "ok")


def _rows(tile: Tile) -> list[tuple[object, ...]]:
    nothing = float("nan")
    if not tile.measures:
        blank = (None, nothing, nothing, nothing, "", nothing, "", 0, nothing, nothing, nothing)
        return [(tile.name, tile.state, *blank, None, tile.seen, tile.sentence)]
    told: list[tuple[object, ...]] = []
    for each in tile.measures:
        interval, change = each.effect.interval, each.change
        low, high = (nothing, nothing) if interval is None else (interval.low, interval.high)
        wanted = "at least" if each.change.quantity.wanted == "more" else "at most"
        told.append(
            (
                *(tile.name, tile.state, each.effect.name, each.effect.value, low, high),
                *(each.effect.unit, tile.targets.of(each.target), wanted, each.rows),
                *(change.value, change.low, change.high, each.direction, tile.seen),
                each.sentence(tile.targets),
            )
        )
    return told
