"""Drawing: the trend of a measure with its target, small as a line in a tile and large."""

from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from aiopslab.charts.multiples import small_multiples
from aiopslab.charts.theme import BLUE, GREEN, GREY, VERMILION, styled
from aiopslab.overview.tile import Tile
from aiopslab.overview.written import value_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

HEIGHT, LOW = 320, 200
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

    title = f"{tile.name[:1].upper()}{tile.name[1:]} through time"
    spoken = escape(f"{title}. {tile.sentence}")
    worst = tile.worst
    if worst is None:
        return styled(_untold(tile.sentence), escape(title), spoken, HEIGHT)
    unit, series = worst.effect.unit, worst.series
    scale = 1.0 if unit else 100.0
    value, target = scale * worst.effect.value, scale * tile.target
    drawn = scale * series[["value", "low", "high"]].to_numpy(np.float64)
    low, high = _range(np.append(drawn[np.isfinite(drawn)], target))
    if not unit:
        low, high = max(low, 0.0), min(high, 100.0 * (1 + ROOM))
    missed = (low, target) if tile.good_side == "above" else (target, high)
    # In one go, since each call that adds a line costs as much as the whole.
    figure = go.Figure(
        data=[*_band(series, scale), _line(series, scale, worst.effect.name, unit or "%")],
        layout={
            "shapes": [
                {**_across(*missed), "fillcolor": _MISSED, "line": {"width": 0}, "layer": "below"},
                {**_across(target), "line": {"color": VERMILION, "dash": "dash"}},
                {**_across(value), "line": {"color": GREEN, "dash": "dot"}},
            ],
            "annotations": [
                _note(f"target {value_of(tile.target, unit)}", target, "left"),
                _note(f"judged: {value_of(worst.effect.value, unit)}", value, "right"),
            ],
            "xaxis": {"title": {"text": "time (UTC)"}},
            "yaxis": {
                "range": [low, high],
                "title": {"text": escape(f"{worst.effect.name} ({unit or '%'})")},
            },
        },
    )
    return styled(figure, escape(title), spoken, HEIGHT)


def whole_figure(tile: Tile) -> "go.Figure":
    """Draw all the time that a tile has, low, to choose a window on."""
    import plotly.graph_objects as go

    title = "All the time there is: drag a window to judge"
    worst = tile.worst
    if worst is None:
        return styled(_untold(tile.sentence), title, escape(f"{title}. {tile.sentence}"), LOW)
    scale, unit = (1.0, worst.effect.unit) if worst.effect.unit else (100.0, "%")
    figure = go.Figure(_line(worst.series, scale, worst.effect.name, unit))
    figure.update_layout(showlegend=False, yaxis={"title": {"text": escape(unit)}})
    return styled(figure, title, escape(f"{title}. {worst.effect.name}."), LOW)


def _untold(sentence: str) -> "go.Figure":
    import plotly.graph_objects as go

    told = {"text": escape(sentence), "showarrow": False, "font": {"size": 14}}
    return go.Figure(
        layout={"annotations": [told], "xaxis": {"visible": False}, "yaxis": {"visible": False}}
    )


def _line(series: pd.DataFrame, scale: float, name: str, unit: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": series["timestamp"].dt.tz_localize(None),
        "y": scale * series["value"],
        "mode": "lines+markers",
        "line": {"color": BLUE, "width": 1.8},
        "marker": {"size": 5},
        "customdata": series["rows"],
        "name": escape(name),
        "hovertemplate": f"%{{x|%H:%M:%S}}  %{{y:.4g}} {escape(unit)}, "
        "%{customdata:,} rows<extra></extra>",
    }


def _band(series: pd.DataFrame, scale: float) -> list[dict[str, Any]]:
    known = series.dropna(subset=["low", "high"])
    if len(known) < 2:
        return []
    times = known["timestamp"].dt.tz_localize(None).tolist()
    return [
        {
            "type": "scatter",
            "x": [*times, *times[::-1]],
            "y": [*(scale * known["high"]), *(scale * known["low"])[::-1]],
            "mode": "none",
            "fill": "toself",
            "fillcolor": _BAND,
            "name": "interval",
            "hoverinfo": "skip",
        }
    ]


def _across(low: float, high: float | None = None) -> dict[str, Any]:
    ends = {"x0": 0, "x1": 1, "xref": "paper", "y0": low, "y1": low if high is None else high}
    return {"type": "line" if high is None else "rect", **ends}


def _note(text: str, y: float, side: str) -> dict[str, Any]:
    place = {"xref": "paper", "x": 0 if side == "left" else 1, "xanchor": side, "y": y}
    anchor = "bottom" if side == "left" else "top"
    return {"text": text, "showarrow": False, "font": {"size": 12}, "yanchor": anchor, **place}


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
