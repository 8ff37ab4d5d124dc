"""The frame that every service stands on: HTTP, telemetry, calls to others, and its effects."""

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aiopslab.rehearsal.services import telemetry
from aiopslab.rehearsal.services.effects import EFFECTS

Effect = Callable[["Service"], AbstractAsyncContextManager[None]]

_PROPAGATOR = TraceContextTextMapPropagator()
_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Settings:
    """What a service is told when it starts.

    Parameters
    ----------
    name
        Which service it is.
    ports
        The loopback port of every service.
    folder
        Where it keeps its data and its spans.
    seed
        Of whatever it draws at random.
    effects
        Effects that act from the start: a faulty build is one.
    """

    name: str
    ports: Mapping[str, int]
    folder: Path
    seed: int = 0
    effects: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return the settings as text."""
        return json.dumps({**vars(self), "folder": str(self.folder)})

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """Read what `to_json` wrote."""
        plain = json.loads(text)
        return cls(**{**plain, "folder": Path(plain["folder"]), "effects": tuple(plain["effects"])})


class DownstreamError(Exception):
    """A service that was called did not answer, or answered with an error."""


class TooSlowError(DownstreamError):
    """A service that was called did not answer in time."""


@dataclass
class Service:
    """One running service.

    Parameters
    ----------
    settings
        What it was told at its start.
    delay_s, work_s
        How long each request waits, at the median, and burns processor time.
    error_share, error_text
        Which share of the requests raise, and with what message.
    refused
        Services to which connections are refused.
    """

    settings: Settings
    delay_s: float = 0.0
    error_share: float = 0.0
    error_text: str = ""
    work_s: float = 0.0
    refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.name = self.settings.name
        self.random = random.Random(f"{self.settings.seed} {self.name}")
        self.metrics = telemetry.Metrics()
        self.log = telemetry.logger(self.name)
        self.tracer = telemetry.tracer(
            self.name, self.settings.folder / "spans" / f"{self.name}.jsonl"
        )
        self.effects: dict[str, Effect] = dict(EFFECTS)
        self.tasks: list[Coroutine[Any, Any, None]] = []
        self._active: dict[str, AsyncExitStack] = {}
        self._client = httpx.AsyncClient(timeout=_TIMEOUT_S, trust_env=False)

    async def call(
        self, callee: str, method: str, path: str, body: Any = None, timeout_s: float = _TIMEOUT_S
    ) -> Any:
        """Call another service and return the JSON that it answered, ``None`` for a 404.

        Raises
        ------
        DownstreamError
            If it could not be reached, took longer than `timeout_s` (then a `TooSlowError`),
            answered 5xx, or that too much is asked of it.
        """
        # Port 1 is reserved and never listened on: a connection to it is refused.
        port = 1 if callee in self.refused else self.settings.ports[callee]
        operation = f"{callee} {method} /{path.split('/')[1]}"
        with self.tracer.start_as_current_span(operation, kind=SpanKind.CLIENT) as span:
            headers: dict[str, str] = {}
            _PROPAGATOR.inject(headers)
            try:
                response = await self._client.request(
                    method,
                    f"http://127.0.0.1:{port}{path}",
                    json=body,
                    headers=headers,
                    timeout=timeout_s,
                )
            except httpx.HTTPError as error:
                reason = f"{type(error).__name__} {error}".strip()
                span.set_status(Status(StatusCode.ERROR, reason))
                late = isinstance(error, httpx.TimeoutException)
                failure = TooSlowError if late else DownstreamError
                raise failure(f"{callee} {method} {path}: {reason}") from None
            if response.status_code >= 500 or response.status_code == 429:
                span.set_status(Status(StatusCode.ERROR, str(response.status_code)))
                raise DownstreamError(f"{callee} {method} {path}: {response.status_code}")
            return None if response.status_code == 404 else response.json()

    async def effect(self, kind: str, active: bool) -> None:
        """Start or end an effect; asking twice for the same changes nothing."""
        if active and kind not in self._active:
            stack = AsyncExitStack()
            await stack.enter_async_context(self.effects[kind](self))
            self._active[kind] = stack
        elif not active and kind in self._active:
            await self._active.pop(kind).aclose()

    async def obey(self) -> None:
        """Follow the orders that the parent writes to standard input, until it ends."""
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
        )
        while line := await reader.readline():
            order = json.loads(line)
            await self.effect(order["kind"], order["active"])

    async def scrape(self, request: Request) -> Response:
        """Answer with every metric in the Prometheus exposition format."""
        return PlainTextResponse(generate_latest(self.metrics.registry))

    def app(self, routes: Sequence[Route], stop: Callable[[], None]) -> ASGIApp:
        """Return the ASGI application; `stop` is called once the parent is gone."""

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            for kind in self.settings.effects:
                await self.effect(kind, active=True)
            orders = asyncio.create_task(self.obey())
            orders.add_done_callback(lambda task: stop())
            background = [asyncio.create_task(task) for task in self.tasks]
            self.log.info("started")
            yield
            for task in [*background, orders]:
                task.cancel()
            await self._client.aclose()

        inner = Starlette(
            routes=[*routes, Route("/metrics", self.scrape)],
            lifespan=lifespan,
            exception_handlers={DownstreamError: self._bad_gateway},
        )
        return Observed(inner, self)

    async def _bad_gateway(self, request: Request, error: Exception) -> Response:
        self.log.error("upstream call failed: %s", error)
        return JSONResponse({"error": str(error)}, status_code=502)


class Observed:
    """Middleware: measures, traces and, where an effect says so, hurts each request."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] == "/metrics":
            await self.app(scope, receive, send)
            return
        service, metrics = self.service, self.service.metrics
        status = None

        async def observe(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        operation = f"{scope['method']} /{scope['path'].split('/')[1]}"
        started = time.perf_counter()
        with (
            metrics.active.track_inprogress(),
            service.tracer.start_as_current_span(
                operation, context=_PROPAGATOR.extract(headers), kind=SpanKind.SERVER
            ) as span,
        ):
            try:
                await self._suffer()
                await self.app(scope, receive, observe)
            except Exception as error:
                service.log.exception(
                    "unhandled %s in %s: %s", type(error).__name__, operation, error
                )
                if status is None:  # else Starlette has answered, and raised again
                    answer = JSONResponse({"error": str(error)}, status_code=500)
                    await answer(scope, receive, observe)
            answered = status or 500
            if answered >= 500:
                span.set_status(StatusCode.ERROR)
            metrics.requests.labels(f"{answered // 100}xx").inc()
            metrics.duration.observe(time.perf_counter() - started)

    async def _suffer(self) -> None:
        service = self.service
        if service.delay_s:
            await asyncio.sleep(service.random.lognormvariate(0, 0.4) * service.delay_s)
        if service.work_s:
            work_until = time.perf_counter() + service.work_s
            while time.perf_counter() < work_until:
                pass
        if service.random.random() < service.error_share:
            raise RuntimeError(service.error_text)
