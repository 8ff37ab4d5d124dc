"""The incident explorer at real size: seconds from a gesture until all that is shown is new."""

import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

TARGET, REPEATS = 0.2, 9
SERVICES, METRICS, ROWS = 100, 10, 10_000
LINES, SPANS = 1_000_000, 100_000
START = pd.Timestamp("2026-03-01", tz="UTC")
STEP = pd.Timedelta("10s")
BROKEN, FROM = "service-042", 0.8  # of the time from which it is slow and failing
NAMES = ("request_rate", "duration_mean_ms", "duration_p95_ms", "error_ratio", "cpu")
NAMES += ("memory_mb", "threads", "queue_length", "gc_ms", "disk_io")


def figures() -> list[dict[str, Any]]:
    """Measure each gesture: the median of nine, in the kernel, without the browser."""
    from aiopslab.widgets import IncidentExplorer

    begun = time.perf_counter()
    explorer = IncidentExplorer(world())
    prepared = time.perf_counter() - begun
    size = f"{SERVICES * METRICS:,} series x {ROWS:,}, {LINES:,} lines, {SPANS:,} spans"
    told = [_figure("incident: prepare", prepared, None, f"{size}; once, before it is shown")]
    tabs, logs = explorer.tabs.widget, explorer.tabs.tables["logs"]
    services = explorer.case.services
    first = explorer.case.series.index

    def brush(turn: int) -> None:
        explorer.brush.window = (first[7_900 + 10 * turn], first[9_000 + 10 * turn])

    def pin(turn: int) -> None:
        explorer.pin.value = services[40 + turn]

    def search(turn: int) -> None:
        logs.search.value = f"pool exhausted after {turn}"

    gestures: list[tuple[str, Callable[[int], None], str]] = [
        ("brush", brush, "ranking, map, ranking table, a page of log lines and the command"),
        ("pin", pin, "timeline with its series first, its log lines and the command"),
        ("turn a page", lambda _: logs.next.click(), "50 of the log lines of the window"),
        ("search", search, "in all log lines"),
    ]
    for name, gesture, note in gestures:
        if name == "turn a page":
            explorer.pin.value = explorer.pin.options[0]
        if name == "search":
            explorer.brush.window = (first[1], first[-1])
        told.append(_figure(f"incident: {name}", _seconds(gesture), TARGET, f"{size}; {note}"))
    logs.search.value = ""
    for place, name in enumerate(("logs", "traces", "alerts", "changes")):

        def open_tab(turn: int, place: int = place) -> None:
            tabs.selected_index = place

        def close(turn: int, place: int = place) -> None:
            tabs.selected_index = (place + 1) % 4
            brush(turn)

        value = _seconds(open_tab, close)
        told.append(_figure(f"incident: open {name}", value, TARGET, f"{size}; a stale tab"))
    return told


def _seconds(gesture: Callable[[int], None], before: Callable[[int], None] | None = None) -> float:
    """Return the median of several turns, after one that is not counted."""
    took = []
    for turn in range(REPEATS + 1):
        if before is not None:
            before(turn)
        begun = time.perf_counter()
        gesture(turn)
        took.append(time.perf_counter() - begun)
    return median(took[1:])


def _figure(name: str, value: float, target: float | None, note: str) -> dict[str, Any]:
    return {"name": name, "value": value, "target": target, "note": note}


def world(seed: int = 0) -> dict[str, pd.DataFrame]:
    """Make 1,000 series of 10,000 points, a million log lines and 100,000 spans."""
    rng = np.random.default_rng(seed)
    services = [f"service-{number:03d}" for number in range(SERVICES)]
    callers = [services[(number - 1) // 3] for number in range(1, SERVICES)]
    edges = pd.DataFrame({"caller": callers, "callee": services[1:]})
    return {
        "metrics": _metrics(rng, services),
        "logs": _logs(rng, services),
        "spans": _spans(rng, services),
        "alerts": _alerts(rng, services),
        "changes": _changes(rng, services),
        "topology": edges,
    }


def _metrics(rng: np.random.Generator, services: list[str]) -> pd.DataFrame:
    columns = pd.MultiIndex.from_product([services, NAMES], names=["service", "metric"])
    values = rng.normal(size=(ROWS, len(columns))).astype(float)
    values[1:] = 0.6 * values[:-1] + 0.8 * values[1:]
    values = rng.uniform(10, 200, len(columns)) * (1 + 0.05 * values)
    times = pd.date_range(START, periods=ROWS, freq=STEP, name="timestamp", unit="us")
    metrics = pd.DataFrame(values, times, columns)
    since = times[int(FROM * ROWS)]
    metrics.loc[since:, [(BROKEN, each) for each in NAMES[1:5]]] *= 4
    return metrics


def _times(rng: np.random.Generator, count: int) -> pd.DatetimeIndex:
    whole = ROWS * STEP / pd.Timedelta("1us")
    return START + pd.to_timedelta(np.sort(rng.uniform(0, whole, count)).astype(int), unit="us")


def _logs(rng: np.random.Generator, services: list[str]) -> pd.DataFrame:
    said = np.array([f"handled request number {n} in {n % 97} ms" for n in range(2_000)])
    more = np.array([f"cache miss for key user-{n}, loading it" for n in range(2_000)])
    places = rng.integers(0, SERVICES, LINES)
    body = np.where(rng.random(LINES) < 0.7, said[places * 7], more[places * 11])
    times = _times(rng, LINES)
    names = np.array(services, dtype=object)[places]
    is_ill = (names == BROKEN) & (times > START + FROM * ROWS * STEP) & (rng.random(LINES) < 0.5)
    return pd.DataFrame(
        {
            "timestamp": times,
            "service": names,
            "severity": np.where(is_ill, "ERROR", "INFO"),
            "body": np.where(is_ill, "connection pool exhausted after 30 s", body),
        }
    )


def _spans(rng: np.random.Generator, services: list[str]) -> pd.DataFrame:
    """Ten spans a trace, along a path from the root of the tree of calls to one of its leaves."""
    traces = SPANS // 10
    begun = _times(rng, traces)
    rows = []
    for trace in range(traces):
        at, path = int(rng.integers(SERVICES // 2, SERVICES)), []
        while at > 0:
            path.append(at)
            at = (at - 1) // 3
        path = [*path[::-1]][-4:]
        own = rng.gamma(4, 3, 10)
        since = START + FROM * ROWS * STEP
        for place in range(10):
            service = services[path[min(place // 2, len(path) - 1)]]
            slow = 10 if service == BROKEN and begun[trace] > since else 1
            rows.append((trace, place, service, own[place] * slow))
    table = pd.DataFrame(rows, columns=["trace", "place", "service", "own"])
    length = table[::-1].groupby("trace")["own"].cumsum()[::-1]
    offset = table.groupby("trace")["own"].cumsum() - table["own"]
    return pd.DataFrame(
        {
            "trace_id": "t" + table["trace"].astype(str),
            "span_id": "s" + table["place"].astype(str),
            "parent_span_id": ("s" + (table["place"] - 1).astype(str)).where(table["place"] > 0),
            "service": table["service"],
            "operation": "step " + (table["place"] % 4).astype(str),
            "start": begun[table["trace"]] + pd.to_timedelta(offset * 1000, unit="us"),
            "duration_ms": length,
            "status": "OK",
        }
    )


def _alerts(rng: np.random.Generator, services: list[str]) -> pd.DataFrame:
    times = _times(rng, 200)
    names = np.array(services, dtype=object)[rng.integers(0, SERVICES, 100)]
    return pd.DataFrame(
        {
            "timestamp": times,
            "name": "HighLatency",
            "service": np.repeat(names, 2),
            "severity": "page",
            "state": ["firing", "resolved"] * 100,
            "fingerprint": np.repeat(np.arange(100), 2).astype(str),
        }
    )


def _changes(rng: np.random.Generator, services: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "timestamp": _times(rng, 100),
            "kind": "deploy",
            "service": np.array(services, dtype=object)[rng.integers(0, SERVICES, 100)],
            "ref": [f"v{number}" for number in range(100)],
            "description": "a new version",
        }
    )
