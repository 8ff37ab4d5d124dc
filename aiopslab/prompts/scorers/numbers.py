"""Numbers: outputs that come to a number, however it is written."""

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from aiopslab.errors import ParameterError, PromptError
from aiopslab.prompts.scorers.score import Score, Scorer, unparsed, value_of

_SIGN = r"[-+]?"
_PLAIN = r"(?:\d{1,3}(?:[.,' ]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,]\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
# A minus after a letter or a digit is a hyphen or a dash: GPT-4, 3-5, 2024-01-31.
_NUMBER = re.compile(
    rf"(?<![\w./])(?P<sign>{_SIGN})(?P<money>[$€£¥₹] ?)?(?:(?P<whole>\d+) (?=\d+/\d))?"
    rf"(?P<number>{_PLAIN})(?:/(?P<below>\d+)(?![\d/]))?(?P<percent> ?%| percent\b| per cent\b)?"
)
_FRACTIONS = re.compile(r"[\u00bc-\u00be\u2150-\u215e]")
_SAME = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "٫": ".",
        "٬": ",",
        "٪": "%",
        "’": "'",
        "\u00a0": " ",
        "\u202f": " ",
        "\u2009": " ",
    }
)


def number(expected: str = "expected", *, tolerance: float = 0.0, relative: float = 0.0) -> Scorer:
    """Score 1 where the last number in the output is the expected one.

    Parameters
    ----------
    expected
        The field of the item with the number, or with a text that holds it.
    tolerance
        The largest difference that is still right, in the unit of the number.
    relative
        The same as a share of the expected number; the larger of the two holds.

    Returns
    -------
    Scorer
        An output without a number is unparsed. A percentage is right as itself and as a share:
        where 45 or .45 is expected, 45 % is right.

    Raises
    ------
    ParameterError
        If a tolerance is negative or not finite.

    Examples
    --------
    >>> number()("He pays 2 * $600 = $1,200.", {"expected": 1200}).value
    1.0
    """
    for each in (tolerance, relative):
        if not (each >= 0 and math.isfinite(each)):
            raise ParameterError(
                f"a tolerance is {each}; expected a number from 0 on", "Give 0 for none."
            )

    def score(output: str, item: Mapping[str, Any]) -> Score:
        wanted = _wanted(value_of(item, expected), expected)
        told = last_number(output)
        if told is None:
            return unparsed("no number in the output")
        value, is_percentage = told
        readings = (value, value * 100) if is_percentage else (value,)
        near = max(tolerance, relative * abs(wanted), 1e-9 * max(1.0, abs(wanted)))
        right = any(abs(each - wanted) <= near for each in readings)
        return Score(float(right), note=f"read as {value:g}")

    return score


def last_number(text: str) -> tuple[float, bool] | None:
    """Return the last number in a text, and whether it is a percentage, which is then a share.

    Separators of thousands may be commas, points, spaces or apostrophes, that of decimals a point
    or a comma. A single comma before exactly three digits separates thousands, a single point
    decimals. Fractions, mixed ones too, and digits of every script are read; ``None`` where there
    is no number.

    Examples
    --------
    >>> last_number("between 2 and 1.234,5"), last_number("about 1 1/2"), last_number("45%")
    ((1234.5, False), (1.5, False), (0.45, True))
    """
    found = None
    for each in _NUMBER.finditer(_plain(text)):
        found = each
    if found is None:
        return None
    value = _read(found["number"])
    if found["below"] is not None:
        below = float(found["below"])
        value = value / below if below else math.inf
    value += float(found["whole"] or 0)
    if not math.isfinite(value):
        return None
    value = -value if found["sign"] == "-" else value
    return (value / 100, True) if found["percent"] else (value, False)


def _plain(text: str) -> str:
    def spelt(found: re.Match[str]) -> str:
        return " " + unicodedata.normalize("NFKC", found.group()).replace("\u2044", "/")

    told = unicodedata.normalize("NFKC", _FRACTIONS.sub(spelt, text)).translate(_SAME)
    digits = (str(unicodedata.decimal(each)) if each.isdecimal() else each for each in told)
    return "".join(digits)


def _read(written: str) -> float:
    mantissa, *power = re.split(r"[eE]", written)
    plain = re.sub("[ ']", "", mantissa)
    marks = [each for each in plain if each in ".,"]
    if len(set(marks)) == 2:  # the last one is that of decimals
        plain = plain.replace("," if plain.rindex(".") > plain.rindex(",") else ".", "")
    elif len(marks) > 1 or re.search(r",\d{3}$", plain):
        plain = plain.replace(marks[0], "")
    return float("e".join([plain.replace(",", "."), *power]))


def _wanted(value: Any, name: str) -> float:
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    told = last_number(str(value))
    if told is None:
        raise PromptError(f"{name!r} of the item is no number", "Give a number to hold it against.")
    return told[0]
