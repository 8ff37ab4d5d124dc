"""Lexical: chunks by the words they share with a question, the rare ones first (BM25)."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from aiopslab.errors import RetrievalError, did_you_mean
from aiopslab.retrieval.exact import Mask, Ranked, check_depth, rank

K1 = 1.2
B = 0.75
STEMMER = "english"
BLOCK = 1 << 23  # scores at a time, 64 MB

# Han, kana, Hangul, Thai, Lao, Khmer and Burmese are written without spaces between words, or with
# endings joined to them.
JOINED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
    "\U00020000-\U0003134f]+"
)


def words(text: str) -> list[str]:
    """Return the words of a text.

    Parameters
    ----------
    text
        In any script.

    Returns
    -------
    list of str
        Runs of letters, digits and underscores, without regard to case, accents kept. Scripts that
        put no space between words give every two characters that stand together. No word is left
        out: one that is everywhere weighs next to nothing in BM25, and "not", "how" and "will" may
        be what is asked for.

    Examples
    --------
    >>> words("Heat-flow studies, RET-4012: 境界層")
    ['heat', 'flow', 'studies', 'ret', '4012', '境界', '界層']
    """
    found: list[str] = []
    for word in _pattern().findall(unicodedata.normalize("NFKC", text).casefold()):
        if word.isascii():
            found.append(word)
            continue
        begin = 0
        for run in JOINED.finditer(word):
            found += [word[begin : run.start()]] if run.start() > begin else []
            found += _twos(run.group())
            begin = run.end()
        found += [word[begin:]] if begin < len(word) else []
    return found


def stems(several: Sequence[str], language: str | None = STEMMER) -> list[str]:
    """Return what words have in common with their other forms.

    Parameters
    ----------
    several
        Words, in small letters.
    language
        One that Snowball has a stemmer of, such as ``german``; ``None`` leaves all as they are.

    Returns
    -------
    list of str
        One a word. Those with digits or underscores are codes and names, and stay what they are; in
        English so do those with other letters than a to z.

    Raises
    ------
    RetrievalError
        If there is no stemmer of the language.

    Notes
    -----
    M. F. Porter, "Snowball: a language for stemming algorithms", 2001.

    Examples
    --------
    >>> stems(["retrieval", "retrieved", "policies", "élèves", "max_retries", "k8s"])
    ['retriev', 'retriev', 'polici', 'élèves', 'max_retries', 'k8s']
    """
    if language is None:
        return list(several)
    import Stemmer

    try:
        stemmer = Stemmer.Stemmer(language, 0)  # keeps nothing: each word comes once
    except KeyError:
        raise RetrievalError(
            f"there is no stemmer of {language!r}", did_you_mean(language, Stemmer.algorithms())
        ) from None

    def inflected(word: str) -> bool:
        return not any(each.isdigit() or each == "_" for each in word) and (
            language != STEMMER or word.isascii()
        )

    return [stemmer.stemWord(each) if inflected(each) else each for each in several]


class Lexical:
    """An index of texts by their words.

    Parameters
    ----------
    texts
        Of the chunks, in their order.
    k1
        How much a word counts for that comes again and again; 0 is not at all.
    b
        How much long texts are marked down, 0 to 1.
    tokenize
        Splits a text into words.
    stemmer
        The language whose words are compared by their `stems`; ``None`` compares them as they are.

    Raises
    ------
    RetrievalError
        If `k1` or `b` is out of range, or there is no stemmer of the language.

    Notes
    -----
    S. Robertson and H. Zaragoza, "The probabilistic relevance framework: BM25 and beyond", 2009, in
    the form of Lucene, scored ahead as in X. H. Lù, "BM25S", 2024.

    Examples
    --------
    >>> index = Lexical(["a wing in a slipstream", "heat flow", "swept wings"])
    >>> index.search(["swept wing"], 2).places
    array([[2, 0]])
    """

    def __init__(
        self,
        texts: Sequence[str],
        k1: float = K1,
        b: float = B,
        tokenize: Callable[[str], list[str]] = words,
        stemmer: str | None = STEMMER,
    ) -> None:
        if not (k1 >= 0 and 0 <= b <= 1):
            raise RetrievalError(
                f"k1 is {k1} and b {b}; expected k1 of 0 or more and b of 0 to 1",
                f"Pass k1={K1}, b={B}.",
            )
        from bm25s import BM25
        from scipy.sparse import csr_array

        self._tokenize, self._stemmer = tokenize, stemmer
        self._vocabulary: dict[str, int] = {}
        numbers = [
            [self._vocabulary.setdefault(word, len(self._vocabulary)) for word in each]
            for each in self._compared(texts)
        ]
        self._chunks = len(numbers)
        size = len(self._vocabulary)
        self._weights = csr_array((size, self._chunks), dtype=np.float64)
        if size:
            scorer = BM25(k1=k1, b=b, method="lucene", dtype="float64")
            built = scorer.build_index_from_ids(list(range(size)), numbers, show_progress=False)
            parts = built["data"], built["indices"], built["indptr"]
            self._weights = csr_array(parts, shape=(size, self._chunks))

    def search(self, questions: Sequence[str], k: int, among: Mask | None = None) -> Ranked:
        """Return the chunks that share the most telling words with each question.

        Parameters
        ----------
        questions
            Their texts.
        k
            Hits a question at most.
        among
            Which chunks may be found, ``(chunks,)``; without it all.

        Returns
        -------
        Ranked
            Scored by BM25. A chunk that shares no word is no hit; of equal ones the one that comes
            first goes first.

        Raises
        ------
        RetrievalError
            If `k` is below 1.
        """
        check_depth(k)
        asked = self._counts(questions)
        step = max(1, BLOCK // max(self._chunks, 1))
        none = np.empty(0, dtype=np.intp)
        rows, places, scores = [none], [none], [np.empty(0)]
        for first in range(0, len(questions), step):
            dense = np.asarray((asked[first : first + step] @ self._weights).todense())
            if among is not None:
                dense[:, ~among] = 0
            if k < self._chunks:
                # Only what may be among the best k is sorted.
                least = np.partition(dense, self._chunks - k, axis=1)[:, [self._chunks - k]]
                dense[dense < least] = 0
            row, place = np.nonzero(dense)
            rows.append(row + first)
            places.append(place)
            scores.append(dense[row, place])
        told = [np.concatenate(each) for each in (rows, places)]
        return rank(told[0], told[1], np.concatenate(scores), len(questions), k)

    def _compared(self, texts: Sequence[str]) -> list[list[str]]:
        """Return the words of each text, as they are compared."""
        told = [self._tokenize(text) for text in texts]
        distinct = [*dict.fromkeys(chain.from_iterable(told))]
        stem = dict(zip(distinct, stems(distinct, self._stemmer), strict=True))
        return [[stem[word] for word in each] for each in told]

    def _counts(self, questions: Sequence[str]) -> Any:
        """Return how often each word is in each question, sparse; unknown words tell nothing."""
        from scipy.sparse import csr_array

        at = [
            (row, self._vocabulary[word])
            for row, each in enumerate(self._compared(questions))
            for word in each
            if word in self._vocabulary
        ]
        rows, columns = np.array(at, dtype=np.intp).reshape(-1, 2).T
        shape = len(questions), len(self._vocabulary)
        return csr_array((np.ones(len(at)), (rows, columns)), shape=shape)


@cache
def _pattern() -> re.Pattern[str]:
    """Return what a word is: marks, such as the vowels of Hindi, belong to the letter before."""
    marks = [chr(each) for each in range(0x20000) if unicodedata.category(chr(each))[0] == "M"]
    return re.compile(rf"\w[\w{''.join(marks)}]*")


def _twos(run: str) -> list[str]:
    """Return all two characters that stand together; one alone is itself."""
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]
