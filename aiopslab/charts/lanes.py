"""Lanes of a timeline: log lines, alerts and changes as rows of moments and bars."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from aiopslab.charts.labels import joined, wrapped
from aiopslab.charts.theme import GREEN, OCHRE, PURPLE

ROWS_SHOWN = 10  # in a lane; more is a list, not a picture
ROW_HEIGHT, BAR_HEIGHT = 22, 31  # pixels; a bar has its text above it, a moment beside it
SURGES = {"new": "triangle-up", "surged": "triangle-up-open", "silent": "triangle-down-open"}


@dataclass(frozen=True)
class Lane:
    """What stands in one lane.

    Parameters
    ----------
    heading
        What it holds.
    items
        ``row, start`` (NaT: before the evidence), ``end`` (NaT: not over), ``text`` (as it came),
        ``hover`` (escaped), ``symbol``. What lasts is a bar; items of one `row` share it.
    colour
        Of all of them.
    row_height
        Pixels.
    """

    heading: str
    items: pd.DataFrame
    colour: str
    row_height: int = ROW_HEIGHT

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return int(self.items["row"].nunique())

    def nearest(self, time: pd.Timestamp | None) -> "Lane":
        """Sort by how near to a time the items begin, or by when they begin."""
        begun = self.items["start"].fillna(self.items["end"])
        key = begun if time is None else (begun - time).abs()
        return replace(self, items=self.items.iloc[key.argsort(kind="stable")])

    def within(self, low: pd.Timestamp, high: pd.Timestamp) -> "Lane":
        """Keep the first rows of a span of time, numbered from 0 by when they begin.

        The heading counts the others.
        """
        items = self.items.dropna(subset=["start", "end"], how="all")
        starts, ends = items["start"].fillna(low), items["end"].fillna(high)
        items = items.assign(
            start=starts.where(starts > low, low), end=ends.where(ends < high, high)
        )
        items = items[(starts <= high) & (ends >= low)]
        items = items[items["row"].isin(items["row"].unique()[:ROWS_SHOWN])]
        items = items.sort_values("start", kind="stable", ignore_index=True)
        items["row"] = items["row"].factorize()[0]
        left = self.rows - items["row"].nunique()
        more = f" · and {left:,} more" if left else ""
        return replace(self, items=items, heading=self.heading + more)


def of_surges(surges: pd.DataFrame | None) -> Lane:
    """Return a row for each log template, in the order given.

    Examples
    --------
    >>> surge = {"service": "auth", "template": "timeout", "change": "new", "severity": "ERROR",
    ...     "first": pd.Timestamp("2026-03-01", tz="UTC"), "after": 3}
    >>> of_surges(pd.DataFrame([surge])).items["text"].tolist()
    ['auth · timeout']
    """
    heading = "Log lines: ▲ new, △ surged, ▽ silent"
    if surges is None or surges.empty:
        return Lane(heading, _items(), PURPLE)
    first = utc(surges["first"])
    columns = ["service", "severity", "change", "template", "after"]
    rows = surges[columns].itertuples(index=False, name=None)
    hover = [
        wrapped(joined(service, severity, change), template, f"{after} lines from {_told(time)}")
        for (service, severity, change, template, after), time in zip(rows, first, strict=True)
    ]
    text = [joined(*row) for row in surges[["service", "template"]].to_numpy()]
    symbol = [SURGES.get(str(change), "circle") for change in surges["change"]]
    return Lane(heading, _items(range(len(surges)), first, first, text, hover, symbol), PURPLE)


def of_changes(changes: pd.DataFrame | None) -> Lane:
    """Return a row for each change.

    Examples
    --------
    >>> change = {"timestamp": pd.Timestamp("2026-03-01", tz="UTC"), "kind": "deploy",
    ...     "service": "auth", "ref": "v2", "description": "rolled out"}
    >>> of_changes(pd.DataFrame([change])).items["text"].tolist()
    ['deploy · auth · v2']
    """
    if changes is None or changes.empty:
        return Lane("Changes", _items(), GREEN)
    times = utc(changes["timestamp"])
    text = [joined(*row) for row in changes[["kind", "service", "ref"]].to_numpy()]
    told = zip(text, changes["description"], times, strict=True)
    hover = [wrapped(head, description, _told(time)) for head, description, time in told]
    items = _items(range(len(changes)), times, times, text, hover, ["diamond-tall"] * len(changes))
    return Lane("Changes", items, GREEN)


def of_alerts(alerts: pd.DataFrame | None) -> Lane:
    """Return a row for each alert, with a bar for each time that it fired, until it was resolved.

    Examples
    --------
    >>> times = pd.to_datetime(["2026-03-01T12:00Z", "2026-03-01T12:05Z"])
    >>> alerts = pd.DataFrame({"timestamp": times, "name": "Slow", "service": "auth",
    ...     "severity": "page", "state": ["firing", "resolved"], "fingerprint": "a"})
    >>> of_alerts(alerts).items["end"].dt.minute.tolist()
    [5]
    """
    heading = "Alerts: ━ firing, ▶ not resolved"
    if alerts is None or alerts.empty:
        return Lane(heading, _items(), OCHRE, BAR_HEIGHT)
    told = alerts.set_axis(range(len(alerts))).assign(time=utc(alerts["timestamp"]))
    told = told.sort_values("time", kind="stable")
    fires = told["state"] == "firing"
    fired = fires.groupby(told["fingerprint"]).shift(fill_value=False)
    # What is resolved without having fired was firing when the evidence begins: its turn is 0.
    told["turn"] = (fires & ~fired).groupby(told["fingerprint"]).cumsum()
    told = told.assign(start=told["time"].where(fires), end=told["time"].mask(fires))
    turns = told.groupby(["fingerprint", "turn"], sort=False).agg(
        name=("name", "first"),
        service=("service", "first"),
        severity=("severity", "first"),
        start=("start", "min"),
        end=("end", "min"),
    )
    hover = [
        wrapped(name, joined(service, severity), f"{_told(start)} to {_told(end)}")
        for name, service, severity, start, end in turns.itertuples(index=False, name=None)
    ]
    text = [joined(*row) for row in turns[["service", "name"]].to_numpy()]
    symbol = np.where(turns["end"].isna(), "triangle-right", "line-ns-open").tolist()
    row = turns.index.get_level_values("fingerprint")
    items = _items(row, turns["start"], turns["end"], text, hover, symbol)
    return Lane(heading, items, OCHRE, BAR_HEIGHT)


def utc(times: Iterable[object]) -> pd.DatetimeIndex:
    """Return times in UTC, which is the zone of those that name none."""
    known = pd.Index(times if isinstance(times, pd.Index | pd.Series) else list(times), name=None)
    return pd.DatetimeIndex(pd.to_datetime(known, utc=True)).as_unit("us").rename(None)


def _items(
    row: Iterable[object] = (),
    start: Iterable[object] = (),
    end: Iterable[object] = (),
    text: Sequence[str] = (),
    hover: Sequence[str] = (),
    symbol: Sequence[str] = (),
) -> pd.DataFrame:
    columns = {"row": list(row), "start": utc(start), "end": utc(end)}
    return pd.DataFrame(columns | {"text": text, "hover": hover, "symbol": symbol})


def _told(time: pd.Timestamp) -> str:
    return "an unknown time" if pd.isna(time) else f"{time:%Y-%m-%d %H:%M:%S} UTC"
