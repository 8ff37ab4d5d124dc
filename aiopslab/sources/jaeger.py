"""Jaeger: spans, and who calls whom.

``jaeger+http://host:16686`` (or ``jaeger+https``) asks the query service, with a path if a proxy
adds one; ``jaeger+file:///path`` reads the JSON that its pages and its API hand out. Options are
said in the query string or passed to `aiopslab.sources.open`::

    jaeger+http://localhost:16686/?service=gateway,auth&limit=50000

Credentials come from the environment only: ``AIOPSLAB_JAEGER_TOKEN`` (sent as a bearer token), or
``AIOPSLAB_JAEGER_USER`` and ``AIOPSLAB_JAEGER_PASSWORD``. ``AIOPSLAB_JAEGER_CA`` names the file of
a private certificate authority.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources import exports
from aiopslab.sources.backends import Recording
from aiopslab.sources.http import Client, HttpError, TooLargeError, credentials, split
from aiopslab.sources.limits import count, cut
from aiopslab.sources.otlp.translate import NO_SERVICE, spans_frame
from aiopslab.sources.otlp.values import identifier, status
from aiopslab.sources.prometheus.grid import seconds
from aiopslab.sources.prometheus.progress import progress
from aiopslab.sources.window import latest

DEFAULT_LIMIT = 100_000
DEFAULT_TIMEOUT = 60
PAGE = 500  # traces of one answer
_SHORTEST = 1_000  # microseconds of a window that is not split any more

Trace = Mapping[str, Any]


def open_jaeger(
    url: str,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    service: str | list[str] | None = None,
    limit: str | int | None = None,
    timeout: str | float | None = None,
) -> Recording:
    """Fetch traces: the back end of ``jaeger+http(s)``.

    Parameters
    ----------
    url
        The query service, and any of the options in its query string; an option given outside it
        wins.
    start, end
        The window; without a start the hour before the end, without an end now.
    service
        Whose traces, text being split at commas; those of all services by default. A trace comes
        whole, whichever of its services was asked for.
    limit
        How many spans to read; 100,000 by default.
    timeout
        How long to wait for one answer; 60 s by default.

    Returns
    -------
    Recording
        ``spans``, and ``topology`` where the server has worked it out.

    Raises
    ------
    SourceError
        If the server cannot be reached, refuses, or has no traces in the window.
    """
    given = {"service": service, "limit": limit, "timeout": timeout}
    address, options = split(url, given)
    most = count(options.get("limit", DEFAULT_LIMIT))
    since, until = latest(start, end)
    client = Client(
        address,
        system="Jaeger",
        credentials=credentials("AIOPSLAB_JAEGER"),
        timeout=seconds(options.get("timeout", DEFAULT_TIMEOUT), "timeout"),
    )
    with client, client.reading():
        services = _services(client, options.get("service"))
        with progress("Jaeger", len(services)) as advance:
            traces = _traces(client, services, (since, until), most, advance)
        spans = spans_table(traces)
        topology = _topology(client, since, until)
    if spans.empty:
        raise SourceError(
            f"{address} has no traces of {', '.join(services[:8])} between {since.isoformat()} "
            f"and {until.isoformat()}",
            "Check the window, and the service in Jaeger's own search.",
        )
    kept = spans.iloc[: len(cut(range(len(spans)), most, f"{most:,} spans"))]
    return Recording({"spans": kept} | ({} if topology.empty else {"topology": topology}))


def open_export(url: str, start: pd.Timestamp | None, end: pd.Timestamp | None) -> Recording:
    """Read traces from the JSON that Jaeger hands out: the back end of ``jaeger+file``.

    Parameters
    ----------
    url
        The file: ``{"data": […]}``, or several of them.
    start, end
        Not used: files are read whole.

    Raises
    ------
    SourceError
        If there is no such file, or no traces in it.
    """
    traces = [each for each in exports.records(url, ("data",)) if "spans" in each]
    if not traces:
        raise SourceError(
            f"{url} has no traces of Jaeger", "Download it with Trace JSON on the page of a trace."
        )
    with exports.reading(url, "Jaeger"):
        return Recording({"spans": spans_table(traces)})


def spans_table(traces: Iterable[Trace]) -> pd.DataFrame:
    """Turn traces into a table of spans, each span once.

    Parameters
    ----------
    traces
        Objects of ``data`` in an answer. A span of an error has the tag ``error`` or
        ``otel.status_code``.

    Examples
    --------
    >>> span = {"traceID": "0af7651916cd43dd8448eb211c80319c", "spanID": "b7ad6b7169203331",
    ...         "operationName": "GET /", "references": [], "startTime": 1772366400000000,
    ...         "duration": 1500, "processID": "p1", "tags": [{"key": "error", "value": True}]}
    >>> trace = {"spans": [span], "processes": {"p1": {"serviceName": "auth"}}}
    >>> spans_table([trace])[["service", "duration_ms", "status"]]
      service  duration_ms status
    0    auth          1.5  ERROR
    """
    return spans_frame(_span(trace, span) for trace in traces for span in trace["spans"])


def _span(trace: Trace, span: Mapping[str, Any]) -> dict[str, Any]:
    process = span.get("process") or (trace.get("processes") or {}).get(span.get("processID")) or {}
    start, duration = span.get("startTime"), span.get("duration")
    return {
        "trace_id": identifier(span.get("traceID")),
        "span_id": identifier(span.get("spanID")),
        "parent_span_id": identifier(_parent(span)),
        "service": process.get("serviceName") or NO_SERVICE,
        "operation": span.get("operationName"),
        "start": None if start is None else int(start) * 1000,
        "duration_ms": None if duration is None or duration < 0 else duration / 1000,
        "status": _status({tag["key"]: tag.get("value") for tag in span.get("tags") or ()}),
    }


def _parent(span: Mapping[str, Any]) -> str | None:
    """Return the parent in the same trace; one that waits for the span before one that does not."""
    references = [
        each for each in span.get("references") or () if each.get("traceID") == span.get("traceID")
    ]
    references.sort(key=lambda each: each.get("refType") != "CHILD_OF")
    # Exports of old versions have the parent itself.
    return references[0].get("spanID") if references else span.get("parentSpanID")


def _status(tags: Mapping[str, Any]) -> str:
    if str(tags.get("error", "")).lower() == "true":
        return "ERROR"
    return status(tags.get("otel.status_code"))


def _services(client: Client, said: str | list[str] | None) -> list[str]:
    if said is not None:
        named = said.split(",") if isinstance(said, str) else said
        return [each.strip() for each in named if each.strip()]
    services = client.get_json("/api/services")["data"] or []
    if services:
        return sorted(services)
    raise SourceError(
        f"{client.address} knows no service", "Check that traces are sent to this Jaeger."
    )


def _traces(
    client: Client,
    services: list[str],
    window: tuple[pd.Timestamp, pd.Timestamp],
    most: int,
    advance: Callable[[], None],
) -> list[Trace]:
    """Return each trace once, until the spans are more than wanted."""
    found: dict[str, Trace] = {}
    spans = 0
    bounds = window[0].value // 1000, -(-window[1].value // 1000)
    for at, service in enumerate(services):
        for trace in _of_service(client, service, *bounds):
            if trace["traceID"] not in found:
                found[trace["traceID"]] = trace
                spans += len(trace["spans"])
            if spans > most:
                left = ", ".join(services[at + 1 :][:8])
                message = f"traces of {service} after the first {len(found):,} are not read" + (
                    f", nor are those without it of {left}" if left else ""
                )
                warnings.warn(message, FrameWarning, stacklevel=2)
                return list(found.values())
        advance()
    return list(found.values())


def _of_service(client: Client, service: str, start: int, end: int) -> Iterator[Trace]:
    """Yield the traces of a window in microseconds; one with too many is asked for by halves."""
    asked = {"service": service, "start": start, "end": end, "limit": PAGE}
    is_short = end - start < _SHORTEST
    try:
        traces = client.get_json("/api/traces", asked)["data"] or []
    except TooLargeError:
        if is_short:
            raise
        traces = None
    if traces is not None and len(traces) < PAGE:
        yield from traces
    elif is_short and traces is not None:
        at = pd.Timestamp(start, unit="us", tz="UTC").isoformat()
        message = f"{service} has more than {PAGE} traces at {at}; Jaeger does not give the rest"
        warnings.warn(message, FrameWarning, stacklevel=2)
        yield from traces
    else:
        middle = (start + end) // 2
        yield from _of_service(client, service, start, middle)
        yield from _of_service(client, service, middle + 1, end)


def _topology(client: Client, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Return who calls whom, if the server knows: some storages have a job that works it out."""
    asked = {
        "endTs": end.value // 1_000_000,
        "lookback": (end - start).value // 1_000_000,
    }
    try:
        edges = client.get_json("/api/dependencies", asked)["data"] or []
    except HttpError:
        edges = []
    rows = [(each["parent"], each["child"]) for each in edges if each["parent"] != each["child"]]
    return pd.DataFrame(rows, columns=["caller", "callee"]).drop_duplicates(ignore_index=True)
