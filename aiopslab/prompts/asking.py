"""Asking: one call of an endpoint, at its pace, under a cap, and again where that helps."""

import asyncio
import json
import random
import ssl
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from aiopslab.errors import PromptError
from aiopslab.prompts.endpoint import Endpoint, likely_tokens
from aiopslab.prompts.limits import Pace, Spending
from aiopslab.prompts.store import Answer, Request
from aiopslab.sources.http.client import seconds_to_wait

if TYPE_CHECKING:
    import aiohttp

BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 30.0
LONGEST_WAIT_S = 120.0  # that an endpoint may ask for before it is given up
IN_VAIN = 3  # attempts to reach what nobody has reached yet
LARGEST = 32 * 2**20  # bytes of an answer
LETTERS = 300  # of what an endpoint says is wrong
KEY = 16  # characters from which a secret is one, and not a word that stands for none
AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 529}
FINAL = {401, 402, 403, 404, 405, 407}  # it will refuse every other call too
SPENT = "insufficient_quota"  # comes as 429 as well, and no wait mends it


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


class _Again(Exception):  # noqa: N818 - no defect
    """An attempt that may come to more the next time.

    Parameters
    ----------
    said
        What came of it.
    wait_s
        As the endpoint asks for.
    is_paid
        Whether it may have been counted: an answer was under way, and did not arrive.
    """

    def __init__(self, said: str, wait_s: float | None = None, is_paid: bool = False) -> None:
        super().__init__(said)
        self.wait_s, self.is_paid = wait_s, is_paid


class Asker:
    """Asks an endpoint, as an asynchronous context.

    Parameters
    ----------
    endpoint
        Which.
    spending
        What may be spent on it. Attempts that were cut off count with the most they can cost.
    """

    def __init__(self, endpoint: Endpoint, spending: Spending) -> None:
        self.endpoint, self.spending = endpoint, spending
        self._credentials = endpoint.credentials()
        self._requests, self._tokens = (
            None if rate is None else Pace(rate)
            for rate in (endpoint.requests_per_minute, endpoint.tokens_per_minute)
        )
        self._not_before = 0.0  # by the monotonic clock, since the endpoint asked to wait
        self._is_reached = False
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "Asker":
        import aiohttp

        authority = self._credentials.authority
        try:
            context = ssl.create_default_context(cafile=authority) if authority else True
        except (OSError, ssl.SSLError) as error:
            raise PromptError(
                f"{authority} is no certificate file: {error}",
                f"Name one in PEM format in {self._credentials.authority_variable}.",
            ) from None
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self.endpoint.timeout_s),
            connector=aiohttp.TCPConnector(limit=self.endpoint.concurrency, ssl=context),
            headers={**self._credentials.headers, "Content-Type": "application/json"},
            cookie_jar=aiohttp.DummyCookieJar(),
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
        CapReached
            If an attempt might pass the cap.
        """
        said = "nothing"
        for attempt in range(self.endpoint.attempts):
            if attempt:
                backoff = min(BACKOFF_S * 2.0 ** (attempt - 1), LONGEST_BACKOFF_S)
                # Jitter, so that those who failed together do not all come back together.
                await asyncio.sleep(backoff * (1 + random.random()) / 2)
            await self._wait(request)
            try:
                return await self._paid(request)
            except _Again as again:
                said, wait = str(again), again.wait_s
            if attempt + 1 == IN_VAIN and not self._is_reached:
                raise Refusal(said, is_final=True)  # nobody is there, and was for no other call
            if wait is not None and wait > LONGEST_WAIT_S:
                raise Refusal(f"asks to wait {wait:.0f} s: {said}", is_final=True)
            if wait is not None:
                self._not_before = max(self._not_before, time.monotonic() + wait)
        raise Refusal(f"{said} ({self.endpoint.attempts} attempts)")

    async def _wait(self, request: Request) -> None:
        """Wait for the pace of the account, and as long as the endpoint asked anybody to."""
        if self._requests is not None:
            await self._requests.wait(1)
        if self._tokens is not None:
            await self._tokens.wait(likely_tokens(request))
        while (left := self._not_before - time.monotonic()) > 0:
            await asyncio.sleep(left)

    async def _paid(self, request: Request) -> Answer:
        """Attempt it once, with the most that it can cost set aside."""
        most = self.endpoint.most_cost(request) if self.spending.cap is not None else 0.0
        await self.spending.reserve(most)
        cost = most  # unless it turns out to be less, also where this is cancelled
        try:
            answer = await self._attempt(request)
            cost = most if answer.cost_usd is None else answer.cost_usd
        except Refusal:
            cost = 0.0
            raise
        except _Again as again:
            cost = most if again.is_paid else 0.0
            raise
        finally:
            self.spending.settle(most, cost)
        if self._tokens is not None and answer.input_tokens and answer.output_tokens:
            taken = answer.input_tokens + answer.output_tokens
            self._tokens.correct(taken - likely_tokens(request))
        return answer

    async def _attempt(self, request: Request) -> Answer:
        import aiohttp

        try:
            return await self._once(request)
        except TimeoutError:
            raise _Again(f"no answer within {self.endpoint.timeout_s:g} s", is_paid=True) from None
        except aiohttp.ClientConnectorError as error:
            said = f"cannot be reached: {error.strerror or type(error).__name__}"
            raise _Again(said) from None
        except aiohttp.InvalidURL:
            raise Refusal("its address is none", is_final=True) from None
        except aiohttp.ClientError as error:
            said = self._credentials.hide(str(error)) or type(error).__name__
            raise _Again(f"broke off: {said}", is_paid=True) from None

    async def _once(self, request: Request) -> Answer:
        assert self._session is not None
        started = time.perf_counter()
        address = f"{self.endpoint.base_url.rstrip('/')}/chat/completions"
        body = json.dumps(request.body).encode()
        content = bytearray()
        # A redirect is not followed: the key is for the host that was named.
        async with self._session.post(address, data=body, allow_redirects=False) as reply:
            self._is_reached = True
            async for part in reply.content.iter_any():
                content += part
                if len(content) > LARGEST:
                    raise Refusal(f"an answer of more than {LARGEST >> 20} MB")
        latency = (time.perf_counter() - started) * 1e3
        if reply.status == 200:
            return self._read(bytes(content), latency)
        said = f"{reply.status}: {self._reason(content)}"
        if 300 <= reply.status < 400:
            raise Refusal(f"{said} (a redirect, which is not followed)", is_final=True)
        if reply.status in AGAIN and SPENT not in said:
            raise _Again(said, seconds_to_wait(reply.headers.get("Retry-After", "")))
        raise Refusal(said, is_final=reply.status in FINAL or SPENT in said)

    def _read(self, content: bytes, latency_ms: float) -> Answer:
        try:
            said = json.loads(content)
            choice = said["choices"][0]
            output = _text(choice["message"].get("content"))
            usage = said.get("usage") or {}
            taken, given = (
                _count(usage.get(f"{each}_tokens")) for each in ("prompt", "completion")
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            reason = self._reason(content) or "nothing"
            raise _Again(f"an answer that is none: {reason}", is_paid=True) from None
        if any(len(each) >= KEY for each in self._credentials.headers.values()):
            output = self._credentials.hide(output)
        finish = choice.get("finish_reason")
        return Answer(
            output,
            taken,
            given,
            latency_ms,
            self.endpoint.cost(taken, given),
            finish if isinstance(finish, str) else "",
            time.time(),
        )

    def _reason(self, content: bytes | bytearray) -> str:
        """Return what an endpoint says is wrong, without what authenticates, shortened."""
        text = content[: LARGEST >> 8].decode("utf-8", "replace").strip()
        try:
            said: Any = json.loads(text)
        except (ValueError, RecursionError):
            said = text
        code = ""
        for key in ("error", "message", "detail"):
            if isinstance(said, Mapping) and said.get(key):
                code = str(said.get("code") or code)
                said = said[key]
        told = said if isinstance(said, str) else json.dumps(said)
        told = f"{told} ({code})" if code and not code.isdecimal() else told
        return self._credentials.hide(told)[:LETTERS]


def _text(content: Any) -> str:
    """Return the text of a message, which may come in parts, or be none."""
    if content is None:
        return ""
    if isinstance(content, list):
        return "".join(str(each["text"]) for each in content if each.get("type") == "text")
    if not isinstance(content, str):
        raise TypeError
    return content


def _count(value: Any) -> int | None:
    """Return a number of tokens, where it is one."""
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53
    return value if is_count else None
