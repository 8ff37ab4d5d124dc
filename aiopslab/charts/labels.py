"""Text from logs, services and people, made fit to stand in a figure."""

import textwrap
from html import escape

import pandas as pd

WHOLE = 1_000  # characters: what is longer than a screen is not read in a hover box
HOVER_WIDTH = 46  # characters to a line, so that a hover box fits a telephone


def label(text: object, width: int = WHOLE) -> str:
    """Return text on one line, at most `width` characters of it, that plotly shows as it is.

    Parameters
    ----------
    text
        Anything; what is missing is an empty text.
    width
        Characters, at least 1; what is longer ends in an ellipsis.

    Returns
    -------
    str
        With ``&``, ``<``, ``>`` and quotes escaped, since plotly reads some HTML, and ``$``, since
        it hands what stands between two of them to MathJax. Characters that do not print, such as
        those that turn the direction of writing, are left out.

    Examples
    --------
    >>> label("timeout <b>after</b> 5 s", 21)
    'timeout &lt;b&gt;after&lt;/b&gt;…'
    """
    return _escaped(_cut(_printable(text), width))


def shortened(name: object, width: int) -> str:
    """Return the name of a service as `label` does, but with both its ends.

    Names that differ at the end only, as those of one namespace do, stay apart. A width is at
    least 3.

    Examples
    --------
    >>> shortened("ts-order-other-service", 15)
    'ts-orde…service'
    """
    text = _printable(name)
    if len(text) > width:
        text = f"{text[: width // 2]}…{text[-((width - 1) // 2) :]}"
    return _escaped(text)


def wrapped(*lines: object) -> str:
    """Return lines of text for a hover box, each broken where it is too wide.

    Examples
    --------
    >>> wrapped("auth", None, "a < b")
    'auth<br>a &lt; b'
    """
    texts = (_cut(_printable(line), WHOLE) for line in lines)
    return "<br>".join(_escaped(part) for text in texts if text for part in _parts(text))


def _parts(text: str) -> list[str]:
    """Break a text on one line where it is too wide."""
    return [text] if len(text) <= HOVER_WIDTH else textwrap.wrap(text, HOVER_WIDTH)


def joined(*parts: object) -> str:
    """Return the parts that are there, in one text, not yet escaped.

    Examples
    --------
    >>> joined("deploy", None, "v2", "")
    'deploy · v2'
    """
    return " · ".join(str(part) for part in parts if not _is_missing(part) and part != "")


def _printable(text: object) -> str:
    if _is_missing(text):
        return ""
    on_one_line = " ".join(str(text)[: 4 * WHOLE].split())
    return "".join(letter for letter in on_one_line if letter.isprintable())


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value  # noqa: PLR0124


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def _escaped(text: str) -> str:
    return escape(text).replace("$", "&#36;")
