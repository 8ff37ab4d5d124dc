"""Output diff: which words of two outputs the other does not have."""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import escape

from aiopslab.charts.theme import BLUE, VERMILION

_MARKS = r"!-&(-,./:-@\[-`{-~"  # punctuation, without what words are joined by: ' and -
_SIGNS = "\u3040-\u30ff\u3400-\u9fff"  # of Japanese and Chinese, which put nothing between words
_WORD = re.compile(
    rf"\s*(?:[{_SIGNS}]|(?:[^\s{_MARKS}{_SIGNS}]|(?<=\d)[.,](?=\d))+|[{_MARKS}])|\s+"
)
_STYLES = {
    "del": f"text-decoration: line-through 2px {VERMILION}; background: {VERMILION}2e",
    "ins": f"text-decoration: underline 2px {BLUE}; background: {BLUE}2e",
}


@dataclass(frozen=True)
class Part:
    """A piece of an output.

    Parameters
    ----------
    text
        As it stands there.
    is_shared
        Whether the other output has the same words at that place.
    """

    text: str
    is_shared: bool


@dataclass(frozen=True)
class OutputDiff:
    """What differs between two outputs, word by word.

    Parameters
    ----------
    left, right
        Their pieces, in order; together they are the output.
    """

    left: tuple[Part, ...]
    right: tuple[Part, ...]

    def html(self) -> tuple[str, str]:
        """Return both outputs with what the other lacks marked, by a line as well as by colour.

        Words of the left one are struck out, as ``<del>``; those of the right one are underlined,
        as ``<ins>``.
        """
        return _marked(self.left, "del"), _marked(self.right, "ins")


def diff_outputs(left: str, right: str) -> OutputDiff:
    """Compare two outputs word by word; how they are spaced is no difference.

    Examples
    --------
    >>> found = diff_outputs("It is 3.5 km, <b>sir</b>.", "It is  3.7 km.")
    >>> [part.text for part in found.right if not part.is_shared]
    ['  3.7']
    >>> found.html()[1]
    'It is  <ins style="...">3.7</ins> km.'
    """
    words = [_WORD.findall(each) for each in (left, right)]
    one, other = ([each.strip() for each in side] for side in words)
    sides: tuple[list[Part], list[Part]] = ([], [])
    for kind, *ends in SequenceMatcher(None, one, other).get_opcodes():
        for side, told, start, end in zip(sides, words, ends[::2], ends[1::2], strict=True):
            if start < end:
                side.append(Part("".join(told[start:end]), kind == "equal"))
    return OutputDiff(tuple(sides[0]), tuple(sides[1]))


def _marked(parts: tuple[Part, ...], tag: str) -> str:
    told = []
    for each in parts:
        words = each.text.lstrip()
        if each.is_shared or not words:
            told.append(escape(each.text))
        else:  # a line under the space before a word would look like a word that is missing
            space = each.text[: len(each.text) - len(words)]
            told.append(f'{space}<{tag} style="{_STYLES[tag]}">{escape(words)}</{tag}>')
    return "".join(told)
