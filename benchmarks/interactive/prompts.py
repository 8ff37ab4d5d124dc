"""The prompt comparison at real size: seconds from a press until what it changes is shown."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from aiopslab.prompts.feedback import Feedback
from aiopslab.prompts.output_diff import diff_outputs
from aiopslab.prompts.standing import standings
from aiopslab.widgets.prompt_comparison import PromptComparison

PAIRS, RATED, WORDS = 10_000, 1_000, 2_000
REPEATS = 9
TARGET = 0.2  # seconds


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return the median time of a call."""
    told = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        told.append(time.perf_counter() - start)
    return median(told)


def filled(folder: str) -> Feedback:
    """Make a store of 10,000 pairs, of which two people have rated 1,000 each."""
    rng = np.random.default_rng(0)
    feedback = Feedback(Path(folder) / "feedback.db")
    texts = output(rng, 50 * PAIRS).split()
    rows = [
        (item, prompt, " ".join(texts[50 * item : 50 * item + 50 - number]))
        for item in range(PAIRS)
        for number, prompt in enumerate(("old", "new"))
    ]
    calls = pd.DataFrame(rows, columns=["item", "prompt", "output"])
    feedback.add_pairs(calls, {item: f"Question {item}?" for item in range(PAIRS)})
    choices = rng.choice(["left", "right", "tie"], (2, RATED))
    for rater, said in zip(("ann", "bob"), choices.tolist(), strict=True):
        for choice in said:
            task = feedback.next_task(rater)
            assert task is not None
            feedback.rate(task, choice)
    return feedback


def output(rng: np.random.Generator, words: int) -> str:
    """Return a text whose words are as frequent as those of a language, by the law of Zipf."""
    return " ".join(f"w{rank}" for rank in np.minimum(rng.zipf(1.3, words), 20_000))


def edited(rng: np.random.Generator, text: str) -> str:
    """Return a text of which every tenth word is another."""
    others = output(rng, text.count(" ") + 1).split()
    is_other = rng.random(len(others)) < 0.1
    pairs = zip(text.split(), others, is_other, strict=True)
    return " ".join(other if replaced else word for word, other, replaced in pairs)


def figures() -> list[dict[str, Any]]:
    """Measure a press in a large store, the state of the test, and the diff of long outputs."""
    rng = np.random.default_rng(1)
    text = output(rng, WORDS)
    changed = edited(rng, text)
    with tempfile.TemporaryDirectory() as folder, filled(folder) as feedback:
        comparison = PromptComparison(feedback, "ann")
        seen: list[float] = []  # when the browser was sent another pair
        comparison.asked.observe(lambda _: seen.append(time.perf_counter()), "value")
        begun: list[float] = []

        def press() -> None:
            begun.append(time.perf_counter())
            comparison.buttons["left"].click()

        whole = seconds(press)
        preferences = feedback.preferences()
        people = preferences[preferences["rater"] == "ann"].head(RATED)
        state = seconds(lambda: [each.figure() for each in standings(people)])
        words = seconds(lambda: diff_outputs(text, changed).html())
    size = f"{PAIRS:,} pairs, {2 * RATED:,} ratings of two people"
    return [
        _figure(
            "prompts: rate, next pair shown",
            median(np.subtract(seen, begun).tolist()),
            f"{size}; stored and shown",
        ),
        _figure("prompts: rate, all that is shown new", whole, f"{size}; agreement, test, figure"),
        _figure("prompts: sequential test", state, f"{RATED:,} ratings; bounds and figure"),
        _figure("prompts: diff of outputs", words, f"2 x {WORDS:,} words, every tenth another"),
    ]


def _figure(name: str, value: float, note: str) -> dict[str, Any]:
    return {"name": name, "value": value, "target": TARGET, "note": note}
