"""An endpoint of embeddings on loopback, which answers and fails as it is told."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

from aiohttp import web


class Stub:
    """An endpoint on loopback: ``behave`` maps request and number of the call to a response."""

    def __init__(self, behave):
        self.behave = behave
        self.asked, self.headers, self.starts = [], [], []
        self.address = ""

    async def handle(self, request):
        self.asked.append(json.loads(await request.text()))
        self.headers.append(dict(request.headers))
        self.starts.append(time.monotonic())
        told = await self.behave(request, len(self.asked)) if self.behave else None
        return told or answer(self.asked[-1])

    @property
    def texts(self):
        return [text for body in self.asked for text in body["input"]]


def vector(text, size=3):
    return [float(text.count(letter)) for letter in "abcdefgh"[:size]]


def answer(body, change=lambda data: data):
    size = body.get("dimensions", 3)
    data = [
        {"object": "embedding", "index": place, "embedding": vector(text, size)}
        for place, text in enumerate(body["input"])
    ]
    # From the last to the first: the order is in the index.
    return web.json_response({"object": "list", "model": body["model"], "data": change(data[::-1])})


@contextmanager
def serving(behave=None):
    stub, loop = Stub(behave), asyncio.new_event_loop()

    async def start():
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/embeddings", stub.handle)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stub.address = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1"
        return runner

    runner = loop.run_until_complete(start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield stub
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for each in (left := asyncio.all_tasks(loop)):  # those whose client has hung up
            each.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.close()


_REAL = """
import sys, xllamacpp
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.hostnames, parameters.port = ["127.0.0.1"], 0
parameters.n_ctx, parameters.n_parallel = 512, 1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
parameters.embedding, parameters.verbosity = True, 1
parameters.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


@contextmanager
def serving_model(path):
    """Serve the embeddings of a model of llama.cpp, in a process of its own."""
    command = [sys.executable, "-c", _REAL, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            yield f"{server.stdout.readline().strip()}/v1"
        finally:
            server.stdin.close()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
