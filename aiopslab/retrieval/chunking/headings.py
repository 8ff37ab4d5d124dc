"""Headings: sections as chunks, such that an edit of one leaves the chunks of others alone."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from aiopslab.retrieval.chunking.chunks import Span, check_size, tabulated
from aiopslab.retrieval.chunking.recursive import split
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.sections import Section, enclosing
from aiopslab.retrieval.tokens import Counter, Ruler, Tokenizer, default_tokenizer, ruler

SMALL = 4  # a section under this part of the size is small
RUN = 4  # small sections in a row that are merged, on average


@dataclass(frozen=True)
class Headings:
    r"""A section with all under it where that fits, else its parts, each by itself.

    What fits is decided from the outside in, so that most boundaries depend on the section that
    they are of and not on what comes before. A small section (under a quarter of the size) joins
    the one before it under the same heading while both fit, except that one in four begins a chunk,
    picked by a checksum of its heading: where a section is put in or taken out, chunks are as they
    were from the next of these on. (Boundaries by content: Muthitacharoen, Chen & Mazières, "A
    low-bandwidth network file system", 2001.) A heading with little text of its own joins the first
    section under it. A section that is too long and has none under it is cut as by `Recursive`.

    Parameters
    ----------
    size
        The most tokens of a chunk.
    tokens
        What is counted.

    Raises
    ------
    RetrievalError
        If the size is under 1.

    Examples
    --------
    >>> from aiopslab.retrieval.tokens import Words
    >>> corpus = Corpus.of_texts({"a": "# A\nOne two three.\n## B\nFour.\n# C\nFive six."})
    >>> Headings(size=12, tokens=Words()).chunks(corpus)[["text", "section"]].values.tolist()
    [['# A\nOne two three.\n## B\nFour.', 'A'], ['# C\nFive six.', 'C']]
    """

    size: int = 200
    tokens: Tokenizer | Counter = field(default_factory=default_tokenizer)

    def __post_init__(self) -> None:
        check_size(self.size)

    @property
    def name(self) -> str:
        """Such as ``headings-200-words8``."""
        return f"headings-{self.size}-{self.tokens.name}"

    def chunks(self, corpus: Corpus) -> pd.DataFrame:
        """Return ``chunk, document, start, end, text, section``, by document and start."""
        return tabulated(corpus, self._cut)

    def _cut(self, text: str, sections: list[Section]) -> Iterator[Span]:
        measure = ruler(text, self.tokens)
        under: dict[int, list[int]] = {}
        for place, parent in enumerate(enclosing(sections)):
            under.setdefault(parent, []).append(place)
        waiting = [_Part(0, len(text), _length(measure, 0, len(text)), under.get(-1, []))]
        while waiting:
            part = waiting.pop()
            if part.length <= self.size:
                yield part.start, part.end
            elif part.inner:
                waiting += self._parts(part, sections, under, measure)
            else:
                yield from split(text, part.start, part.end, measure, self.size)

    def _parts(
        self, outer: "_Part", sections: list[Section], under: dict[int, list[int]], measure: Ruler
    ) -> list["_Part"]:
        """Return the text under a heading and the sections in it, small ones merged."""
        starts = [sections[each].start for each in outer.inner]
        own_length = _length(measure, outer.start, starts[0])
        parts = [_Part(outer.start, starts[0], own_length, [])]
        for place, start, end in zip(outer.inner, starts, [*starts[1:], outer.end], strict=True):
            last = parts[-1]
            inner = under.get(place, [])
            length = _length(measure, start, end)
            both = last.length + length
            is_small = length * SMALL < self.size
            is_heading = start == starts[0] and own_length * SMALL < self.size
            if is_heading and (both <= self.size or length > self.size):
                parts[-1] = _Part(last.start, end, both, inner)
            elif is_small and both <= self.size and not _begins(sections[place].path):
                parts[-1] = _Part(last.start, end, both, [])
            else:
                parts.append(_Part(start, end, length, inner))
        return parts


@dataclass(frozen=True)
class _Part:
    """A part of a text, its tokens, and the sections that it can be cut at."""

    start: int
    end: int
    length: int
    inner: list[int]


def _length(measure: Ruler, start: int, end: int) -> int:
    return int(measure.lengths(np.array([start, end], dtype=np.int64))[0])


def _begins(path: str) -> bool:
    """Tell whether a small section begins a chunk, by its headings alone."""
    return zlib.crc32(path.encode("utf-8", "replace")) % RUN == 0
