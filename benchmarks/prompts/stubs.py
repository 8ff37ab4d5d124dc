"""Judges that need no model: one that knows, and those that know nothing."""

import hashlib
import json
import re
from collections.abc import Callable

import pandas as pd

from aiopslab.prompts.scorers.judge import Ask, Messages

_ANSWERS = re.compile(r"\[answer A \w+\]\n(.*)\n\[end \w+\]\n\n\[answer B \w+\]\n(.*)\n\[end", re.S)


def perfect(pairs: pd.DataFrame) -> Ask:
    """Return a judge that has the labels."""
    better = {(row["first"], row["second"]): row[row["label"]] for row in pairs.to_dict("records")}
    better |= {(second, first): winner for (first, second), winner in better.items()}
    return _judge(lambda first, second: "A" if better[first, second] == first else "B")


def by_chance() -> Ask:
    """Return a judge that draws, the same every time."""
    return _judge(lambda first, second: "AB"[_drawn(first + second) < 0.5])


def always_first() -> Ask:
    return _judge(lambda first, second: "A")


def longer_wins() -> Ask:
    return _judge(
        lambda first, second: "tie" if len(first) == len(second) else "AB"[len(second) > len(first)]
    )


def noisy(knows: Ask, right: float) -> Ask:
    """Return a judge that is right in so many cases, and wrong in both orders in the others."""
    other = {"A": "B", "B": "A", "tie": "tie"}

    def ask(asked: list[Messages]) -> list[str]:
        told = []
        for messages, answer in zip(asked, knows(asked), strict=True):
            pair = "".join(sorted(_ANSWERS.search(messages[1]["content"]).groups()))
            winner = json.loads(answer)["winner"]
            told.append(json.dumps({"winner": winner if _drawn(pair) < right else other[winner]}))
        return told

    return ask


def _drawn(text: str) -> float:
    """Return a number from 0 to 1 that is the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") / 2**32


def _judge(choose: Callable[[str, str], str]) -> Ask:
    def ask(asked: list[Messages]) -> list[str]:
        pairs = [_ANSWERS.search(each[1]["content"]).groups() for each in asked]
        return [json.dumps({"reason": "", "winner": choose(*pair)}) for pair in pairs]

    return ask
