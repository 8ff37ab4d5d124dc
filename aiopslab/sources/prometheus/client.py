"""Prometheus' HTTP API: what is asked of it, and the query that it refused."""

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources.http import MISFITS, Client, HttpError, credentials
from aiopslab.sources.prometheus.grid import Grid

LIMIT = 2**30  # bytes of one answer: all the numbers that are fetched at once may be of one query
_BAD_QUERY = {400, 422}


def connect(address: str, timeout: float = 30.0) -> Client:
    """Return a connection to a Prometheus, with its credentials in the environment.

    Raises
    ------
    SourceError
        If the credentials or the certificate authority in the environment are not usable.
    """
    return Client(
        address,
        system="Prometheus",
        credentials=credentials("AIOPSLAB_PROMETHEUS"),
        timeout=timeout,
        limit=LIMIT,
    )


def ask(client: Client, path: str, parameters: Mapping[str, str]) -> Any:
    """Return the data that the API has under a path; its warnings become `FrameWarning`.

    Raises
    ------
    SourceError
        If the server cannot be reached, refuses, or answers otherwise than Prometheus does.
    """
    try:
        answer = client.get_json(f"/api/v1/{path}", parameters)
    except HttpError as error:
        query = parameters.get("query") or parameters.get("match[]")
        if query is None or error.status not in _BAD_QUERY:
            raise
        raise SourceError(
            f"{query} cannot be evaluated: {error.problem}",
            "Mend the query or the selector, or narrow it with match=…, or lengthen step.",
        ) from None
    with client.reading():
        for warning in answer.get("warnings") or ():
            warnings.warn(f"Prometheus: {warning}", FrameWarning, stacklevel=2)
        return answer["data"]


def query_range(
    client: Client, query: str, grid: Grid, advance: Callable[[], None]
) -> list[dict[str, Any]]:
    """Evaluate an expression at every point of a grid, in as many requests as it takes.

    Parameters
    ----------
    client
        A connection.
    query
        A PromQL expression.
    grid
        When to evaluate it.
    advance
        Called after each request.

    Returns
    -------
    list of dict
        One a series: its labels as ``metric``, its ``[seconds, text]`` pairs as ``values``.
    """
    joined: dict[tuple[tuple[str, str], ...], dict[str, Any]] = {}
    for part in grid.chunks():
        parameters = {
            "query": query,
            "start": _seconds(part.start),
            "end": _seconds(part.end),
            "step": f"{part.step / 1000:.3f}",
        }
        for series in ask(client, "query_range", parameters)["result"]:
            identity = tuple(sorted(series["metric"].items()))
            known = joined.setdefault(identity, {"metric": series["metric"], "values": []})
            known["values"] += series.get("values", [])
        advance()
    return list(joined.values())


def query(client: Client, expression: str, at: pd.Timestamp) -> list[dict[str, Any]]:
    """Evaluate an expression at one point in time, as Prometheus answers it."""
    return list(ask(client, "query", {"query": expression, "time": _seconds(at)})["result"])


def label_values(
    client: Client,
    label: str,
    start: pd.Timestamp,
    end: pd.Timestamp,
    selector: str | None = None,
) -> list[str]:
    """Return the values that a label has in a window, in the series that match."""
    parameters = {"start": _seconds(start), "end": _seconds(end)}
    if selector:
        parameters["match[]"] = selector
    return list(ask(client, f"label/{label}/values", parameters))


def kinds(client: Client) -> dict[str, str]:
    """Return what the metadata of the scraped targets says that metrics are."""
    try:
        return {name: each[0]["type"] for name, each in ask(client, "metadata", {}).items()}
    except (SourceError, *MISFITS):  # Prometheus has it, not every server that speaks its API
        return {}


def _seconds(instant: pd.Timestamp) -> str:
    return f"{instant.value / 1e9:.3f}"
