"""PDF: the text of its pages, each a section."""

import io

from aiopslab.retrieval.readers.reading import Reading, Unreadable, instant
from aiopslab.retrieval.sections import Heading


def read(label: str, content: bytes) -> Reading:
    """Read the text layer; a page that cannot be read leaves the others.

    Raises
    ------
    Unreadable
        If it is encrypted with a password, or is no PDF.
    """
    from pypdf import PdfReader

    try:
        document = PdfReader(io.BytesIO(content))
        if document.is_encrypted and not document.decrypt(""):
            raise Unreadable("encrypted")
        pages = list(document.pages)
    except Unreadable:
        raise
    except Exception as error:  # broken files raise whatever their parts lead to
        raise Unreadable(f"not a whole PDF: {error}") from None
    text, headings, troubles = "", [], []
    for number, page in enumerate(pages, start=1):
        try:
            words = page.extract_text().strip()
        except Exception:
            troubles.append(f"page {number} cannot be read")
            continue
        if words:
            text += "\n\n" if text else ""
            headings.append(Heading(len(text), 1, f"page {number}"))
            text += words
    if pages and not text:
        troubles.append("no text layer, only pictures of pages")
    title, modified = _said(document)
    return Reading(
        text, tuple(headings), title, instant(modified), {"pages": len(pages)}, tuple(troubles)
    )


def _said(document: "object") -> tuple[str, object]:
    """Return the title and the time of modification, where there are any that can be read."""
    try:
        said = document.metadata  # type: ignore[attr-defined]
        return (said.title or "").strip(), said.modification_date
    except Exception:
        return "", None
