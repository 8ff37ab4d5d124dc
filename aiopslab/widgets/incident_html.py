"""The texts of the incident explorer, escaped: what a window says, errors, the command."""

from html import escape

import pandas as pd

from aiopslab.errors import AIOpsLabError
from aiopslab.incident.analysis import IncidentAnalysis

_CODE = "white-space: pre-wrap; overflow-wrap: anywhere; user-select: all"


def alert(error: AIOpsLabError) -> str:
    """Return an error as a message that is read out."""
    text = escape(str(error)).replace("\n", "<br>")
    return f'<div role="alert">{text}</div>'


def span(start: pd.Timestamp, end: pd.Timestamp) -> str:
    """Write a window.

    Examples
    --------
    >>> span(pd.Timestamp("2026-03-01T12:00Z"), pd.Timestamp("2026-03-01T12:05Z"))
    '2026-03-01 12:00:00 to 12:05:00 UTC'
    """
    day = "" if start.date() == end.date() else "%Y-%m-%d "
    return f"{start:%Y-%m-%d %H:%M:%S} to {end.strftime(f'{day}%H:%M:%S')} UTC"


def first_reading(
    start: pd.Timestamp, end: pd.Timestamp, ranking: pd.DataFrame, is_whole: bool
) -> str:
    """Say what is off in a window, before it is analysed."""
    read = "" if is_whole else " Read in a part of the evidence, evenly spread."
    if ranking.empty or not ranking["score"].iloc[0] > 0:
        said = "Nothing speaks against any service."
    else:
        first = ranking.iloc[0]
        moved = f", {first['before']} before, {first['after']} now" if first["after"] else ""
        said = f"{first['service']} strays furthest ({first['strongest']}{moved})."
    return (
        f"<p><strong>First reading of {escape(span(start, end))}:</strong> {escape(said)}<br>"
        f"<small>No verdict yet: analyse the window for intervals and probabilities.{read}</small>"
        "</p>"
    )


def analysed(analysis: IncidentAnalysis, changes: pd.DataFrame | None) -> str:
    """Return the verdict of a window."""
    return analysis.verdict(analysis.rank_changes(changes, lookback_minutes=30))._repr_html_()


def command(text: str) -> str:
    """Return a command to be copied, selected as a whole by a click."""
    return f'<p>The same as a report:</p><pre tabindex="0" style="{_CODE}">{escape(text)}</pre>'
