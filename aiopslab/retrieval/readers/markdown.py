"""Markdown: kept as it is, its headings found."""

import re
from collections.abc import Iterator

from aiopslab.retrieval.readers.decoding import decoded
from aiopslab.retrieval.readers.front_matter import front_matter
from aiopslab.retrieval.readers.reading import Reading
from aiopslab.retrieval.sections import Heading

_LINE = re.compile(r"[^\n]*\n?")
_ATX = re.compile(r" {0,3}(#{1,6})(?=[ \t]|\Z)")
_SETEXT = re.compile(r" {0,3}(=+|-+)[ \t]*\Z")
_FENCE = re.compile(r" {0,3}(`{3,}(?!.*`)|~{3,})")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})\Z")
_INDENTED = re.compile(r" {4}| {0,3}\t")
_QUOTE = re.compile(r" {0,3}>")
_ITEM = re.compile(r" {0,3}(?:[-+*]|\d{1,9}[.)])(?:[ \t]+|\Z)")
_ITEM_IN_PARAGRAPH = re.compile(r" {0,3}(?:[-+*]|1[.)])[ \t]+(?=\S)")
_RAW = re.compile(r" {0,3}<(?:(!--)|(script|pre|style|textarea)(?=[\s>]|\Z))", re.IGNORECASE)
_TAG = re.compile(r" {0,3}</?[a-zA-Z][-\w]*(?=[\s/>]|\Z)")
_ANCHOR = re.compile(r"\{#[^{}]*\}\Z")


def read(label: str, content: bytes) -> Reading:
    """Read a page: its text without the front matter, of which the fields become metadata."""
    text, troubles = decoded(content)
    front = front_matter(text)
    body = text[front.length :]
    found = headings(body)
    if front.trouble:
        troubles = (*troubles, front.trouble)
    return Reading(
        body, found, front.title or title_of(found), front.modified, front.metadata, troubles
    )


def title_of(found: tuple[Heading, ...]) -> str:
    """Return the first of the outermost headings; empty where there is none."""
    return min(found, key=lambda each: each.level).title if found else ""


def headings(text: str) -> tuple[Heading, ...]:
    r"""Find the headings of Markdown, by the rules of CommonMark 0.31.

    Those in code, comments, raw HTML, quotes and on the first line of a list item are none. Unlike
    there, one right under an HTML tag is, since pages put anchors before their headings.

    Parameters
    ----------
    text
        Without front matter.

    Examples
    --------
    >>> headings("# A\n```\n# no\n```\nB\n-\n")
    (Heading(start=0, level=1, title='A'), Heading(start=17, level=2, title='B'))
    """
    return tuple(_headings(text))


def _headings(text: str) -> Iterator[Heading]:
    until: re.Pattern[str] | None = None  # the end of a block of code or raw HTML that is open
    paragraph: int | None = None  # where one begins, which a line under it makes a heading
    is_other = False  # within a quote, a list or HTML, whose lines no line under them makes one
    for found in _LINE.finditer(text):
        start, line = found.start(), found[0].rstrip("\n")
        if until is not None:
            until = None if until.search(line) else until
        elif not line.strip() or (paragraph is None and _INDENTED.match(line)):
            paragraph, is_other = None, is_other and bool(line.strip())
        elif paragraph is not None and (under := _SETEXT.match(line)):
            title = " ".join(text[paragraph:start].split())
            yield Heading(paragraph, 1 if under[1][0] == "=" else 2, _named(title))
            paragraph = None
        elif atx := _ATX.match(line):
            yield Heading(start, len(atx[1]), _named(_unclosed(line[atx.end() :])))
            paragraph, is_other = None, False
        elif _RULE.match(line):
            paragraph, is_other = None, False
        elif end := _opened(line):
            until = None if end.search(line, len(line) - len(line.lstrip()) + 3) else end
            paragraph, is_other = None, False
        elif (
            _QUOTE.match(line)
            or (_ITEM if paragraph is None else _ITEM_IN_PARAGRAPH).match(line)
            or (paragraph is None and _TAG.match(line))
        ):
            paragraph, is_other = None, True
        elif paragraph is None and not is_other:
            paragraph = start


def _opened(line: str) -> re.Pattern[str] | None:
    """Return what ends the block of code or raw HTML that a line opens."""
    item = _ITEM.match(line)
    if fence := _FENCE.match(line, item.end() if item else 0):
        indent = r"\s*" if item else " {0,3}"
        mark = fence[1]
        return re.compile(rf"^{indent}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$")
    if raw := _RAW.match(line):
        return re.compile("-->" if raw[1] else rf"</{raw[2]}>", re.IGNORECASE)
    return None


def _unclosed(title: str) -> str:
    """Take the closing marks off a heading."""
    title = title.strip()
    bare = title.rstrip("#")
    return title if bare and not bare[-1].isspace() else bare.rstrip()


def _named(title: str) -> str:
    return _ANCHOR.sub("", title).strip()
