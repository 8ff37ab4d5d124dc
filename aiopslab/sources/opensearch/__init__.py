"""OpenSearch and Elasticsearch: the log documents that a query selects.

``opensearch+https://host:9200`` and ``elasticsearch+https://host:9200`` (or ``+http``), with a path
if a proxy adds one. What to fetch is said in the query string or as options of
`aiopslab.sources.open`::

    opensearch+https://localhost:9200/?index=logs-*&query=service.name:auth AND log.level:error

Credentials come from the environment only: ``AIOPSLAB_OPENSEARCH_TOKEN`` (sent as a bearer token),
or ``AIOPSLAB_OPENSEARCH_USER`` and ``AIOPSLAB_OPENSEARCH_PASSWORD``; ``AIOPSLAB_OPENSEARCH_CA``
names the file of a private certificate authority. For Elasticsearch they begin with
``AIOPSLAB_ELASTICSEARCH``, and ``AIOPSLAB_ELASTICSEARCH_API_KEY`` is an API key as encoded.
"""

from dataclasses import replace
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.sources.backends import Recording
from aiopslab.sources.http import Client, Credentials, credentials, split
from aiopslab.sources.limits import count, cut
from aiopslab.sources.opensearch.documents import logs_table
from aiopslab.sources.opensearch.search import Flavour, documents
from aiopslab.sources.prometheus.grid import seconds
from aiopslab.sources.window import latest

DEFAULT_INDEX = "*,-.*"  # those whose names begin with a dot are the system's own
DEFAULT_LIMIT = 100_000
DEFAULT_TIMEOUT = 60
TIME_FIELD = "@timestamp"


def open_opensearch(
    url: str,
    start: pd.Timestamp | None,
    end: pd.Timestamp | None,
    *,
    index: str | None = None,
    query: str | None = None,
    limit: str | int | None = None,
    time_field: str | None = None,
    timeout: str | float | None = None,
) -> Recording:
    """Fetch log documents: the back end of ``opensearch+http(s)`` and ``elasticsearch+http(s)``.

    Parameters
    ----------
    url
        The server, and any of the options in its query string (percent-encode ``&``, ``#`` and
        ``%`` there); an option given outside it wins.
    start, end
        The window; without a start the hour before the end, without an end now.
    index
        Which indices, aliases or data streams, e.g. ``logs-*,audit``; all that are not the
        system's own by default.
    query
        A query string in Lucene's syntax, e.g. ``service.name:auth AND NOT log.level:debug``.
    limit
        How many documents to read, the earliest; 100,000 by default.
    time_field
        The field of the time; ``@timestamp`` by default. Documents without it are not read.
    timeout
        How long to wait for one answer; 60 s by default.

    Raises
    ------
    SourceError
        If the server cannot be reached, refuses, or has nothing that matches.
    """
    flavour = Flavour.ELASTICSEARCH if url.startswith("elasticsearch") else Flavour.OPENSEARCH
    given = {
        "index": index,
        "query": query,
        "limit": limit,
        "time_field": time_field,
        "timeout": timeout,
    }
    address, options = split(url, given)
    most = count(options.get("limit", DEFAULT_LIMIT))
    wanted = options.get("index", DEFAULT_INDEX)
    field = options.get("time_field", TIME_FIELD)
    since, until = latest(start, end)
    client = Client(
        address,
        system=flavour.value,
        credentials=_credentials(flavour),
        timeout=seconds(options.get("timeout", DEFAULT_TIMEOUT), "timeout"),
    )
    asked_for = _query(field, since, until, options.get("query"))
    with client, client.reading():
        found = documents(client, flavour, wanted, asked_for, field, most)
        if not found:
            raise SourceError(
                f"{wanted} has no documents between {since.isoformat()} and {until.isoformat()}"
                + (f" that match {options['query']}" if "query" in options else ""),
                f"Check the window and the index, and that {field} is the field of the time.",
            )
        return Recording({"logs": logs_table(cut(found, most, f"the earliest {most:,}"), field)})


def _query(field: str, start: pd.Timestamp, end: pd.Timestamp, query: str | None) -> dict[str, Any]:
    bounds = {
        "gte": start.value // 1_000_000,
        "lte": -(-end.value // 1_000_000),
        "format": "epoch_millis",
    }
    filters: list[dict[str, Any]] = [{"range": {field: bounds}}]
    if query:
        filters.append({"query_string": {"query": query}})
    return {"bool": {"filter": filters}}


def _credentials(flavour: Flavour) -> Credentials:
    prefix = f"AIOPSLAB_{flavour.name}"
    if flavour is Flavour.OPENSEARCH:
        return credentials(prefix)
    read = credentials(prefix, {"Authorization": f"{prefix}_API_KEY"})
    key = read.headers.get("Authorization", "")
    is_bare = key and " " not in key  # what is sent for a token or a password names its scheme
    return replace(read, headers={"Authorization": f"ApiKey {key}"}) if is_bare else read


__all__ = ["open_opensearch"]
