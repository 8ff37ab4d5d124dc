"""Personal data: what identifies somebody, found by its form, and by its checksum if it has one."""

import ipaddress
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from aiopslab.errors import ParameterError, did_you_mean
from aiopslab.prompts.scorers.score import Score, Scorer

Kind = Literal["email", "iban", "card", "ssn", "ip", "mac", "phone", "secret"]


@dataclass(frozen=True)
class Personal:
    """Where personal data stands in a text; what it is, and never the value itself.

    Parameters
    ----------
    kind
        ``email``, ``iban``, ``card`` (of credit), ``ssn`` (US social security number), ``ip``,
        ``mac``, ``phone`` or ``secret`` (keys and tokens of services).
    start, end
        Characters of the text, the end left out.
    """

    kind: Kind
    start: int
    end: int


def _is_iban(text: str) -> bool:
    """Whether the check digits of an ISO 13616 number are right."""
    plain = re.sub(r"[ -]", "", text).upper()
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def _is_card(text: str) -> bool:
    """Whether the check digit (Luhn, ISO/IEC 7812) is right, and an issuer numbers so."""
    digits = [int(each) for each in text if each.isdigit()]
    if not 13 <= len(digits) <= 19 or digits[0] not in {2, 3, 4, 5, 6} or len(set(digits)) == 1:
        return False
    doubled = [sum(divmod(2 * each, 10)) for each in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_ssn(text: str) -> bool:
    """Whether the numbers of area, group and serial are ones that are given out."""
    area, group, serial = re.split("[- ]", text)
    return area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000"


def _is_ip(text: str) -> bool:
    """Whether it is an address, and one that tells a host: not loopback, not any, not a mask."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or text.startswith("255."))


def _is_phone(text: str) -> bool:
    """Whether there are as many digits as numbers have (ITU E.164), and it is no date."""
    digits = re.sub(r"\D", "", text)
    is_date = re.fullmatch(r"(?:19|20)\d\d[-./ ]\d\d?[-./ ]\d\d?|\d\d?[-./ ]\d\d?[-./ ]\d{4}", text)
    return 7 <= len(digits) <= 15 and len(set(digits)) > 1 and not is_date


def _always(text: str) -> bool:
    return True


_EDGE, _END = r"(?<![\w./:+#-])", r"(?![\w-])(?!\.\d)"
_FORMS: dict[Kind, tuple[re.Pattern[str], Callable[[str], bool]]] = {
    "secret": (
        re.compile(
            r"\b(?:sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{36,}|AKIA[0-9A-Z]{16}"
            r"|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[\w-]{35}|glpat-[\w-]{20,}"
            r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
            r"|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
        ),
        _always,
    ),
    "email": (
        re.compile(
            r"(?<![\w.%+-])[\w%+-]{1,64}(?:\.[\w%+-]{1,64}){0,8}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}"
            r"(?![\w-])"
        ),
        _always,
    ),
    "iban": (
        re.compile(
            r"(?<!\w)[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?\b"
        ),
        _is_iban,
    ),
    "card": (re.compile(rf"{_EDGE}\d(?:[ -]?\d){{12,18}}{_END}"), _is_card),
    "ssn": (re.compile(rf"{_EDGE}\d{{3}}([- ])\d\d\1\d{{4}}{_END}"), _is_ssn),
    "mac": (
        re.compile(
            r"(?<![\w:-])[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}(?![\w:-])"
        ),
        _always,
    ),
    "ip": (
        re.compile(
            r"(?<![\w.:-])(?:(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)"
            r"|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:]))"
        ),
        _is_ip,
    ),
    "phone": (
        re.compile(
            rf"{_EDGE}(?:"
            r"(?:\+|00)[1-9]\d{0,2}(?:[ .-]?\(?\d{1,5}\)?){2,6}"  # international
            r"|(?:1[ .-])?\(\d{3}\) ?\d{3}[ .-]\d{4}"  # with the area in brackets
            r"|(?:1[ .-])?[2-9]\d{2}([ .-])\d{3}\1\d{4}"  # North American
            r"|0[1-9]\d{0,3} ?[ /-] ?\d{2,4}(?:[ -]?\d{2,4}){1,3}"  # national, with a trunk prefix
            rf"){_END}"
        ),
        _is_phone,
    ),
}


def find_personal(text: str, kinds: Sequence[Kind] | None = None) -> list[Personal]:
    """Return where personal data stands in a text, in its order.

    Parameters
    ----------
    text
        Any.
    kinds
        Only these; all where ``None``.

    Raises
    ------
    ParameterError
        If a kind is none that is known.

    Notes
    -----
    Names, birthdays and postal addresses have no form that tells them from other words, and are
    not found. Precision and recall on cases made for this project are printed by
    ``make bench-prompts``; there is no public set of real data to measure on.

    Examples
    --------
    >>> [each.kind for each in find_personal("Write to ann@example.org or +49 30 901820.")]
    ['email', 'phone']
    """
    wanted = get_args(Kind) if kinds is None else tuple(kinds)
    for kind in wanted:
        if kind not in _FORMS:
            raise ParameterError(
                f"{kind!r} is no kind of personal data", did_you_mean(kind, list(_FORMS))
            )
    plain = "".join(map(_digit, text))  # as long as the text, so that places stay
    taken = bytearray(len(plain))
    found = []
    for kind in (each for each in _FORMS if each in wanted):
        for start, end in _matches(plain, kind):
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.append(Personal(kind, start, end))
    return sorted(found, key=_start)


def pii(kinds: Sequence[Kind] | None = None) -> Scorer:
    """Score how many pieces of personal data an output holds.

    Parameters
    ----------
    kinds
        Only these; all where ``None``.

    Returns
    -------
    Scorer
        A count: the more, the worse. The note says how many of which kind, and never which.

    Raises
    ------
    ParameterError
        If a kind is none that is known.

    Examples
    --------
    >>> pii()("Mail ann@example.org and bob@example.org", {})
    Score(value=2.0, status='scored', note='2 email')
    """
    find_personal("", kinds)  # a kind that is none is refused before anything is scored

    def score(output: str, item: Mapping[str, Any]) -> Score:
        counts = Counter(each.kind for each in find_personal(output, kinds))
        return Score(
            float(counts.total()), note=", ".join(f"{n} {kind}" for kind, n in counts.items())
        )

    return score


def _matches(text: str, kind: Kind) -> Iterator[tuple[int, int]]:
    form, is_one = _FORMS[kind]
    for found in form.finditer(text):
        if is_one(found.group()):
            yield found.span()


def _digit(sign: str) -> str:
    """Return a sign as plain as it gets: digits of every script, all spaces, all dashes."""
    if sign.isascii():
        return sign
    if sign.isdecimal():
        return str(unicodedata.decimal(sign))
    kind = unicodedata.category(sign)
    return " " if kind == "Zs" else "-" if kind == "Pd" else "@" if sign == "＠" else sign


def _start(found: Personal) -> int:
    return found.start
