"""A language model server, OpenAI-shaped, around an honest stand-in for a model.

What answers is no neural network: it picks the sentences of its context that share most words
with the question, word for word and always the same. What it costs is real all the same: every
input token takes processor time, every output token takes processor time and a wait, and there
are only so many slots, so a longer prompt is slower, dearer, and makes others queue. A token is a
word or a mark of punctuation. Any server that speaks ``/v1/chat/completions`` could stand here.
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

MODEL = "extract-1"
USD_PER_INPUT_TOKEN, USD_PER_OUTPUT_TOKEN = 0.5e-6, 1.5e-6

_SLOTS = 4
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


def lean() -> Prompt:
    """Return the prompt that is served in good health."""
    return Prompt("answer-v3", "Answer from the context, in two sentences, and cite it.", 2)


def costly() -> Prompt:
    """Return the prompt that sends the whole handbook's opening with every question."""
    handbook = "\n".join(f"{each.title}. {each.text}" for each in corpus.documents()[:36])
    return Prompt("answer-v4", f"Answer at length, with examples. The handbook:\n{handbook}", 7)


class Model:
    """The slots, and the work that a token takes."""

    def __init__(self, service: Service) -> None:
        metrics = service.metrics
        self.prompt = lean()
        self.slots, self.waiting = asyncio.Semaphore(_SLOTS), 0
        self.input = metrics.counter("gen_ai_client_token_input", "Tokens read.")
        self.output = metrics.counter("gen_ai_client_token_output", "Tokens written.")
        self.cost = metrics.counter("gen_ai_client_cost_usd", "What the tokens cost.")
        metrics.gauge("gen_ai_server_queue", "Waiting for a slot.", lambda: self.waiting)

    async def complete(self, question: str, context: str) -> tuple[str, int, int, str]:
        """Return the answer, the tokens in and out, and the version of the prompt."""
        prompt = self.prompt
        read = len(tokens(prompt.text)) + len(tokens(question)) + len(tokens(context))
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
        self.cost.inc(cost_usd(read, written))
        return answer, read, written, prompt.version

    @asynccontextmanager
    async def costly(self) -> AsyncIterator[None]:
        """Serve the prompt that is far too long."""
        self.prompt = costly()
        try:
            yield
        finally:
            self.prompt = lean()


def cost_usd(read: int, written: int) -> float:
    """Return what a call costs.

    Examples
    --------
    >>> cost_usd(1_000_000, 0)
    0.5
    """
    return read * USD_PER_INPUT_TOKEN + written * USD_PER_OUTPUT_TOKEN


def _work(count: int) -> None:
    for _ in range(count):
        sum(range(_WORK_PER_TOKEN))


def build(service: Service) -> Sequence[Route]:
    """Return what the service answers."""
    model = Model(service)
    service.effects["costly_prompt"] = lambda _: model.costly()

    async def completions(request: Request) -> Response:
        body = await request.json()
        context, question = (each["content"] for each in body["messages"])
        with service.tracer.start_as_current_span("generate"):
            answer, read, written, version = await model.complete(question, context)
        service.log.info("completed with %s: %d tokens in, %d out", version, read, written)
        return JSONResponse(
            {
                "object": "chat.completion",
                "created": int(time.time()),
                "model": MODEL,
                "system_fingerprint": version,
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": answer},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {
                    "prompt_tokens": read,
                    "completion_tokens": written,
                    "total_tokens": read + written,
                    "cost_usd": cost_usd(read, written),
                },
            }
        )

    return [Route("/v1/chat/completions", completions, methods=["POST"])]
