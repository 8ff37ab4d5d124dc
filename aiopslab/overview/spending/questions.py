"""Questions: what calls asked, the same where only writing differs, and alike in their words."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from aiopslab.overview.spending.stretches import Ints

MOST = 200_000  # different questions, past which nobody looks for the same words in another order
_SEED = 0  # of the numbers that stand for words


def asked(texts: pd.Series) -> tuple[Ints, Ints]:
    """Number questions, in two ways.

    Parameters
    ----------
    texts
        Inputs of calls.

    Returns
    -------
    tuple of ndarray
        Each ``(calls,)``, below 0 where there is no text. The first is the same for texts that
        differ only in how they are written: upper or lower case, kinds of spaces and characters
        (Unicode's NFKC), marks at the end. The second also for the same words in another order or
        with other marks between them; it is the first where there are more than 200,000.

    Examples
    --------
    >>> same, alike = asked(pd.Series(["How late is it?", " how LATE is  it", "It is late: how?"]))
    >>> same.tolist(), alike.tolist()
    ([0, 0, 1], [0, 0, 0])
    """
    codes, distinct = pd.factorize(texts)
    if not len(distinct):
        return codes.astype(np.int64), codes.astype(np.int64)
    written = pa.array(distinct, pa.large_string())
    plain = pc.utf8_lower(pc.utf8_normalize(written, form="NFKC"))
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, r"\s\s+|[^\S ]", " "))
    bare = pc.utf8_rtrim(plain, " ?!.…")
    plain = pc.if_else(pc.equal(pc.utf8_length(bare), 0), plain, bare)
    same, forms = _numbered(plain)
    is_text = pc.greater(pc.utf8_length(written), 0).to_numpy(zero_copy_only=False)
    same = np.where(is_text, same, -1)
    is_few = len(forms) <= MOST
    alike = np.where(same >= 0, _by_words(forms)[same], -1) if is_few else same
    missing = codes < 0
    return tuple(np.where(missing, -1, each[codes]) for each in (same, alike))  # type: ignore[return-value]


def _numbered(texts: pa.Array) -> tuple[Ints, pa.Array]:
    coded = texts.dictionary_encode()
    numbers = coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers, coded.dictionary


def _by_words(forms: pa.Array) -> Ints:
    """Number texts by the words that they hold, whatever their order."""
    words = pc.replace_substring_regex(forms, r"[^\p{L}\p{M}\p{N} ]+", " ")
    bags = pc.split_pattern(words, " ")
    flat, vocabulary = _numbered(bags.flatten())
    drawn = np.random.default_rng(_SEED).integers(
        0, np.iinfo(np.int64).max, len(vocabulary), np.int64
    )
    drawn[vocabulary.to_numpy(zero_copy_only=False) == ""] = 0  # between two marks
    starts = bags.offsets.to_numpy()[:-1].astype(np.int64)
    with np.errstate(over="ignore"):
        keys = np.add.reduceat(drawn[flat], starts)  # no text is without a word, if an empty one
    wordless = keys == 0
    # What holds no word, such as a single sign, is like nothing else.
    keys = np.where(wordless, -1 - np.arange(len(keys)), keys)
    return pd.factorize(keys)[0].astype(np.int64)
