"""Prometheus' HTTP API: requests, authentication, retries and its errors in its own words."""

import base64
import os
import random
import ssl
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any

import httpx
import pandas as pd
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from aiopslab.errors import SourceError
from aiopslab.frames import FrameWarning
from aiopslab.sources.prometheus.grid import Grid

MAX_RETRY_AFTER = 60.0  # seconds; whoever asks for more is told so instead
_AUTHENTICATE = (
    "Set AIOPSLAB_PROMETHEUS_TOKEN, or AIOPSLAB_PROMETHEUS_USER and "
    "AIOPSLAB_PROMETHEUS_PASSWORD, in the environment."
)


class _TryAgain(Exception):  # noqa: N818 - a signal within this module
    """A failure that may pass."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Client:
    """A connection to one server; a context manager.

    Parameters
    ----------
    address
        ``http://host:port``, with a path if a proxy adds one.
    timeout
        How long to wait for one answer, in seconds.
    attempts
        How often to ask in all, where an answer may come the next time: the server is not
        reached, is too slow, busy (429) or failing (5xx).
    backoff
        How long to wait before the second attempt, in seconds; doubled each time, with jitter.
        What a server asks for in ``Retry-After`` goes first.

    Raises
    ------
    SourceError
        If the credentials or the certificate authority in the environment are not usable.
    """

    def __init__(
        self, address: str, *, timeout: float = 30.0, attempts: int = 4, backoff: float = 0.5
    ) -> None:
        self.address = address.rstrip("/")
        self._timeout = timeout
        self._attempts = attempts
        self._backoff = backoff
        authorization, self._secrets = _authorization(os.environ)
        self._http = httpx.Client(
            base_url=self.address,
            timeout=timeout,
            headers=authorization,
            verify=_certificates(os.environ),
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._http.close()

    def query_range(
        self, query: str, grid: Grid, advance: Callable[[], None]
    ) -> list[dict[str, Any]]:
        """Evaluate an expression at every point of a grid, in as many requests as it takes.

        Parameters
        ----------
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
            for series in self._get("query_range", parameters)["result"]:
                identity = tuple(sorted(series["metric"].items()))
                known = joined.setdefault(identity, {"metric": series["metric"], "values": []})
                known["values"] += series.get("values", [])
            advance()
        return list(joined.values())

    def query(self, query: str, at: pd.Timestamp) -> list[dict[str, Any]]:
        """Evaluate an expression at one point in time, as Prometheus answers it."""
        result = self._get("query", {"query": query, "time": _seconds(at)})["result"]
        return list(result)

    def label_values(
        self, label: str, start: pd.Timestamp, end: pd.Timestamp, selector: str | None = None
    ) -> list[str]:
        """Return the values that a label has in a window, in the series that match."""
        parameters = {"start": _seconds(start), "end": _seconds(end)}
        if selector:
            parameters["match[]"] = selector
        return list(self._get(f"label/{label}/values", parameters))

    def kinds(self) -> dict[str, str]:
        """Return what the metadata of the scraped targets says that metrics are."""
        try:
            known = self._get("metadata", {})
        except SourceError:  # Prometheus has it, not every server that speaks its API
            return {}
        return {name: each[0]["type"] for name, each in known.items()}

    def _get(self, path: str, parameters: Mapping[str, str]) -> Any:
        retrying = Retrying(
            stop=stop_after_attempt(self._attempts),
            wait=self._pause,
            retry=retry_if_exception_type(_TryAgain),
            reraise=True,
        )
        try:
            return retrying(self._ask, f"/api/v1/{path}", parameters)
        except _TryAgain as error:
            raise SourceError(
                f"{self.address} did not answer in {self._attempts} attempts: {error}",
                "Check that Prometheus runs there and is reachable from here.",
            ) from None

    def _pause(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.after if isinstance(failure, _TryAgain) else None
        if asked is not None:
            return asked
        # Jitter, so that those who failed together do not all come back together.
        return self._backoff * (2.0 ** (state.attempt_number - 1) + random.random())

    def _ask(self, path: str, parameters: Mapping[str, str]) -> Any:
        try:
            response = self._http.get(path, params=parameters)
        except httpx.TimeoutException:
            raise _TryAgain(f"no answer within {self._timeout:g} s") from None
        except httpx.TransportError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise SourceError(
                    f"the certificate of {self.address} cannot be verified: {error}",
                    "Set AIOPSLAB_PROMETHEUS_CA to the file of the authority that signed it.",
                ) from None
            raise _TryAgain(f"{error}") from None
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
            raise _TryAgain(self._reason(response), self._retry_after(response))
        if not response.is_success:
            raise SourceError(
                f"{self.address} refused{_about(parameters)}: {self._reason(response)}",
                _remedy(response.status_code),
            )
        return self._data(response)

    def _data(self, response: httpx.Response) -> Any:
        try:
            answer = response.json()
            data = answer["data"]
        except (ValueError, TypeError, KeyError):
            raise SourceError(
                f"{self.address} answered, but not as Prometheus does",
                "Check host, port and path; a login page in between answers like this.",
            ) from None
        for warning in answer.get("warnings", ()):
            warnings.warn(f"Prometheus: {warning}", FrameWarning, stacklevel=2)
        return data

    def _reason(self, response: httpx.Response) -> str:
        """Return the server's own words, without what we said to authenticate."""
        try:
            text = str(response.json()["error"])
        except (ValueError, TypeError, KeyError):
            text = response.text.strip()
        for secret in self._secrets:
            text = text.replace(secret, "…")
        text = text[:200]
        return f"{response.status_code} {response.reason_phrase}" + (f", {text}" if text else "")

    def _retry_after(self, response: httpx.Response) -> float | None:
        asked = response.headers.get("Retry-After")
        if asked is None:
            return None
        try:
            pause = float(asked)
        except ValueError:
            try:
                moment = parsedate_to_datetime(asked)
            except ValueError:
                return None
            pause = (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds()
        if pause > MAX_RETRY_AFTER:
            raise SourceError(
                f"{self.address} asks to wait {pause:.0f} s: {self._reason(response)}",
                "Try again then, or narrow the selection so that it asks less of the server.",
            )
        return max(0.0, pause)


def _seconds(instant: pd.Timestamp) -> str:
    return f"{instant.value / 1e9:.3f}"


def _about(parameters: Mapping[str, str]) -> str:
    asked = parameters.get("query") or parameters.get("match[]")
    return f" {asked}" if asked else ""


def _remedy(status: int) -> str:
    if status in {401, 403}:
        return _AUTHENTICATE
    if status in {400, 422}:
        return "Mend the query or the selector, or narrow it with match=…, or lengthen step."
    if 300 <= status < 400:
        return "Open the address that it redirects to."
    return "Check host, port and path of the URL."


def _authorization(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the header that authenticates, and what must never be shown."""
    token = environment.get("AIOPSLAB_PROMETHEUS_TOKEN", "").strip()
    user = environment.get("AIOPSLAB_PROMETHEUS_USER", "")
    password = environment.get("AIOPSLAB_PROMETHEUS_PASSWORD", "")
    if token:
        if not (token.isascii() and token.isprintable()):
            raise SourceError(
                "AIOPSLAB_PROMETHEUS_TOKEN has characters that no token has", "Copy it again."
            )
        return {"Authorization": f"Bearer {token}"}, [token]
    if not user and not password:
        return {}, []
    if not (user and password):
        raise SourceError(
            "only one of AIOPSLAB_PROMETHEUS_USER and AIOPSLAB_PROMETHEUS_PASSWORD is set",
            "Set both, or neither.",
        )
    encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}, [encoded, password]


def _certificates(environment: Mapping[str, str]) -> ssl.SSLContext | bool:
    path = environment.get("AIOPSLAB_PROMETHEUS_CA")
    if not path:
        return True
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise SourceError(
            f"AIOPSLAB_PROMETHEUS_CA names {path}, which is no certificate file: {error}",
            "Name a file of certificates in PEM format.",
        ) from None
