"""Tile cards: the tiles of an overview as a row of cards, of which one is chosen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from aiopslab.charts.theme import GREEN, GREY, OCHRE, VERMILION
from aiopslab.overview.drawing import sparkline
from aiopslab.overview.tile import State, Tile
from aiopslab.overview.written import interval_of, value_of

COLOURS: dict[State, str] = {
    "ok": GREEN,
    "watch": OCHRE,
    "act": VERMILION,
    "stale": GREY,
    "no data": GREY,
}
_MOVES = {"better": "↗ became better", "worse": "↘ became worse", "steady": "→ steady"}


class TileCards(anywidget.AnyWidget):
    """A row of cards. They are buttons of one group: Tab reaches it, arrow keys move in it.

    Attributes
    ----------
    chosen : str
        Name of the tile that is chosen.
    cards : list of dict
        What each says; text is set as text by the page, never read as HTML.

    Examples
    --------
    >>> from aiopslab.overview import tiles
    >>> cards = TileCards()
    >>> cards.draw(tiles({}).tiles)
    >>> cards.cards[4]["name"], cards.cards[4]["state"]
    ('cost per query', '– no data')
    """

    _esm = Path(__file__).with_name("tile_cards.js")
    cards = traitlets.List(traitlets.Dict()).tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)

    def draw(self, tiles: Sequence[Tile]) -> None:
        """Show tiles."""
        self.cards = [_card(each) for each in tiles]


def _card(tile: Tile) -> dict[str, Any]:
    worst = tile.worst
    span = interval_of(tile.interval, tile.unit).replace(" %", "\N{NO-BREAK SPACE}%")
    name = worst.effect.name if worst else tile.sentence
    bound = "at least" if tile.good_side == "above" else "at most"
    target = f"target: {bound} {value_of(tile.target, tile.unit)}" if worst else ""
    return {
        "name": tile.name,
        "state": f"{tile.glyph} {tile.state}",
        "colour": COLOURS[tile.state],
        "value": value_of(tile.value, tile.unit),
        "measured": f"{name}, {span}" if span else name,
        "line": sparkline(tile),
        "target": target,
        "moves": _MOVES.get(tile.direction, "? trend not known") if worst else "",
        "age": tile.freshness,
        "told": f"{tile.name}: {tile.state}. {tile.sentence} {tile.freshness}.",
    }
