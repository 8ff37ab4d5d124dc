"""Events: changes, alerts, incidents, versions and shifts as rows of a timeline."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from aiopslab.incident import IncidentAnalysis, group_alerts
from aiopslab.overview.causes import MOVED
from aiopslab.overview.causes_gauges import Gauge
from aiopslab.overview.causes_ranking import WORDS
from aiopslab.overview.layers import Frames
from aiopslab.overview.shift import Shift
from aiopslab.overview.timeline import COLUMNS

Event = dict[str, Any]

LANE_OF_KIND = {"prompt": "prompt", "index": "index", "model": "language model"}
LANE_OF_GAUGE = {
    "questions": "questions",
    "predictions": "classifier",
    "scores": "classifier",
    "prompt version": "prompt",
    "prompt version now and then": "prompt",
    "model version": "language model",
    "model version now and then": "language model",
    "no documents": "index",
    "other documents": "index",
    "input tokens": "prompt",
    "output tokens": "language model",
    "latency": "language model",
    "price": "language model",
    "index signs": "index",
    "classifier signs": "classifier",
    "token signs": "language model",
    "service signs": "infrastructure",
    "model server load": "infrastructure",
    "model server signs": "infrastructure",
}


def timeline_events(
    frames: Frames,
    incident: IncidentAnalysis | None,
    shifts: Sequence[Shift],
    gauges: Sequence[Gauge],
    onset: pd.Timestamp | None,
) -> pd.DataFrame:
    """Return what happened as the rows of a `Timeline`, in order of time."""
    told = [
        *_shifts(shifts),
        *_changes(frames.get("changes")),
        *_alerts(frames.get("alerts"), frames.get("topology")),
        *_incident(incident),
        *_versions(frames.get("calls")),
        *_gauges(gauges, onset),
        *_failures(frames.get("spans")),
    ]
    table = pd.DataFrame(told, columns=COLUMNS)
    for name in ("timestamp", "end"):
        table[name] = pd.to_datetime(table[name], utc=True).astype("datetime64[us, UTC]")
    return table.sort_values("timestamp", kind="stable", ignore_index=True)


def _event(
    time: pd.Timestamp, lane: str, kind: str, subject: object, what: object, **more: Any
) -> Event:
    empty: Mapping[str, Any] = {"end": pd.NaT, "trace_id": None, "evidence": "", "level": "ok"}
    told = {"timestamp": time, "lane": lane, "kind": kind, "subject": subject, "what": what}
    return {**empty, **told, **more}


def _shifts(shifts: Iterable[Shift]) -> Iterator[Event]:
    for each in shifts:
        if each.state == "moved" and each.since is not None:
            level = "act" if each.is_worse else "ok"
            evidence = f"{each.rows[0]:,} values before, {each.rows[1]:,} after"
            yield _event(
                each.since,
                "outcomes",
                "shift",
                each.outcome,
                each.sentence,
                evidence=evidence,
                level=level,
            )


def _changes(changes: pd.DataFrame | None) -> Iterator[Event]:
    if changes is None:
        return
    texts = ["kind", "service", "ref", "description"]
    known = changes.dropna(subset="timestamp")
    told = known[texts].astype(object).where(known[texts].notna(), "").map(str)
    rows = zip(known["timestamp"], told.to_numpy().tolist(), strict=True)
    for time, (kind, service, ref, description) in rows:
        lane = LANE_OF_KIND.get(kind, "infrastructure")
        if kind == "model" and _is(service, "classifier"):
            lane = "classifier"
        what = f"{ref} {description}".strip()
        yield _event(time, lane, kind, service, what, evidence=f"changes: {ref}")


def _alerts(alerts: pd.DataFrame | None, topology: pd.DataFrame | None) -> Iterator[Event]:
    if alerts is None or alerts.empty:
        return
    settled = group_alerts(alerts, topology=topology).alerts
    columns = ["start", "ended", "name", "service", "severity", "blip"]
    for start, ended, name, known, severity, blip in zip(
        *(settled[each] for each in columns), strict=True
    ):
        level = "ok" if blip else "watch"
        service = "" if pd.isna(known) else str(known)
        lane = next(
            (each for each in ("classifier", "index") if _is(service, each)), "infrastructure"
        )
        yield _event(
            *(start, lane, "alert", service, name),
            end=ended,
            level=level,
            evidence=f"alerts: {name}, {severity}",
        )


def _incident(incident: IncidentAnalysis | None) -> Iterator[Event]:
    if incident is None or incident.started is None or incident.onset is None:
        return
    named = ", ".join(incident.named)
    yield _event(
        incident.started,
        "infrastructure",
        "incident",
        named,
        incident.verdict().headline,
        end=incident.onset.high,
        level=incident.level,
        evidence="metrics, logs, spans and alerts",
    )


def _versions(calls: pd.DataFrame | None) -> Iterator[Event]:
    """Yield when a version was first called, but for the one that was there from the start."""
    if calls is None or calls.empty:
        return
    for column, lane in (("prompt_version", "prompt"), ("model", "language model")):
        first = calls.groupby(column, sort=False)["timestamp"].agg(["min", "size"])
        for version, row in first.iloc[1:].iterrows():
            what = f"first of {row['size']:,} calls"
            yield _event(row["min"], lane, "version", version, what, evidence=f"calls: {column}")


def _gauges(gauges: Iterable[Gauge], onset: pd.Timestamp | None) -> Iterator[Event]:
    for each in gauges:
        if onset is not None and each.moved >= MOVED:
            lane = LANE_OF_GAUGE[each.name]
            yield _event(onset, lane, "drift", each.subject or lane, each.told, level="watch")


def _failures(spans: pd.DataFrame | None) -> Iterator[Event]:
    """Yield the first trace that failed in each service, by which a reader finds the others."""
    if spans is None or spans.empty:
        return
    failed = spans[spans["status"] == "ERROR"].drop_duplicates("service")
    columns = ["start", "service", "operation", "trace_id"]
    for start, service, operation, trace in zip(*(failed[each] for each in columns), strict=True):
        yield _event(
            *(start, "infrastructure", "trace", service, f"first failure: {operation}"),
            trace_id=trace,
            evidence=f"spans: {trace}",
        )


def _is(service: str, layer: str) -> bool:
    return any(word in service.lower() for word in WORDS[layer].split("|"))  # type: ignore[index]
