"""Text: outputs held against a text or a pattern, and their length."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Literal

from aiopslab.errors import ParameterError
from aiopslab.prompts.scorers.score import Score, Scorer, texts_of
from aiopslab.prompts.scorers.words import sentences_of, words_of

Unit = Literal["characters", "words", "sentences"]


def exact(
    expected: str = "expected",
    *,
    ignore_case: bool = False,
    ignore_space: bool = True,
    ignore_punctuation: bool = False,
) -> Scorer:
    """Score 1 where the output is the expected text.

    Parameters
    ----------
    expected
        The field of the item with the text, or with a list of texts any of which will do.
    ignore_case
        Whether case makes no difference.
    ignore_space
        Whether space around the text and the kind of space within it make none.
    ignore_punctuation
        Whether signs that are no letter, digit or space make none.

    Notes
    -----
    Texts are compared in Unicode's composed form (NFC): the same letters, however they are typed.

    Examples
    --------
    >>> exact(ignore_case=True)("paris ", {"expected": "Paris"})
    True
    """

    def plain(text: str) -> str:
        told = unicodedata.normalize("NFC", text.casefold() if ignore_case else text)
        if ignore_punctuation:
            told = "".join(each for each in told if unicodedata.category(each)[0] not in "PS")
        return " ".join(told.split()) if ignore_space else told

    def score(output: str, item: Mapping[str, Any]) -> bool:
        return plain(output) in {plain(each) for each in texts_of(item, expected)}

    return score


def contains(expected: str = "expected", *, ignore_case: bool = True) -> Scorer:
    """Score how many of the expected texts the output contains, as a share.

    Parameters
    ----------
    expected
        The field of the item with the text, or with the list of texts.
    ignore_case
        Whether case makes no difference.

    Examples
    --------
    >>> contains("facts")("Paris lies on the Seine.", {"facts": ["Paris", "Loire"]})
    0.5
    """

    def plain(text: str) -> str:
        told = unicodedata.normalize("NFC", text.casefold() if ignore_case else text)
        return " ".join(told.split())

    def score(output: str, item: Mapping[str, Any]) -> float:
        wanted = texts_of(item, expected)
        told = plain(output)
        return sum(plain(each) in told for each in wanted) / max(len(wanted), 1)

    return score


def regex(pattern: str, *, whole: bool = False, ignore_case: bool = False) -> Scorer:
    r"""Score 1 where the output matches a regular expression.

    Parameters
    ----------
    pattern
        In Python's syntax.
    whole
        Whether all of the output has to match, but for space around it, and not only a part.
    ignore_case
        Whether case makes no difference.

    Raises
    ------
    ParameterError
        If the pattern cannot be read.

    Examples
    --------
    >>> regex(r"[A-D]", whole=True)("B\n", {}), regex(r"[A-D]", whole=True)("B or C", {})
    (True, False)
    """
    compiled = compiled_of(pattern, ignore_case)

    def score(output: str, item: Mapping[str, Any]) -> bool:
        if whole:
            return compiled.fullmatch(output.strip()) is not None
        return compiled.search(output) is not None

    return score


def length(unit: Unit = "words") -> Scorer:
    """Score how long the output is.

    Parameters
    ----------
    unit
        ``characters``, ``words`` or ``sentences``.

    Raises
    ------
    ParameterError
        If the unit is none of them.

    Examples
    --------
    >>> length()("Three short words", {}).value
    3.0
    """

    def score(output: str, item: Mapping[str, Any]) -> Score:
        return Score(float(length_of(output, unit)))

    length_of("", unit)  # a unit that is none is refused before anything is scored
    return score


def length_of(text: str, unit: Unit) -> int:
    """Return how many characters, words or sentences a text has."""
    if unit == "characters":
        return len(text)
    if unit == "words":
        return len(words_of(text))
    if unit == "sentences":
        return len(sentences_of(text))
    raise ParameterError(
        f"unit is {unit!r}; expected characters, words or sentences",
        "For tokens use tokens(), which reads them from the call.",
    )


def compiled_of(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """Return a regular expression ready to be used, or say what is wrong with it."""
    try:
        return re.compile(pattern, re.I if ignore_case else 0)
    except re.error as error:
        raise ParameterError(
            f"the pattern {pattern!r} cannot be read: {error}", "Mend it; re.escape() helps."
        ) from None
