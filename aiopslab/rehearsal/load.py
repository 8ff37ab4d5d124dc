"""The users: questions at Poisson times, ratings of the answers, and edits of documents.

The load is open-loop: a question is asked when it is due, whether or not earlier ones have been
answered. Its rate follows a day compressed into ten minutes, with bursts.
"""

import asyncio
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aiopslab.rehearsal import corpus

if TYPE_CHECKING:
    import httpx

MEAN_RATE = 4.0
_DAY_S = 600.0
_SWING = 0.3  # of the day, in shares of its mean
_BURST_EVERY_S, _BURST_S, _BURST_FACTOR = 70.0, 8.0, 1.7
_EDIT_EVERY_S = 4.0
_PATIENCE_S = 10.0
_OUTSTANDING = 150
_RATED = 0.25
_MISJUDGED = 0.08
_POPULARITY = 0.5  # exponent of Zipf's law over the questions
_HARD = 0.7  # share of the questions that are hard, once the mix has moved


def rate(seconds: float, mean: float, seed: int) -> NDArray[np.float64]:
    """Return the expected number of questions in each second.

    Parameters
    ----------
    seconds
        How long the load lasts.
    mean
        Questions a second, on average over a long time.
    seed
        Of the bursts.

    Examples
    --------
    >>> round(float(rate(6000, 4.0, seed=1).mean()), 0)
    4.0
    """
    time = np.arange(int(np.ceil(seconds)), dtype=float)
    draw = np.random.default_rng([seed, 1])
    burst = np.zeros_like(time, dtype=bool)
    start = draw.exponential(_BURST_EVERY_S)
    while start < seconds:
        burst |= (time >= start) & (time < start + _BURST_S)
        start += _BURST_S + draw.exponential(_BURST_EVERY_S)
    day = 1 - _SWING * np.cos(2 * np.pi * (time / _DAY_S + draw.uniform()))
    share = _BURST_S / (_BURST_S + _BURST_EVERY_S)
    shape = day * np.where(burst, _BURST_FACTOR, 1.0)
    return mean * shape / (1 + share * (_BURST_FACTOR - 1))


def arrivals(expected: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """Draw the times of a Poisson process.

    Parameters
    ----------
    expected
        How many to expect in each second, `(seconds,)`.
    seed
        The same seed draws the same times.

    Returns
    -------
    numpy.ndarray
        Seconds from the beginning, ascending.
    """
    draw = np.random.default_rng([seed, 2])
    counts = draw.poisson(expected)
    return np.sort(np.repeat(np.arange(len(expected)), counts) + draw.uniform(size=counts.sum()))


@dataclass
class Load:
    """Users of the assistant.

    Parameters
    ----------
    client
        What requests are made with.
    url
        Of the gateway.
    seconds
        How long they use it.
    seed
        The same seed asks the same questions at the same times.
    mean
        Questions a second.
    harder_at_s
        From when on most questions are hard ones; infinite for never.
    """

    client: "httpx.AsyncClient"
    url: str
    seconds: float
    seed: int
    mean: float = MEAN_RATE
    harder_at_s: float = math.inf
    asked: int = 0
    failed: int = 0
    ratings: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._draw = random.Random(f"load {self.seed}")
        self._tokens: dict[str, str] = {}

    async def run(self) -> None:
        """Use the assistant until the time is up."""
        async with asyncio.TaskGroup() as users:
            users.create_task(self._edit())
            clock = asyncio.get_running_loop().time
            began, tasks = clock(), set[asyncio.Task[None]]()
            for due, question, user in self._plan():
                await asyncio.sleep(began + due - clock())
                if len(tasks) < _OUTSTANDING:
                    task = users.create_task(self._ask(question, user))
                    tasks.add(task)
                    task.add_done_callback(tasks.discard)

    def _plan(self) -> Iterator[tuple[float, corpus.Question, str]]:
        questions = corpus.questions()
        self._draw.shuffle(questions)
        weights = [1 / rank**_POPULARITY for rank in range(1, len(questions) + 1)]
        users = [user for user, _ in corpus.users()]
        for due in arrivals(rate(self.seconds, self.mean, self.seed), self.seed):
            question = self._draw.choices(questions, weights)[0]
            if due >= self.harder_at_s and self._draw.random() < _HARD:
                question = self._draw.choice(corpus.hard_questions())
            yield float(due), question, self._draw.choice(users)

    async def _ask(self, question: corpus.Question, user: str) -> None:
        self.asked += 1
        if user not in self._tokens:
            await self._login(user)
        body = {"question": question.text, "token": self._tokens.get(user, "")}
        answer = await self._post("/ask", body)
        if answer is None:
            self.failed += 1
        elif "error" in answer:  # the session has expired; the next question opens a new one
            self._tokens.pop(user, None)
        elif self._draw.random() < _RATED:
            await asyncio.sleep(self._draw.uniform(0.5, 2.0))
            right = corpus.answers(answer["answer"], question.document)
            rating = float(right != (self._draw.random() < _MISJUDGED))
            self.ratings[answer["id"]] = rating
            await self._post("/ratings", {"id": answer["id"], "rating": rating})

    async def _login(self, user: str) -> None:
        session = await self._post("/sessions", {"user": user})
        if session is not None and "token" in session:
            self._tokens[user] = session["token"]

    async def _edit(self) -> None:
        draw = random.Random(f"edits {self.seed}")
        documents, spent = corpus.documents(), 0.0
        while (pause := draw.expovariate(1 / _EDIT_EVERY_S)) + spent < self.seconds:
            await asyncio.sleep(pause)
            spent += pause
            body = {"note": draw.choice(corpus.REVISIONS)}
            await self._send("PUT", f"/documents/{draw.choice(documents).id}", body)

    async def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        return await self._send("POST", path, body)

    async def _send(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        """Return what was answered; ``None`` where nothing was, or a server error."""
        import httpx

        try:
            response = await self.client.request(
                method, self.url + path, json=dict(body), timeout=_PATIENCE_S
            )
        except httpx.HTTPError:
            return None
        return None if response.status_code >= 500 else response.json()
