"""Recursive: cut at the coarsest separator, what is too long at the next, and merged again.

As the text splitter of that name in LangChain does, which made it the usual baseline.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd

from aiopslab.retrieval.chunking.chunks import Span, check_size, tabulated
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.sections import Section
from aiopslab.retrieval.tokens import Counter, Ints, Ruler, Tokenizer, default_tokenizer, ruler

PARAGRAPH = r"\n[^\S\n]*\n"
SENTENCE = r"(?<=[.!?…])\s|(?<=[。！？])"
SEPARATORS = (PARAGRAPH, r"\n", SENTENCE, r"\s")


@dataclass(frozen=True)
class Recursive:
    r"""Paragraphs, else lines, sentences, words or tokens, merged up to a size.

    The first separator that occurs in a text cuts it. Pieces shorter than the size are merged with
    their neighbours up to it, each chunk beginning with as many whole pieces from the end of the
    one before as the overlap has room for; longer ones are cut by the next separators, and not
    merged with what is around them. What is left when there are none is cut between tokens.

    Parameters
    ----------
    size
        The most tokens of a chunk.
    overlap
        The most tokens that a chunk shares with the one before.
    separators
        Regular expressions, the coarsest first. A piece begins where one matches: ``r"\."`` leaves
        a full stop to the piece after it, ``r"(?<=\\.)"`` to the one before.
    tokens
        What is counted: tokens, characters (`tokens.Characters`), or by any function
        (`tokens.Counter`); sums of its counts of pieces are taken for those of chunks.

    Raises
    ------
    RetrievalError
        If the size is under 1, or the overlap not under the size.

    Examples
    --------
    >>> from aiopslab.retrieval.tokens import Words
    >>> corpus = Corpus.of_texts({"a": "One two.\n\nThree four five. Six seven."})
    >>> Recursive(size=4, tokens=Words()).chunks(corpus)["text"].tolist()
    ['One two.', 'Three four five.', 'Six seven.']
    """

    size: int = 200
    overlap: int = 0
    separators: tuple[str, ...] = SEPARATORS
    tokens: Tokenizer | Counter = field(default_factory=default_tokenizer)

    def __post_init__(self) -> None:
        check_size(self.size, self.overlap)

    @property
    def name(self) -> str:
        """Such as ``recursive-200-0-words8``."""
        own = "" if self.separators == SEPARATORS else f"-{'|'.join(self.separators)!r}"
        return f"recursive-{self.size}-{self.overlap}-{self.tokens.name}{own}"

    def chunks(self, corpus: Corpus) -> pd.DataFrame:
        """Return ``chunk, document, start, end, text, section``, by document and start."""
        return tabulated(corpus, self._cut)

    def _cut(self, text: str, _: list[Section]) -> Iterator[Span]:
        measure = ruler(text, self.tokens)
        return split(text, 0, len(text), measure, self.size, self.overlap, self.separators)


def split(
    text: str,
    start: int,
    end: int,
    measure: Ruler,
    size: int,
    overlap: int = 0,
    separators: tuple[str, ...] = SEPARATORS,
) -> Iterator[Span]:
    """Yield the chunks of a part of a text, see `Recursive`."""
    bounds, rest = _bounds(text, start, end, measure, separators)
    lengths = measure.lengths(bounds)
    is_short = lengths < size if rest is not None else np.ones(len(lengths), dtype=bool)
    # Runs of short pieces, and the long ones between them.
    edges = np.flatnonzero(np.diff(is_short)) + 1
    for run in np.split(np.arange(len(lengths)), edges):
        if not len(run):
            continue
        if is_short[run[0]]:
            yield from _merged(bounds[run[0] : run[-1] + 2], lengths[run], size, overlap)
            continue
        for piece in run.tolist():
            low, high = int(bounds[piece]), int(bounds[piece + 1])
            yield from split(text, low, high, measure, size, overlap, rest or ())


def _bounds(
    text: str, start: int, end: int, measure: Ruler, separators: tuple[str, ...]
) -> tuple[Ints, tuple[str, ...] | None]:
    """Return where pieces begin and end, and the separators that are left; ``None`` for none."""
    for place, separator in enumerate(separators):
        found = [each.start() for each in _pattern(separator).finditer(text, start, end)]
        if found:
            inner = np.array(found, dtype=np.int64)
            inner = inner[(inner > start) & (inner < end)]
            return np.concatenate([[start], inner, [end]]), separators[place + 1 :]
    return np.concatenate([[start], measure.cuts(start, end), [end]]), None


def _merged(bounds: Ints, lengths: Ints, size: int, overlap: int) -> Iterator[Span]:
    """Yield runs of pieces that are together no longer than a size."""
    before = np.concatenate([[0], np.cumsum(lengths)])
    first, count = 0, len(lengths)
    while True:
        # One piece at least, also where that alone is too long.
        after = int(np.searchsorted(before, before[first] + size, side="right")) - 1
        after = min(max(after, first + 1), count)
        yield int(bounds[first]), int(bounds[after])
        if after == count:
            return
        shared = max(before[after] - overlap, before[after + 1] - size)
        first = min(int(np.searchsorted(before, shared, side="left")), after)


@cache
def _pattern(separator: str) -> re.Pattern[str]:
    return re.compile(separator)
