"""Sentences: where each ends, by its punctuation or at the end of its paragraph."""

import re
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from aiopslab.retrieval.chunking.chunks import Span
from aiopslab.retrieval.chunking.recursive import PARAGRAPH, split
from aiopslab.retrieval.tokens import Ints, Ruler

_END = re.compile(rf"(?<=[.!?…])[\"'”’»)\]]*(?=\s)|(?<=[。！？])[」』”）]*|{PARAGRAPH}\s*")


def sentences(text: str) -> list[Span]:
    r"""Return the sentences of a text: spans that follow each other and leave nothing out.

    Examples
    --------
    >>> text = "It failed. Why? (See there.)\n\nNobody knows"
    >>> [text[start:end] for start, end in sentences(text)]
    ['It failed.', ' Why?', ' (See there.)', '\n\nNobody knows']
    """
    ends = [each.start() if each[0][:1] == "\n" else each.end() for each in _END.finditer(text)]
    if ends and not text[ends[-1] :].strip():
        ends.pop()
    bounds = sorted({0, *ends, len(text)})
    return list(pairwise(bounds))


def units(text: str, measure: Ruler, size: int) -> tuple[Ints, Ints]:
    """Return bounds of sentences, those that are too long cut, and the tokens of each.

    Parameters
    ----------
    text
        Of a document.
    measure
        Of its tokens.
    size
        The most tokens of a unit.

    Returns
    -------
    tuple of numpy.ndarray
        ``(units + 1,)`` and ``(units,)``.
    """
    spans = sentences(text)
    bounds = np.array([0, *(end for _, end in spans)], dtype=np.int64)
    lengths = measure.lengths(bounds)
    if (lengths > size).any():
        bounds = np.array([0, *_ends(text, spans, lengths, measure, size)], dtype=np.int64)
        lengths = measure.lengths(bounds)
    return bounds, lengths


def _ends(text: str, spans: list[Span], lengths: Ints, measure: Ruler, size: int) -> Iterator[int]:
    for (start, end), length in zip(spans, lengths.tolist(), strict=True):
        if length > size:
            yield from (cut for _, cut in split(text, start, end, measure, size))
        else:
            yield end
