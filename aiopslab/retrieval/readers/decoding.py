"""Text from bytes of an encoding that is said, seen, or guessed, and then told."""

import codecs
import re

from aiopslab.retrieval.readers.reading import Unreadable

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark is the beginning of it
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_STATED = re.compile(rb"(?:charset|coding)[=:]\s*[\"']?([-\w.]+)", re.IGNORECASE)
_HEAD = 2048  # bytes in which a file says how it is encoded


def decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    r"""Decode a file; line ends become ``\n``.

    By its byte order mark, else as UTF-8, else as its head says (``charset=``, ``coding:``). What
    is none of these is UTF-8 with mistakes where most of what is not ASCII is right, and otherwise
    Windows-1252, which is what old files in western languages are.

    Parameters
    ----------
    content
        Its bytes.

    Returns
    -------
    tuple of str and tuple of str
        The text, and what had to be guessed.

    Raises
    ------
    Unreadable
        If these bytes are no text.

    Examples
    --------
    >>> decoded("naïve\r\n".encode())
    ('naïve\n', ())
    >>> decoded("naïve".encode("cp1252"))
    ('naïve', ('not UTF-8, taken as Windows-1252',))
    """
    text, troubles = _decoded(content)
    return text.replace("\r\n", "\n").replace("\r", "\n"), troubles


def _decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            text = content[len(mark) :].decode(encoding, "replace")
            return text, _replaced(text, f"not wholly {encoding.upper()}")
    if b"\0" in content[:_HEAD]:
        raise Unreadable("binary, not text")
    try:
        return content.decode("utf-8"), ()
    except UnicodeDecodeError:
        pass
    stated = _STATED.search(content[:_HEAD])
    if stated:
        try:
            return content.decode(stated[1].decode("ascii", "replace")), ()
        except (LookupError, UnicodeError):
            pass
    text = content.decode("utf-8", "replace")
    right = len(text) - sum(map(text.count, map(chr, range(128)))) - text.count("\ufffd")
    if right > text.count("\ufffd"):
        return text, _replaced(text, "not wholly UTF-8")
    return content.decode("cp1252", "replace"), ("not UTF-8, taken as Windows-1252",)


def _replaced(text: str, what: str) -> tuple[str, ...]:
    lost = text.count("\ufffd")
    return (f"{what}, {lost} characters replaced",) if lost else ()
