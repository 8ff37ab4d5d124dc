"""Chroma: a store of chunks and their vectors, in a folder or at a server, opened by URL.

`open_index` writes, `read_index` reads. A folder has one writer by lock; whoever reads one reads a
copy taken under that lock. Everybody can read and write through a server.
"""

import gc
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiopslab.errors import RetrievalError
from aiopslab.models.embedder import Embedder
from aiopslab.retrieval import connection, snapshot
from aiopslab.retrieval.connection import Address
from aiopslab.retrieval.index import Index
from aiopslab.retrieval.writing import Hold


def open_index(url: str | Path, embedder: Embedder) -> Index:
    """Open an index to write it; it is made where it is not there.

    Parameters
    ----------
    url
        A folder, with ``#collection`` where it holds several, or
        ``chroma+http://host:port/collection``. A token for a server comes from the environment,
        ``AIOPSLAB_CHROMA_TOKEN``.
    embedder
        Of its chunks.

    Returns
    -------
    Index

    Raises
    ------
    RetrievalError
        If somebody else has the folder open, the server does not answer, or the index was made
        with another model or another distance.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> embedder = SimpleNamespace(name="none@1", dimensions=2, embed=lambda texts: None)
    >>> with tempfile.TemporaryDirectory() as parent, open_index(f"{parent}/x", embedder) as index:
    ...     len(index), index.distance
    (0, 'cosine')
    """
    if _is_registered(url):
        raise RetrievalError(
            f"{url} names what may be in use, which is not written",
            "Ingest into a collection of its own, and register that as the next version.",
        )
    address = Address.of(url)
    release = _nothing if address.folder is None else Hold(address.folder).release

    def find(client: Any) -> Any:
        return connection.create(client, address, embedder)

    return _opened(address, address.folder, embedder, find, release)


def read_index(url: str | Path, embedder: Embedder | None = None) -> Index:
    """Open an index to read it; of a folder, a copy of what it holds now.

    Parameters
    ----------
    url
        As of `open_index`; also ``indexes:/NAME@ALIAS`` of the registry in ``MLFLOW_TRACKING_URI``.
    embedder
        That questions are embedded by. Without one any collection of Chroma can be looked at,
        whoever made it.

    Returns
    -------
    Index

    Raises
    ------
    RetrievalError
        As of `open_index`, and if there is no such index.
    """
    if _is_registered(url):
        from aiopslab.retrieval.registry import read_version

        url = read_version(str(url)).address
    address = Address.of(url)
    folder, release = address.folder, _nothing
    if folder is not None:
        # Removed when the index is closed, or when nobody holds it any more.
        copy = tempfile.TemporaryDirectory(prefix="aiopslab-", ignore_cleanup_errors=True)
        folder, release = snapshot.take(folder, Path(copy.name) / "index"), copy.cleanup

    def find(client: Any) -> Any:
        return connection.find(client, address)

    return _opened(address, folder, embedder, find, release)


def _opened(
    address: Address,
    folder: Path | None,
    embedder: Embedder | None,
    find: Callable[[Any], Any],
    release: Callable[[], object],
) -> Index:
    client = None
    try:
        client = connection.connect(address, folder)
        collection = find(client)
        if embedder is not None:
            connection.check(collection, address, embedder)
        return Index(address, embedder, client, collection, release)
    except BaseException:
        if client is not None:
            client.close()
            gc.collect()
        release()
        raise


def _is_registered(url: str | Path) -> bool:
    return str(url).startswith("indexes:/")


def _nothing() -> None:
    """Let go of nothing: a server looks after its store itself."""
