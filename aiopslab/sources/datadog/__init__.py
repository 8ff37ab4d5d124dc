"""Datadog: logs, spans, metrics, and its events as alerts and changes.

``datadog+https://api.datadoghq.eu`` asks the API of the site that has the account;
``datadog+file:///path`` reads what the Log Explorer exports, or what the API answered. Options are
said in the query string or passed to `aiopslab.sources.open`::

    datadog+https://api.datadoghq.com/?query=env:prod service:shop&frames=logs,spans

The keys are those of the environment variables ``DD_API_KEY`` and ``DD_APP_KEY``. The application
key needs the scopes ``logs_read_data``, ``apm_read``, ``events_read`` and ``timeseries_query``, as
far as their frames are wanted. ``AIOPSLAB_DATADOG_CA`` names the file of a private certificate
authority, where a proxy has one.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError, did_you_mean
from aiopslab.sources import exports
from aiopslab.sources.backends import Recording
from aiopslab.sources.datadog.api import KINDS, Api
from aiopslab.sources.datadog.translate import (
    events_tables,
    logs_table,
    metrics_table,
    named,
    spans_table,
)
from aiopslab.sources.http import split
from aiopslab.sources.limits import count
from aiopslab.sources.prometheus.grid import seconds
from aiopslab.sources.window import latest

DEFAULT_LIMIT = 20_000
DEFAULT_TIMEOUT = 30


def open_datadog(
    url: str,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    query: str | None = None,
    queries: str | Mapping[str, str] | None = None,
    kinds: str | list[str] | None = None,
    limit: str | int | None = None,
    timeout: str | float | None = None,
) -> Recording:
    """Search for what there is of a window: the back end of ``datadog+http(s)``.

    Parameters
    ----------
    url
        The API of the site, e.g. ``datadog+https://api.us5.datadoghq.com``, and any of the options
        in its query string (percent-encode ``&``, ``#`` and ``%`` there); an option given outside
        it wins.
    start, end
        The window; without a start the hour before the end, without an end now.
    query
        Which logs, spans and events, e.g. ``env:prod``; all of them by default.
    queries
        Queries of metrics by the name that their metric is to have, or text with ``;`` between
        them, e.g. ``avg:system.cpu.user{*} by {service}``. Metrics are read only where there are
        some, for there is no asking for all.
    kinds
        Which of ``logs``, ``spans``, ``events`` and ``metrics`` to read; text is split at commas.
        All of them by default.
    limit
        How many of each to read, the earliest; 20,000 by default.
    timeout
        How long to wait for one answer; 30 s by default.

    Returns
    -------
    Recording
        ``logs``, ``spans``, ``metrics``, and events as ``alerts``, where a monitor made them, and
        ``changes``, as far as there are any. What the application key may not read is left out
        with a note.

    Raises
    ------
    SourceError
        If the server cannot be reached, a key is missing, or nothing may or can be read.
    """
    given = {"query": query, "queries": queries, "kinds": kinds, "limit": limit, "timeout": timeout}
    address, options = split(url, given)
    since, until = latest(start, end)
    most = count(options.get("limit", DEFAULT_LIMIT))
    metrics = named(options.get("queries", {}))
    wanted = _kinds(options.get("kinds"), with_metrics=bool(metrics))
    wait = seconds(options.get("timeout", DEFAULT_TIMEOUT), "timeout")
    with Api(address, since, until, limit=most, timeout=wait) as api:
        found = api.read(wanted, options.get("query", "*"), metrics)
    with api.reading():
        tables = [_tables(kind, records) for kind, records in found.items()]
    filled = {name: table for each in tables for name, table in each.items() if len(table)}
    if not filled:
        raise SourceError(
            f"{address} has no {', '.join(found)} between {since.isoformat()} and "
            f"{until.isoformat()}",
            "Check the window and the query, and that the keys are of that site.",
        )
    return Recording(filled)


def open_export(url: str, start: pd.Timestamp | None, end: pd.Timestamp | None) -> Recording:
    """Read an export: the back end of ``datadog+file``.

    Parameters
    ----------
    url
        The file: the CSV or JSON of the Log Explorer, an archive of logs, or answers of the API
        with logs, spans or events.
    start, end
        Not used: files are read whole.

    Raises
    ------
    SourceError
        If there is no such file, or nothing in it.
    """
    records = exports.records(url, ("data", "logs"))
    if not records:
        raise SourceError(f"{url} has no records", "Export a window in which there are some.")
    kinds: dict[str, list[dict[str, Any]]] = {}
    for each in records:
        kinds.setdefault(_TYPES.get(str(each.get("type")), "logs"), []).append(each)
    tables: dict[str, pd.DataFrame] = {}
    with exports.reading(url, "Datadog"):
        for kind, found in kinds.items():
            tables |= _tables(kind, found)
    return Recording(tables)


_TYPES = {"span": "spans", "spans": "spans", "event": "events"}


def _tables(kind: str, records: Any) -> dict[str, pd.DataFrame]:
    """Return the frames that records of a kind make."""
    match kind:
        case "events":
            return events_tables(records)
        case "spans":
            return {kind: spans_table(records)}
        case "metrics":
            return {kind: metrics_table(records)}
    return {kind: logs_table(records)}


def _kinds(said: str | list[str] | None, *, with_metrics: bool) -> list[str]:
    """Return what is to be read, if it is what can be."""
    if said is None:
        return [each for each in KINDS if each != "metrics" or with_metrics]
    wanted = [each.strip() for each in said.split(",")] if isinstance(said, str) else said
    for each in wanted:
        if each not in KINDS:
            raise SourceError(f"Datadog has no {each!r} to read", did_you_mean(each, list(KINDS)))
    if "metrics" in wanted and not with_metrics:
        raise SourceError(
            "metrics are wanted without a query for them",
            "Pass queries, e.g. queries=avg:system.cpu.user{*} by {service}.",
        )
    return wanted
