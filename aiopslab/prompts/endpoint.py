"""Endpoint: a model behind the OpenAI API, asked at a bounded pace, and again where it helps."""

import asyncio
import json
import os
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aiopslab.errors import PromptError
from aiopslab.prompts.store import Answer, Request
from aiopslab.sources.http.client import seconds_to_wait
from aiopslab.sources.http.credentials import Credentials, credentials

if TYPE_CHECKING:
    import aiohttp

MINUTE_S = 60.0
BACKOFF_S = 0.5
LONGEST_WAIT_S = 120.0  # that an endpoint may ask for before it is given up
LARGEST = 32 * 2**20  # bytes of an answer
LETTERS = 300  # of what an endpoint says is wrong
AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}
REFUSED = {401, 403, 404}  # it will refuse every other call too


@dataclass(frozen=True)
class Endpoint:
    """Where a model is asked, and at what pace.

    Parameters
    ----------
    base_url
        Up to and with ``/v1``.
    model
        As the endpoint calls it.
    concurrency
        Calls at once.
    requests_per_minute, tokens_per_minute
        Limits of the account; none where ``None``.
    timeout_s
        Of one attempt.
    attempts
        Of one call, where the endpoint is busy, fails, hangs or answers half.
    input_price, output_price
        USD for a million tokens; unknown where ``None``. A local model costs 0.

    Raises
    ------
    PromptError
        If one of them is out of range.
    """

    base_url: str
    model: str
    concurrency: int = 8
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    timeout_s: float = 120.0
    attempts: int = 6
    input_price: float | None = None
    output_price: float | None = None

    def __post_init__(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise PromptError(
                f"the endpoint is {self.base_url!r}; expected an http address",
                "Write it as https://host/v1.",
            )
        if "@" in self.base_url.split("/")[2]:
            raise PromptError(
                "the address of the endpoint holds credentials",
                "Take them out, and set AIOPSLAB_LLM_TOKEN or OPENAI_API_KEY.",
            )
        for name in ("concurrency", "timeout_s", "attempts"):
            if getattr(self, name) <= 0:
                raise PromptError(
                    f"{name} is {getattr(self, name)}; expected a number above 0", "Raise it."
                )

    @property
    def has_prices(self) -> bool:
        """Whether both are known."""
        return self.input_price is not None and self.output_price is not None

    def cost(self, input_tokens: float | None, output_tokens: float | None) -> float | None:
        """Return what so many tokens cost, in USD; ``None`` where nobody knows.

        Examples
        --------
        >>> Endpoint("http://host/v1", "m", input_price=1, output_price=2).cost(1_000, 500)
        0.002
        """
        if self.input_price is None or self.output_price is None:
            return None
        if input_tokens is None or output_tokens is None:
            return None
        return (input_tokens * self.input_price + output_tokens * self.output_price) / 1e6


def most_tokens(request: Request) -> tuple[int, float]:
    """Return how many tokens a call may take at most, in and out.

    No token is shorter than a byte. What comes out is unbounded without ``max_tokens``.
    """
    size = sum(
        len(str(value).encode()) + 16 for each in request.messages for value in each.values()
    )
    said = request.parameters.get("max_tokens", request.parameters.get("max_completion_tokens"))
    return size, float("inf") if said is None else float(said)


class Asker:
    """Asks an endpoint, as an asynchronous context.

    Parameters
    ----------
    endpoint
        Which.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        from aiolimiter import AsyncLimiter

        self.endpoint = endpoint
        self.retries = 0
        self._credentials = _credentials()
        self._calls, self._tokens = (
            None if rate is None else AsyncLimiter(rate, MINUTE_S)
            for rate in (endpoint.requests_per_minute, endpoint.tokens_per_minute)
        )
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Asker":
        import aiohttp

        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self.endpoint.timeout_s),
            connector=aiohttp.TCPConnector(limit=self.endpoint.concurrency),
            headers=self._credentials.headers,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def ask(self, request: Request) -> Answer:
        """Return the answer to a request.

        Raises
        ------
        Refusal
            If this call cannot be answered, or none can.
        """
        import aiohttp

        said = "nothing"
        for attempt in range(self.endpoint.attempts):
            await self._pace(request)
            wait: float | None = None
            try:
                return await self._once(request)
            except _Busy as busy:
                said, wait = str(busy), busy.wait_s
            except TimeoutError:
                said = f"no answer within {self.endpoint.timeout_s:g} s"
            except aiohttp.ClientConnectorError as error:
                said = f"cannot be reached: {error.strerror or error}"
            except aiohttp.ClientError as error:
                said = f"broke off: {error or type(error).__name__}"
            if wait is not None and wait > LONGEST_WAIT_S:
                raise Refusal(f"asks to wait {wait:.0f} s: {said}", is_final=True)
            if attempt + 1 < self.endpoint.attempts:
                self.retries += 1
                backoff = BACKOFF_S * 2**attempt * (1 + random.random())
                await asyncio.sleep(backoff if wait is None else wait)
        raise Refusal(f"{said} ({self.endpoint.attempts} attempts)")

    async def _pace(self, request: Request) -> None:
        if self._calls is not None:
            await self._calls.acquire()
        if self._tokens is not None:
            size, out = most_tokens(request)
            likely = size / 4 + (0 if out == float("inf") else out)
            await self._tokens.acquire(min(likely, self._tokens.max_rate))

    async def _once(self, request: Request) -> Answer:
        assert self._session is not None
        started = time.perf_counter()
        address = f"{self.endpoint.base_url.rstrip('/')}/chat/completions"
        async with self._session.post(address, json=request.body, allow_redirects=False) as reply:
            content = await reply.content.read(LARGEST)
            while not reply.content.at_eof() and len(content) < LARGEST:
                content += await reply.content.read(LARGEST - len(content))
        latency = (time.perf_counter() - started) * 1e3
        if reply.status != 200:
            said = f"{reply.status}: {self._credentials.hide(_reason(content))}"
            if reply.status in AGAIN:
                raise _Busy(said, seconds_to_wait(reply.headers.get("Retry-After", "")))
            raise Refusal(said, is_final=reply.status in REFUSED)
        return self._read(content, latency)

    def _read(self, content: bytes, latency_ms: float) -> Answer:
        try:
            said = json.loads(content)
            choice = said["choices"][0]
            output = choice["message"].get("content") or ""
            usage = said.get("usage") or {}
            taken, given = usage.get("prompt_tokens"), usage.get("completion_tokens")
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            raise _Busy(f"an answer that is none: {_reason(content)!r}", None) from None
        return Answer(
            str(output),
            taken,
            given,
            latency_ms,
            self.endpoint.cost(taken, given),
            str(choice.get("finish_reason") or ""),
            time.time(),
        )


class Refusal(Exception):  # noqa: N818 - it is what an endpoint says, and for the runner to judge
    """A call that was not answered.

    Parameters
    ----------
    said
        Why, in the words of the endpoint.
    is_final
        Whether every other call would be refused too.
    """

    def __init__(self, said: str, is_final: bool = False) -> None:
        super().__init__(said)
        self.is_final = is_final


class _Busy(Exception):  # noqa: N818 - no defect
    """An answer that may be another one the next time."""

    def __init__(self, said: str, wait_s: float | None) -> None:
        super().__init__(said)
        self.wait_s = wait_s


def _credentials() -> Credentials:
    """Return what authenticates: a token of ours, else the one that OpenAI's clients take."""
    ours = credentials("AIOPSLAB_LLM")
    theirs = os.environ.get("OPENAI_API_KEY", "").strip()
    if ours.headers or not theirs:
        return ours
    if not (theirs.isascii() and theirs.isprintable()):
        raise PromptError("OPENAI_API_KEY has characters that no key has", "Copy it again.")
    return Credentials({"Authorization": f"Bearer {theirs}"})


def _reason(content: bytes) -> str:
    """Return what an endpoint says is wrong, shortened."""
    text = content.decode("utf-8", "replace").strip()
    try:
        said: Any = json.loads(text)
    except ValueError:
        return text[:LETTERS]
    for key in ("error", "message", "detail"):
        if isinstance(said, Mapping) and said.get(key):
            said = said[key]
    return str(said)[:LETTERS]
