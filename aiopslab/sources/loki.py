"""Loki: the log lines that a LogQL query selects.

``loki+http://host:3100`` (or ``loki+https``), with a path if a proxy adds one. What to fetch is
said in the query string or as options of `aiopslab.sources.open`::

    loki+http://localhost:3100/?query={namespace="shop"} |= "error"&tenant=shop

Credentials come from the environment only: ``AIOPSLAB_LOKI_TOKEN`` (sent as a bearer token), or
``AIOPSLAB_LOKI_USER`` and ``AIOPSLAB_LOKI_PASSWORD``. ``AIOPSLAB_LOKI_CA`` names the file of a
private certificate authority.
"""

import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources.backends import Recording
from aiopslab.sources.http import Client, HttpError, credentials, split
from aiopslab.sources.limits import count, cut
from aiopslab.sources.prometheus.grid import seconds
from aiopslab.sources.prometheus.progress import progress
from aiopslab.sources.severity import severity
from aiopslab.sources.window import latest

DEFAULT_LIMIT = 100_000
DEFAULT_TIMEOUT = 60
PAGES = (5_000, 1_000, 100)  # lines of one answer: Loki's own bound, and what a stricter one allows
SERVICE_LABELS = ("service_name", "service", "app", "job", "container")
NO_SERVICE = "unknown"
_SEVERITIES = ("level", "severity", "severity_text", "detected_level", "lvl")
_TRACES = ("trace_id", "traceID", "traceid", "traceId", "trace")
_TRACE = re.compile(r"""trace[_.-]?id["']?\s*[=:]\s*["']?([0-9a-f]{16,32})\b""", re.IGNORECASE)
_COLUMNS = ["timestamp", "service", "severity", "body", "trace_id", "attributes"]


class Line(NamedTuple):
    """One line: when, in nanoseconds since 1970, its labels sorted by name, and its text."""

    time: int
    labels: tuple[tuple[str, str], ...]
    text: str


def open_loki(
    url: str,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    query: str | None = None,
    limit: str | int | None = None,
    service_label: str | None = None,
    tenant: str | None = None,
    timeout: str | float | None = None,
) -> Recording:
    """Fetch log lines: the back end of ``loki+http(s)``.

    Parameters
    ----------
    url
        The server, and any of the options in its query string (percent-encode ``&``, ``#`` and
        ``%`` there); an option given outside it wins.
    start, end
        The window; without a start the hour before the end, without an end now.
    query
        A LogQL query of log lines, e.g. ``{namespace="shop"} |= "error"``. By default every
        stream that has the label which tells services apart.
    limit
        How many lines to read, the earliest; 100,000 by default.
    service_label
        The label that holds the service. Without it, or in a line that lacks it, the first of
        `service_name`, `service`, `app`, `job` and `container` is taken.
    tenant
        Whose lines, where Loki keeps several tenants apart.
    timeout
        How long to wait for one answer; 60 s by default.

    Raises
    ------
    SourceError
        If the server cannot be reached, refuses, or has nothing that matches.
    """
    given = {
        "query": query,
        "limit": limit,
        "service_label": service_label,
        "tenant": tenant,
        "timeout": timeout,
    }
    address, options = split(url, given)
    most = count(options.get("limit", DEFAULT_LIMIT))
    label = options.get("service_label")
    services = (label, *SERVICE_LABELS) if label else SERVICE_LABELS
    since, until = latest(start, end)
    client = Client(
        address,
        system="Loki",
        credentials=credentials("AIOPSLAB_LOKI"),
        headers={"X-Scope-OrgID": options["tenant"]} if "tenant" in options else None,
        timeout=seconds(options.get("timeout", DEFAULT_TIMEOUT), "timeout"),
    )
    with client, client.reading():
        selected = options.get("query") or _everything(client, services, since, until)
        with progress("Loki", -(-most // PAGES[0])) as advance:
            found = _lines(client, selected, (since.value, until.value), most, advance)
        if not found:
            raise SourceError(
                f"{selected} finds no lines between {since.isoformat()} and {until.isoformat()}",
                "Check the window and the query in Grafana, and the tenant if Loki has several.",
            )
        last = pd.Timestamp(found[-1].time, tz="UTC").isoformat()
        return Recording({"logs": logs_table(cut(found, most, _earliest(most, last)), services)})


def logs_table(lines: list[Line], service_labels: tuple[str, ...] = SERVICE_LABELS) -> pd.DataFrame:
    """Turn lines into a table of logs.

    Parameters
    ----------
    lines
        Their severity is that of their labels, else what the line itself says; so is the trace.
    service_labels
        Where to look for the service, the first that a line has.

    Examples
    --------
    >>> line = Line(1772366400000000000, (("app", "auth"),), "level=warn traceID=00f067aa0ba902b7")
    >>> logs_table([line])[["service", "severity", "trace_id"]].iloc[0].tolist()
    ['auth', 'WARN', '00f067aa0ba902b7']
    """
    rows = [_row(line, service_labels) for line in lines]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _row(line: Line, service_labels: tuple[str, ...]) -> dict[str, Any]:
    labels = dict(line.labels)
    found = _TRACE.search(line.text)
    return {
        "timestamp": line.time,
        "service": _first(labels, service_labels) or NO_SERVICE,
        "severity": severity(_first(labels, _SEVERITIES), line.text),
        "body": line.text,
        "trace_id": _first(labels, _TRACES) or (found[1].lower() if found else None),
        "attributes": labels,
    }


def _first(labels: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((labels[name] for name in names if labels.get(name)), None)


def _earliest(most: int, last: str) -> str:
    return f"the earliest {most:,} lines, up to {last},"


def _everything(
    client: Client, service_labels: tuple[str, ...], start: pd.Timestamp, end: pd.Timestamp
) -> str:
    """Return the query of every stream that has a label; Loki takes none without a label."""
    window = {"start": start.value, "end": end.value}
    labels = client.get_json("/loki/api/v1/labels", window).get("data") or []
    label = next((each for each in [*service_labels, *labels] if each in labels), None)
    if label is None:
        raise SourceError(
            f"{client.address} has no lines between {start.isoformat()} and {end.isoformat()}",
            "Check the window, and the tenant if Loki has several.",
        )
    query = f'{{{label}=~".+"}}'
    message = f"Loki is asked for {query}; streams without that label are not read"
    warnings.warn(message, FrameWarning, stacklevel=2)
    return query


def _lines(
    client: Client, query: str, window: tuple[int, int], most: int, advance: Callable[[], None]
) -> list[Line]:
    """Return the lines of a window, the earliest first, and one more than wanted if there are.

    A page begins at the last time of the page before, of which some lines may not have been sent;
    those that were are told apart by counting, for two lines may be equal.
    """
    page, first_page = _page_size(client, query, window)
    found: list[Line] = []
    seen: Counter[Line] = Counter()
    since, until = window
    lines = first_page
    while True:
        advance()
        found += _unseen(lines, seen)
        if len(lines) < page or len(found) > most:
            return found
        last = max(lines[-1].time, since)  # some versions send lines of before the window as well
        if last == since:
            at = pd.Timestamp(last, tz="UTC").isoformat()
            message = f"{page:,} lines are of {at}; of more than that Loki does not give the rest"
            warnings.warn(message, FrameWarning, stacklevel=2)
            last += 1
        if last > until:
            return found
        since = last
        seen = Counter(each for each in found[-2 * page :] if each.time == since)
        lines = _ask(client, query, (since, until), page)


def _unseen(lines: list[Line], seen: Counter[Line]) -> Iterator[Line]:
    left = seen.copy()
    for line in lines:
        if left[line] > 0:
            left[line] -= 1
        else:
            yield line


def _page_size(client: Client, query: str, window: tuple[int, int]) -> tuple[int, list[Line]]:
    """Return how many lines this Loki gives at once, and the first of them."""
    for page in PAGES[:-1]:
        try:
            return page, _ask(client, query, window, page)
        except HttpError as error:
            if "max entries limit" not in error.problem:
                raise
    return PAGES[-1], _ask(client, query, window, PAGES[-1])


def _ask(client: Client, query: str, window: tuple[int, int], page: int) -> list[Line]:
    asked = {
        "query": query,
        "start": window[0],
        "end": window[1] + 1,  # which Loki leaves out
        "limit": page,
        "direction": "forward",
    }
    data = client.get_json("/loki/api/v1/query_range", asked)["data"]
    if data["resultType"] != "streams":
        raise SourceError(
            f"{query} counts; expected a query of log lines", 'Write it as {app="shop"} |= "error".'
        )
    lines = [
        Line(int(entry[0]), _labels(stream["stream"], entry[2:]), str(entry[1]))
        for stream in data["result"]
        for entry in stream["values"]
    ]
    return sorted(lines, key=lambda line: line.time)


def _labels(stream: Mapping[str, str], extras: list[Any]) -> tuple[tuple[str, str], ...]:
    """Return the labels of a line: those of its stream, and its own, if they are sent apart."""
    labels = dict(stream)
    for extra in extras:
        labels |= extra.get("parsed") or {}
        labels |= extra.get("structuredMetadata") or {}
    return tuple(sorted((name, str(value)) for name, value in labels.items()))
