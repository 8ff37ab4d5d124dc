"""What a patch does: what it takes away, brings in, or gives another value."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aiopslab.incident.codelines import STEM, code_lines, parts, words_of

ENOUGH = 5  # things that come or go, from which nothing of a patch is a rewording
TENFOLD = 10.0  # a value that is moved so far is another one altogether
MINOR = 0.5  # of the novelty of a major release

_MANIFEST = re.compile(
    r"(^|/)(go\.(mod|sum)|package(-lock)?\.json|yarn\.lock|requirements[\w-]*\.txt|poetry\.lock"
    r"|uv\.lock|pom\.xml|Cargo\.(toml|lock)|Gemfile(\.lock)?)$"
)
_NOT_RUN = re.compile(  # in production: documents, tests, styles, and what only tools read
    r"(^|/)(docs?|documentation|tests?|__tests__|testdata|static)/|(^|/)test_\w+\.py$|_test\.\w+$"
    r"|\.(test|spec)\.\w+$|\.(md|rst|css|scss|svg|png)$"
    r"|(^|/)(README|CHANGELOG|LICENSE|CODEOWNERS)|(^|/)\.(?!env)[^/]+",
    re.IGNORECASE,
)
_RELEASE = re.compile(r"\bv?(\d+)\.(\d+)\.(\d+)\b")
_LOGIC = re.compile(
    r"(?<![-=<])[<>]=?(?!-)|[=!]==?|&&|\|\||!"
    r"|\b(?:not|and|or|await|true|false|break|continue)\b",
    re.IGNORECASE,
)
_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400}
_UNITS |= {"nanosecond": 1e-9, "microsecond": 1e-6, "millisecond": 1e-3}
_UNITS |= {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_VALUE = re.compile(
    r"\b\d+(?:\.\d+)?(?:[a-z]{1,2}\b)?|\b(?:(?:nano|micro|milli)?second|minute|hour|day)(?=s?\b)",
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
        Lines of code that it removes and adds, see `aiopslab.incident.codelines.code_lines`.
    is_known
        Whether there was a diff to read.
    """

    files: tuple[str, ...]
    removed: tuple[str, ...]
    added: tuple[str, ...]
    is_known: bool

    @cached_property
    def changes_code(self) -> bool:
        """Whether anything is changed but comments, texts, logging, styles, tests and tooling."""
        if self.files and all(_NOT_RUN.search(each) for each in self.files):
            return False
        return not self.is_known or Counter(self.removed) != Counter(self.added)

    @cached_property
    def gone(self) -> set[str]:
        """Names that it takes away, with nothing like them in their place."""
        return _unlike(words_of(self.removed), words_of(self.added))

    @cached_property
    def come(self) -> set[str]:
        """Names that it brings in, with nothing like them in what it takes away."""
        return _unlike(words_of(self.added), words_of(self.removed))

    @property
    def only_adds(self) -> bool:
        """Whether it leaves every line that there was."""
        return bool(self.added) and not self.removed

    @property
    def is_upgrade(self) -> bool:
        """Whether it only moves versions of what it depends on."""
        return bool(self.files) and all(_MANIFEST.search(each) for each in self.files)

    @cached_property
    def tenfold(self) -> float:
        """How far it moves a setting, 0 (not at all) to 1 (ten times as much or as little)."""
        if self.is_upgrade or not self.changes_code:
            return 0.0
        return max((_moved(*pair) for pair in self._pairs(_VALUE)), default=0.0)

    @cached_property
    def turns_a_condition(self) -> bool:
        """Whether a line stays as it is but for a comparison, a negation or a switch."""
        return any(_LOGIC.findall(old) != _LOGIC.findall(new) for old, new in self._pairs(_LOGIC))

    @cached_property
    def novelty(self) -> float:
        """How much of what the code does is another, from 0, the same in other words, to 1.

        A rewording gives back under like names what it takes, so what comes or goes without its
        like is counted. Of an upgrade the version tells, as in semantic versioning. A patch that is
        not known may do anything.
        """
        if not (self.changes_code and self.is_known):
            return float(self.changes_code)
        if self.is_upgrade:
            return max((_released(*pair) for pair in self._pairs(_RELEASE)), default=MINOR)
        if not (self.removed and self.added) or self.turns_a_condition:
            return 1.0
        return max(min((len(self.gone) + len(self.come)) / ENOUGH, 1.0), self.tenfold)

    def _pairs(self, but_for: re.Pattern[str]) -> list[tuple[str, str]]:
        """Return the lines that are replaced by lines which differ in what a pattern finds only."""
        replacing: dict[str, list[str]] = {}
        for line in self.added:
            replacing.setdefault(_without(but_for, line), []).append(line)
        found = [(line, replacing.get(_without(but_for, line))) for line in self.removed]
        return [(line, lines.pop(0)) for line, lines in found if lines]


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
    >>> patch.changes_code, patch.tenfold
    (True, 1.0)
    >>> read_patch("-raise OutOfRange(low)\n+return check_range(low)").novelty
    0.0
    """
    text = diff if isinstance(diff, str) else ""
    named = re.findall(r"^\+\+\+ (?:b/)?(\S+)", text, re.MULTILINE)
    given = [files] if isinstance(files, str) else files if isinstance(files, Iterable) else []
    paths = [str(each) for each in [*named, *given] if each != "/dev/null"]
    removed, added = code_lines(text, "-"), code_lines(text, "+")
    return Patch(tuple(dict.fromkeys(paths)), removed, added, bool(text.strip()))


def _without(pattern: re.Pattern[str], line: str) -> str:
    return " ".join(pattern.sub(" ", line).split())


def _unlike(words: set[str], others: set[str]) -> set[str]:
    """Return the names that share no part with any of the others."""
    known = {part[:STEM] for other in others for part in parts(other)}
    names = {word for word in words - others if not word[0].isdigit()}
    return {name for name in names if known.isdisjoint(part[:STEM] for part in parts(name))}


def _moved(old: str, new: str) -> float:
    before, after = _VALUE.findall(old), _VALUE.findall(new)
    ratios = [_size(one) / _size(other) for one, other in zip(before, after, strict=False)]
    return min(max((abs(math.log(each, TENFOLD)) for each in ratios), default=0.0), 1.0)


def _size(value: str) -> float:
    """Return a number with its unit as one number, with 0 as good as very little."""
    number, unit = re.fullmatch(r"([\d.]*)(\D*)", value).groups()  # type: ignore[union-attr]
    return min(max(float(number or 1), 1e-3), 1e15) * _UNITS.get(unit.lower(), 1)


def _released(old: str, new: str) -> float:
    moves = zip(_RELEASE.findall(old), _RELEASE.findall(new), strict=False)
    return max(1.0 if a[0] != b[0] else MINOR * (a[1] != b[1]) for a, b in moves)
