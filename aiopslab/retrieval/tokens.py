"""Tokens: what the sizes of chunks are counted in, and where in a text each of them is."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

WORD = 8  # letters that a token holds, so that English counts as in a vocabulary of word pieces
LONGEST = 100  # letters of a word that MiniLM's vocabulary is tried on; longer ones are one unknown
BLOCK = 10_000  # characters that are handed to a tokenizer at a time
BATCH = 64  # of such blocks
KEPT = 4096  # documents of which the tokens are kept
LONG = 1_000_000  # characters of a document of which they are not

_SPACE, _JOINED, _SINGLE = 0, 1, 2


class Tokenizer(Protocol):
    """Says where the tokens of a text are.

    Any object with these two fits. It must be hashable: the tokens of a text are found once.
    """

    @property
    def name(self) -> str:
        """What it is; chunks that were sized by one name are the same."""

    def spans(self, text: str, /) -> Ints:
        """Return the position of each token, half-open and rising, ``(tokens, 2)``.

        Tokens that share a character have it in the span of each.
        """

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class Words:
    """Tokens by rule, where there is no vocabulary.

    Letters and digits in a row are cut after every eighth; any other visible character is a token
    of its own, and so are those of scripts without spaces between words (Chinese, Japanese) and the
    syllables of Korean. Marks belong to the letter before. English has about as many of these
    tokens as word pieces.

    Examples
    --------
    >>> text = "Retrieval, tuned: 検索"
    >>> [text[start:end] for start, end in Words().spans(text)]
    ['Retrieva', 'l', ',', 'tuned', ':', '検', '索']
    """

    @property
    def name(self) -> str:
        """``words8``, since a token has eight letters at most."""
        return f"words{WORD}"

    def spans(self, text: str) -> Ints:
        """Return the position of each token, ``(tokens, 2)``."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
        kinds = _kinds()[codes]
        is_joined = kinds == _JOINED
        changes = np.diff(is_joined, prepend=False, append=False)
        edges = np.flatnonzero(changes)  # where words begin and end, by turns
        begins = kinds == _SINGLE
        begins[edges[::2]] = True
        starts = np.flatnonzero(begins)
        ends = starts + 1
        ends[is_joined[starts]] = edges[1::2]
        return _pieces(np.column_stack([starts, ends]), WORD, longer_than=WORD)


@dataclass(frozen=True)
class Characters:
    """Every character is a token."""

    name: str = field(default="characters", init=False)

    def spans(self, text: str) -> Ints:
        """Return the position of each character, ``(characters, 2)``."""
        starts = np.arange(len(text), dtype=np.int64)
        return np.column_stack([starts, starts + 1])


@dataclass(frozen=True)
class WordPieces:
    """Tokens of a vocabulary, as the model that it is of reads them.

    A word of more than a hundred letters is one unknown token to such a model. Here every eight
    letters of it count as one, so that a text without spaces is cut to chunks of the usual length.

    Parameters
    ----------
    path
        Of the ``tokenizer.json``.
    name
        What it is called; the file may be at another place elsewhere.
    """

    path: Path = field(compare=False)
    name: str

    def spans(self, text: str) -> Ints:
        """Return the position of each token, ``(tokens, 2)``."""
        tokenizer = _loaded(self.path)
        # Halves of surrogate pairs cannot be read; what stands for them is as long.
        readable = text.encode("utf-8", "replace").decode("utf-8")
        found = []
        for batch in _batches(readable):
            encoded = tokenizer.encode_batch(
                [readable[start:end] for start, end in batch], add_special_tokens=False
            )
            for (start, _), each in zip(batch, encoded, strict=True):
                found.append(np.array(each.offsets, dtype=np.int64).reshape(-1, 2) + start)
        spans = np.concatenate(found) if found else np.empty((0, 2), dtype=np.int64)
        return _pieces(spans[spans[:, 0] < spans[:, 1]], WORD, longer_than=LONGEST)


@dataclass(frozen=True)
class Counter:
    """Tokens that can be counted and not found, such as those of a service.

    Parameters
    ----------
    name
        What it is.
    count
        Returns how many there are in a text.
    """

    name: str
    count: Callable[[str], int]


class Ruler(Protocol):
    """Measures parts of one text."""

    def lengths(self, bounds: Ints, /) -> Ints:
        """Return how many tokens are, in whole or in part, between each bound and the next."""

    def cuts(self, start: int, end: int, /) -> Ints:
        """Return where a part can still be cut, in between."""


@dataclass(frozen=True)
class TokenRuler:
    """Measures by the tokens of the text."""

    starts: Ints
    ends: Ints

    def lengths(self, bounds: Ints) -> Ints:
        """Return how many tokens are, in whole or in part, between each bound and the next."""
        begun = np.searchsorted(self.starts, bounds[1:], side="left")
        over = np.searchsorted(self.ends, bounds[:-1], side="right")
        return np.asarray(np.maximum(begun - over, 0), dtype=np.int64)

    def cuts(self, start: int, end: int) -> Ints:
        """Return where tokens begin, in between."""
        low, high = np.searchsorted(self.starts, [start + 1, end], side="left")
        starts = self.starts[low:high]
        return starts[np.diff(starts, prepend=start) > 0]


class CharacterRuler:
    """Measures by characters."""

    def lengths(self, bounds: Ints) -> Ints:
        """Return how many characters are between each bound and the next."""
        return np.diff(bounds)

    def cuts(self, start: int, end: int) -> Ints:
        """Return every position in between."""
        return np.arange(start + 1, end, dtype=np.int64)


@dataclass(frozen=True)
class CountRuler:
    """Measures by counting."""

    text: str
    count: Callable[[str], int]

    def lengths(self, bounds: Ints) -> Ints:
        """Return how many tokens are between each bound and the next."""
        counts = [self.count(self.text[start:end]) for start, end in pairwise(bounds.tolist())]
        return np.array(counts, dtype=np.int64)

    def cuts(self, start: int, end: int) -> Ints:
        """Return every position in between."""
        return np.arange(start + 1, end, dtype=np.int64)


def default_tokenizer() -> Tokenizer:
    """Return MiniLM's tokens where its files were fetched, else those of `Words`.

    Examples
    --------
    >>> default_tokenizer().name in {"words8", "wordpiece-be50c3628f2b"}
    True
    """
    from aiopslab.models.files import MINILM, find

    if not MINILM.is_here:
        return Words()
    vocabulary = MINILM.files[-1].sha256[:12]
    return WordPieces(find(MINILM)[-1], f"wordpiece-{vocabulary}")


def ruler(text: str, tokens: "Tokenizer | Counter") -> Ruler:
    """Return what measures parts of a text."""
    if isinstance(tokens, Counter):
        return CountRuler(text, tokens.count)
    if isinstance(tokens, Characters):
        return CharacterRuler()
    spans = spans_of(text, tokens)
    return TokenRuler(spans[:, 0], spans[:, 1])


def spans_of(text: str, tokens: Tokenizer) -> Ints:
    """Return the position of each token; once found, those of most documents are kept."""
    return tokens.spans(text) if len(text) > LONG else _kept(text, tokens)


@lru_cache(maxsize=KEPT)
def _kept(text: str, tokens: Any) -> Ints:
    spans: Ints = tokens.spans(text)
    return spans


@cache
def _loaded(path: Path) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _batches(text: str) -> Iterator[list[tuple[int, int]]]:
    """Yield blocks that end at white space, or without it where a text has none."""
    space = re.compile(r"\s")
    batch: list[tuple[int, int]] = []
    start = 0
    while start < len(text):
        found = space.search(text, start + BLOCK, start + 2 * BLOCK)
        end = found.start() if found else min(start + 2 * BLOCK, len(text))
        batch.append((start, end))
        start = end
        if len(batch) == BATCH or start == len(text):
            yield batch
            batch = []


def _pieces(spans: Ints, size: int, *, longer_than: int) -> Ints:
    """Cut those that are longer than something into pieces of a size."""
    lengths = spans[:, 1] - spans[:, 0]
    counts = np.where(lengths > longer_than, -(-lengths // size), 1)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    starts = np.repeat(spans[:, 0], counts) + within * size
    is_last = within == np.repeat(counts, counts) - 1
    ends = np.where(is_last, np.repeat(spans[:, 1], counts), starts + size)
    return np.column_stack([starts, ends]).astype(np.int64)


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """Return of each code point whether it is space, joins the one before, or is single."""
    kinds = np.full(0x110000, _SINGLE, dtype=np.uint8)
    for code in range(0x20000):
        character = chr(code)
        category = unicodedata.category(character)
        if character.isspace():
            kinds[code] = _SPACE
        elif category[0] in "LNM" or category == "Cf":
            kinds[code] = _JOINED
    kinds[0xE0000:0xE01F0] = _JOINED  # tags and selectors of variants
    for first, last in ((0x2E80, 0x2FFF), (0x3040, 0x30FF), (0x3400, 0x9FFF), (0xAC00, 0xD7AF)):
        kinds[first : last + 1] = _SINGLE
    kinds[0xF900:0xFB00] = _SINGLE
    return kinds
