"""Markdown made of text that is not to be trusted."""

import re
from collections.abc import Iterable, Sequence
from html import escape

import pandas as pd

LONGEST = 300  # characters of a text
ROWS = 60  # of a table: more is a log, not a document
# What begins something in some dialect of Markdown, anywhere or at the start of a line.
ANYWHERE = re.compile(r"([\\`*_\[\]|~^$]|(?<==)=|=(?==)|(?<=\+)\+|\+(?=\+))")
AT_START = re.compile(r"^(\d*)([-+=#:.)])")


def safe(text: object) -> str:
    r"""Return text on one line that means nothing to Markdown or HTML.

    Parameters
    ----------
    text
        Anything; what is missing is an empty text, and 300 characters are the most that is kept.

    Examples
    --------
    >>> safe("![x](http://a.example) | <b>")
    '!\\[x\\](http&#58;//a.example) \\| &lt;b&gt;'
    """
    if text is None or text is pd.NA or text is pd.NaT or text != text:  # noqa: PLR0124
        return ""
    line = " ".join(str(text)[: 4 * LONGEST].split())
    line = "".join(letter for letter in line if letter.isprintable())
    line = line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
    line = ANYWHERE.sub(r"\\\1", escape(line, quote=False))
    return AT_START.sub(lambda found: f"{found[1]}&#{ord(found[2])};", _unlinked(line))


def stamp(time: pd.Timestamp) -> str:
    """Return a time to the second, without its zone.

    Examples
    --------
    >>> stamp(pd.Timestamp("2026-03-01T12:00:00.5Z"))
    '2026-03-01 12:00:00'
    """
    return "unknown" if pd.isna(time) else f"{time:%Y-%m-%d %H:%M:%S}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table of texts that are safe already.

    Examples
    --------
    >>> table(["a", "b"], [["1", "2"]])
    ['| a | b |', '| --- | --- |', '| 1 | 2 |']
    """
    return [f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows)]


def table_of(frame: pd.DataFrame) -> list[str]:
    r"""Return the lines of a table of the first rows of a frame, times to the second.

    Examples
    --------
    >>> table_of(pd.DataFrame({"service": ["a|b"]}))[-1]
    '| a\\|b |'
    """
    rows = [
        [stamp(value) if isinstance(value, pd.Timestamp) else safe(value) for value in row]
        for row in frame.head(ROWS).itertuples(index=False, name=None)
    ]
    left = len(frame) - len(rows)
    return [*table([safe(name) for name in frame.columns], rows), *_more(left)]


def bullets(entries: Iterable[str]) -> list[str]:
    """Return the lines of a list of texts that are safe already.

    Examples
    --------
    >>> bullets(["one", "two"])
    ['- one', '- two']
    """
    return [f"- {each}" for each in entries]


def _unlinked(line: str) -> str:
    """Break what some dialects make a link of by itself: addresses of pages and of people."""
    line = line.replace("://", "&#58;//").replace("@", "&#64;")
    return re.sub(r"(?i)\b(www)\.", r"\1&#46;", line)


def _more(left: int) -> list[str]:
    return ["", f"and {left:,} more"] if left else []
