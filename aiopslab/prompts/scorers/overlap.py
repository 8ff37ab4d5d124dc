"""Overlap: how many words an output has in common with a reference."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aiopslab.prompts.scorers.score import Scorer, texts_of
from aiopslab.prompts.scorers.words import words_of

ARTICLES = ("a", "an", "the")


def token_f1(expected: str = "expected", *, ignored: Sequence[str] = ARTICLES) -> Scorer:
    """Score the harmonic mean of precision and recall of the words of the output.

    Parameters
    ----------
    expected
        The field of the item with the reference, or with several of which the nearest counts.
    ignored
        Words that do not count; the English articles, as SQuAD has it.

    Notes
    -----
    P. Rajpurkar et al., "SQuAD: 100,000+ Questions for Machine Comprehension of Text", 2016. Case
    and punctuation are left out in every script; where none separates words, signs are compared.

    Examples
    --------
    >>> token_f1()("the river Seine", {"expected": "Seine"})
    0.6666666666666666
    """

    def words(text: str) -> list[str]:
        return [each for each in _words(text) if each not in ignored]

    return _nearest(expected, words, _f1)


def rouge_l(expected: str = "expected") -> Scorer:
    """Score the longest common subsequence of words, as the F measure of its shares (ROUGE-L).

    Parameters
    ----------
    expected
        The field of the item with the reference, or with several of which the nearest counts.

    Notes
    -----
    C.-Y. Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004, with equal weights of
    precision and recall, without stemming.

    Examples
    --------
    >>> rouge_l()("police kill the gunman", {"expected": "police killed the gunman"})
    0.75
    """
    return _nearest(expected, _words, _rouge)


def _nearest(
    expected: str,
    words: Callable[[str], list[str]],
    measure: Callable[[list[str], list[str]], float],
) -> Scorer:
    def score(output: str, item: Mapping[str, Any]) -> float:
        told = words(output)
        return max((measure(told, words(each)) for each in texts_of(item, expected)), default=0.0)

    return score


def _words(text: str) -> list[str]:
    return [unicodedata.normalize("NFC", each.casefold()) for each in words_of(text)]


def _f1(told: list[str], reference: list[str]) -> float:
    if not told or not reference:
        return float(told == reference)
    return 2 * (Counter(told) & Counter(reference)).total() / (len(told) + len(reference))


def _rouge(told: list[str], reference: list[str]) -> float:
    if not told or not reference:
        return float(told == reference)
    return 2 * longest_common(told, reference) / (len(told) + len(reference))


def longest_common(first: Sequence[str], second: Sequence[str]) -> int:
    """Return the length of the longest common subsequence.

    Notes
    -----
    H. Hyyrö, "Bit-parallel LCS-length computation revisited", 2004: a row of the table is one
    integer, so that texts of thousands of words take milliseconds.

    Examples
    --------
    >>> longest_common("ABCBDAB", "BDCABA")
    4
    """
    at: defaultdict[str, int] = defaultdict(int)
    for place, each in enumerate(first):
        at[each] |= 1 << place
    full = (1 << len(first)) - 1
    row = full
    for each in second:
        matched = row & at[each] if each in at else 0
        row = ((row + matched) | (row - matched)) & full
    return len(first) - row.bit_count()
