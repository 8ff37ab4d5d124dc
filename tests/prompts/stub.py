"""An endpoint of the OpenAI API on loopback, which counts and fails as it is told."""

import asyncio
import json
import threading
from collections import Counter
from contextlib import contextmanager

from aiohttp import web

from aiopslab.prompts.endpoint import Endpoint


class Stub:
    """What it was asked, and how it answers.

    ``behave`` is an async function of the request and of how often the same body came before; it
    returns a response, or None for an answer as it should be.
    """

    def __init__(self, behave=None, delay_s=0.0):
        self.behave, self.delay_s = behave, delay_s
        self.asked, self.answered, self.headers, self.starts = Counter(), Counter(), [], []
        self.at_once = self.most_at_once = 0
        self.address = ""

    @property
    def calls(self):
        return sum(self.asked.values())

    async def handle(self, request):
        body = await request.text()
        before = self.asked[body]
        self.asked[body] += 1
        self.headers.append(dict(request.headers))
        self.starts.append(asyncio.get_running_loop().time())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.delay_s)
            told = await self.behave(request, before) if self.behave else None
        finally:
            self.at_once -= 1
        if told is not None:
            return told
        self.answered[body] += 1
        return answer(output_of(json.loads(body)))


def output_of(body):
    """Return the answer to a body: what the last message says, and the seed if there is one."""
    return body["messages"][-1]["content"].upper()


def answer(output, taken=10, given=5, **more):
    choice = {"message": {"role": "assistant", "content": output}, "finish_reason": "stop"}
    usage = {"prompt_tokens": taken, "completion_tokens": given}
    return web.json_response({"choices": [choice], "usage": usage, **more})


@contextmanager
def serving(behave=None, delay_s=0.0):
    """Serve on a free port in a thread, as long as the context lasts."""
    stub = Stub(behave, delay_s)
    loop = asyncio.new_event_loop()

    async def start():
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/v1/chat/completions", stub.handle)
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
        left = asyncio.all_tasks(loop)  # those whose client has hung up
        for each in left:
            each.cancel()
        if left:
            loop.run_until_complete(asyncio.wait(left))
        loop.close()


def endpoint(stub, **more):
    """Return the stub as an endpoint that costs a dollar a million tokens."""
    told = {"timeout_s": 10, "input_price": 1.0, "output_price": 1.0, **more}
    return Endpoint(stub.address, "stub", **told)
