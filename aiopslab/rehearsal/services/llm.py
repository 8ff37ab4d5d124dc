"""A language model server, OpenAI-shaped, around an honest stand-in for a model.

What answers is no neural network: it picks the sentences of its context that share most words
with the question, word for word and always the same. What it costs is real all the same: every
input token takes processor time, every output token takes processor time and a wait, and there
are only so many slots, so a longer prompt is slower, dearer, and makes others queue; and only so
many tokens are read in a while, after which it answers 429. A token is a word or a mark of
punctuation. Any server that speaks ``/v1/chat/completions`` could stand here.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiopslab.rehearsal import corpus
from aiopslab.rehearsal.services.app import Service
from aiopslab.rehearsal.services.throttle import Throttle

_SLOTS = 4
_READ_AT_MOST, _READ_WITHIN_S = 40_000, 10.0  # six times what is read in good health
_INPUT_BATCH, _OUTPUT_BATCH = 128, 8
_WORK_PER_TOKEN = 2500
_WAIT_PER_BATCH_S = 0.04
_STEM = 5
_TOKEN = re.compile(r"\w+|[^\w\s]")
_FILLERS = (
    "a an and are as at be by can do does for from get have how i if in is it long many much my of "
    "on or should the this to what when where which who with you your"
)
_STOPWORDS = frozenset(_FILLERS.split())


def tokens(text: str) -> list[str]:
    """Split a text into words and marks.

    Examples
    --------
    >>> tokens("Ask IT, please.")
    ['Ask', 'IT', ',', 'please', '.']
    """
    return _TOKEN.findall(text)


def extract(question: str, context: str, sentences: int) -> str:
    """Return the sentences of a context that share most words with a question.

    Examples
    --------
    >>> extract("When is payday?", "Lunch is at noon. Payday is the 25th.", sentences=1)
    'Payday is the 25th.'
    """
    asked = _stems(question)
    found = [each for each in re.split(r"(?<=[.!?])\s+|\n+", context) if each.strip()]
    overlap = [len(asked & _stems(each)) for each in found]
    best = sorted(range(len(found)), key=lambda place: -overlap[place])[:sentences]
    return " ".join(found[place] for place in sorted(best))


def _stems(text: str) -> set[str]:
    """Return the beginnings of the words that carry a meaning, so that forms of one word meet."""
    return {word[:_STEM] for word in map(str.lower, tokens(text)) if word not in _STOPWORDS}


@dataclass(frozen=True)
class Prompt:
    """A version of the system prompt.

    Parameters
    ----------
    version
        Its name in the telemetry.
    text
        What is put before each conversation.
    sentences
        How long an answer it asks for.
    """

    version: str
    text: str
    sentences: int


@dataclass(frozen=True)
class Weights:
    """A version of the model.

    Parameters
    ----------
    name
        What it is called in the telemetry.
    usd_per_input_token, usd_per_output_token
        What it costs.
    window
        How many words of its context it holds, the last ones; all unless given.
    """

    name: str
    usd_per_input_token: float
    usd_per_output_token: float
    window: int | None = None

    def remembered(self, context: str) -> str:
        """Return what of a context it holds.

        Examples
        --------
        >>> Weights("tiny", 0.0, 0.0, window=2).remembered("Lunch is at noon.")
        'at noon.'
        """
        if self.window is None:
            return context
        return "".join(re.findall(r"\S+\s*", context)[-self.window :])

    def cost_usd(self, read: int, written: int) -> float:
        """Return what a call costs.

        Examples
        --------
        >>> USUAL.cost_usd(1_000_000, 0)
        0.5
        """
        return read * self.usd_per_input_token + written * self.usd_per_output_token


USUAL = Weights("extract-1", 0.5e-6, 1.5e-6)
MINI = Weights("extract-mini-1", 0.1e-6, 0.3e-6, window=130)


def lean() -> Prompt:
    """Return the prompt that is served in good health."""
    return Prompt("answer-v3", "Answer from the context, in two sentences, and cite it.", 2)


def costly() -> Prompt:
    """Return the prompt that sends the whole handbook's opening with every question."""
    handbook = "\n".join(f"{each.title}. {each.text}" for each in corpus.documents()[:36])
    return Prompt("answer-v4", f"Answer at length, with examples. The handbook:\n{handbook}", 7)


@dataclass(frozen=True)
class Completion:
    """An answer, the tokens it took and what they cost, and what prompt and model wrote it."""

    answer: str
    read: int
    written: int
    cost_usd: float
    prompt: str
    model: str


class Model:
    """The slots, and the work that a token takes."""

    def __init__(self, service: Service) -> None:
        metrics = service.metrics
        self.prompt, self.weights = lean(), USUAL
        self.throttle = Throttle(_READ_AT_MOST, _READ_WITHIN_S)
        self.slots, self.waiting = asyncio.Semaphore(_SLOTS), 0
        self.input = metrics.counter("gen_ai_client_token_input", "Tokens read.")
        self.output = metrics.counter("gen_ai_client_token_output", "Tokens written.")
        self.cost = metrics.counter("gen_ai_client_cost_usd", "What the tokens cost.")
        metrics.gauge("gen_ai_server_queue", "Waiting for a slot.", lambda: self.waiting)

    async def complete(self, question: str, context: str) -> "Completion | None":
        """Return an answer; ``None`` where more is asked than is read in a while."""
        prompt, weights = self.prompt, self.weights
        context = weights.remembered(context)
        read = len(tokens(prompt.text)) + len(tokens(question)) + len(tokens(context))
        if not self.throttle.admits(time.monotonic(), read):
            return None
        self.waiting += 1
        async with self.slots:
            self.waiting -= 1
            for done in range(0, read, _INPUT_BATCH):
                _work(min(_INPUT_BATCH, read - done))
                await asyncio.sleep(0)
            answer = extract(question, context, prompt.sentences)
            written = len(tokens(answer))
            for done in range(0, written, _OUTPUT_BATCH):
                _work(min(_OUTPUT_BATCH, written - done))
                await asyncio.sleep(_WAIT_PER_BATCH_S)
        self.input.inc(read)
        self.output.inc(written)
        cost_usd = weights.cost_usd(read, written)
        self.cost.inc(cost_usd)
        return Completion(answer, read, written, cost_usd, prompt.version, weights.name)

    @asynccontextmanager
    async def costly(self) -> AsyncIterator[None]:
        """Serve the prompt that is far too long."""
        self.prompt = costly()
        try:
            yield
        finally:
            self.prompt = lean()

    @asynccontextmanager
    async def cheaper(self) -> AsyncIterator[None]:
        """Serve the model that holds less of its context."""
        self.weights = MINI
        try:
            yield
        finally:
            self.weights = USUAL


def _work(count: int) -> None:
    for _ in range(count):
        sum(range(_WORK_PER_TOKEN))


def build(service: Service) -> Sequence[Route]:
    """Return what the service answers."""
    model = Model(service)
    service.effects["costly_prompt"] = lambda _: model.costly()
    service.effects["cheaper_model"] = lambda _: model.cheaper()

    async def completions(request: Request) -> Response:
        body = await request.json()
        context, question = (each["content"] for each in body["messages"])
        with service.tracer.start_as_current_span("generate"):
            done = await model.complete(question, context)
        if done is None:
            told = f"more than {_READ_AT_MOST} tokens in {_READ_WITHIN_S:.0f} s"
            service.log.warning("rate limit exceeded: %s", told)
            return JSONResponse({"error": {"message": told}}, status_code=429)
        service.log.info(
            "completed with %s: %d tokens in, %d out", done.prompt, done.read, done.written
        )
        return JSONResponse(
            {
                "object": "chat.completion",
                "created": int(time.time()),
                "model": done.model,
                "system_fingerprint": done.prompt,
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": done.answer},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {
                    "prompt_tokens": done.read,
                    "completion_tokens": done.written,
                    "total_tokens": done.read + done.written,
                    "cost_usd": done.cost_usd,
                },
            }
        )

    return [Route("/v1/chat/completions", completions, methods=["POST"])]
