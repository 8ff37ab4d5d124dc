"""The timeline: what happened in every layer, on one time axis."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = [
    *("timestamp", "end", "lane", "kind", "subject", "what", "trace_id", "evidence", "level"),
]


@dataclass(frozen=True, repr=False)
class Timeline:
    """What happened, in order of time.

    Parameters
    ----------
    events
        ``timestamp, end`` (NaT: a moment), ``lane, kind, subject, what, trace_id, evidence,
        level``.
    onset
        When it began; ``None`` where nothing did.
    start, end
        Of the evidence.
    """

    events: pd.DataFrame
    onset: pd.Timestamp | None = None
    start: pd.Timestamp | None = None
    end: pd.Timestamp | None = None

    def table(self, rows: int = 40) -> pd.DataFrame:
        """Return the events as people read them: the gravest where there are too many."""
        grave = self.events["level"].map({"act": 0, "watch": 1}).fillna(2)
        kept = self.events.loc[grave.sort_values(kind="stable").index[:rows]].sort_index()
        told = kept[["timestamp", "lane", "kind", "subject", "what", "level"]]
        return told.assign(timestamp=told["timestamp"].dt.strftime("%H:%M:%S"))

    def figure(self) -> "go.Figure":
        """Draw a lane for each layer, with what people feel on top."""
        from aiopslab.overview.timeline_drawing import timeline_figure

        return timeline_figure(self)

    def __repr__(self) -> str:
        return f"Timeline({len(self.events)} events)"

    def _repr_html_(self) -> str:
        return self.table().to_html(index=False, border=0)
