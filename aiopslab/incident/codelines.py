"""The lines of a diff that run, without what is written for people; and the words in them."""

import re
from collections.abc import Iterable
from functools import lru_cache

LETTERS = 4  # of a word that tells; shorter ones are everywhere
STEM = 5  # letters of a word that tell it from others: `expired` and `expiry` are the same

# Words that hold code together whatever it does.
_PLUMBING = """
    if else elif for while in of not and or return break continue func function def fn class struct
    type interface var let const new nil null none true false err error ctx context self this import
    from export package public private static void async await try catch except finally raise throw
    string str int bool float byte range len append
"""
PLUMBING = frozenset(_PLUMBING.split())
_UNITS = frozenset(
    f"{size}{unit}{plural}"
    for size in ("", "nano", "micro", "milli")
    for unit in ("second", "minute", "hour")
    for plural in ("", "s")
)
_HEADER = re.compile(r"(\+\+\+|---)( |$)")
_WORD = re.compile(r"[^\W\d]\w*|\d+(?:\.\d+)?\w*")
_RUN = re.compile(r"[^\W\d_]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`")
_QUERY = re.compile(r"\b(select|insert|update|delete|alter|create|from|join)\b", re.IGNORECASE)
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}\b")
# A hash begins a comment, but not where it tells a compiler something.
_HASH = r"#(?!\s*(?:include|define|undef|if|ifdef|ifndef|elif|else|endif|pragma)\b)"
_COMMENT = re.compile(rf"\s*(//|{_HASH}|\*(\s|/|$)|/\*|--|<!--|;)")
_TRAILING = re.compile(r"\s(//|#\s).*$")
_LOGGING = re.compile(
    r"\b(log|logger|logging|slog|console|print|printf|println|LOG_\w+|metrics?|span|tracer)\b"
    r"\s*[.(]",
    re.IGNORECASE,
)


def code_lines(diff: str, sign: str) -> tuple[str, ...]:
    r"""Return the lines of code that a diff removes or adds, with single spaces.

    Parameters
    ----------
    diff
        Unified.
    sign
        ``"-"`` or ``"+"``.

    Returns
    -------
    tuple of str
        Without comments, logging, colours, and quoted texts of several words; what asks a database
        is kept.

    Examples
    --------
    >>> code_lines('-ttl =  15  # long\n-log.info("x")\n-raise Late("it was late")', "-")
    ('ttl = 15', 'raise Late("")')
    """
    lines = [
        line[1:] for line in diff.splitlines() if line.startswith(sign) and not _HEADER.match(line)
    ]
    bare = [_bare(each) for each in lines if not _COMMENT.match(each)]
    return tuple(each for each in bare if each and not _LOGGING.search(each))


def words_of(lines: Iterable[str]) -> set[str]:
    """Return the names and numbers in lines of code, but for what holds any code together."""
    return {word for line in lines for word in _WORD.findall(line)} - PLUMBING


@lru_cache(maxsize=10_000)
def parts(text: str) -> tuple[str, ...]:
    """Return the words that names are made of, in small letters.

    Examples
    --------
    >>> parts("getItemById HTTPServer order_lines")
    ('get', 'item', 'by', 'id', 'http', 'server', 'order', 'lines')
    """
    return tuple(part.lower() for run in _RUN.findall(text) for part in _CAMEL.split(run))


def stems(text: str) -> dict[str, str]:
    """Return the telling words of a text by their stems; cutting them short is enough of stemming.

    Examples
    --------
    >>> stems("the token has Expired, in 15 ms")
    {'token': 'token', 'expir': 'expired'}
    """
    found = dict.fromkeys(part for word in text.split() for part in parts(word))
    telling = [part for part in found if len(part) >= LETTERS and part.isalpha()]
    return {part[:STEM]: part for part in telling if part not in PLUMBING | _UNITS}


def _bare(line: str) -> str:
    code = _TRAILING.sub("", line)
    if not _QUERY.search(code):
        code = _QUOTED.sub(_value, code)
    return " ".join(code.split())


def _value(quoted: re.Match[str]) -> str:
    """Return what is quoted where it is a name or a value; text for people is left out."""
    text = quoted.group()[1:-1]
    return '""' if re.search(r"\s", text) or _COLOUR.fullmatch(text) else f'"{text}"'
