"""Recall of the redactor: how much of what is planted cannot be read afterwards, by kind.

Measured anew whenever it is asked for, on texts by chance, so that the figure is of the redactor
that is at work and not of one that was. A text is missed where the planted part can still be read,
or a word of five letters or any eight letters of it.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiopslab.sharing.masks import Mask
from aiopslab.sharing.planted import Group, planted
from aiopslab.statistics.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.95
WORD, PART = 5, 8  # letters of a planted text that give it away: a whole word, any part
BEYOND = frozenset({"name in prose", "host of one word"})  # which look like any other words


@dataclass(frozen=True)
class Recall:
    """How many of the planted texts were masked.

    Parameters
    ----------
    counts
        ``(masked, planted)`` by group and kind.
    seed
        Of the planted texts.
    """

    counts: dict[tuple[Group, str], tuple[int, int]]
    seed: int

    @property
    def percent(self) -> int:
        """What is surely masked of all that a pattern can tell, in percent, rounded down.

        The lower bound of the interval over all kinds together but those `BEYOND` that.
        """
        known = [each for (_, kind), each in self.counts.items() if kind not in BEYOND]
        low, _ = wilson(sum(m for m, _ in known), sum(n for _, n in known), CONFIDENCE)
        return int(100 * low)

    def table(self) -> "pd.DataFrame":
        """Return a row a kind: ``group, kind, planted, masked, recall, low, high``."""
        import pandas as pd

        rows = [
            (group, kind, many, masked, masked / many, *wilson(masked, many, CONFIDENCE))
            for (group, kind), (masked, many) in self.counts.items()
        ]
        names = ["group", "kind", "planted", "masked", "recall", "low", "high"]
        return pd.DataFrame(rows, columns=names)


def measure(seed: int = 0, each: int = 50, mask: Callable[[str], str] | None = None) -> Recall:
    """Measure what a redactor takes out.

    Parameters
    ----------
    seed
        Of the planted texts.
    each
        How many of each kind.
    mask
        Takes it out; that of the redacted edition unless given.

    Examples
    --------
    >>> measure(each=4).counts["secret", "AWS key"]
    (4, 4)
    >>> measure(each=4, mask=lambda text: text).percent
    0
    """
    used = mask or Mask()
    masked: Counter[tuple[Group, str]] = Counter()
    many: Counter[tuple[Group, str]] = Counter()
    for group, kind, text, hidden in planted(seed, each):
        many[group, kind] += 1
        masked[group, kind] += not _is_left(used(text), hidden)
    return Recall({key: (masked[key], count) for key, count in many.items()}, seed)


def _is_left(text: str, hidden: str) -> bool:
    words = re.findall(rf"\w{{{WORD},}}", hidden)
    parts = [hidden[at : at + PART] for at in range(len(hidden) - PART + 1)]
    return any(each in text for each in (hidden, *words, *parts))
