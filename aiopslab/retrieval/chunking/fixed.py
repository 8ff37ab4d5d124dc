"""Fixed: windows of a number of tokens, wherever they begin and end."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from aiopslab.retrieval.chunking.chunks import Span, check_size, tabulated
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.sections import Section
from aiopslab.retrieval.tokens import Tokenizer, default_tokenizer, spans_of


@dataclass(frozen=True)
class Fixed:
    """Windows of a size that go on by the size less the overlap.

    Parameters
    ----------
    size
        Tokens of a chunk; the last of a document may have fewer.
    overlap
        Tokens that a chunk shares with the one before.
    tokens
        What is counted.

    Raises
    ------
    RetrievalError
        If the size is under 1, or the overlap not under the size.

    Examples
    --------
    >>> from aiopslab.retrieval.tokens import Words
    >>> corpus = Corpus.of_texts({"a": "one two three four five"})
    >>> Fixed(size=3, overlap=1, tokens=Words()).chunks(corpus)["text"].tolist()
    ['one two three', 'three four five']
    """

    size: int = 200
    overlap: int = 0
    tokens: Tokenizer = field(default_factory=default_tokenizer)

    def __post_init__(self) -> None:
        check_size(self.size, self.overlap)

    @property
    def name(self) -> str:
        """Such as ``fixed-200-50-words8``."""
        return f"fixed-{self.size}-{self.overlap}-{self.tokens.name}"

    def chunks(self, corpus: Corpus) -> pd.DataFrame:
        """Return ``chunk, document, start, end, text, section``, by document and start."""
        return tabulated(corpus, self._cut)

    def _cut(self, text: str, _: list[Section]) -> Iterator[Span]:
        # Where tokens begin; what no token has goes with the one before it.
        starts = spans_of(text, self.tokens)[:, 0].copy()
        if not len(starts):
            yield 0, len(text)
            return
        starts[starts == starts[0]] = 0
        first, count = 0, len(starts)
        while first + self.size < count:
            # A character of several tokens, such as a syllable of Korean, is never cut.
            after = int(np.searchsorted(starts, starts[first + self.size], side="left"))
            if after <= first:
                after = int(np.searchsorted(starts, starts[first], side="right"))
                if after == count:
                    break
            yield int(starts[first]), int(starts[after])
            following = int(np.searchsorted(starts, starts[max(after - self.overlap, 0)], "left"))
            first = following if following > first else after
        yield int(starts[first]), len(text)
