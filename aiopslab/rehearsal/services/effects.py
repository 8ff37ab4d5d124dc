"""How a fault acts inside the process that it is injected into.

Each effect is an asynchronous context manager: entered when the fault begins, left when it ends.
Effects that only one service can suffer are defined beside that service.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiopslab.rehearsal.services.app import Service

DEPENDENCIES = {"gateway": "retriever", "auth": "database", "retriever": "database"}
ERRORS = {
    "gateway": "no route for tenant 'default'",
    "auth": "signing key 'k-2' is not in the key set",
    "cache": "unpickling error: invalid load key",
    "classifier": "feature names do not match those seen at fit time",
    "retriever": "vector dimension 32 does not match index dimension 48",
    "llm": "slot state is corrupt: position beyond the end of the context",
    "database": "database disk image is malformed",
}

_BURNERS, _MANY_BURNERS = 3, 6
_LEAK_BYTES, _LEAK_EVERY_S, _LEAK_LIMIT = 1 << 20, 0.4, 600


@asynccontextmanager
async def cpu(service: "Service", burners: int = _BURNERS) -> AsyncIterator[None]:
    """Threads that compete with the service for the interpreter, and for a core."""
    ended = threading.Event()

    def burn() -> None:
        while not ended.is_set():
            sum(range(20_000))

    threads = [threading.Thread(target=burn, daemon=True) for _ in range(burners)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()


def starvation(service: "Service") -> AbstractAsyncContextManager[None]:
    """Twice as many of them: the service hardly gets its turn."""
    return cpu(service, _MANY_BURNERS)


@asynccontextmanager
async def memory(service: "Service") -> AsyncIterator[None]:
    """A leak of 2.5 MB a second, every page of it touched, up to 600 MB."""
    kept: list[bytearray] = []

    async def leak() -> None:
        while len(kept) < _LEAK_LIMIT:
            kept.append(bytearray(b"\x01" * _LEAK_BYTES))
            await asyncio.sleep(_LEAK_EVERY_S)

    task = asyncio.create_task(leak())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        kept.clear()


@asynccontextmanager
async def latency(service: "Service") -> AsyncIterator[None]:
    """Every request waits, 450 ms at the median, before it is handled."""
    service.delay_s = 0.45
    try:
        yield
    finally:
        service.delay_s = 0.0


@asynccontextmanager
async def errors(service: "Service") -> AsyncIterator[None]:
    """Two requests in five raise."""
    service.error_share, service.error_text = 0.4, ERRORS[service.name]
    try:
        yield
    finally:
        service.error_share = 0.0


@asynccontextmanager
async def dependency(service: "Service") -> AsyncIterator[None]:
    """Connections to what the service depends on are refused."""
    service.refused.add(DEPENDENCIES[service.name])
    try:
        yield
    finally:
        service.refused.clear()


@asynccontextmanager
async def deploy(service: "Service") -> AsyncIterator[None]:
    """A faulty build: each request burns 70 ms more, and one in eight raises."""
    service.work_s, service.error_share = 0.07, 0.125
    service.error_text = "'NoneType' object has no attribute 'tenant'"
    try:
        yield
    finally:
        service.work_s = service.error_share = 0.0


EFFECTS = {
    "cpu": cpu,
    "starvation": starvation,
    "memory": memory,
    "latency": latency,
    "errors": errors,
    "dependency": dependency,
    "deploy": deploy,
}
