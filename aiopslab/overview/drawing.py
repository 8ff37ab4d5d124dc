"""Drawing: the trend of a measure with its target, small as a line in a tile and large."""

from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.charts.multiples import small_multiples
from aiopslab.charts.theme import BLUE, GREEN, GREY, VERMILION, styled
from aiopslab.overview.targets import SHARES
from aiopslab.overview.tile import Tile
from aiopslab.overview.written import value_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT = 320
WIDTH, TALL, EDGE = 160, 44, 3  # pixels of a line in a tile
ROOM = 0.08  # above and below what is drawn, as a share of it
_BAND, _MISSED = "rgba(47,127,193,0.18)", "rgba(213,94,0,0.12)"


def sparkline(tile: Tile) -> str:
    """Draw a tile's trend as a small SVG, its target dashed; empty where it has no trend.

    Examples
    --------
    >>> from aiopslab.overview import tiles
    >>> sparkline(tiles({}).tiles[0])
    ''
    """
    if tile.worst is None:
        return ""
    series = tile.worst.series.dropna(subset=["value"])
    if series.empty:
        return ""
    values = series["value"].to_numpy(np.float64)
    low, high = _range(np.append(values, tile.target))
    across = np.linspace(EDGE, WIDTH - EDGE, len(tile.worst.series))[series.index.to_numpy()]
    down = EDGE + (TALL - 2 * EDGE) * (high - values) / (high - low)
    level = EDGE + (TALL - 2 * EDGE) * (high - tile.target) / (high - low)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, down, strict=True))
    return (
        f'<svg width="{WIDTH}" height="{TALL}" viewBox="0 0 {WIDTH} {TALL}" aria-hidden="true">'
        f'<line x1="0" x2="{WIDTH}" y1="{level:.1f}" y2="{level:.1f}" stroke="{GREY}" '
        'stroke-dasharray="4 3"/>'
        f'<polyline points="{points}" fill="none" stroke="{BLUE}" stroke-width="1.8"/>'
        f'<circle cx="{across[-1]:.1f}" cy="{down[-1]:.1f}" r="2.6" fill="{BLUE}"/></svg>'
    )


def trend_figure(tile: Tile) -> "go.Figure":
    """Draw the trend of a tile with its interval, and the side of its target that is missed."""
    import plotly.graph_objects as go

    figure = go.Figure()
    title = f"{tile.name[:1].upper()}{tile.name[1:]} through time"
    worst = tile.worst
    if worst is None:
        figure.add_annotation(text=escape(tile.sentence), showarrow=False, font={"size": 14})
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
        return styled(figure, escape(title), escape(f"{title}. {tile.sentence}"), HEIGHT)
    unit = worst.effect.unit
    scale, suffix = (100.0, " %") if unit == "" else (1.0, f" {unit}")
    series = worst.series
    times = series["timestamp"].dt.tz_localize(None)
    known = series.dropna(subset=["low", "high"])
    if len(known) > 1:
        stamps = known["timestamp"].dt.tz_localize(None).tolist()
        edge = [*(scale * known["high"]), *(scale * known["low"])[::-1]]
        figure.add_scatter(
            x=[*stamps, *stamps[::-1]],
            y=edge,
            mode="none",
            fill="toself",
            fillcolor=_BAND,
            name="interval",
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=times,
        y=scale * series["value"],
        mode="lines+markers",
        line={"color": BLUE, "width": 1.8},
        marker={"size": 5},
        customdata=series["rows"],
        name=worst.effect.name,
        hovertemplate=f"%{{x|%H:%M:%S}}  %{{y:.4g}}{suffix}, %{{customdata:,}} rows<extra></extra>",
    )
    target = scale * tile.target
    drawn = np.concatenate([scale * series[each].to_numpy() for each in ("value", "low", "high")])
    low, high = _range(np.append(drawn[np.isfinite(drawn)], target))
    if unit == "":
        low, high = max(low, 0.0), min(high, 100.0 + 100.0 * ROOM)
    missed = (low, target) if worst.target in SHARES else (target, high)
    figure.add_hrect(y0=missed[0], y1=missed[1], fillcolor=_MISSED, line_width=0, layer="below")
    figure.add_hline(
        y=target,
        line={"color": VERMILION, "dash": "dash"},
        annotation={"text": f"target {value_of(tile.target, unit)}", "font": {"size": 12}},
        annotation_position="top left",
    )
    figure.add_hline(
        y=scale * worst.effect.value,
        line={"color": GREEN, "dash": "dot"},
        annotation={
            "text": f"judged: {value_of(worst.effect.value, unit)}",
            "font": {"size": 12},
        },
        annotation_position="bottom right",
    )
    title_text = escape(f"{worst.effect.name} ({suffix.strip()})")
    figure.update_yaxes(range=[low, high], title_text=title_text)
    figure.update_xaxes(title_text="time (UTC)")
    return styled(figure, escape(title), escape(f"{title}. {tile.sentence}"), HEIGHT)


def overview_figure(tiles: tuple[Tile, ...], title: str) -> "go.Figure":
    """Draw every measure in a row of its own, each with its target."""
    shown = [(tile, each) for tile in tiles for each in tile.measures]
    columns = {}
    for tile, each in shown:
        unit = f", {each.effect.unit or '%'}"
        scale = 1.0 if each.effect.unit else 100.0
        values = pd.Series(
            scale * each.series["value"].to_numpy(), pd.DatetimeIndex(each.series["timestamp"])
        )
        columns[(f"{tile.glyph} {tile.name}", f"{each.effect.name}{unit}")] = values
    together = pd.DataFrame(columns)
    figure = small_multiples(together, escape(title), highlighted=len(shown))
    for row, (tile, each) in enumerate(shown, start=1):
        scale = 1.0 if each.effect.unit else 100.0
        target = scale * tile.targets.of(each.target)
        line = {"color": VERMILION, "dash": "dash", "width": 1.2}
        figure.add_hline(y=target, line=line, row=row, col=1)
        drawn = scale * each.series["value"].dropna().to_numpy(np.float64)
        figure.update_yaxes(range=_range(np.append(drawn, target)), row=row, col=1)
    spoken = " ".join(f"{tile.name}: {tile.sentence}" for tile in tiles)
    figure.update_layout(meta={"description": escape(f"{title}, targets dashed. {spoken}")})
    return figure.update_traces(mode="lines+markers", marker={"size": 4})


def _range(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, float]:
    low, high = float(np.min(values)), float(np.max(values))
    room = ROOM * (high - low) or abs(high) * ROOM or 1.0
    return low - room, high + room
