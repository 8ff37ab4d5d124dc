"""An endpoint of the OpenAI API that says what it is told to, after 50 ms, in a process of its own.

It counts, and turns every so-manieth call away while it is told to.
"""

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

MODULE = "benchmarks.prompts.served"
DELAY_S = 0.05


@dataclass(frozen=True)
class Counts:
    """Calls that have come, those that were answered, and the CPU seconds that took."""

    asked: int
    answered: int
    cpu: float


@contextmanager
def endpoint() -> Iterator[str]:
    """Serve as long as the context lasts, and yield the address."""
    with subprocess.Popen(
        [sys.executable, "-m", MODULE], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def counts(address: str) -> Counts:
    with urllib.request.urlopen(f"{address}/counts") as reply:
        return Counts(**json.loads(reply.read()))


async def _serve() -> None:
    from aiohttp import web

    state = {"asked": 0, "answered": 0, "every": 0}

    async def complete(request: web.Request) -> web.Response:
        told = await request.json()
        state["asked"] += 1
        if state["every"] and state["asked"] % state["every"] == 0:
            return web.Response(status=429, headers={"Retry-After": "0"})
        await asyncio.sleep(DELAY_S)
        state["answered"] += 1
        output = told["messages"][-1]["content"].removeprefix("Say ")
        message = {"role": "assistant", "content": output}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
        kind = {"id": "stub", "object": "chat.completion", "created": 0, "model": "stub"}
        return web.json_response({**kind, "choices": [choice], "usage": usage})

    async def busy(request: web.Request) -> web.Response:
        state["every"] = int(request.match_info["every"])
        return web.Response()

    async def counted(request: web.Request) -> web.Response:
        found = {name: state[name] for name in ("asked", "answered")}
        return web.json_response({**found, "cpu": time.process_time()})

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/v1/busy/{every}", busy)
    app.router.add_get("/v1/counts", counted)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve())
