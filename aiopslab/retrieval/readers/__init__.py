"""Readers: text and headings from a file, one module a format.

A reader takes the label and the bytes of a file and returns a `Reading`, or raises `Unreadable`.
"""

from collections.abc import Callable
from pathlib import PurePosixPath

from aiopslab.retrieval.readers import html, markdown, notebook, pdf, plain, python
from aiopslab.retrieval.readers.reading import Reading, Unreadable

__all__ = ["READERS", "Reading", "Unreadable", "reader_of"]

Reader = Callable[[str, bytes], Reading]

READERS: dict[str, Reader] = {
    ".md": markdown.read,
    ".markdown": markdown.read,
    ".mdx": markdown.read,
    ".html": html.read,
    ".htm": html.read,
    ".xhtml": html.read,
    ".txt": plain.read,
    ".text": plain.read,
    ".rst": plain.read,
    ".pdf": pdf.read,
    ".ipynb": notebook.read,
    ".py": python.read,
}


def reader_of(label: str) -> Reader | None:
    """Return the reader of a file by its name; ``None`` where there is none.

    Examples
    --------
    >>> reader_of("docs/Setup.MD").__module__
    'aiopslab.retrieval.readers.markdown'
    """
    return READERS.get(PurePosixPath(label.lower()).suffix)
