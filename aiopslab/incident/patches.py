"""What a patch does, read from the words that it removes and adds."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

LETTERS = 4  # of a word that tells; shorter ones are everywhere
FEW = 2  # things that a rewording may take away or bring in

# Words that hold code together whatever it does.
_PLUMBING = """
    if else elif for while in of not and or return break continue func function def fn class struct
    type interface var let const new nil null none true false err error ctx context self this import
    from export package public private static void async await try catch except finally raise throw
    string str int bool float byte range len append
"""
PLUMBING = frozenset(_PLUMBING.split())
_WORD = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?\w*")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`")
_QUERY = re.compile(r"\b(select|insert|update|delete|alter|create|from|join)\b", re.IGNORECASE)
_COMMENT = re.compile(r"^\s*(//|#|\*|/\*|--|<!--|;)|\s(//|#\s).*$")
_LOGGING = re.compile(
    r"\b(log|logger|logging|slog|console|print|printf|println|LOG_\w+|metrics?|span|tracer)\b"
    r"\s*[.(]",
    re.IGNORECASE,
)
_MANIFEST = re.compile(
    r"(^|/)(go\.(mod|sum)|package(-lock)?\.json|yarn\.lock|requirements[\w-]*\.txt|poetry\.lock"
    r"|Cargo\.(toml|lock)|Dockerfile)$"
)
_NUMBER = re.compile(
    r"\d+(?:\.\d+)?\w*|\b(?:nano|micro|milli)?seconds?\b|\bminutes?\b|\bhours?\b", re.I
)
_HARMLESS_FILE = re.compile(
    r"(^|/)(docs?|tests?|__tests__|static)/|_test\.\w+$|\.test\.\w+$|\.(md|rst|txt|css|scss|svg|png)$"
    r"|theme\.\w+$|(^|/)(README|CHANGELOG|LICENSE)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Patch:
    """What a unified diff changes.

    Parameters
    ----------
    files
        Paths that it touches.
    removed, added
        Words of the code that it removes and adds, with how often.
    is_known
        Whether there was a diff to read.
    """

    files: tuple[str, ...]
    removed: Counter[str]
    added: Counter[str]
    is_known: bool

    @property
    def gone(self) -> set[str]:
        """Words that it takes away altogether, but for those that hold code together."""
        return {each for each in self.removed if each not in self.added} - PLUMBING

    @property
    def come(self) -> set[str]:
        """Words that it brings in, but for what it both names and uses itself."""
        return {
            each for each in self.added if each not in self.removed and self.added[each] == 1
        } - PLUMBING

    @property
    def net(self) -> set[str]:
        """Parts of the words that come or go, in small letters."""
        return words(" ".join([*self.gone, *self.come]))

    @property
    def changes_code(self) -> bool:
        """Whether anything but comments, texts, logging, styles and tests is changed."""
        if not self.is_known:
            return True
        code = [each for each in self.files if not _HARMLESS_FILE.search(each)]
        return bool(code or not self.files) and self.removed != self.added

    @property
    def is_upgrade(self) -> bool:
        """Whether it only moves versions of what it depends on."""
        return bool(self.files) and all(_MANIFEST.search(each) for each in self.files)

    @property
    def sets_a_number(self) -> bool:
        """Whether it gives a number, or the unit of one, another value in its place."""
        old = {each for each in self.removed if _NUMBER.fullmatch(each)}
        new = {each for each in self.added if _NUMBER.fullmatch(each)}
        return bool(old - new) and bool(new - old)

    @property
    def is_rewording(self) -> bool:
        """Whether it says the same in other words: next to nothing goes or comes."""
        common = set(self.removed) & set(self.added) - PLUMBING
        moved = len(self.gone) <= FEW and len(self.come) <= FEW
        return bool(common) and moved and not self.sets_a_number


def read_patch(diff: Any, files: Any = None) -> Patch:
    r"""Read a unified diff.

    Parameters
    ----------
    diff
        Its text; anything else means that it is not known.
    files
        Paths, where the diff does not name them.

    Examples
    --------
    >>> patch = read_patch("-ttl = 15 * MINUTE  # long\n+ttl = 15 * SECOND")
    >>> sorted(patch.net), patch.changes_code
    (['minute', 'second'], True)
    >>> read_patch('-log.info("a")\\n+log.info("b")').changes_code
    False
    """
    text = diff if isinstance(diff, str) else ""
    named = re.findall(r"^\+\+\+ (?:b/)?(\S+)", text, re.MULTILINE)
    given = [str(each) for each in files] if isinstance(files, Iterable) else []
    lines = [each for each in text.splitlines() if not each.startswith(("+++", "---"))]
    removed = _words_of(each[1:] for each in lines if each.startswith("-"))
    added = _words_of(each[1:] for each in lines if each.startswith("+"))
    return Patch(tuple(dict.fromkeys([*named, *given])), removed, added, bool(text.strip()))


def words(text: str) -> set[str]:
    """Return the telling parts of the words of a text, in small letters.

    Examples
    --------
    >>> sorted(words("getItemById took 15 ms in order_lines"))
    ['item', 'lines', 'order', 'took']
    """
    return {part.lower() for part in _PART.findall(text) if len(part) >= LETTERS}


def _words_of(lines: Iterable[str]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for line in lines:
        if _LOGGING.search(line):
            continue
        bare = _COMMENT.sub("", line)
        if bare == line or bare.strip():
            # What is between quotes is text for people, unless it asks a database.
            code = bare if _QUERY.search(bare) else _QUOTED.sub('""', bare)
            if not re.match(r"^\s*(//|#|\*|/\*|--)", line):
                counts.update(_WORD.findall(code))
    return counts
