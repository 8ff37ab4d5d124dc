"""Plain text, in which nothing is marked."""

from aiopslab.retrieval.readers.decoding import decoded
from aiopslab.retrieval.readers.reading import Reading


def read(label: str, content: bytes) -> Reading:
    """Read a text."""
    text, troubles = decoded(content)
    return Reading(text, troubles=troubles)
