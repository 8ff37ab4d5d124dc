"""A connection to one server: retries, bounds, and what went wrong in the server's own words."""

import json
import random
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aiopslab.errors import SourceError
from aiopslab.sources.http.credentials import Credentials
from aiopslab.sources.surrogates import loads

if TYPE_CHECKING:
    import httpx
    import tenacity

LIMIT = 128 * 2**20  # bytes of one answer; its objects take several times that
# What reading JSON of another shape than was expected raises.
MISFITS = (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
MAX_RETRY_AFTER = 60.0  # seconds; whoever asks for more is told so instead
# Where the systems in use say what is wrong, from the outside in.
_SAID_UNDER = ("error", "errors", "root_cause", "reason", "messages", "message", "msg", "text")
_SHOWN = 200  # characters of what a server says


class HttpError(SourceError):
    """A server that refused; `status` is the code of its answer."""

    def __init__(self, problem: str, remedy: str, status: int) -> None:
        super().__init__(problem, remedy)
        self.status = status


class TooLargeError(SourceError):
    """An answer that is larger than the limit."""


class _TryAgain(Exception):  # noqa: N818 - a signal within this module
    """A failure that may pass."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Client:
    """A connection to one server; a context manager.

    A redirect is not followed: what authenticates is meant for one server.

    Parameters
    ----------
    base_url
        ``http://host:port``, with a path if a proxy adds one.
    system
        What is expected to answer there, for messages.
    credentials
        What authenticates; see `credentials`.
    headers
        Other headers, which are no secret.
    timeout
        How long to wait for one whole answer, in seconds.
    attempts
        How often to ask in all, where an answer may come the next time: the server is not
        reached, is too slow, busy (429) or failing (5xx).
    backoff
        How long to wait before the second attempt, in seconds; doubled each time, with jitter.
        What a server asks for in ``Retry-After`` goes first.
    limit
        How large an answer may be, in bytes after decompression.

    Raises
    ------
    SourceError
        If the certificate authority or a header is not usable.
    """

    def __init__(
        self,
        base_url: str,
        *,
        system: str = "the server",
        credentials: Credentials | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        attempts: int = 4,
        backoff: float = 0.5,
        limit: int = LIMIT,
    ) -> None:
        import httpx

        for name, value in (headers or {}).items():
            if not (value.isascii() and value.isprintable()):
                raise SourceError(
                    f"{name} is {value!r}; expected plain characters", "Write it in ASCII."
                )
        self.address = base_url.rstrip("/")
        self.system = system
        self._credentials = credentials or Credentials()
        self._timeout = timeout
        self._attempts = attempts
        self._backoff = backoff
        self._limit = limit
        self._http = httpx.Client(
            base_url=self.address,
            timeout=timeout,
            headers={**(headers or {}), **self._credentials.headers},
            verify=_certificates(self._credentials),
            follow_redirects=False,
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

    def get_json(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Ask for a path and return what its JSON holds.

        Raises
        ------
        HttpError
            If the server refuses.
        TooLargeError
            If the answer is larger than the limit.
        SourceError
            If it cannot be reached, or answers with something that is not JSON.
        """
        return self._json(self.send("GET", path, params=params))

    def post_json(self, path: str, json: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Send JSON to a path and return what the JSON of the answer holds; raises as `get_json`.

        It is sent again after a failure: only for requests that change nothing.
        """
        return self._json(self.send("POST", path, params=params, json=json))

    def send(self, method: str, path: str, **request: Any) -> bytes:
        """Ask, as often as it takes, and return the content of the answer; raises as `get_json`.

        Parameters
        ----------
        method, path
            What is asked.
        **request
            ``params``, ``json``, ``data`` (a form) or ``headers``, as httpx takes them.
        """
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        retrying = Retrying(
            stop=stop_after_attempt(self._attempts),
            wait=self._pause,
            retry=retry_if_exception_type(_TryAgain),
            reraise=True,
        )
        try:
            return retrying(self._ask, method, path, request)
        except _TryAgain as error:
            raise SourceError(
                f"{self.address} did not answer in {self._attempts} attempts: {error}",
                f"Check that {self.system} runs there and is reachable from here.",
            ) from None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Turn an answer of a shape that its API does not have into something the user can mend."""
        try:
            yield
        except MISFITS:
            raise self._misfit() from None

    def _json(self, content: bytes) -> Any:
        try:
            return loads(content.decode("utf-8-sig"))
        except (ValueError, RecursionError):
            raise self._misfit() from None

    def _misfit(self) -> SourceError:
        return SourceError(
            f"{self.address} answered, but not as {self.system} does",
            "Check host, port and path; a login page in between answers like this.",
        )

    def _pause(self, state: "tenacity.RetryCallState") -> float:
        failure = state.outcome.exception() if state.outcome else None
        asked = failure.after if isinstance(failure, _TryAgain) else None
        if asked is not None:
            return asked
        # Jitter, so that those who failed together do not all come back together.
        return self._backoff * (2.0 ** (state.attempt_number - 1) + random.random())

    def _ask(self, method: str, path: str, request: Mapping[str, Any]) -> bytes:
        import httpx

        deadline = time.monotonic() + self._timeout
        try:
            with self._http.stream(method, path, **request) as response:
                content = self._content(response, deadline)
        except httpx.TimeoutException:
            raise _TryAgain(f"no answer within {self._timeout:g} s") from None
        except (httpx.TransportError, httpx.DecodingError) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise SourceError(
                    f"the certificate of {self.address} cannot be verified: {error}",
                    "Name the file of the authority that signed it in the environment, as "
                    f"{self._credentials.authority_variable}.",
                ) from None
            raise _TryAgain(self._credentials.hide(str(error))) from None
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
            raise _TryAgain(self._reason(response, content), self._retry_after(response, content))
        if not response.is_success:
            raise HttpError(
                f"{self.address} refused {path}: {self._reason(response, content)}",
                self._remedy(response.status_code),
                response.status_code,
            )
        return content

    def _content(self, response: "httpx.Response", deadline: float) -> bytes:
        import httpx

        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if len(content) > self._limit:
                raise TooLargeError(
                    f"{self.address} answered with more than {self._limit / 2**20:,.0f} MB",
                    "Narrow the window or the selection.",
                )
            if time.monotonic() > deadline:
                raise httpx.ReadTimeout("the answer comes too slowly")
        return bytes(content)

    def _reason(self, response: "httpx.Response", content: bytes) -> str:
        """Return the server's own words, without what we said to authenticate."""
        said = self._credentials.hide(_words(content))[:_SHOWN]
        if response.is_redirect:
            target = response.url.join(response.headers["Location"])
            said = f"to {target.scheme}://{target.host}"
        return f"{response.status_code} {response.reason_phrase}" + (f", {said}" if said else "")

    def _remedy(self, status: int) -> str:
        if status in {401, 403}:
            return self._credentials.remedy or "Open it as someone who may read there."
        if status in {400, 422}:
            return "Mend the query, or narrow the window or the selection."
        if 300 <= status < 400:
            return "Open the address that it redirects to."
        return "Check host, port and path of the URL."

    def _retry_after(self, response: "httpx.Response", content: bytes) -> float | None:
        pause = seconds_to_wait(response.headers.get("Retry-After", ""))
        if pause is not None and pause > MAX_RETRY_AFTER:
            raise SourceError(
                f"{self.address} asks to wait {pause:.0f} s: {self._reason(response, content)}",
                "Try again then, or narrow the selection so that it asks less of the server.",
            )
        return pause


def seconds_to_wait(asked: str) -> float | None:
    """Return how long ``Retry-After`` asks to wait, in seconds; ``None`` where it does not.

    Examples
    --------
    >>> seconds_to_wait("2"), seconds_to_wait("")
    (2.0, None)
    """
    try:
        return max(0.0, float(asked))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(asked)
    except ValueError:
        return None
    # Without a zone, or with -0000, it is no local time either.
    moment = moment.replace(tzinfo=moment.tzinfo or UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _words(content: bytes) -> str:
    """Return what a server says is wrong, in the forms that are common."""
    text = content[:100_000].decode("utf-8", "replace").strip()
    try:
        said = loads(text)
    except (ValueError, RecursionError):
        return text
    for key in _SAID_UNDER:
        if isinstance(said, dict) and said.get(key):
            said = said[key]
        if isinstance(said, list) and said:
            said = said[0]
    return said if isinstance(said, str) else json.dumps(said)


def _certificates(credentials: Credentials) -> ssl.SSLContext | bool:
    path = credentials.authority
    if path is None:
        return True
    try:
        return ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise SourceError(
            f"{path} is no certificate file: {error}",
            f"Name a file of certificates in PEM format in {credentials.authority_variable}.",
        ) from None
