"""The profile of a column of texts: how long they are, and which words they hold."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from aiopslab.drift.categorical import Categorical, kept_most
from aiopslab.drift.numeric import Numeric, joined_dtypes, numeric_profile

DOCUMENTS = 20_000  # at a time, so that their words fit in memory
NO_WORD = r"[^\p{L}\p{N}_]+"


@dataclass(frozen=True, eq=False)
class Text:
    """What is kept of a column of texts.

    Parameters
    ----------
    kind
        ``text``.
    dtype
        As it was found; of several parts all that were found.
    rows, missing
        How many rows there are, and how many of them hold nothing.
    words, characters
        Profiles of how many of them a text has.
    tokens
        In how many texts each word is, in lower case; a text that holds it twice counts once.
    """

    kind: Literal["text"]
    dtype: str
    rows: int
    missing: int
    words: Numeric
    characters: Numeric
    tokens: Categorical

    def __add__(self, other: "Text") -> "Text":
        """Return the profile of both parts together; their axes must be the same."""
        return replace(
            self,
            dtype=joined_dtypes(self.dtype, other.dtype),
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            words=self.words + other.words,
            characters=self.characters + other.characters,
            tokens=self.tokens + other.tokens,
        )

    @property
    def distinct(self) -> int:
        """How many different words there are; at least so many where not all were kept."""
        return len(self.tokens.labels)


def text_profile(series: pd.Series, like: Text | None = None) -> Text:
    """Profile a column of texts.

    Parameters
    ----------
    series
        Of any dtype; what is no text is taken as it reads.
    like
        A profile whose axes are used, so that the two add up and compare.

    Examples
    --------
    >>> part = text_profile(pd.Series(["The disk is full", "disk, again: disk", None]))
    >>> part.missing, part.tokens.labels[0], int(part.tokens.counts[0])
    (1, 'disk', 2)
    """
    there = series.dropna().map(str)
    tokens: Categorical | None = None
    lengths = []
    for start in range(0, max(len(there), 1), DOCUMENTS):
        words, part = _tokens(there.iloc[start : start + DOCUMENTS])
        lengths.append(words)
        tokens = part if tokens is None else tokens + part
    assert tokens is not None
    characters = there.str.len().astype("int64")
    return Text(
        kind="text",
        dtype=str(series.dtype),
        rows=len(series),
        missing=len(series) - len(there),
        words=numeric_profile(pd.concat(lengths), axis=like.words.axis if like else None),
        characters=numeric_profile(characters, axis=like.characters.axis if like else None),
        tokens=tokens,
    )


def _tokens(texts: pd.Series) -> tuple[pd.Series, Categorical]:
    """Return how many words each text has, and in how many of them each word is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lists = pc.split_pattern_regex(
        pc.utf8_lower(pa.array(texts.tolist(), pa.large_string())), pattern=NO_WORD
    )
    document = pc.list_parent_indices(lists).to_numpy()
    encoded = pc.list_flatten(lists).dictionary_encode()
    names = encoded.dictionary.to_pylist()
    code = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    is_word = np.array([bool(name) for name in names], bool)[code] if names else code.astype(bool)
    document, code = document[is_word], code[is_word]
    once = np.unique(document * max(len(names), 1) + code)
    held = np.bincount(once % max(len(names), 1), minlength=len(names))
    found = {name: int(count) for name, count in zip(names, held, strict=False) if count}
    labels, counts, dropped, largest = kept_most(found)
    tokens = Categorical(
        "categorical", "str", len(texts), 0, labels, counts, others=dropped, error=largest
    )
    return pd.Series(np.bincount(document, minlength=len(texts)), dtype="int64"), tokens
