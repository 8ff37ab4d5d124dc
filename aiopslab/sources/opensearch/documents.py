"""Log documents of the schemas in use, ECS and OpenTelemetry's foremost, as a table of logs."""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from aiopslab.sources.otlp import values
from aiopslab.sources.severity import severity

NO_SERVICE = "unknown"
_LATEST_MS = 10**15  # a larger number is of nanoseconds
_COLUMNS = ["timestamp", "service", "severity", "body", "trace_id", "attributes"]
_SERVICES = (
    *("service.name", "resource.attributes.service.name", "resource.service.name"),
    *("Resource.service.name", "attributes.service.name", "serviceName", "service_name"),
    *("labels.service.name", "fields.service", "service", "app", "application"),
    *("kubernetes.labels.app_kubernetes_io/name", "kubernetes.labels.app.kubernetes.io/name"),
    *("kubernetes.labels.app", "kubernetes.container.name", "kubernetes.container_name"),
    *("container.name", "host.name"),
)
_SEVERITIES = (
    *("log.level", "severity_text", "severityText", "severity.text", "SeverityText"),
    *("level", "loglevel", "log_level", "severity"),
)
_NUMBERS = ("severity_number", "severityNumber", "severity.number", "SeverityNumber")
_BODIES = (
    *("message", "body", "body.text", "body.stringValue", "Body", "log", "msg"),
    *("event.original", "error.message"),
)
_TRACES = ("trace.id", "trace_id", "traceId", "TraceId", "traceID", "attributes.trace_id")


def logs_table(hits: Iterable[Mapping[str, Any]], time_field: str) -> pd.DataFrame:
    """Turn the hits of a search into a table of logs.

    Parameters
    ----------
    hits
        With `_source`, whose names may be nested, dotted or both, and `sort`, which begins with
        the time.
    time_field
        The field of the time.

    Examples
    --------
    >>> source = {"@timestamp": "2026-03-01T12:00:00.123Z", "message": "no pool",
    ...           "service": {"name": "auth"}, "log.level": "error"}
    >>> table = logs_table([{"_source": source, "sort": [1772366400123]}], "@timestamp")
    >>> table[["service", "severity", "body"]].iloc[0].tolist()
    ['auth', 'ERROR', 'no pool']
    """
    return pd.DataFrame([_row(hit, time_field) for hit in hits], columns=_COLUMNS)


def flat(source: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a document by their dotted names.

    Examples
    --------
    >>> dict(flat({"a": {"b": 1}, "a.c": [2]}))
    {'a.b': 1, 'a.c': [2]}
    """
    for name, value in source.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _row(hit: Mapping[str, Any], time_field: str) -> dict[str, Any]:
    source = hit["_source"]
    fields = dict(flat(source))
    body = _first(fields, _BODIES)
    if body is None:
        shown = source.get("body") or source
        body = json.dumps(shown, ensure_ascii=False)
    number = _first(fields, _NUMBERS)
    said = _first(fields, _SEVERITIES) or (values.severity(number) if number else None)
    return {
        "timestamp": _time(fields.get(time_field), hit),
        "service": _first(fields, _SERVICES) or NO_SERVICE,
        "severity": severity(said, body),
        "body": body,
        "trace_id": values.identifier(_first(fields, _TRACES)),
        "attributes": fields,
    }


def _time(text: Any, hit: Mapping[str, Any]) -> pd.Timestamp:
    """Return the time of a document; what it is sorted by has no more than milliseconds."""
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):  # a number, or a format of the index' own
        at = int(hit["sort"][0])
        return pd.Timestamp(at, unit="ns" if at > _LATEST_MS else "ms", tz="UTC")
    return pd.Timestamp(time if time.tzinfo else time.replace(tzinfo=UTC)).tz_convert("UTC")


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """Return the first of some fields that says something; a field may have several values."""
    for name in names:
        value = fields.get(name)
        value = value[0] if isinstance(value, list) and value else value
        if value not in (None, "", []) and not isinstance(value, (list, dict)):
            return str(value)
    return None
