"""Reading the documents of a search in pages, each of which begins where the last one ended."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from enum import Enum
from typing import Any
from urllib.parse import quote

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources.http import Client, HttpError
from aiopslab.sources.prometheus.progress import progress

PAGE = 5_000
_KEEP = "2m"  # how long a point in time outlives a request
_UNAUTHORIZED = 401


class Flavour(Enum):
    """Which of the two a server is; they differ in how a point in time is asked for."""

    OPENSEARCH = "OpenSearch"
    ELASTICSEARCH = "Elasticsearch"


def documents(
    client: Client,
    flavour: Flavour,
    index: str,
    query: Mapping[str, Any],
    time_field: str,
    most: int,
) -> list[dict[str, Any]]:
    """Return the documents that a query finds, the earliest first.

    A point in time is read where the server has such, so that what is written meanwhile changes
    nothing. Documents of the same time are told apart by their place in it, or by their `_id`.

    Parameters
    ----------
    client
        A connection.
    flavour
        Which of the two answers there.
    index
        Which indices, with commas in between.
    query
        In the query language of both.
    time_field
        What the documents are sorted by.
    most
        How many are wanted; one more is returned if there are more.

    Returns
    -------
    list of dict
        The hits, with `_source` and `sort`.
    """
    found: list[dict[str, Any]] = []
    with _point_in_time(client, flavour, index) as point:
        has_place = point is not None and flavour is Flavour.ELASTICSEARCH
        search: dict[str, Any] = {
            "size": PAGE,
            "query": query,
            "sort": [
                {time_field: {"order": "asc", "unmapped_type": "date"}},
                {"_shard_doc" if has_place else "_id": {"order": "asc"}},
            ],
            "track_total_hits": most + 1,
        }
        if point is not None:
            search["pit"] = {"id": point, "keep_alive": _KEEP}
        path = "/_search" if point is not None else f"/{_path(index)}/_search"
        with progress(client.system, -(-most // PAGE)) as advance:
            while len(found) <= most:
                answer = client.post_json(path, search)
                _warn_of_gaps(client, answer)
                hits = answer["hits"]["hits"]
                found += hits
                advance()
                if len(hits) < PAGE:
                    break
                search["search_after"] = hits[-1]["sort"]
                if point is not None:
                    search["pit"]["id"] = answer.get("pit_id", point)
    return found


@contextmanager
def _point_in_time(client: Client, flavour: Flavour, index: str) -> Iterator[str | None]:
    """Keep a point in time for as long as it is read; ``None`` where there is no such thing."""
    is_elastic = flavour is Flavour.ELASTICSEARCH
    create = f"/{_path(index)}/_pit" if is_elastic else f"/{_path(index)}/_search/point_in_time"
    try:
        made = client.post_json(create, None, {"keep_alive": _KEEP})
    except HttpError as error:
        # Old versions and some services have none, and some accounts may not make one; whether
        # they may search is told by the search.
        if error.status == _UNAUTHORIZED:
            raise
        yield None
        return
    point = made["id" if is_elastic else "pit_id"]
    try:
        yield point
    finally:
        path, body = (
            ("/_pit", {"id": point})
            if is_elastic
            else ("/_search/point_in_time", {"pit_id": [point]})
        )
        with suppress(SourceError):  # it goes by itself in a while
            client.send("DELETE", path, json=body)


def _path(index: str) -> str:
    return quote(index, safe="*,:+-._")


def _warn_of_gaps(client: Client, answer: Mapping[str, Any]) -> None:
    shards = answer.get("_shards") or {}
    failed = shards.get("failed", 0)
    if failed:
        message = f"{failed} of {shards.get('total')} shards failed; their documents are missing"
        warnings.warn(f"{client.system}: {message}", FrameWarning, stacklevel=2)
    if answer.get("timed_out"):
        message = f"{client.system} ran out of time; documents are missing"
        warnings.warn(message, FrameWarning, stacklevel=2)
