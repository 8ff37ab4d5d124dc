"""Following: where a passage of a document is in a later version of the corpus."""

import re
from bisect import bisect_right
from collections.abc import Mapping
from difflib import SequenceMatcher
from itertools import accumulate
from typing import NamedTuple

KEPT, MOVED, CHANGED, GONE = "kept", "moved", "changed", "gone"
TELLING = 30  # characters of a passage that does not come about twice by chance


class Place(NamedTuple):
    """What became of a passage, and where it or what took its place is now."""

    state: str
    document: str | None = None
    start: int | None = None
    end: int | None = None


class Follower:
    r"""Follows passages of one document.

    Parameters
    ----------
    document
        Its id.
    text
        Of the earlier version.
    later
        All texts of the later version by document.

    Notes
    -----
    Lines are matched by the longest common runs, as J. W. Ratcliff and D. E. Metzener, "Pattern
    matching: the gestalt approach", Dr. Dobb's Journal, 1988. White space does not count.

    Examples
    --------
    >>> follower = Follower("a", "One.\nTwo.\n", {"a": "Zero.\nOne.\nThree.\n"})
    >>> follower.follow(0, 4)
    Place(state='moved', document='a', start=6, end=10)
    >>> follower.follow(5, 9)
    Place(state='changed', document='a', start=11, end=18)
    """

    def __init__(self, document: str, text: str, later: Mapping[str, str]) -> None:
        self.document, self.text, self.later = document, text, later
        self.now = later.get(document)
        if self.now is not None and self.now != text:
            self._match(self.now)

    def follow(self, start: int, end: int) -> Place:
        """Return what became of the passage ``text[start:end]``."""
        if self.now == self.text:
            return Place(KEPT, self.document, start, end)
        if self.now is None:
            return self._elsewhere(start, end) or Place(GONE)
        first, last = self._across(start, end)
        near = self._moved(start, end, first, last)
        if near is not None:
            state = KEPT if (near[0], near[1]) == (start, end) else MOVED
            return Place(state, self.document, *near)
        if (found := self._elsewhere(start, end)) is not None:
            return found
        if self.now[first:last].strip():
            return Place(CHANGED, self.document, first, last)
        return Place(GONE)

    def _match(self, now: str) -> None:
        """Match the lines of both versions."""
        lines, new = self.text.splitlines(keepends=True), now.splitlines(keepends=True)
        # Where a line begins, and the end.
        self._starts = [0, *accumulate(map(len, lines))]
        self._new_starts = [0, *accumulate(map(len, new))]
        bare, new_bare = ([" ".join(each.split()) for each in side] for side in (lines, new))
        self._steps = SequenceMatcher(None, bare, new_bare).get_opcodes()

    def _across(self, start: int, end: int) -> tuple[int, int]:
        """Return the stretch of the later version that stands for the lines of a passage."""
        line = bisect_right(self._starts, start) - 1
        last = max(bisect_right(self._starts, max(end - 1, start)) - 1, line)
        spans = []
        for kind, old, old_end, new, new_end in self._steps:
            if old_end <= line or old > last or (old == old_end):
                continue
            if kind == "equal":
                spans.append((new + max(line - old, 0), new_end - max(old_end - 1 - last, 0)))
            else:
                spans.append((new, new_end))
        if not spans:
            return 0, 0
        return self._new_starts[spans[0][0]], self._new_starts[spans[-1][1]]

    def _moved(self, start: int, end: int, first: int, last: int) -> tuple[int, int] | None:
        """Return where the passage is: in the lines that stand for it, else anywhere if long."""
        assert self.now is not None
        pattern = self._pattern(start, end)
        found = [each.span() for each in pattern.finditer(self.now, first, last)]
        if not found and end - start >= TELLING:
            found = [each.span() for each in pattern.finditer(self.now)]
        # As far into its line as it was: the same words may stand in it twice.
        wanted = first + start - self._starts[bisect_right(self._starts, start) - 1]
        return min(found, key=lambda span: abs(span[0] - wanted), default=None)

    def _elsewhere(self, start: int, end: int) -> Place | None:
        """Return where a long passage is in another document."""
        words = self.text[start:end].split()
        if end - start < TELLING or not words:
            return None
        pattern, longest = self._pattern(start, end), max(words, key=len)
        for document, text in self.later.items():
            # Looking for a word is much faster than for the pattern.
            if longest in text and (found := pattern.search(text)):
                return Place(MOVED, document, *found.span())
        return None

    def _pattern(self, start: int, end: int) -> re.Pattern[str]:
        """Return a pattern of the words of a passage, whatever the white space between them.

        A passage that is no part of a word must be none elsewhere: 80 is not in 8080.
        """
        passage = self.text[start:end]
        words = r"\s+".join(map(re.escape, passage.split()))
        start, end = end - len(passage.lstrip()), start + len(passage.rstrip())
        # In scripts without spaces a passage begins and ends amid letters.
        edge = re.compile(r"\b")
        opened = r"\b" if edge.match(self.text, start) else ""
        closed = r"\b" if edge.match(self.text, end) else ""
        return re.compile(opened + words + closed)
