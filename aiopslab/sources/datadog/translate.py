"""What Datadog's APIs and exports hold, as tables of the frames."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from aiopslab.sources.otlp.translate import spans_frame
from aiopslab.sources.severity import severity

SERVICE_TAGS = ("service", "kube_deployment", "kube_service", "app", "container_name", "host")
_LOGS = ["timestamp", "service", "severity", "body", "trace_id", "attributes"]
_KNOWN = {
    *("timestamp", "date", "service", "host", "status", "level", "message", "content", "tags"),
    *("attributes", "id", "_id", "type"),
}
_ALERTS = ["timestamp", "name", "service", "severity", "state", "fingerprint", "labels"]
_CHANGES = ["timestamp", "kind", "service", "ref", "description"]
_KINDS = (  # what an event is about, by the first that its source, tags or title say
    ("flag", re.compile(r"feature[_ -]?flag|launchdarkly|split\.io|unleash", re.IGNORECASE)),
    (
        "deploy",
        re.compile(
            r"deploy|release|rollout|rolled out|roll(ed)?[_ -]?back|argo|jenkins|spinnaker",
            re.IGNORECASE,
        ),
    ),
    (
        "config",
        re.compile(
            r"config|terraform|ansible|chef|puppet|\bscal(ed|ing)\b|migration", re.IGNORECASE
        ),
    ),
    ("commit", re.compile(r"\bcommit|\bgit(hub|lab)?\b|bitbucket|pull request", re.IGNORECASE)),
)
_RESOLVED = re.compile(r"^\s*\[?(recovered|resolved|ok)\b", re.IGNORECASE)


def logs_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Turn logs into a table, whichever way Datadog handed them over.

    Parameters
    ----------
    records
        Objects of the logs API (``attributes``) or its older version (``content``), of an archive,
        or rows of the CSV that the Log Explorer exports.

    Examples
    --------
    >>> row = {"Date": "2026-03-01T12:00:00.123Z", "Service": "auth", "Message": "ERROR no pool"}
    >>> logs_table([row])[["service", "severity", "body"]].iloc[0].tolist()
    ['auth', 'ERROR', 'ERROR no pool']
    """
    return pd.DataFrame([_log(each) for each in records], columns=_LOGS)


def spans_table(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Turn objects of the spans API into a table; their `resource` is what was called."""
    return spans_frame((_span(each.get("attributes") or {}) for each in records), ("resource",))


def events_tables(records: Iterable[Mapping[str, Any]]) -> dict[str, pd.DataFrame]:
    """Sort objects of the events API into alerts, of monitors, and changes.

    Returns
    -------
    dict
        ``alerts`` and ``changes``; an event that is neither is left out.

    Examples
    --------
    >>> event = {"attributes": {"timestamp": "2026-03-01T12:00:00Z", "tags": ["service:auth"],
    ...          "message": "v2", "attributes": {"title": "Deployed auth v2"}}}
    >>> events_tables([event])["changes"][["kind", "service", "description"]].iloc[0].tolist()
    ['deploy', 'auth', 'Deployed auth v2: v2']
    """
    alerts, changes = [], []
    for record in records:
        event = record.get("attributes") or {}
        details = event.get("attributes") or {}
        if details.get("monitor_id") or details.get("monitor"):
            alerts.append(_alert(event, details))
        else:
            changes.append(_change(record, event, details))
    made = [each for each in changes if each["kind"]]
    return {
        "alerts": pd.DataFrame(alerts, columns=_ALERTS),
        "changes": pd.DataFrame(made, columns=_CHANGES),
    }


def metrics_table(answers: Mapping[str, Iterable[Mapping[str, Any]]]) -> pd.DataFrame:
    """Turn series of the metrics API into a table in long form.

    Parameters
    ----------
    answers
        Series by the name that their metric is to have. The service is that of a series' tags;
        its other tags become part of the name, so that no two series become one.

    Examples
    --------
    >>> series = {"tag_set": ["service:auth", "env:prod"], "pointlist": [[1772366400000.0, 3.5]]}
    >>> metrics_table({"cpu": [series]})[["service", "metric", "value"]]
      service         metric  value
    0    auth  cpu{env:prod}    3.5
    """
    rows = []
    for name, listed in answers.items():
        for each in listed:
            tags = each.get("tag_set") or (each.get("scope") or "").split(",")
            tags = [tag for tag in tags if tag and tag != "*"]
            service, used = _service(tags)
            rest = ",".join(sorted(tag for tag in tags if tag != used))
            metric = f"{name}{{{rest}}}" if rest else name
            points = each.get("pointlist") or ()
            rows += [(at, service or "all", metric, value) for at, value in points]
    return pd.DataFrame(rows, columns=["timestamp", "service", "metric", "value"])


def named(queries: str | Mapping[str, str]) -> dict[str, str]:
    """Return queries by a name; text is split at ``;`` and each is called after its metric.

    Examples
    --------
    >>> named("avg:system.cpu.user{*} by {service}")
    {'system.cpu.user': 'avg:system.cpu.user{*} by {service}'}
    """
    if not isinstance(queries, str):
        return dict(queries)
    found: dict[str, str] = {}
    for query in filter(None, map(str.strip, queries.split(";"))):
        metric = re.search(r"([\w.]+)\{", query)
        name = metric[1] if metric else query
        found[query if name in found else name] = query
    return found


def _log(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what any of the forms says, under one set of names."""
    inner = record.get("attributes")
    is_api = isinstance(inner, Mapping) and "timestamp" in inner and "date" not in record
    said = inner if is_api else record.get("content")
    entry = said if isinstance(said, Mapping) else record
    fields = {key.lower(): value for key, value in entry.items()}
    attributes = fields.get("attributes")
    # The columns that someone added to the Log Explorer are attributes too.
    rest = {key.lstrip("@"): value for key, value in fields.items() if key not in _KNOWN}
    rest |= attributes if isinstance(attributes, Mapping) else {}
    tags = fields.get("tags") or ()
    listed = tags.split(",") if isinstance(tags, str) else list(tags)
    body = str(_first(fields, "message", "content") or "")
    nested = rest["dd"] if isinstance(rest.get("dd"), Mapping) else {}
    trace = _first(rest | nested, "trace_id", "dd.trace_id")
    host = fields.get("host")
    shown = {"host": host, "tags": listed} | rest
    return {
        "timestamp": _first(fields, "timestamp", "date"),
        "service": fields.get("service") or _service(listed)[0] or host or "unknown",
        "severity": severity(_first(fields, "status", "level"), body),
        "body": body,
        "trace_id": None if trace is None else str(trace),
        "attributes": {name: value for name, value in shown.items() if value},
    }


def _span(span: Mapping[str, Any]) -> dict[str, Any]:
    custom = span.get("custom") or {}
    start, end = (
        pd.Timestamp(span[name]) if span.get(name) else None
        for name in ("start_timestamp", "end_timestamp")
    )
    duration = custom.get("duration")  # in nanoseconds
    parent = span.get("parent_id")
    nested = span.get("attributes") or {}
    status = str(span.get("status") or nested.get("status") or custom.get("status") or "").upper()
    is_error = status == "ERROR" or bool(custom.get("error") or nested.get("error"))
    return {
        "trace_id": span.get("trace_id") or None,
        "span_id": span.get("span_id") or None,
        "parent_span_id": None if parent in {"", "0", 0} else parent,
        "service": span.get("service") or "unknown",
        "operation": span.get("operation_name") or span.get("resource_name"),
        "start": None if start is None else start.value,
        "duration_ms": duration / 1e6 if duration is not None else _milliseconds(start, end),
        "status": "ERROR" if is_error else "OK" if status == "OK" else "UNSET",
        "resource": span.get("resource_name"),
    }


def _alert(event: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    monitor = details.get("monitor") or {}
    title = str(details.get("title") or "")
    status = str(details.get("status") or "").lower()
    transition = (monitor.get("transition") or {}).get("transition_type") or ""
    is_over = (
        status in {"success", "ok"} or "recover" in transition.lower() or _RESOLVED.match(title)
    )
    groups = details.get("monitor_groups") or monitor.get("groups") or []
    identity = str(details.get("monitor_id") or monitor.get("id") or "monitor")
    tags = [*(event.get("tags") or ()), *(groups if isinstance(groups, list) else [])]
    return {
        "timestamp": event.get("timestamp"),
        "name": monitor.get("name") or re.sub(r"^\s*(\[[^\]]*\]\s*)+", "", title) or "unnamed",
        "service": details.get("service") or _service(tags)[0],
        "severity": details.get("priority") or (None if is_over else status) or None,
        "state": "resolved" if is_over else "firing",
        "fingerprint": " ".join([identity, *sorted(map(str, groups))]),
        "labels": _labels(tags),
    }


def _change(
    record: Mapping[str, Any], event: Mapping[str, Any], details: Mapping[str, Any]
) -> dict[str, Any]:
    tags = [*(event.get("tags") or ())]
    title = str(details.get("title") or "")
    changed = details.get("changed_resource") or {}
    where = " ".join(
        map(str, (changed.get("type", ""), details.get("source_type_name") or "", *tags, title))
    )
    message = str(event.get("message") or "").strip()
    labels = _labels(tags)
    return {
        "timestamp": event.get("timestamp"),
        "kind": next((kind for kind, pattern in _KINDS if pattern.search(where)), None),
        "service": details.get("service") or _service(tags)[0],
        "ref": changed.get("name") or labels.get("version") or record.get("id"),
        "description": ": ".join(filter(None, (title, message))),
    }


def _milliseconds(start: pd.Timestamp | None, end: pd.Timestamp | None) -> float | None:
    return None if start is None or end is None else (end - start) / pd.Timedelta("1ms")


def _first(fields: Mapping[str, Any], *names: str) -> Any:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _labels(tags: Iterable[str]) -> dict[str, str]:
    pairs = (str(tag).partition(":") for tag in tags)
    return {name: value for name, _, value in pairs if value}


def _service(tags: Iterable[str]) -> tuple[str | None, str | None]:
    """Return the service that tags name, and the tag that does."""
    labels = _labels(tags)
    name = next((each for each in SERVICE_TAGS if each in labels), None)
    return (labels[name], f"{name}:{labels[name]}") if name else (None, None)
