"""Semantic: cut where sentences are least like the one before.

G. Kamradt, "5 levels of text splitting", 2024, with sizes that are kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.models.embedder import Embedder
from aiopslab.retrieval.chunking.chunks import Span, check_size, tabulated
from aiopslab.retrieval.chunking.sentences import units
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.sections import Section
from aiopslab.retrieval.tokens import Ints, Tokenizer, default_tokenizer, ruler

BATCH = 4096  # sentences of which vectors are held

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Semantic:
    """Sentences, cut where the likeness of neighbours is among the lowest of their document.

    Parameters
    ----------
    embedder
        Of sentences: anything with ``name``, ``dimensions`` and ``embed``.
    size
        The most tokens of a chunk. Where no place is unlike enough before it, the least alike
        neighbours are cut.
    minimum
        The fewest, but for the last chunk of a document.
    percentile
        Of the likeness of neighbours in a document, under which it is cut; 0 to 100.
    tokens
        What is counted.

    Raises
    ------
    RetrievalError
        If the size is under 1, or minimum or percentile are out of range.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from aiopslab.retrieval.tokens import Words
    >>> def cats(texts):
    ...     return np.eye(2)[[int("cat" in text.lower()) for text in texts]]
    >>> embedder = SimpleNamespace(name="cats", dimensions=2, embed=cats)
    >>> corpus = Corpus.of_texts({"a": "Cats purr. My cat is old. Bonds fell. So did gold."})
    >>> strategy = Semantic(embedder, minimum=1, percentile=50, tokens=Words())
    >>> strategy.chunks(corpus)["text"].tolist()
    ['Cats purr. My cat is old.', 'Bonds fell. So did gold.']
    """

    embedder: Embedder
    size: int = 200
    minimum: int = 50
    percentile: float = 10.0
    tokens: Tokenizer = field(default_factory=default_tokenizer)

    def __post_init__(self) -> None:
        check_size(self.size)
        if not 1 <= self.minimum <= self.size:
            raise RetrievalError(
                f"minimum is {self.minimum}; expected 1 to {self.size}, the size",
                "Pass for example a quarter of the size.",
            )
        if not 0 <= self.percentile <= 100:
            raise RetrievalError(
                f"percentile is {self.percentile}; expected 0 to 100", "Pass for example 10."
            )

    @property
    def name(self) -> str:
        """Such as ``semantic-200-50-10-words8-all-minilm-l6-v2@…``."""
        sizes = f"{self.size}-{self.minimum}-{self.percentile:g}"
        return f"semantic-{sizes}-{self.tokens.name}-{self.embedder.name}"

    def chunks(self, corpus: Corpus) -> pd.DataFrame:
        """Return ``chunk, document, start, end, text, section``, by document and start."""
        return tabulated(corpus, self._cut)

    def _cut(self, text: str, _: list[Section]) -> Iterator[Span]:
        bounds, lengths = units(text, ruler(text, self.tokens), self.size)
        if not len(lengths):
            return
        likeness = self._likeness(text, bounds)
        limit = np.percentile(likeness, self.percentile) if len(likeness) else 0.0
        before = np.concatenate([[0], np.cumsum(lengths)])
        first, count = 0, len(lengths)
        while first < count:
            after = self._after(first, before, likeness, float(limit))
            yield int(bounds[first]), int(bounds[after])
            first = after

    def _after(self, first: int, before: Ints, likeness: Floats, limit: float) -> int:
        """Return the unit that begins the next chunk."""
        count = len(before) - 1
        low, high = np.searchsorted(before, before[first] + [self.minimum, self.size + 1])
        low, high = max(int(low), first + 1), min(max(int(high) - 1, first + 1), count)
        # likeness[k - 1] is that of unit k to the one before.
        places = np.arange(low, min(high, count - 1) + 1)
        unlike = places[likeness[places - 1] < limit]
        if len(unlike):
            return int(unlike[0])
        if high == count or not len(places):
            return high
        return int(places[np.argmin(likeness[places - 1])])

    def _likeness(self, text: str, bounds: Ints) -> Floats:
        """Return the cosine of each sentence with the one before it."""
        parts = [text[start:end].strip() for start, end in pairwise(bounds.tolist())]
        found = [np.empty(0)]
        for start in range(0, len(parts) - 1, BATCH):
            vectors = np.asarray(self.embedder.embed(parts[start : start + BATCH + 1]), np.float64)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            units = vectors / np.where(lengths > 0, lengths, 1)
            found.append((units[:-1] * units[1:]).sum(axis=1))
        return np.concatenate(found)
