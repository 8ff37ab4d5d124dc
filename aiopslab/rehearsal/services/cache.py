"""Answers that were given lately, kept for a short time."""

import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiopslab.rehearsal.services.app import Service

_LIFETIME_S, _CAPACITY = 12.0, 64


def build(service: Service) -> Sequence[Route]:
    """Return what the service answers."""
    entries: OrderedDict[str, tuple[float, Any]] = OrderedDict()
    hits = service.metrics.counter("cache_hits", "Entries found.")
    misses = service.metrics.counter("cache_misses", "Entries not found, or expired.")
    service.metrics.gauge("cache_items", "Entries held.", lambda: len(entries))

    async def read(request: Request) -> Response:
        expires, value = entries.get(request.path_params["key"], (0.0, None))
        if expires < time.monotonic():
            misses.inc()
            return JSONResponse({"error": "no such entry"}, status_code=404)
        hits.inc()
        return JSONResponse(value)

    async def write(request: Request) -> Response:
        now, key = time.monotonic(), request.path_params["key"]
        entries.pop(key, None)  # a rewritten entry moves to the young end
        entries[key] = (now + _LIFETIME_S, await request.json())
        while entries and (len(entries) > _CAPACITY or next(iter(entries.values()))[0] < now):
            entries.popitem(last=False)
        return JSONResponse({})

    return [
        Route("/entries/{key}", read, methods=["GET"]),
        Route("/entries/{key}", write, methods=["PUT"]),
    ]
