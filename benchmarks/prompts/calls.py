"""What it takes to ask 500 calls of an endpoint of 50 ms, beside bare aiohttp and other evaluators.

The endpoint runs in a process of its own on the same machine. What is timed holds everything from
the prompts to the scores: rendering, the store, retries, exact match. Each is the median of several
runs that take turns with bare aiohttp, after one that nobody counts.
"""

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from aiopslab.prompts.endpoint import Endpoint
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.run import Run, run_prompts
from aiopslab.prompts.scorers.scoring import score_calls
from aiopslab.prompts.scorers.text import exact
from aiopslab.prompts.store import Store
from benchmarks.harness import Figure, at_least, at_most
from benchmarks.prompts.peers import beside
from benchmarks.prompts.peers.asked import CALLS, CONCURRENCY, TENTH, tell
from benchmarks.prompts.peers.beside import Cost
from benchmarks.prompts.served import DELAY_S, counts, endpoint

IDEAL_S = CALLS / CONCURRENCY * DELAY_S
REPEATS = 7
MODULE = "benchmarks.prompts.calls"  # also the run that is killed
PROMPT = Prompt.of("echo", "Say {{ text }}", max_tokens=5, temperature=0)


def figures() -> list[Figure]:
    with endpoint() as address:
        own = [*pace(address), busy(address), *killed(address)]
        return [*own, *beside.figures(address, lambda: evaluated_anew(address))]


def pace(address: str) -> list[Figure]:
    bare, ours, warm = [], [], []
    load = os.getloadavg()[0]
    started = counts(address)
    for _ in range(REPEATS + 1):
        bare.append(_timed(lambda: asyncio.run(_bare(address))))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "calls.db"
            ours.append(_timed(lambda path=path: _evaluated(address, path)))
            warm.append(_timed(lambda path=path: _evaluated(address, path)))
    ended = counts(address)
    serving = (ended.cpu - started.cpu) / (ended.answered - started.answered) * CALLS
    (bare_wall, bare_cpu), (wall, cpu), (_, warm_cpu) = map(_median, (bare, ours, warm))
    peer = f"bare aiohttp: {bare_wall / IDEAL_S:.2f} x, {bare_cpu:.2f} CPU s"
    note = (
        f"{CALLS} calls, {CONCURRENCY} at once, {DELAY_S * 1e3:.0f} ms each, store and scores; "
        f"median of {REPEATS} runs, the best {min(each for each, _ in ours) / IDEAL_S:.2f} x, "
        f"load {load:.1f}; the endpoint took {serving:.2f} CPU s"
    )
    return [
        at_most("wall to ideal", wall / IDEAL_S, 1.6, "x", peer=peer, note=note),
        Figure("wall to bare aiohttp", wall / bare_wall, "x", note="in the same run"),
        Figure("CPU of a run", cpu, "s", peer=peer),
        Figure("CPU of a warm rerun", warm_cpu, "s", note=f"{CALLS} calls out of the store"),
    ]


def busy(address: str) -> Figure:
    """Count the items that are completed where every tenth call is turned away."""
    tell(address, TENTH)
    try:
        with tempfile.TemporaryDirectory() as folder:
            run, _ = _evaluated(address, Path(folder) / "calls.db")
    finally:
        tell(address, 0)
    done = float((run.calls["status"] == "answered").mean())
    return at_least("items completed", done, 1.0, note=f"429 on every {TENTH}th of {CALLS} calls")


def killed(address: str) -> list[Figure]:
    """Kill a run in the middle, go on, and compare with one that was left alone."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.db"
        before = counts(address).answered
        command = [sys.executable, "-m", MODULE, address, str(path)]
        with subprocess.Popen(command) as victim:
            while counts(address).answered < before + CALLS // 2:
                time.sleep(0.01)
            victim.send_signal(signal.SIGKILL)
        time.sleep(1.0)  # until the endpoint has noticed
        with Store(path) as store:
            kept = len(store)
        first = counts(address)
        resumed, scores = _evaluated(address, path)
        last = counts(address)
        whole, expected = _evaluated(address, Path(folder) / "other.db")
    again = last.asked - first.asked - (CALLS - kept)
    lost = first.answered - before - kept
    columns = ["item", "prompt", "repetition", "status", "input", "output", "cost_usd"]
    is_same = resumed.calls[columns].equals(whole.calls[columns]) and scores.equals(expected)
    note = (
        f"counted at the endpoint after kill -9; {kept} of {CALLS} were kept, {lost} answers were "
        "on their way and are lost"
    )
    return [
        at_most("kept calls asked again", again, 0, note=note),
        at_least("same final table", float(is_same), 1, note="1: calls and scores are equal"),
    ]


def evaluated_anew(address: str) -> Cost:
    """Return what all calls cost from the prompts to the scores, into a new store."""
    with tempfile.TemporaryDirectory() as folder:
        return _timed(lambda: _evaluated(address, Path(folder) / "calls.db"))


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


if __name__ == "__main__":
    _evaluated(sys.argv[1], Path(sys.argv[2]))
