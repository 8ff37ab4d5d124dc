"""Run: every prompt on every item, each call made once, kept, and never paid for again."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from aiopslab.errors import PromptError
from aiopslab.prompts.endpoint import Asker, Endpoint, Refusal, most_tokens
from aiopslab.prompts.prompt import Prompt
from aiopslab.prompts.store import Answer, Request, Store

GIVES_UP = 20  # calls in a row that were not answered
COLUMNS = (
    *("item", "group", "prompt", "prompt_version", "repetition", "model", "status", "output"),
    *("error", "input_tokens", "output_tokens", "latency_ms", "cost_usd", "finish", "reused"),
    "timestamp",
)


@dataclass
class Progress:
    """How far a run is.

    Parameters
    ----------
    total
        Calls that the run is made of.
    answered, reused, failed
        By the endpoint now, out of the store, and not at all.
    cost_usd
        Of the answers of now.
    """

    total: int
    answered: int = 0
    reused: int = 0
    failed: int = 0
    cost_usd: float = 0.0

    @property
    def done(self) -> int:
        """Calls that need no more."""
        return self.answered + self.reused + self.failed

    def __str__(self) -> str:
        told = f"{self.done:,} of {self.total:,} calls, {self.reused:,} reused"
        failed = f", {self.failed:,} failed" if self.failed else ""
        return f"{told}{failed}, {self.cost_usd:.4f} USD"


@dataclass(frozen=True)
class Run:
    """What came of it.

    Parameters
    ----------
    calls
        One row a call, in the order of the items: ``item, group, prompt, prompt_version,
        repetition, model, status`` (``answered``, ``failed`` or ``not asked``), ``output, error,
        input_tokens, output_tokens, latency_ms, cost_usd, finish, reused, timestamp``. Latency is
        that of the time when the endpoint was asked.
    progress
        The counts at the end.
    stopped
        Why it ended before all was asked; empty where it did not.
    """

    calls: pd.DataFrame
    progress: Progress
    stopped: str = ""


@dataclass
class _Spending:
    """What was spent, and what the calls on their way may come to."""

    cap_usd: float | None
    spent: float = 0.0
    reserved: float = 0.0

    def reserve(self, most: float) -> bool:
        """Set the most that a call can cost aside; not where that might pass the cap."""
        if self.cap_usd is not None and self.spent + self.reserved + most > self.cap_usd:
            return False
        self.reserved += most
        return True

    def settle(self, most: float, cost: float) -> None:
        self.reserved -= most
        self.spent += cost


@dataclass(frozen=True)
class _Call:
    """A request, and what it is of."""

    item: Any
    group: Any
    prompt: Prompt
    request: Request


@dataclass
class _State:
    """What the workers of a run share."""

    queue: Iterator[tuple[int, _Call]]
    rows: dict[int, dict[str, Any]]
    progress: Progress
    spending: _Spending
    stopped: str = ""
    in_a_row: int = 0
    fatal: PromptError | None = None
    report: Callable[[Progress], None] = field(default=lambda _: None)


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
        Of answers; a run that was broken off goes on where it was.
    repetitions
        Of each call.
    parameters
        For the model, over those of the prompts.
    cap_usd
        Of what this run may spend: it stops before a call that might pass it.
    report
        Called after each call.

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
    calls = _calls(prompts, items, endpoint, repetitions, parameters or {})
    _check_cap(cap_usd, endpoint, calls)
    state = _State(
        iter(enumerate(calls)),
        {},
        Progress(len(calls)),
        _Spending(cap_usd),
        report=report or _quiet,
    )
    _in_a_loop_of_its_own(_worked(state, endpoint, store))
    if state.fatal is not None:
        raise state.fatal
    rows = [state.rows.get(at) or _row(call, "not asked") for at, call in enumerate(calls)]
    return Run(pd.DataFrame(rows, columns=COLUMNS), state.progress, state.stopped)


def _calls(
    prompts: Sequence[Prompt],
    items: pd.DataFrame,
    endpoint: Endpoint,
    repetitions: int,
    parameters: Mapping[str, Any],
) -> list[_Call]:
    """Return all calls, those of one item together, so that what there is at any time is paired."""
    names = [each.name for each in prompts]
    for name in names:
        if names.count(name) > 1:
            raise PromptError(f"two prompts are called {name!r}", "Give each a name of its own.")
    if not prompts or items.empty:
        raise PromptError(
            f"{len(prompts)} prompts and {len(items)} items are too few",
            "Name a file of prompts, and a table with one row an item.",
        )
    ids = items["item"] if "item" in items else pd.Series(range(len(items)), items.index)
    twice = ids[ids.duplicated()]
    if len(twice):
        raise PromptError(
            f"{twice.nunique()} items come more than once, e.g. {twice.iloc[0]!r}",
            "Keep one row of each: an item that counts twice makes a comparison too sure.",
        )
    if repetitions < 1:
        raise PromptError(f"repetitions is {repetitions}; expected at least 1", "Use 1.")
    found = []
    for name, row in zip(ids.tolist(), items.to_dict("records"), strict=True):
        for prompt in prompts:
            messages = tuple(prompt.render({str(key): value for key, value in row.items()}))
            told = {**prompt.parameters, **parameters}
            for repetition in range(repetitions):
                request = Request(endpoint.model, messages, told, repetition)
                found.append(_Call(name, row.get("group"), prompt, request))
    return found


def _check_cap(cap_usd: float | None, endpoint: Endpoint, calls: Sequence[_Call]) -> None:
    if cap_usd is None:
        return
    if not endpoint.has_prices:
        raise PromptError(
            f"a cap of {cap_usd:g} USD cannot be kept: {endpoint.model} has no prices",
            "Give the price of a million tokens, in and out.",
        )
    for each in calls:
        if most_tokens(each.request)[1] == float("inf"):
            raise PromptError(
                f"a cap of {cap_usd:g} USD cannot be kept: the prompt {each.prompt.name!r} sets no "
                "max_tokens",
                "Set it, in the prompt or for the run.",
            )


async def _worked(state: _State, endpoint: Endpoint, store: Store) -> None:
    async with Asker(endpoint) as asker:
        workers = [_work(state, asker, store) for _ in range(endpoint.concurrency)]
        await asyncio.gather(*workers)


async def _work(state: _State, asker: Asker, store: Store) -> None:
    for at, call in state.queue:
        if state.stopped or state.fatal:
            return
        kept = store.find(call.request)
        if kept is not None:
            state.rows[at] = _row(call, "answered", kept, reused=True)
            state.progress.reused += 1
        else:
            await _asked(state, asker, store, at, call)
            if at not in state.rows:
                return
        state.report(state.progress)


async def _asked(state: _State, asker: Asker, store: Store, at: int, call: _Call) -> None:
    """Ask, and keep the answer before anything else is done with it."""
    most = asker.endpoint.cost(*most_tokens(call.request)) or 0.0
    if not state.spending.reserve(most):
        state.stopped = (
            f"the cap of {state.spending.cap_usd:g} USD: {state.spending.spent:.4f} USD are spent, "
            "and the next call might pass it"
        )
        return
    cost = 0.0
    try:
        answer = await asker.ask(call.request)
        store.keep(call.request, answer)
        cost = answer.cost_usd or 0.0
    except Refusal as refusal:
        _refused(state, asker.endpoint, at, call, refusal)
        return
    finally:
        state.spending.settle(most, cost)
    state.in_a_row = 0
    state.rows[at] = _row(call, "answered", answer)
    state.progress.answered += 1
    state.progress.cost_usd += cost


def _refused(state: _State, endpoint: Endpoint, at: int, call: _Call, refusal: Refusal) -> None:
    state.in_a_row += 1
    state.rows[at] = _row(call, "failed", error=str(refusal))
    state.progress.failed += 1
    if refusal.is_final or state.in_a_row >= GIVES_UP:
        state.fatal = PromptError(
            f"{endpoint.model} at {endpoint.base_url} does not answer: {refusal}",
            "Check the address, the model and AIOPSLAB_LLM_TOKEN or OPENAI_API_KEY, and run again: "
            "what was answered is kept.",
        )


def _row(
    call: _Call, status: str, answer: Answer | None = None, error: str = "", reused: bool = False
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
        "error": error,
        "reused": reused,
    }
    if answer is not None:
        told |= {
            "output": answer.output,
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
            "latency_ms": answer.latency_ms,
            "cost_usd": answer.cost_usd,
            "finish": answer.finish,
            "timestamp": pd.Timestamp(answer.answered, unit="s", tz="UTC"),
        }
    return told


def _in_a_loop_of_its_own(work: Any) -> None:
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
            thread.join(0.1)  # in short waits, so that an interrupt is seen at once
    except KeyboardInterrupt:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if caught:
        raise caught[0]


def _quiet(_: Progress) -> None:
    return
