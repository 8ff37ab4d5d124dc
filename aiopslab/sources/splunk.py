"""Splunk: the logs that a search finds, asked of a server or read from what it exported.

``splunk+https://host:8089`` asks the management port of a search head; ``splunk+file:///path``
reads what Splunk Web exports: JSON or CSV. The search is said in the query string or as an option
of `aiopslab.sources.open`::

    splunk+https://splunk.example.org:8089/?query=search index=shop level=error

The token of the environment variable ``SPLUNK_TOKEN`` is sent as a bearer token, or as a session
key where it has the form ``Splunk KEY``; without it, ``SPLUNK_USER`` and ``SPLUNK_PASSWORD`` are.
``SPLUNK_CA`` names the file of a private certificate authority, such as Splunk's own.
"""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources import exports
from aiopslab.sources.backends import Recording
from aiopslab.sources.http import Client, Credentials, HttpError, credentials, split
from aiopslab.sources.limits import count, cut
from aiopslab.sources.prometheus.grid import seconds
from aiopslab.sources.severity import severity
from aiopslab.sources.surrogates import loads
from aiopslab.sources.window import latest

DEFAULT_QUERY = "search index=*"
DEFAULT_LIMIT = 50_000
DEFAULT_TIMEOUT = 120  # seconds; the answer is whole when the search is
_PATHS = (
    "/services/search/v2/jobs/export",
    "/services/search/jobs/export",
)  # since 9.0, and before
_FORBIDDEN, _NOT_FOUND = 403, 404
_COLUMNS = ["timestamp", "service", "severity", "body", "trace_id", "attributes"]
_SERVICES = ("service", "service.name", "service_name", "app", "application", "container_name")
_SEVERITIES = ("level", "severity", "log_level", "loglevel")
_TRACES = ("trace_id", "traceId", "trace.id", "dd.trace_id")
_WRAPPERS = ("results", "result", "rows")


def open_splunk(
    url: str,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    query: str | None = None,
    limit: str | int | None = None,
    timeout: str | float | None = None,
) -> Recording:
    """Search for logs: the back end of ``splunk+http(s)``.

    Parameters
    ----------
    url
        The management port of a search head, and any of the options in its query string
        (percent-encode ``&``, ``#`` and ``%`` there); an option given outside it wins.
    start, end
        The window; without a start the hour before the end, without an end now.
    query
        A search that returns events; ``search index=*`` by default.
    limit
        How many events to read, the latest; 50,000 by default.
    timeout
        How long to wait for the search to end; 120 s by default.

    Raises
    ------
    SourceError
        If the server cannot be reached, refuses, or the search fails or finds nothing.
    """
    given = {"query": query, "limit": limit, "timeout": timeout}
    address, options = split(url, given)
    most = count(options.get("limit", DEFAULT_LIMIT))
    wait = seconds(options.get("timeout", DEFAULT_TIMEOUT), "timeout")
    search = _search(options.get("query", DEFAULT_QUERY))
    since, until = latest(start, end)
    form = {
        "search": f"{search} | head {most + 1}",
        "earliest_time": f"{since.timestamp():.3f}",
        "latest_time": f"{until.timestamp() + 0.001:.3f}",  # which it leaves out
        "output_mode": "json",
        "preview": "false",
    }
    account = _credentials()
    # A search that is too slow is as slow the next time.
    with Client(address, system="Splunk", credentials=account, timeout=wait, attempts=2) as client:
        content = _exported(client, form)
        with client.reading():
            events = cut(list(_events(content, account)), most, f"the latest {most} events")
            is_logs = any("_time" in each or "_raw" in each for each in events)
            logs = logs_table(events)
    if not events:
        raise SourceError(
            f"{search} finds nothing between {since.isoformat()} and {until.isoformat()}",
            "Check the window, the index and that the role of the token may search it.",
        )
    if not is_logs:
        raise _no_events(search)
    return Recording({"logs": logs})


def open_export(url: str, start: pd.Timestamp | None, end: pd.Timestamp | None) -> Recording:
    """Read what Splunk Web or its API exported: the back end of ``splunk+file``.

    Parameters
    ----------
    url
        The file: a CSV, or JSON as an array, as ``{"results": […]}`` or as one object a line.
    start, end
        Not used: files are read whole.

    Raises
    ------
    SourceError
        If there is no such file, or no event in it.
    """
    events = [each for each in exports.records(url, _WRAPPERS) if "_time" in each or "_raw" in each]
    if not events:
        raise _no_events(url)
    with exports.reading(url, "Splunk"):
        return Recording({"logs": logs_table(events)})


def logs_table(events: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Turn events into a table of logs.

    Parameters
    ----------
    events
        By the names of their fields. The service is a field of that name, else the application or
        container, else the source type, else the host.

    Examples
    --------
    >>> event = {"_time": "2026-03-01T12:00:00.000+00:00", "_raw": "ERROR no pool", "host": "a1",
    ...          "sourcetype": "auth"}
    >>> logs_table([event])[["service", "severity", "body"]].iloc[0].tolist()
    ['auth', 'ERROR', 'ERROR no pool']
    """
    return pd.DataFrame([_log(each) for each in events], columns=_COLUMNS)


def _credentials() -> Credentials:
    found = credentials("SPLUNK")
    sent = found.headers.get("Authorization", "")
    headers = (
        {"Authorization": sent.removeprefix("Bearer ")} if "Splunk " in sent else found.headers
    )
    return replace(
        found,
        headers=headers,
        remedy="Set SPLUNK_TOKEN to a token that has not expired (Settings, Tokens).",
    )


def _search(query: str) -> str:
    """Return a query that begins with a command, as the API wants it."""
    query = query.strip()
    return query if query.startswith(("|", "search ")) else f"search {query}"


def _exported(client: Client, form: Mapping[str, str]) -> bytes:
    try:
        try:
            return client.send("POST", _PATHS[0], data=form)
        except HttpError as error:
            if error.status != _NOT_FOUND:
                raise
            return client.send("POST", _PATHS[1], data=form)
    except HttpError as error:
        if error.status != _FORBIDDEN:
            raise
        raise SourceError(
            error.problem,
            "Give the role of the token the capability search, and the right to search the index.",
        ) from None


def _events(content: bytes, account: Credentials) -> Iterator[Mapping[str, Any]]:
    """Yield the results of an export, which has its complaints in between.

    Raises
    ------
    SourceError
        If one of the complaints is that the search failed.
    """
    for line in content.splitlines():
        answer = loads(line.decode()) if line.strip() else {}
        for message in answer.get("messages", ()):
            said = account.hide(str(message.get("text", "")))
            if message.get("type") in {"FATAL", "ERROR"}:
                raise SourceError(
                    f"the search failed: {said}", "Try it in Splunk Web, and mend it."
                )
            if message.get("type") == "WARN":
                warnings.warn(f"Splunk: {said}", FrameWarning, stacklevel=2)
        if "result" in answer and not answer.get("preview"):
            yield answer["result"]


def _no_events(where: str) -> SourceError:
    return SourceError(
        f"{where} has no Splunk events: none has _time or _raw",
        "Ask for events, not a table of statistics, or add | fields _time _raw host source *.",
    )


def _log(event: Mapping[str, Any]) -> dict[str, Any]:
    body = _text(event.get("_raw")) or _text(event.get("message")) or ""
    shown = {
        name: value
        for name, value in event.items()
        if not name.startswith(("_", "date_", "time")) and name not in {"punct", "linecount"}
    }
    return {
        "timestamp": _time(_text(event.get("_time"))),
        "service": _first(event, (*_SERVICES, "sourcetype", "host")) or "unknown",
        "severity": severity(_first(event, _SEVERITIES), body),
        "body": body,
        "trace_id": _first(event, _TRACES),
        "attributes": shown,
    }


def _time(text: str | None) -> str | None:
    """Return ISO 8601 of what may be a time in Splunk's own style, ``… 12:00:00.000 UTC``."""
    if text is None:
        return None
    head, _, zone = text.rpartition(" ")
    if zone in {"UTC", "GMT"}:
        return f"{head.replace(' ', 'T')}+00:00"
    return text


def _first(event: Mapping[str, Any], names: Iterable[str]) -> str | None:
    return next((text for text in map(_text, map(event.get, names)) if text), None)


def _text(value: Any) -> str | None:
    """Return one text: a field that an event has more than once is a list."""
    value = value[0] if isinstance(value, list) and value else value
    return None if value in (None, "", []) else str(value)
