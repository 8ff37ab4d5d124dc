"""Texts without what tells outsiders who, where and with which key."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiopslab.reports.scan import Scanner

SHORTEST = 4  # letters of a word that is masked wherever it stands
GENERIC = frozenset({"root", "user", "admin", "ubuntu", "runner", "jovyan", "nobody", "localhost"})

_DOMAINS = (
    "local|localdomain|localhost|lan|internal|intranet|corp|home|private|cluster|svc|consul|test"
    "|example|invalid|arpa|onion|com|net|org|edu|gov|mil|int|info|biz|dev|app|cloud|online|site"
    "|tech|systems|network|company|services|solutions|group|bank|xyz|shop|store|aero|museum"
)
_HOST = (
    rf"(?<![\w.-])(?:[\w-]{{1,63}}\.)+(?:{_DOMAINS}|[a-z]{{2}})(?![\w-]|\.\w)"
    r"(?::\d+)?(?:/[^\s<>\"',;)]*)?"
)
_LONG = r"(?<![\w+/=-])[\w+/=-]{20,}(?![\w+/=-])"
_UUID = r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])"
_NUMBERED = r"(?<![\w.-])[a-z]+(?:-[a-z0-9]+)*-0\d+(?![\w-])|(?<![\w.-])ip(?:-\d{1,3}){4}(?![\w-])"
_POD = r"(?<![\w.-])[a-z0-9]+(?:-[a-z0-9]+)*-[0-9a-f]{8,10}-[a-z0-9]{5}(?![\w-])"
_NAMED = (
    r"(?<![\w.])[\w-]{0,30}"
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|(?:api|access)[_-]?key|authorization|bearer)"
    r"(?:\s*[=:]\s*|\s+is\s+)(?:bearer\s+|basic\s+)?[^\s,;]+|(?<!\w)bearer\s+[\w.~+/=-]{8,}"
)
# Telephones as they are dialled abroad and at home; what else is digits in groups has its check.
_ABROAD = r"(?<![\w.])\+\d{1,3}(?:[ ()./-]{0,2}\d{1,14}){2,6}(?!\w)"
_AT_HOME = (
    r"(?<![\w.:/-])(?:\(\d{2,5}\) ?|0\d{1,4}[ /-])\d{3,8}(?:[ -]\d{2,8}){0,3}(?![\w:]|[./-]\d)"
    r"|(?<![\w.:/-])\d{3}-\d{3}-\d{4}(?![\w:]|[./-]\d)"
)
_CARD = (
    r"(?<![\w.-])(?:[2-6]\d{13,15}|[2-6]\d{3}(?:([ -])\d{4}\1\d{4}\1\d{4}|[ -]\d{6}[ -]\d{5}))"
    r"(?![\w-]|\.\d)"
)
_ACCOUNT = (
    r"(?<!\w)(?-i:[A-Z]{2})\d{2}"
    r"(?-i:[A-Z0-9]{11,30}|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?)(?!\w)"
)
_SOCIAL = r"(?<![\w.-])(?!000|666|9)\d{3}-\d{2}-\d{4}(?![\w-]|\.\d)"
_USER = r"(?<![\w.])(?:user(?:name)?|login|owner|author|uid)\s*[=:]\s*['\"]?[^\s,;'\"]+['\"]?"
_SPEC: tuple[tuple[str, str], ...] = (
    ("address", r"(?<![\w+.-])[a-z][a-z0-9+.-]*://[^\s<>\"']+|(?<![\w.])www\.[^\s<>\"']+"),
    ("e-mail", r"(?<![\w.%+-])[\w.%+'-]+@[\w-]+(?:\.[\w-]+)+"),
    ("secret", _NAMED),
    ("user", _USER + r"|(?<![\w@.])@[A-Za-z][\w.-]*|(?<![\w.])\w+@[a-z][\w-]*(?![\w-])"),
    (
        "path",
        r"(?:\\\\){1,2}[\w.$-]+(?:\\{1,2}[^\s\\\"']+)+"
        r"|(?<!\w)[A-Za-z]:(?:\\{1,2}|/)(?:[^\s\\/\"':]+(?:\\{1,2}|/)?)+",
    ),
    (
        "path",
        r"(?<![\w.\]/])(?:~[\w.-]*|\.{1,2})?(?:/[\w.@%+=~:-]+){2,}/?|(?<![\w.\]/])~(?:[a-z][\w.-]*|/[\w.-]+)(?:/[\w.-]+)*",
    ),
    ("address", r"(?<![\w.:])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?::\d+)?(?![\w.]*\w)"),
    (
        "address",
        r"(?<![\w:.])\[?[0-9a-f:]*:[0-9a-f:]*:(?:[0-9a-f:.]*[0-9a-f:])?(?:%\w+)?\]?(?:/\d+)?(?![\w:])",
    ),
    ("address", r"(?<![\w:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![\w:-])"),
    ("account", _ACCOUNT),  # before cards, which a part of one may look like
    ("card", _CARD),
    ("number", f"{_ABROAD}|{_AT_HOME}|{_SOCIAL}"),
    ("secret", r"(?<!\w)AIza[\w-]{35}(?![\w-])"),
    ("token", _UUID),
    ("host", _HOST),
    ("host", r"(?<![\w.-])[a-z][\w-]*(?:\.[\w-]+)*:\d{2,5}(?![\w:.]*\w)"),
    ("host", f"{_POD}|{_NUMBERED}"),
    ("token", _LONG),
)
_MASKS = tuple((kind, re.compile(pattern, re.I)) for kind, pattern in _SPEC)


class Mask:
    """Takes out of texts what outsiders must not read.

    Parameters
    ----------
    words
        Further words that are replaced wherever they stand alone, whatever their case.

    Notes
    -----
    Replaced are e-mail addresses, telephone numbers, cards, bank accounts and social security
    numbers, URLs, addresses of networks and machines, names of hosts, paths, users that are named
    as such, and secrets: of well-known services by detect-secrets, others by their look. What
    stands in their place says of which kind it was. `aiopslab.sharing.recall` measures how much.

    Examples
    --------
    >>> mask = Mask(["Globex"])
    >>> mask("ask ann@corp.example of Globex why db-03:5432 and 10.1.2.3 are slow, see /srv/ann/x")
    'ask [e-mail] of [removed] why [host] and [address] are slow, see [path]'
    >>> mask("http.server.request.duration_p95_ms of checkout rose at 12:40:05 to 1.6 times 240 ms")
    'http.server.request.duration_p95_ms of checkout rose at 12:40:05 to 1.6 times 240 ms'
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        longest = sorted(
            {word for word in words if len(word) >= SHORTEST}, key=lambda each: -len(each)
        )
        joined = "|".join(map(re.escape, longest))
        self._words = re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.I) if longest else None
        self._masked = lru_cache(4096)(self._mask)  # figures say the same again and again

    def __call__(self, text: str) -> str:
        """Return a text without them."""
        return self._masked(text)

    def _mask(self, text: str) -> str:
        if self._words:
            text = self._words.sub("[removed]", text)
        text = Scanner().text(text, "")
        text = re.sub(r"\[secret: [^\]]*\]", "[secret]", text)
        for kind, pattern in _MASKS:
            text = pattern.sub(partial(_replaced, kind), text)
        return text


def telling(value: str) -> list[str]:
    """Return the words of a source or path that must not be read elsewhere either.

    Examples
    --------
    >>> telling("prometheus+http://ann:pw12@mon01:9090/api")
    ['prometheus+http://ann:pw12@mon01:9090/api', 'mon01', 'pw12']
    >>> telling("~gillian/evidence"), telling("latency")
    (['~gillian/evidence', 'gillian'], [])
    """
    try:
        parts = urlsplit(value)
        host, password, user = parts.hostname or "", parts.password or "", parts.username or ""
    except ValueError:
        host = password = user = ""
    home = re.search(r"(?:/home/|/Users/|\\Users\\|^~)([^/\\]+)", value)
    is_place = "://" in value or "/" in value or "\\" in value
    words = [value if is_place else "", host, user, password, home[1] if home else ""]
    return [word for word in words if len(word) >= SHORTEST and word.lower() not in GENERIC]


def _replaced(kind: str, match: re.Match[str]) -> str:
    is_one = _CHECKS.get(kind)
    return match[0] if is_one and not is_one(match[0]) else f"[{kind}]"


def _is_address(text: str) -> bool:
    """Tell addresses from versions and times that look like them."""
    if "://" in text or text.lower().startswith("www.") or re.fullmatch(r"(..[:-]){5}..", text):
        return True
    bare = text.strip("[]").partition("/")[0].partition("%")[0]
    bare = bare.partition(":")[0] if bare.count(":") == 1 else bare
    try:
        ip_address(bare)
    except ValueError:
        return False
    return bare != "::"


def _is_token(text: str) -> bool:
    """Tell what a machine made up from long words, which are of one case."""
    kinds = (any(map(str.isdigit, text)), any(map(str.isupper, text)), any(map(str.islower, text)))
    return all(kinds) or bool(re.fullmatch(r"[0-9a-fA-F-]{20,}", text) and kinds[0])


def _is_number(text: str) -> bool:
    """Tell a telephone from numbers beside each other, by how many digits there are."""
    return 8 <= sum(map(str.isdigit, text)) <= 15


def _is_card(text: str) -> bool:
    """Tell a card by its check digit (ISO/IEC 7812)."""
    digits = [int(each) for each in reversed(text) if each.isdigit()]
    doubled = (2 * each for each in digits[1::2])
    return (sum(digits[::2]) + sum(each // 10 + each % 10 for each in doubled)) % 10 == 0


def _is_account(text: str) -> bool:
    """Tell an IBAN by its check digits (ISO 13616)."""
    bare = text.replace(" ", "")
    return int("".join(str(int(each, 36)) for each in bare[4:] + bare[:4])) % 97 == 1


_CHECKS: dict[str, Callable[[str], bool]] = {
    "address": _is_address,
    "token": _is_token,
    "number": _is_number,
    "card": _is_card,
    "account": _is_account,
}
