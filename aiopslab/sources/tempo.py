"""Tempo: the spans of the traces that a TraceQL query selects.

``tempo+http://host:3200`` (or ``tempo+https``), with a path if a proxy adds one. What to fetch is
said in the query string or as options of `aiopslab.sources.open`::

    tempo+http://localhost:3200/?query={resource.service.name="auth" %26%26 status=error}&limit=500

Credentials come from the environment only: ``AIOPSLAB_TEMPO_TOKEN`` (sent as a bearer token), or
``AIOPSLAB_TEMPO_USER`` and ``AIOPSLAB_TEMPO_PASSWORD``. ``AIOPSLAB_TEMPO_CA`` names the file of a
private certificate authority.
"""

import warnings
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources.backends import Recording
from aiopslab.sources.http import Client, HttpError, TooLargeError, credentials, split
from aiopslab.sources.limits import count
from aiopslab.sources.otlp.translate import spans_table
from aiopslab.sources.otlp.values import nanoseconds
from aiopslab.sources.prometheus.grid import seconds
from aiopslab.sources.prometheus.progress import progress
from aiopslab.sources.window import latest

DEFAULT_QUERY = "{}"
DEFAULT_LIMIT = 1_000
DEFAULT_TIMEOUT = 60
PARTS = 20  # of a window, each searched for itself: a search stops at any traces, not the earliest
_NOT_FOUND = 404


def open_tempo(
    url: str,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    query: str | None = None,
    limit: str | int | None = None,
    tenant: str | None = None,
    timeout: str | float | None = None,
) -> Recording:
    """Fetch traces: the back end of ``tempo+http(s)``.

    Parameters
    ----------
    url
        The server, and any of the options in its query string (percent-encode ``&``, ``#`` and
        ``%`` there); an option given outside it wins.
    start, end
        The window; without a start the hour before the end, without an end now.
    query
        A TraceQL query; ``{}``, every trace, by default.
    limit
        How many traces to read, each being one request; 1,000 by default. Of more, those are
        taken that are spread evenly over the window.
    tenant
        Whose traces, where Tempo keeps several tenants apart.
    timeout
        How long to wait for one answer; 60 s by default.

    Raises
    ------
    SourceError
        If the server cannot be reached, refuses, or has no traces that match.
    """
    given = {"query": query, "limit": limit, "tenant": tenant, "timeout": timeout}
    address, options = split(url, given)
    most = count(options.get("limit", DEFAULT_LIMIT))
    selected = options.get("query", DEFAULT_QUERY)
    since, until = latest(start, end)
    client = Client(
        address,
        system="Tempo",
        credentials=credentials("AIOPSLAB_TEMPO"),
        headers={"Accept": "application/json"}
        | ({"X-Scope-OrgID": options["tenant"]} if "tenant" in options else {}),
        timeout=seconds(options.get("timeout", DEFAULT_TIMEOUT), "timeout"),
    )
    with client, client.reading():
        traces = _evenly(_search(client, selected, (since, until), most), most)
        spans = spans_table(_resources(client, traces))
    if spans.empty:
        raise SourceError(
            f"{selected} finds no traces between {since.isoformat()} and {until.isoformat()}",
            "Check the window and the query in Grafana, and the tenant if Tempo has several.",
        )
    return Recording({"spans": spans})


def _search(
    client: Client, query: str, window: tuple[pd.Timestamp, pd.Timestamp], most: int
) -> list[str]:
    """Return the identifiers of traces, the earliest first."""
    began: dict[str, int] = {}
    full = 0
    # Tempo searches by whole seconds.
    first, last = window[0].value // 10**9, -(-window[1].value // 10**9)
    bounds = np.unique(np.linspace(first, max(last, first + 1), PARTS + 1).astype("int64"))
    with progress("Tempo, searching", len(bounds) - 1) as advance:
        for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            asked = {"q": query, "start": start, "end": end, "limit": most + 1}
            found = client.get_json("/api/search", asked).get("traces") or []
            full += len(found) > most
            for each in found:
                began[each["traceID"]] = nanoseconds(each.get("startTimeUnixNano")) or 0
            advance()
    if full:
        message = f"{full} of {len(bounds) - 1} parts of the window have more than {most:,} traces"
        warnings.warn(f"{message}; Tempo chose which", FrameWarning, stacklevel=2)
    return sorted(began, key=lambda trace: (began[trace], trace))


def _evenly(traces: list[str], most: int) -> list[str]:
    if len(traces) <= most:
        return traces
    message = f"{most:,} of {len(traces):,} traces are read, spread evenly over the window"
    warnings.warn(f"{message}; pass a higher limit for more", FrameWarning, stacklevel=2)
    return [traces[at] for at in np.linspace(0, len(traces) - 1, most).round().astype(int)]


def _resources(client: Client, traces: list[str]) -> Iterator[Mapping[str, Any]]:
    """Yield what each trace holds, one request a trace."""
    gone, large = 0, 0
    with progress("Tempo, reading", len(traces)) as advance:
        for trace in traces:
            try:
                answer = client.get_json(f"/api/traces/{quote(trace, safe='')}")
                yield from resources(answer)
            except TooLargeError:
                large += 1
            except HttpError as error:
                if error.status != _NOT_FOUND:
                    raise
                gone += 1  # since it was found, its time to be kept has ended
            advance()
    for number, why in ((gone, "no longer there"), (large, "too large")):
        if number:
            warnings.warn(f"{number} traces are {why}; left out", FrameWarning, stacklevel=2)


def resources(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the resources of a trace, in whichever form a version of Tempo wraps them.

    Examples
    --------
    >>> resources({"trace": {"resourceSpans": []}}) == resources({"batches": []})
    True
    """
    trace = answer.get("trace", answer)
    return trace["batches"] if "batches" in trace else trace.get("resourceSpans") or []
