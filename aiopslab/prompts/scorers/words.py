"""Words: texts taken apart, the same way for every scorer and for scripts without spaces too."""

import re
import unicodedata
from functools import lru_cache

# Scripts that are written without spaces are compared sign by sign.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
_WORD = re.compile(rf"\d+(?:[.,]\d+)*|[{UNSPACED}]|[^\W\d_{UNSPACED}]+")
_SENTENCE = re.compile(r"(?<=[.!?؟])\s+|(?<=[。！？])|\n+")
_ENDINGS = ("ies", "ing", "ed", "es", "ly", "s")


def words_of(text: str) -> list[str]:
    """Return the words and numbers of a text as they are written, compatible signs unified.

    Examples
    --------
    >>> words_of("It costs 1,200.50 €, 東京!")
    ['It', 'costs', '1,200.50', '東', '京']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def sentences_of(text: str) -> list[str]:
    """Return the sentences and lines of a text that are not blank.

    Examples
    --------
    >>> sentences_of("It is 3.5 m. Yes!")
    ['It is 3.5 m.', 'Yes!']
    """
    return [each for each in map(str.strip, _SENTENCE.split(text)) if each]


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """Return a word without case and the commonest English endings, a number in one form.

    Examples
    --------
    >>> stem("Attacks"), stem("attacked"), stem("1,200.50")
    ('attack', 'attack', '1200.5')
    """
    if word[0].isdigit():
        whole = word.replace(",", "")
        return whole.rstrip("0").rstrip(".") if "." in whole else whole
    lower = word.casefold()
    for ending in _ENDINGS:
        if lower.endswith(ending) and len(lower) - len(ending) >= 3:
            return lower[: -len(ending)]
    return lower
