"""Datadog's HTTP APIs: keys, pages, rate limits, and the scope that a key lacks."""

import os
import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pandas as pd

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources.http import Client, Credentials, HttpError, credentials
from aiopslab.sources.limits import cut

if TYPE_CHECKING:
    import httpx

KINDS = {  # and the scope that the application key needs for each
    "logs": "logs_read_data",
    "spans": "apm_read",
    "events": "events_read",
    "metrics": "timeseries_query",
}
_PATHS = {
    "logs": "/api/v2/logs/events/search",
    "spans": "/api/v2/spans/events/search",
    "events": "/api/v2/events/search",
}
_PAGE = 1000  # the most that Datadog has on one
_KEYS = {"DD-API-KEY": "DD_API_KEY", "DD-APPLICATION-KEY": "DD_APP_KEY"}
_SITES = ("datadoghq.com", "datadoghq.eu", "ddog-gov.com")
_FORBIDDEN = 403


class Api:
    """A window of what one account has; a context manager.

    Parameters
    ----------
    address
        Of the API, or of the site in a browser.
    start, end
        The window, both ends included.
    limit
        How many of each kind to read, the earliest.
    timeout
        How long to wait for one answer, in seconds.

    Raises
    ------
    SourceError
        If one of the keys is not in the environment.
    """

    def __init__(
        self,
        address: str,
        start: pd.Timestamp,
        end: pd.Timestamp,
        *,
        limit: int,
        timeout: float,
    ) -> None:
        self._start, self._end, self._limit = start, end, limit
        self._client = _Client(
            api_address(address), system="Datadog", credentials=_credentials(), timeout=timeout
        )

    def __enter__(self) -> "Api":
        self._client.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._client.__exit__(kind, error, traceback)

    def reading(self) -> AbstractContextManager[None]:
        """Turn an answer of an unknown shape into something the user can mend."""
        return self._client.reading()

    def read(self, kinds: Sequence[str], query: str, metrics: Mapping[str, str]) -> dict[str, Any]:
        """Read what the keys allow of several kinds.

        Returns
        -------
        dict
            Records by kind; those of ``metrics`` are series by the name of their query.

        Raises
        ------
        SourceError
            If they allow none of it.
        """
        found: dict[str, Any] = {}
        refusals: dict[str, SourceError] = {}
        for kind in kinds:
            try:
                if kind == "metrics":
                    found[kind] = {name: self._series(each) for name, each in metrics.items()}
                else:
                    found[kind] = self._search(kind, query)
            except HttpError as error:
                if error.status != _FORBIDDEN:
                    raise
                refusals[kind] = error
        scopes = ", ".join(KINDS[kind] for kind in refusals)
        if refusals and not found:
            raise SourceError(
                next(iter(refusals.values())).problem,
                f"Give the application key of DD_APP_KEY the scope {scopes}; check that DD_API_KEY "
                f"is of the same organization, and that its site is {self._client.address}.",
            )
        for kind in refusals:
            _warn(f"{kind} are left out: the application key lacks the scope {KINDS[kind]}")
        return found

    def _search(self, kind: str, query: str) -> list[dict[str, Any]]:
        # The end is left out, so it is asked for a little later.
        window = {"from": _iso(self._start), "to": _iso(self._end + pd.Timedelta("1ms"))}
        page: dict[str, Any] = {"limit": min(_PAGE, self._limit + 1)}
        found: list[dict[str, Any]] = []
        while True:
            asked = {"filter": window | {"query": query}, "sort": "timestamp", "page": page}
            body = {"data": {"type": "search_request", "attributes": asked}}
            answer = self._client.post_json(_PATHS[kind], body if kind == "spans" else asked)
            with self._client.reading():
                records = list(answer["data"] or ())
                meta = answer.get("meta") or {}
                after = (meta.get("page") or {}).get("after")
                for each in meta.get("warnings") or ():
                    _warn(f"Datadog: {each.get('title')}: {each.get('detail')}")
            found += records
            if meta.get("status") == "timeout":
                _warn(f"Datadog gave up on the search for {kind}; some of them are lacking")
            if not after or not records or len(found) > self._limit:
                return cut(found, self._limit, f"the earliest {self._limit} {kind}")
            page = page | {"cursor": after}

    def _series(self, query: str) -> list[dict[str, Any]]:
        window = {"from": int(self._start.timestamp()), "to": int(self._end.timestamp()) + 1}
        answer = self._client.get_json("/api/v1/query", window | {"query": query})
        with self._client.reading():
            if answer.get("status") == "error" or answer.get("error"):
                raise SourceError(
                    f"Datadog refuses the query {query}: {answer.get('error')}",
                    "Try it in the Metrics Explorer, and mend it.",
                )
            return list(answer["series"])


class _Client(Client):
    """A client that also knows what Datadog calls ``Retry-After``."""

    def _retry_after(self, response: "httpx.Response", content: bytes) -> float | None:
        if "X-RateLimit-Reset" in response.headers:
            response.headers.setdefault("Retry-After", response.headers["X-RateLimit-Reset"])
        return super()._retry_after(response, content)


def api_address(address: str) -> str:
    """Return the address of the API of a site, which people know from their browser.

    Examples
    --------
    >>> api_address("https://app.datadoghq.eu"), api_address("https://us5.datadoghq.com/")
    ('https://api.datadoghq.eu', 'https://api.us5.datadoghq.com')
    >>> api_address("http://proxy:8080/datadog")
    'http://proxy:8080/datadog'
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    if not any(host == site or host.endswith(f".{site}") for site in _SITES):
        return address
    name = host.removeprefix("app.").removeprefix("api.")
    netloc = f"api.{name}:{parts.port}" if parts.port else f"api.{name}"
    return urlunsplit((parts.scheme, netloc, parts.path.rstrip("/"), "", ""))


def _credentials() -> Credentials:
    missing = [each for each in _KEYS.values() if not os.environ.get(each, "").strip()]
    remedy = "Set DD_API_KEY and DD_APP_KEY, in the environment, to the keys of this site."
    if missing:
        raise SourceError(f"{' and '.join(missing)} not set", remedy)
    return replace(credentials("AIOPSLAB_DATADOG", _KEYS), remedy=remedy)


def _iso(instant: pd.Timestamp) -> str:
    return instant.isoformat(timespec="milliseconds")


def _warn(message: str) -> None:
    warnings.warn(message, FrameWarning, stacklevel=3)
