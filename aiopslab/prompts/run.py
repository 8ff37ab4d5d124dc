"""Run: every prompt on every item, each call made once, kept, and never paid for again."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from aiopslab.errors import PromptError
from aiopslab.prompts.asking import Asker, Refusal
from aiopslab.prompts.endpoint import Endpoint
from aiopslab.prompts.limits import CapReached, Spending
from aiopslab.prompts.looks import Looks
from aiopslab.prompts.plan import Call, check_cap, planned, same
from aiopslab.prompts.progress import Progress
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.store import Answer, Request, Store

GIVES_UP = 20  # calls in a row that were not answered
LOOK_S = 0.05  # between looks for what another process is asking
SHOW_S = 0.1  # between reports
GRACE_S = 5.0  # for calls that are under way, and being paid for, when a run is interrupted
NUMBERS = ("input_tokens", "output_tokens", "latency_ms", "cost_usd")
COLUMNS = (
    *("item", "group", "prompt", "prompt_version", "repetition", "model", "status", "input"),
    *("output", "error", *NUMBERS, "finish", "reused", "timestamp"),
)


@dataclass(frozen=True)
class Run:
    """What came of it.

    Parameters
    ----------
    calls
        One row a call, in the order of the items: ``item, group, prompt, prompt_version,
        repetition, model, status`` (``answered``, ``failed`` or ``not asked``), ``input, output,
        error, input_tokens, output_tokens, latency_ms, cost_usd, finish, reused, timestamp``.
        Latency is that of the time when the endpoint was asked. Those that were answered satisfy
        the contract of the frame ``calls``.
    progress
        The counts at the end.
    stopped
        Why it ended before all was asked; empty where it did not.
    same
        Items that ask the same as another before them; they tell nothing new.
    looks
        How it was looked at while it went on, where it was to stop as soon as it was certain.
    """

    calls: pd.DataFrame
    progress: Progress
    stopped: str = ""
    same: tuple[Any, ...] = ()
    looks: Looks | None = None


@dataclass
class _State:
    """What the workers of a run share."""

    queue: Iterator[tuple[int, Call]]
    progress: Progress
    spending: Spending
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    locks: dict[str, asyncio.Lock] = field(default_factory=dict)
    stopped: str = ""
    in_a_row: int = 0


def run_prompts(
    prompts: Sequence[Prompt],
    items: pd.DataFrame,
    endpoint: Endpoint,
    store: Store,
    *,
    repetitions: int = 1,
    parameters: Mapping[str, Any] | None = None,
    cap_usd: float | None = None,
    report: Callable[[Progress], None] | None = None,
) -> Run:
    """Ask a model every prompt on every item, unless the store has the answer.

    It may be called where an event loop runs already, as in a notebook.

    Parameters
    ----------
    prompts
        With different names.
    items
        One row an item, its columns the variables of the prompts; ``item`` names it (else its
        number does), and ``group`` says which items belong together.
    endpoint
        Where.
    store
        Of answers; a run that was broken off goes on where it was. Runs at the same time may share
        its file: what one asks, the other waits for.
    repetitions
        Of each call.
    parameters
        For the model, over those of the prompts.
    cap_usd
        Of what this run may spend: it stops before a call that might pass it.
    report
        Called now and then while it runs, and at the end; see `progress.shown`.

    Returns
    -------
    Run

    Raises
    ------
    PromptError
        Before anything is asked: if names or items repeat, a variable is missing, or a cap cannot
        be kept because prices or ``max_tokens`` are not known. Later: if the endpoint refuses all
        calls, or does not answer twenty in a row; what was answered is in the store.
    """
    calls = planned(prompts, items, endpoint, repetitions, parameters or {})
    check_cap(cap_usd, endpoint, calls)
    state = _State(iter(enumerate(calls)), Progress(len(calls)), Spending(cap_usd))
    _in_a_thread(_worked(state, endpoint, store), state, report or _quiet)
    rows = [state.rows.get(at) or _row(call, "not asked") for at, call in enumerate(calls)]
    table = pd.DataFrame(rows, columns=COLUMNS).astype(dict.fromkeys(NUMBERS, "float64"))
    table["timestamp"] = pd.to_datetime(table["timestamp"], unit="s", utc=True)
    return Run(table, state.progress, state.stopped, same(calls))


async def _worked(state: _State, endpoint: Endpoint, store: Store) -> None:
    async with Asker(endpoint, state.spending) as asker:
        workers = [
            asyncio.create_task(_work(state, asker, store)) for _ in range(endpoint.concurrency)
        ]
        try:
            await asyncio.gather(*workers)
        finally:
            for each in workers:
                each.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            state.progress.cost_usd = state.spending.spent


async def _work(state: _State, asker: Asker, store: Store) -> None:
    for at, call in state.queue:
        try:
            answer, is_reused = await _answer(state, asker, store, call.request)
        except CapReached:
            state.stopped = state.stopped or (
                f"the cap of {state.spending.cap:g} USD: {state.spending.spent:.4f} USD are spent, "
                "and the next call might pass it"
            )
        except Refusal as refusal:
            _refused(state, asker.endpoint, at, call, refusal)
        else:
            state.in_a_row = 0
            state.rows[at] = _row(call, "answered", answer, reused=is_reused)
            state.progress.reused += is_reused
            state.progress.answered += not is_reused
        state.progress.cost_usd = state.spending.spent
        if state.stopped:
            return


async def _answer(
    state: _State, asker: Asker, store: Store, request: Request
) -> tuple[Answer, bool]:
    """Return an answer that is kept, and whether it was there, whoever else asks for it."""
    async with state.locks.setdefault(request.key, asyncio.Lock()):
        while True:
            with store.asking(request) as is_ours:
                kept = store.find(request)
                if kept is not None:
                    return kept, True
                if is_ours:
                    answer = await asker.ask(request)
                    store.keep(request, answer)
                    return answer, False
            await asyncio.sleep(LOOK_S)


def _refused(state: _State, endpoint: Endpoint, at: int, call: Call, refusal: Refusal) -> None:
    state.in_a_row += 1
    state.rows[at] = _row(call, "failed", error=str(refusal))
    state.progress.failed += 1
    if refusal.is_final or state.in_a_row >= GIVES_UP:
        raise PromptError(
            f"{endpoint.model} at {endpoint.base_url} does not answer: {refusal}",
            "Check its address, the model and the key in "
            f"{endpoint.key_prefix or 'AIOPSLAB_LLM'}_TOKEN, and run again: what was answered is "
            "kept.",
        )


def _row(
    call: Call, status: str, answer: Answer | None = None, error: str = "", reused: bool = False
) -> dict[str, Any]:
    told: dict[str, Any] = dict.fromkeys(COLUMNS)
    told |= {
        "item": call.item,
        "group": call.group,
        "prompt": call.prompt.name,
        "prompt_version": call.prompt.version,
        "repetition": call.request.repetition,
        "model": call.request.model,
        "status": status,
        "input": "\n\n".join(each["content"] for each in call.request.messages),
        "error": error,
        "reused": reused,
    }
    if answer is not None:
        told |= {name: getattr(answer, name) for name in ("output", "finish", *NUMBERS)}
        told["timestamp"] = answer.answered
    return told


def _in_a_thread(
    work: Coroutine[Any, Any, None], state: _State, report: Callable[[Progress], None]
) -> None:
    """Run to the end in a thread, since a notebook has a loop of its own that is running."""
    caught: list[BaseException] = []
    loop = asyncio.new_event_loop()
    task = loop.create_task(work)

    def target() -> None:
        try:
            loop.run_until_complete(task)
        except BaseException as error:
            caught.append(error)
        finally:
            loop.close()

    thread = threading.Thread(target=target, name="prompts")
    thread.start()
    try:
        while thread.is_alive():
            thread.join(SHOW_S)  # in short waits, so that an interrupt is seen at once
            report(state.progress)
    except BaseException:
        state.stopped = "interrupted"
        try:
            thread.join(GRACE_S)
        finally:
            with suppress(RuntimeError):  # the loop is closed: it is over
                loop.call_soon_threadsafe(task.cancel)
            thread.join()
        raise
    if caught:
        raise caught[0]


def _quiet(_: Progress) -> None:
    return
