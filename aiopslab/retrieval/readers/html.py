"""HTML: what a reader of the page sees of it, its headings found."""

import re
from typing import TYPE_CHECKING, Any

import pandas as pd

from aiopslab.retrieval.readers.decoding import decoded
from aiopslab.retrieval.readers.markdown import title_of
from aiopslab.retrieval.readers.reading import Reading, instant
from aiopslab.retrieval.sections import Heading

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

_UNSEEN = [
    *("script", "style", "nav", "noscript", "template", "svg", "iframe", "head", "select"),
]
_PARAGRAPHS = {
    *("address", "article", "aside", "blockquote", "body", "dd", "details", "div", "dl", "dt"),
    *("fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "html", "li", "main"),
    *("ol", "p", "pre", "section", "summary", "table", "ul"),
}
_LINES = {"br", "tr", "caption"}
_CELLS = {"td", "th"}
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_MODIFIED = ("article:modified_time", "last-modified", "dcterms.modified")
_SPACES = re.compile(r"\s+")


def read(label: str, content: bytes) -> Reading:
    """Read a page: its ``<main>`` where it has one, without scripts, styles and navigation."""
    from bs4 import BeautifulSoup

    text, troubles = decoded(content)
    page = BeautifulSoup(text, "html.parser")
    title = _SPACES.sub(" ", page.title.get_text()).strip() if page.title else ""
    modified, metadata = _said(page)
    for each in page.find_all(_UNSEEN):
        each.decompose()
    seen = _Seen()
    seen.take(page.find("main") or page)
    found = tuple(seen.headings)
    return Reading(seen.text, found, title or title_of(found), modified, metadata, troubles)


def _said(page: "BeautifulSoup") -> tuple[pd.Timestamp | None, dict[str, str]]:
    """Return when a page says that it was modified, and its description, author and keywords."""
    fields: dict[str, str] = {}
    for each in page.find_all("meta"):
        name = each.get("name") or each.get("property")
        if name and each.get("content"):
            fields.setdefault(str(name).lower(), str(each["content"]).strip())
    modified = next((time for each in _MODIFIED if (time := instant(fields.get(each)))), None)
    kept = ("description", "author", "keywords")
    return modified, {name: fields[name] for name in kept if name in fields}


class _Seen:
    """Text as it is gathered: space of one kind between any two words."""

    def __init__(self) -> None:
        self.headings: list[Heading] = []
        self._parts: list[str] = []
        self._length = 0
        self._gap = ""  # before what comes next, unless that is the first

    @property
    def text(self) -> str:
        return "".join(self._parts)

    def take(self, root: Any) -> None:
        """Take all below an element, without recursion, since pages may nest without end."""
        from bs4 import NavigableString
        from bs4.element import PreformattedString

        open_elements: list[Any] = []
        for node in root.descendants:
            while open_elements and node.parent is not open_elements[-1]:
                self._close(open_elements.pop())
            if isinstance(node, PreformattedString):  # comments, declarations
                continue
            if isinstance(node, NavigableString):
                is_kept = any(each.name in {"pre", "textarea"} for each in open_elements)
                self._add(str(node), is_kept)
            else:
                self._break(node.name)
                if node.name in _HEADINGS:
                    title = _SPACES.sub(" ", node.get_text()).strip()
                    if title:
                        start = self._length + len(self._gap if self._length else "")
                        self.headings.append(Heading(start, int(node.name[1]), title))
                open_elements.append(node)
        while open_elements:
            self._close(open_elements.pop())

    def _close(self, element: Any) -> None:
        if element.name not in _CELLS | {"br", "hr"}:
            self._break(element.name)

    def _break(self, name: str) -> None:
        if name in _PARAGRAPHS or name in _HEADINGS:
            self._gap = "\n\n"
        elif name in _LINES and self._gap != "\n\n":
            self._gap = "\n"
        elif name in _CELLS and "\n" not in self._gap:
            self._gap = "\t"

    def _add(self, words: str, is_kept: bool) -> None:
        if is_kept:
            self._put(words.strip("\n"))
            return
        inner = _SPACES.sub(" ", words)
        if inner.startswith(" ") and not self._gap:
            self._gap = " "
        self._put(inner.strip())
        if inner.endswith(" ") and not self._gap:
            self._gap = " "

    def _put(self, words: str) -> None:
        if not words:
            return
        if self._length:
            self._parts.append(self._gap)
            self._length += len(self._gap)
        self._gap = ""
        self._parts.append(words)
        self._length += len(words)
