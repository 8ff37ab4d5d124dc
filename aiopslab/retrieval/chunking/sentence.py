"""Sentence: whole sentences, a number of them or as many as fit."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.chunking.chunks import Span, check_size, tabulated
from aiopslab.retrieval.chunking.sentences import units
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.sections import Section
from aiopslab.retrieval.tokens import Tokenizer, default_tokenizer, ruler


@dataclass(frozen=True)
class Sentence:
    """Sentences that follow each other, up to a number and to a size.

    Parameters
    ----------
    sentences
        The most of a chunk.
    overlap
        Sentences that a chunk shares with the one before, as far as a new one fits beside them.
    size
        The most tokens of a chunk; a longer sentence is cut at its words.
    tokens
        What is counted.

    Raises
    ------
    RetrievalError
        If a number is under 1, or the overlap not under the number of sentences.

    Examples
    --------
    >>> from aiopslab.retrieval.tokens import Words
    >>> corpus = Corpus.of_texts({"a": "It failed. Why? Nobody knows."})
    >>> Sentence(sentences=2, overlap=1, tokens=Words()).chunks(corpus)["text"].tolist()
    ['It failed. Why?', 'Why? Nobody knows.']
    """

    sentences: int = 8
    overlap: int = 0
    size: int = 200
    tokens: Tokenizer = field(default_factory=default_tokenizer)

    def __post_init__(self) -> None:
        check_size(self.size)
        if self.sentences < 1:
            raise RetrievalError(
                f"sentences is {self.sentences}; expected 1 or more", "Pass for example 8."
            )
        check_size(self.sentences, self.overlap, "sentences")

    @property
    def name(self) -> str:
        """Such as ``sentence-8-1-200-words8``."""
        return f"sentence-{self.sentences}-{self.overlap}-{self.size}-{self.tokens.name}"

    def chunks(self, corpus: Corpus) -> pd.DataFrame:
        """Return ``chunk, document, start, end, text, section``, by document and start."""
        return tabulated(corpus, self._cut)

    def _cut(self, text: str, _: list[Section]) -> Iterator[Span]:
        bounds, lengths = units(text, ruler(text, self.tokens), self.size)
        before = np.concatenate([[0], np.cumsum(lengths)])
        first, count = 0, len(lengths)
        while first < count:
            fitting = int(np.searchsorted(before, before[first] + self.size, side="right")) - 1
            after = min(max(fitting, first + 1), first + self.sentences, count)
            yield int(bounds[first]), int(bounds[after])
            if after == count:
                return
            room = np.searchsorted(before, before[after + 1] - self.size, side="left")
            first = min(max(after - self.overlap, int(room)), after)
