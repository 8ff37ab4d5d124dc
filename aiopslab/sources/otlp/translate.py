"""What OpenTelemetry's protocol carries, in its JSON form, as tables of the frames."""

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from aiopslab.frames import FrameWarning
from aiopslab.sources import severity as named
from aiopslab.sources.otlp.values import (
    attributes,
    identifier,
    nanoseconds,
    severity,
    status,
    value,
)

NO_SERVICE = "unknown"
LOGS = ["timestamp", "service", "severity", "body", "trace_id", "attributes"]
SPANS = [
    *("trace_id", "span_id", "parent_span_id", "service", "operation", "start", "duration_ms"),
    "status",
]

Json = Mapping[str, Any]


def spans_table(resources: Iterable[Json]) -> pd.DataFrame:
    """Turn spans into a table.

    Parameters
    ----------
    resources
        Objects of ``resourceSpans``.

    Examples
    --------
    >>> span = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331",
    ...         "name": "GET /", "startTimeUnixNano": "1772366400000000000",
    ...         "endTimeUnixNano": "1772366400001500000", "status": {"code": 2}}
    >>> service = {"key": "service.name", "value": {"stringValue": "auth"}}
    >>> resource = {"resource": {"attributes": [service]}, "scopeSpans": [{"spans": [span]}]}
    >>> spans_table([resource])[["service", "duration_ms", "status"]]
      service  duration_ms status
    0    auth          1.5  ERROR
    """
    return spans_frame(
        {
            "trace_id": identifier(span.get("traceId")),
            "span_id": identifier(span.get("spanId")),
            "parent_span_id": identifier(span.get("parentSpanId")),
            "service": service(resource),
            "operation": span.get("name"),
            "start": (start := nanoseconds(span.get("startTimeUnixNano"))),
            "duration_ms": _milliseconds(start, nanoseconds(span.get("endTimeUnixNano"))),
            "status": status((span.get("status") or {}).get("code")),
        }
        for resource, span in records(resources, "Spans", "spans")
    )


def spans_frame(rows: Iterable[Json], more: Iterable[str] = ()) -> pd.DataFrame:
    """Make a table of spans, each once, without those that cannot be placed.

    Parameters
    ----------
    rows
        By the columns of the frame; `start` in nanoseconds since 1970.
    more
        Columns that they have besides.
    """
    table = pd.DataFrame(list(rows), columns=[*SPANS, *more])
    placed = table[["trace_id", "span_id", "start"]].notna().all(axis="columns")
    if not placed.all():
        warnings.warn(
            f"{int((~placed).sum())} spans without an identifier or a start are left out",
            FrameWarning,
            stacklevel=2,
        )
    kept = table[placed].drop_duplicates(ignore_index=True)  # exporters send again after a failure
    endless = int(kept["duration_ms"].isna().sum())
    if endless:
        warnings.warn(
            f"{endless} spans have no end after their start; their duration is unknown",
            FrameWarning,
            stacklevel=2,
        )
    return kept.astype({"start": "int64"})


def logs_table(resources: Iterable[Json]) -> pd.DataFrame:
    """Turn log records into a table.

    Parameters
    ----------
    resources
        Objects of ``resourceLogs``. A record without a time has that at which it was observed.
    """
    rows = []
    for resource, record in records(resources, "Logs", "logRecords"):
        body = _text(value(record.get("body")))
        said = severity(record.get("severityNumber")) or record.get("severityText")
        time = nanoseconds(record.get("timeUnixNano"))
        row = {
            "timestamp": time or nanoseconds(record.get("observedTimeUnixNano")),
            "service": service(resource),
            "severity": named.severity(said, body),
            "body": body,
            "trace_id": identifier(record.get("traceId")),
            "attributes": {**resource, **attributes(record.get("attributes"))},
        }
        rows.append(row)
    table = pd.DataFrame(rows, columns=LOGS)
    timeless = table["timestamp"].isna()
    if timeless.any():
        message = f"{int(timeless.sum())} log records without a time are left out"
        warnings.warn(message, FrameWarning, stacklevel=2)
    return table[~timeless].reset_index(drop=True).astype({"timestamp": "int64"})


def records(
    resources: Iterable[Json], suffix: str, member: str
) -> Iterator[tuple[dict[str, Any], Json]]:
    """Yield what each resource sent, with the attributes of the resource.

    Parameters
    ----------
    resources
        Objects of ``resourceSpans``, ``resourceLogs`` or ``resourceMetrics``.
    suffix, member
        ``"Spans", "spans"``, ``"Logs", "logRecords"`` or ``"Metrics", "metrics"``.
    """
    for each in resources:
        resource = attributes((each.get("resource") or {}).get("attributes"))
        # Before version 0.15 of the protocol, scopes were called instrumentation libraries.
        scopes = each.get(f"scope{suffix}") or each.get(f"instrumentationLibrary{suffix}") or ()
        for scope in scopes:
            for record in scope.get(member) or ():
                yield resource, record


def service(resource: Json) -> str:
    """Name the service of a resource."""
    return str(resource.get("service.name") or NO_SERVICE)


def _milliseconds(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None or end < start else (end - start) / 1e6


def _text(body: Any) -> str:
    if body is None or isinstance(body, str):
        return body or ""
    return json.dumps(body, ensure_ascii=False, default=str)
