"""Chunks: parts of documents as a table, whatever the strategy that cut them."""

import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Protocol

import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.sections import Section, paths_at

Span = tuple[int, int]
COLUMNS = ("chunk", "document", "start", "end", "text", "section")

_VISIBLE = re.compile(r"\S")


class Strategy(Protocol):
    """Cuts documents into chunks."""

    @property
    def name(self) -> str:
        """What it does, with all that its chunks depend on: for keys of caches and for people."""

    def chunks(self, corpus: Corpus, /) -> pd.DataFrame:
        """Return ``chunk, document, start, end, text, section``, by document and start."""


def tabulated(corpus: Corpus, cut: Callable[[str, list[Section]], Iterable[Span]]) -> pd.DataFrame:
    """Cut each document and return its chunks.

    Parameters
    ----------
    corpus
        Of documents.
    cut
        Takes the text and the sections of one, and returns half-open spans in any order. White
        space at their ends is taken off; a span of nothing else is no chunk.

    Returns
    -------
    pandas.DataFrame
        ``chunk, document, start, end, text, section``, by document and start.
    """
    rows: list[tuple[str, str, int, int, str, str]] = []
    for document, text in corpus.texts:
        sections = corpus.sections_by_document.get(document, [])
        spans = sorted({span for each in cut(text, sections) if (span := stripped(text, *each))})
        paths = paths_at(sections, [start for start, _ in spans])
        for (start, end), path in zip(spans, paths, strict=True):
            part = text[start:end]
            rows.append((identity(document, start, end, part), document, start, end, part, path))
    kinds = {each: "int64" if each in {"start", "end"} else "str" for each in COLUMNS}
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(kinds)


def identity(document: str, start: int, end: int, text: str) -> str:
    """Return what a chunk is called: the same for the same text at the same place.

    Examples
    --------
    >>> identity("a.md", 0, 5, "Hello")
    '5ec8154a1cbc6827'
    """
    key = f"{document}\0{start}\0{end}\0{text}".encode("utf-8", "surrogatepass")
    return hashlib.sha256(key).hexdigest()[:16]


def stripped(text: str, start: int, end: int) -> Span | None:
    """Return a span without the white space at its ends; ``None`` where there is nothing else.

    Examples
    --------
    >>> stripped(" a b ", 0, 5), stripped("  ", 0, 2)
    ((1, 4), None)
    """
    first = _VISIBLE.search(text, start, end)
    if first is None:
        return None
    while text[end - 1].isspace():
        end -= 1
    return first.start(), end


def check_size(size: int, overlap: int = 0, unit: str = "tokens") -> None:
    """Raise a `RetrievalError` where a size is none, or an overlap is not within it."""
    if size < 1:
        raise RetrievalError(f"size is {size}; expected 1 or more {unit}", "Pass for example 200.")
    if not 0 <= overlap < size:
        raise RetrievalError(
            f"overlap is {overlap}; expected 0 to {size - 1}, less than size",
            "Pass for example an eighth of size.",
        )
