"""The two figures of the incident explorer: evidence over time, and who calls whom."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import pandas as pd

from aiopslab.charts import Mark, service_map, timeline
from aiopslab.charts.labels import wrapped
from aiopslab.incident.analysis import DRAWN
from aiopslab.incident.case import Case
from aiopslab.incident.views import evidence_series
from aiopslab.incident.window_tables import extremes
from aiopslab.sources.evidence import Evidence

if TYPE_CHECKING:
    import plotly.graph_objects as go


def window_timeline(
    evidence: Evidence,
    case: Case,
    suspects: pd.DataFrame,
    start: pd.Timestamp,
    shown: Sequence[str],
    pinned: str | None,
) -> "go.Figure":
    """Draw the series that tell most of a window.

    Parameters
    ----------
    evidence, case
        What there is, and the same prepared.
    suspects
        As `aiopslab.incident.suspects.find_suspects` returns them.
    start
        Of the window, which is marked.
    shown
        The services whose series are drawn, the most telling first.
    pinned
        The service whose series come before all others; ``None`` for none.
    """
    if pinned is not None:
        shown = [pinned, *(each for each in shown if each != pinned)]
    series = case.series
    every = cast("list[tuple[str, str]]", series.columns.to_list())
    drawn = evidence_series(suspects, series, list(shown))[:DRAWN] if shown else []
    if pinned is not None and not any(service == pinned for service, _ in drawn):
        of_it = [each for each in every if each[0] == pinned]
        drawn = [*of_it[:2], *drawn][:DRAWN]
    columns = drawn or every[:DRAWN]
    marks = [Mark(start, "start of the window")]
    alerts, changes = evidence.get("alerts"), evidence.get("changes")
    return timeline(extremes(series[columns]), marks, None, alerts, changes)


def services_map(case: Case, scores: "pd.Series[float]", named: Sequence[str]) -> "go.Figure":
    """Draw who calls whom; each mark has its service as ``customdata``.

    Parameters
    ----------
    case
        Prepared.
    scores
        Of the services, by name.
    named
        The services that the analysis names.
    """
    figure = service_map(case.topology, scores, named)
    # A longer name first: of two that begin alike the whole one is meant.
    names = sorted(
        ((wrapped(each), each) for each in case.services), key=lambda each: -len(each[0])
    )
    for trace in figure.data:
        if trace.hovertext is not None:
            trace.customdata = [_named(hover, names) for hover in trace.hovertext]
    return figure


def _named(hover: str, names: Sequence[tuple[str, str]]) -> str:
    return next((each for text, each in names if f"{hover}<br>".startswith(f"{text}<br>")), "")
