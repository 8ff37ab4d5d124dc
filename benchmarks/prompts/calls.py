"""What it takes to ask 500 calls of an endpoint of 50 ms, beside bare aiohttp in the same minute.

The endpoint runs in a process of its own on the same machine. What is timed holds everything from
the prompts to the scores: rendering, the store, retries, exact match. Each is the median of several
runs that take turns with bare aiohttp, after one that nobody counts.
"""

import asyncio
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from aiopslab.prompts.endpoint import Endpoint
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.run import Run, run_prompts
from aiopslab.prompts.scorers.scoring import score_calls
from aiopslab.prompts.scorers.text import exact
from aiopslab.prompts.store import Store
from benchmarks.harness import Figure, at_least, at_most

CALLS, CONCURRENCY, DELAY_S = 500, 32, 0.05
IDEAL_S = CALLS / CONCURRENCY * DELAY_S
REPEATS = 5
MODULE = "benchmarks.prompts.calls"  # also the endpoint, and the run that is killed
TENTH = 10  # of the calls is turned away
PROMPT = Prompt.of("echo", "Say {{ text }}", max_tokens=5, temperature=0)

Cost = tuple[float, float]  # wall and CPU seconds


def figures() -> list[Figure]:
    with endpoint() as address:
        return [*pace(address), busy(address), *killed(address)]


def pace(address: str) -> list[Figure]:
    bare, ours, warm = [], [], []
    for _ in range(REPEATS + 1):
        bare.append(_timed(lambda: asyncio.run(_bare(address))))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "calls.db"
            ours.append(_timed(lambda path=path: _evaluated(address, path)))
            warm.append(_timed(lambda path=path: _evaluated(address, path)))
    (bare_wall, bare_cpu), (wall, cpu), (_, warm_cpu) = map(_median, (bare, ours, warm))
    beside = f"bare aiohttp: {bare_wall / IDEAL_S:.2f} x, {bare_cpu:.2f} CPU s"
    note = f"{CALLS} calls, {CONCURRENCY} at once, {DELAY_S * 1e3:.0f} ms each, store and scores"
    return [
        at_most("wall to ideal", wall / IDEAL_S, 1.6, "x", peer=beside, note=note),
        Figure("CPU of a run", cpu, "s", peer=beside, note=note),
        Figure("CPU of a warm rerun", warm_cpu, "s", note=f"{CALLS} calls out of the store"),
    ]


def busy(address: str) -> Figure:
    """Count the items that are completed where every tenth call is turned away."""
    _tell(address, TENTH)
    try:
        with tempfile.TemporaryDirectory() as folder:
            run, _ = _evaluated(address, Path(folder) / "calls.db")
    finally:
        _tell(address, 0)
    done = float((run.calls["status"] == "answered").mean())
    return at_least("items completed", done, 1.0, note=f"429 on every tenth of {CALLS} calls")


def killed(address: str) -> list[Figure]:
    """Kill a run in the middle, go on, and compare with one that was left alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.db"
        before = _answered(address)
        command = [sys.executable, "-m", MODULE, address, str(path)]
        with subprocess.Popen(command) as victim:
            while _answered(address) < before + CALLS // 2:
                time.sleep(0.01)
            victim.send_signal(signal.SIGKILL)
        time.sleep(1.0)  # until the endpoint has noticed
        with Store(path) as store:
            kept = len(store)
        resumed, scores = _evaluated(address, path)
        asked = kept + resumed.progress.answered
        lost = _answered(address) - before - CALLS
        whole, expected = _evaluated(address, Path(folder) / "other.db")
    columns = ["item", "prompt", "repetition", "status", "input", "output", "cost_usd"]
    is_same = resumed.calls[columns].equals(whole.calls[columns]) and scores.equals(expected)
    note = f"{kept} of {CALLS} kept at the kill; {lost} answers were on their way and are lost"
    return [
        at_most("kept calls asked again", asked - CALLS, 0, note=note),
        at_least("same final table", float(is_same), 1, note="1: calls and scores are equal"),
    ]


def _evaluated(address: str, path: Path) -> tuple[Run, pd.DataFrame]:
    texts = [f"word {number}" for number in range(CALLS)]
    items = pd.DataFrame({"item": range(CALLS), "text": texts, "expected": texts})
    where = Endpoint(address, "stub", concurrency=CONCURRENCY, key_prefix=None)
    with Store(path) as store:
        run = run_prompts([PROMPT], items, where, store)
    return run, score_calls(run.calls, items, {"exact": exact()})


async def _bare(address: str) -> None:
    import aiohttp

    turn = asyncio.Semaphore(CONCURRENCY)

    async def ask(session: aiohttp.ClientSession, number: int) -> None:
        messages = [{"role": "user", "content": f"Say word {number}"}]
        body = {"model": "stub", "messages": messages, "max_tokens": 5, "temperature": 0}
        async with turn, session.post(f"{address}/chat/completions", json=body) as reply:
            await reply.json()

    connector = aiohttp.TCPConnector(limit=CONCURRENCY)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(ask(session, number) for number in range(CALLS)))


def _timed(work: Callable[[], object]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def _median(costs: list[Cost]) -> Cost:
    walls, cpus = zip(*costs[1:], strict=True)  # the first has imports to make
    return statistics.median(walls), statistics.median(cpus)


@contextmanager
def endpoint() -> Iterator[str]:
    """Serve answers of 50 ms in a process of its own, as long as the context lasts."""
    with subprocess.Popen(
        [sys.executable, "-m", MODULE], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def _tell(address: str, every: int) -> None:
    urllib.request.urlopen(f"{address}/busy/{every}").close()


def _answered(address: str) -> int:
    with urllib.request.urlopen(f"{address}/answered") as reply:
        return int(reply.read())


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
        choice = {"message": {"content": output}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 2}
        return web.json_response({"choices": [choice], "usage": usage})

    async def busy(request: web.Request) -> web.Response:
        state["every"] = int(request.match_info["every"])
        return web.Response()

    async def answered(request: web.Request) -> web.Response:
        return web.Response(text=json.dumps(state["answered"]))

    app = web.Application()
    app.router.add_post("/v1/chat/completions", complete)
    app.router.add_get("/v1/busy/{every}", busy)
    app.router.add_get("/v1/answered", answered)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _evaluated(sys.argv[1], Path(sys.argv[2]))
    else:
        asyncio.run(_serve())
