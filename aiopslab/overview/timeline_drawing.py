"""The picture of a timeline: a lane for each layer on one time axis."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from aiopslab.charts.labels import joined, label, wrapped
from aiopslab.charts.theme import GREEN, GREY, OCHRE, PURPLE, VERMILION, styled

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from aiopslab.overview.timeline import Timeline

# A lane has one colour and one symbol, so that colour is never alone.
LOOKS = {
    "outcomes": (VERMILION, "square"),
    "questions": (GREY, "hexagon"),
    "language model": (PURPLE, "diamond"),
    "prompt": (PURPLE, "diamond-tall"),
    "index": (GREEN, "star"),
    "classifier": (GREEN, "triangle-up"),
    "infrastructure": (OCHRE, "circle"),
}
ROWS = 8  # of a lane; more is a list, not a picture
ROW, HEADING = 22, 24  # pixels
TEXT = 46  # characters
BESIDE = "\N{NO-BREAK SPACE}" * 3  # between a symbol and its text


def timeline_figure(timeline: "Timeline") -> "go.Figure":
    """Draw the events of each layer below those that people feel.

    A lane has eight rows at most, the gravest and those nearest to the onset; its heading counts
    the others. What is missing has no lane.
    """
    import plotly.graph_objects as go

    figure = go.Figure()
    lanes = [(name, timeline.events[timeline.events["lane"] == name]) for name in LOOKS]
    lanes = [(name, events) for name, events in lanes if len(events)]
    if not lanes:
        notes = [{"text": "There is nothing with a time.", "showarrow": False}]
        figure.update_layout(annotations=notes)
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
        return styled(figure, "Timeline", "Timeline. Nothing to show.", 120)
    low, high = _span(timeline)
    top = 0.0
    spoken = []
    for name, events in lanes:
        shown = _chosen(events, timeline.onset)
        left = len(events) - len(shown)
        heading = label(name.capitalize()) + (f" · and {left:,} more" if left else "")
        figure.add_annotation(
            **{"text": f"<b>{heading}</b>", "x": 0, "xref": "paper", "xanchor": "left"},
            **{"y": top, "yanchor": "bottom", "yshift": 0, "showarrow": False},
        )
        for trace in _traces(name, shown, top, low, high):
            figure.add_trace(trace)
        first = shown.iloc[0]
        spoken.append(f"{heading}: {len(events)}, such as {label(_text(first), TEXT)}")
        top += len(shown) + HEADING / ROW
    if timeline.onset is not None:
        figure.add_vline(
            x=_plain(timeline.onset), line={"color": VERMILION, "dash": "dot", "width": 2}
        )
    title = "What happened in each layer"
    height = int(top * ROW) + 110
    styled(figure, title, f"{title}. From top to bottom: {'; '.join(spoken)}.", height)
    figure.update_yaxes(visible=False, range=[top - 0.4, -1.2])
    days = dict.fromkeys(f"{time:%Y-%m-%d}" for time in (low, high))
    figure.update_xaxes(
        range=[_plain(low), _plain(high)], title_text=f"time (UTC), {' to '.join(days)}", nticks=8
    )
    return figure.update_layout(margin={"t": 56, "b": 52, "r": 12}, hovermode="closest")


def _chosen(events: pd.DataFrame, onset: pd.Timestamp | None) -> pd.DataFrame:
    """Return the rows that are drawn, in order of time."""
    grave = events["level"].map({"act": 0, "watch": 1}).fillna(2)
    far = (events["timestamp"] - (events["timestamp"].iloc[0] if onset is None else onset)).abs()
    order = pd.DataFrame({"grave": grave, "far": far}).sort_values(["grave", "far"], kind="stable")
    return events.loc[order.index[:ROWS]].sort_values("timestamp", kind="stable")


def _traces(
    name: str, events: pd.DataFrame, top: float, low: pd.Timestamp, high: pd.Timestamp
) -> list[dict[str, Any]]:
    colour, symbol = LOOKS[name]
    starts = _within(events["timestamp"], low, high)
    ends = _within(events["end"].fillna(events["timestamp"]), low, high)
    rows = [top + 0.5 + number for number in range(len(events))]
    traces: list[dict[str, Any]] = [
        {
            **{"type": "scatter", "mode": "lines", "showlegend": False, "hoverinfo": "skip"},
            **{"x": [_plain(start), _plain(end)], "y": [row, row]},
            "line": {"color": colour, "width": 5},
        }
        for start, end, row in zip(starts, ends, rows, strict=True)
        if end > start
    ]
    is_early = (starts - low) / (high - low) < 0.5
    texts = [f"{BESIDE}{label(_text(each), TEXT)}{BESIDE}" for _, each in events.iterrows()]
    traces.append(
        {
            **{"type": "scatter", "mode": "markers+text", "showlegend": False, "cliponaxis": False},
            **{"x": [_plain(each) for each in starts], "y": rows},
            "marker": {"color": colour, "symbol": symbol, "size": 10},
            "text": texts,
            "textposition": ["middle right" if each else "middle left" for each in is_early],
            "textfont": {"size": 11},
            "hovertext": [_hover(each) for _, each in events.iterrows()],
            "hoverinfo": "text",
        }
    )
    return traces


def _within(times: pd.Series, low: pd.Timestamp, high: pd.Timestamp) -> pd.Series:
    told = times.where(times > low, low)
    return told.where(told < high, high)


def _text(event: pd.Series) -> str:
    return joined(event["subject"], event["what"])


def _hover(event: pd.Series) -> str:
    head = joined(f"{event['timestamp']:%H:%M:%S} UTC", event["kind"], event["subject"])
    return wrapped(head, event["what"], event["evidence"])


def _span(timeline: "Timeline") -> tuple[pd.Timestamp, pd.Timestamp]:
    times = timeline.events["timestamp"]
    low = times.min() if timeline.start is None else timeline.start
    high = times.max() if timeline.end is None else timeline.end
    room = max((high - low) / 50, pd.Timedelta("1s"))
    return low - room, high + room


def _plain(time: pd.Timestamp) -> pd.Timestamp:
    """Drop the zone, which plotly would show as the reader's own."""
    return time.tz_localize(None)
