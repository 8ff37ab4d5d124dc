"""Labels: outputs that choose one of several names."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from aiopslab.errors import ParameterError
from aiopslab.prompts.scorers.score import Score, Scorer, texts_of, unparsed
from aiopslab.prompts.scorers.words import UNSPACED

# What an output says before what it settles on, in plain form.
_SETTLED = re.compile(
    r" (?:answer|category|choice|class|classification|conclusion|intent|it|label|option|prediction"
    r"|result|sentiment|that|this|topic|verdict)"
    r"(?: (?:is|was|would be|should be|belongs to|falls under|best matches))?"
    r"(?: (?:the|an?|clearly|most likely|probably|therefore|thus|definitely))* $"
)
_LETTER = re.compile(r"(?:^|[\s(\[*\"'`:])([^\W\d_]|\d)(?=[\s).\]*\"'`:,]|$)")


def label(
    expected: str = "expected", choices: Sequence[str] | str = (), *, ignore_case: bool = True
) -> Scorer:
    """Score 1 where the output chooses the expected label.

    Parameters
    ----------
    expected
        The field of the item with the label, or with a list of labels any of which will do.
    choices
        All labels there are, or the field of the item that lists them.
    ignore_case
        Whether case makes no difference. It always does for labels of one letter, such as A to D.

    Returns
    -------
    Scorer
        The note says which label was read. An output that names none of the choices, or several
        without settling on one, is unparsed.

    Raises
    ------
    ParameterError
        If there are no choices, or two that cannot be told apart.

    Examples
    --------
    >>> scorer = label(choices=["card_arrival", "card_linking"])
    >>> scorer("The answer is: card arrival.", {"expected": "card_arrival"}).value
    1.0
    >>> scorer("It could be anything.", {"expected": "card_arrival"}).status
    'unparsed'
    """
    if not isinstance(choices, str):
        _check(choices, ignore_case)

    def score(output: str, item: Mapping[str, Any]) -> Score:
        known = texts_of(item, choices) if isinstance(choices, str) else list(choices)
        found = chosen(output, known, ignore_case)
        if found is None:
            return unparsed("names none of the choices, or several")
        wanted = {_plain(each, ignore_case) for each in texts_of(item, expected)}
        return Score(float(_plain(found, ignore_case) in wanted), note=f"read as {found}")

    return score


def chosen(output: str, choices: Sequence[str], ignore_case: bool = True) -> str | None:
    """Return the one of the choices that an output settles on; ``None`` where it does not.

    An output that is a choice and nothing else settles on it; so does one that names a single
    choice, however often. Of several the one counts that stands right after what announces it, as
    in "the answer is", and the last such one.

    Examples
    --------
    >>> chosen("Not spam? No: the label is **spam**.", ["spam", "ham"])
    'spam'
    """
    letters = [each for each in choices if len(each) == 1]
    if letters and len(letters) == len(choices):
        return _letter(output, letters)
    told = f" {_plain(output, ignore_case)} "
    names = {_plain(each, ignore_case): each for each in choices}
    if told.strip() in names:
        return names[told.strip()]
    # Longer names go first, so that "card" is not found within "card arrival".
    listed = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    found = [(each.start(), each.group(1)) for each in re.finditer(f" ({listed})(?= )", told)]
    if len({name for _, name in found}) == 1:
        return names[found[0][1]]
    settled = [name for start, name in found if _SETTLED.search(told[: start + 1])]
    return names[settled[-1]] if settled else None


def _letter(output: str, letters: Sequence[str]) -> str | None:
    """Return a choice of one letter, which is also a word: "A" in "A good question"."""
    told = unicodedata.normalize("NFKC", output).strip()
    if told.strip("()[]*.:\"'` ") in letters:
        return told.strip("()[]*.:\"'` ")
    found = [each.group(1) for each in _LETTER.finditer(told) if each.group(1) in letters]
    if len(set(found)) == 1 and not re.match(r"[^\W\d_] [^\W\d_]{2}", told):
        return found[0]
    announced = re.findall(
        r"(?:answer|choice|option)(?: is)?[\s:*(\"'`]+([^\W\d_]|\d)(?!\w)", told, re.I
    )
    settled = [each for each in announced if each in letters]
    return settled[-1] if settled else None


def _plain(text: str, ignore_case: bool) -> str:
    told = unicodedata.normalize("NFKC", text)
    told = told.casefold() if ignore_case else told
    apart = re.sub(f"([{UNSPACED}])", r" \1 ", re.sub(r"[\W_]+", " ", told))
    return " ".join(apart.split()) or told.strip()


def _check(choices: Sequence[str], ignore_case: bool) -> None:
    if not choices:
        raise ParameterError("there are no choices", "List the labels that an output may choose.")
    plain = [_plain(each, ignore_case) for each in choices]
    for place, each in enumerate(plain):
        if each in plain[:place]:
            raise ParameterError(
                f"the labels {choices[plain.index(each)]!r} and {choices[place]!r} read the same",
                "Rename one: signs, and case unless ignore_case=False, make no difference.",
            )
