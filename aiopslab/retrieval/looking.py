"""Looking at an index: whether it is sound, and as its sources are."""

from pathlib import Path

from aiopslab.retrieval.chroma import read_index
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.freshness import Freshness, staleness
from aiopslab.retrieval.health import Health, check


def look_at(url: str | Path, corpus: Corpus) -> tuple[Health, Freshness]:
    """Check an index, and hold it against its sources.

    Parameters
    ----------
    url
        As of `chroma.read_index`.
    corpus
        The sources as they are now.

    Raises
    ------
    RetrievalError
        If there is no such index, or its store cannot be asked.
    """
    with read_index(url) as index:
        return check(index), staleness(corpus.documents, index.manifest())
