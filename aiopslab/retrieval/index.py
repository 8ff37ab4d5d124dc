"""Index: chunks and vectors in a collection of Chroma, written in parts, read and searched."""

import gc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from aiopslab.closing import Closing
from aiopslab.errors import RetrievalError
from aiopslab.models.embedder import Embedder
from aiopslab.retrieval import connection
from aiopslab.retrieval.connection import Address, asking
from aiopslab.retrieval.exact import Mask, Singles, check_depth
from aiopslab.retrieval.manifest import Manifest
from aiopslab.retrieval.records import chunks_of, metadata_of

PAGE = 1_000  # records read or written at a time: a failure costs little
ASKED = 100  # questions at a time
HITS = ["question", "rank", "chunk", "document", "start", "end", "score"]
MANIFEST = "aiopslab:manifest"


class Index(Closing):
    """Chunks with their vectors, in a collection of Chroma.

    Made by `chroma.open_index` and `chroma.read_index`; to be closed, or used in a ``with``.

    Parameters
    ----------
    address
        Where the collection is.
    embedder
        That made its vectors; without one, questions can only be asked as vectors.
    client, collection
        Of Chroma.
    release
        Called when it is closed.
    """

    def __init__(
        self,
        address: Address,
        embedder: Embedder | None,
        client: Any,
        collection: Any,
        release: Callable[[], object],
    ) -> None:
        self.address, self.embedder = address, embedder
        self._client, self._collection, self._release = client, collection, release
        with asking(address):
            self._most = min(PAGE, client.get_max_batch_size())

    def __len__(self) -> int:
        with asking(self.address):
            return int(self._collection.count())

    @property
    def distance(self) -> str:
        """The metric of the collection: ``cosine``, ``l2`` or ``ip``."""
        return connection.distance_of(self._collection)

    @property
    def made_by(self) -> tuple[str | None, int | None]:
        """The name and the dimensions of the model that it says it was made with."""
        return connection.made_by(self._collection)

    def chunks(self) -> pd.DataFrame:
        """Return all chunks that are stored, sorted by document and start.

        Returns
        -------
        pandas.DataFrame
            ``chunk, document, start, end, text, section, modified, content_hash, text_hash,
            checksum`` and the further metadata; a field that a record lacks is missing.
        """
        ids: list[str] = []
        texts: list[str | None] = []
        metadata: list[Mapping[str, Any] | None] = []
        for offset in range(0, len(self), PAGE):
            with asking(self.address):
                page = self._collection.get(
                    include=["documents", "metadatas"], limit=PAGE, offset=offset
                )
            ids += page["ids"]
            texts += page["documents"]
            metadata += page["metadatas"]
        return chunks_of(ids, texts, metadata)

    def vectors(self, chunks: Sequence[str]) -> tuple[Singles, Mask]:
        """Return the vectors of chunks, and which of them can be read.

        Parameters
        ----------
        chunks
            Their ids.

        Returns
        -------
        tuple of ndarray
            ``(chunks, dimensions)``, zero where there is none to be read; and ``(chunks,)``.
        """
        found: dict[str, Any] = {}
        for first in range(0, len(chunks), PAGE):
            self._read(list(chunks[first : first + PAGE]), found)
        readable = np.array([each in found for each in chunks], dtype=np.bool_)
        width = len(next(iter(found.values()))) if found else (self.made_by[1] or 0)
        vectors = np.zeros((len(chunks), width), dtype=np.float32)
        for row in np.flatnonzero(readable).tolist():
            vectors[row] = found[chunks[row]]
        return vectors, readable

    def _read(self, chunks: list[str], found: dict[str, Any]) -> None:
        """Read vectors; where any of them fails all do, so that halves are tried."""
        from chromadb.errors import InternalError

        try:
            with asking(self.address):
                page = self._collection.get(ids=chunks, include=["embeddings"])
        except RetrievalError as error:
            if not isinstance(error.__cause__, InternalError):
                raise
            if len(chunks) > 1:
                middle = len(chunks) // 2
                self._read(chunks[:middle], found)
                self._read(chunks[middle:], found)
            return
        if page["ids"]:
            found.update(zip(page["ids"], page["embeddings"], strict=True))

    def upsert(self, chunks: pd.DataFrame, vectors: Singles) -> None:
        """Write chunks with their vectors; those of the same id are replaced.

        Parameters
        ----------
        chunks
            As `records.prepared` returns them.
        vectors
            ``(chunks, dimensions)``, of unit length.
        """
        for first in range(0, len(chunks), self._most):
            part = chunks.iloc[first : first + self._most]
            with asking(self.address):
                self._collection.upsert(
                    ids=part["chunk"].tolist(),
                    embeddings=vectors[first : first + self._most],
                    documents=part["text"].tolist(),
                    metadatas=metadata_of(part),
                )

    def describe(self, chunks: pd.DataFrame, without: Sequence[str] = ()) -> None:
        """Write the metadata of chunks that are stored, and leave text and vector as they are.

        Parameters
        ----------
        chunks
            As `records.prepared` returns them.
        without
            Fields that are taken away where a chunk has none.
        """
        gone = dict.fromkeys(without)
        for first in range(0, len(chunks), self._most):
            part = chunks.iloc[first : first + self._most]
            with asking(self.address):
                self._collection.update(
                    ids=part["chunk"].tolist(),
                    metadatas=[gone | each for each in metadata_of(part)],
                )

    def delete(self, chunks: Sequence[str]) -> None:
        """Remove chunks by their ids; those that are not there are no error."""
        for first in range(0, len(chunks), self._most):
            with asking(self.address):
                self._collection.delete(ids=list(chunks[first : first + self._most]))

    def recreate(self) -> None:
        """Remove everything, the manifest too: what has lost vectors cannot be trusted."""
        if self.embedder is None:
            raise self._needs_embedder("building an index anew")
        with asking(self.address):
            self._client.delete_collection(self._collection.name)
        self._collection = connection.create(self._client, self.address, self.embedder)

    def manifest(self) -> Manifest | None:
        """Return what the last ingestion that came to its end put in; None before the first."""
        with asking(self.address):
            fresh = self._client.get_collection(self._collection.name, embedding_function=None)
        text = (fresh.metadata or {}).get(MANIFEST)
        return None if text is None else Manifest.read(text)

    def keep(self, manifest: Manifest) -> None:
        """Write the manifest, in one transaction."""
        with asking(self.address):
            metadata = dict(self._collection.metadata or {}) | {MANIFEST: manifest.written()}
            self._collection.modify(metadata=metadata)

    def nearest(
        self, vectors: Singles, k: int, where: Mapping[str, Any] | None = None
    ) -> list[list[tuple[str, float, Mapping[str, Any]]]]:
        """Return the chunks nearest to vectors, by Chroma's approximate index.

        Parameters
        ----------
        vectors
            ``(questions, dimensions)``.
        k
            Hits of each at most.
        where
            A filter by metadata, in Chroma's words, e.g. ``{"document": "a.md"}``.

        Returns
        -------
        list
            One a vector: chunk, cosine and metadata of each hit, the best first.
        """
        check_depth(k)
        told = []
        for first in range(0, len(vectors), ASKED):
            with asking(self.address):
                page = self._collection.query(
                    query_embeddings=vectors[first : first + ASKED],
                    n_results=k,
                    where=dict(where) if where else None,
                    include=["distances", "metadatas"],
                )
            for ids, distances, metadata in zip(
                page["ids"], page["distances"], page["metadatas"], strict=True
            ):
                scores = [1 - float(each) for each in distances]
                told.append(list(zip(ids, scores, metadata, strict=True)))
        return told

    def search(
        self, questions: pd.DataFrame, k: int, where: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return the hits of questions.

        Parameters
        ----------
        questions
            ``question, text``.
        k, where
            As of `nearest`.

        Returns
        -------
        pandas.DataFrame
            ``question, rank, chunk, document, start, end, score``, rank from 1; the score is the
            cosine.

        Raises
        ------
        RetrievalError
            If the index was opened without an embedder, or the server does not answer.
        """
        if self.embedder is None:
            raise self._needs_embedder("search by text")
        vectors = np.asarray(self.embedder.embed(questions["text"].tolist()), dtype=np.float32)
        rows = [
            (question, rank, chunk, *(metadata.get(name) for name in HITS[3:6]), score)
            for question, hits in zip(
                questions["question"], self.nearest(vectors, k, where), strict=True
            )
            for rank, (chunk, score, metadata) in enumerate(hits, 1)
        ]
        return pd.DataFrame(rows, columns=HITS)

    def close(self) -> None:
        """Let go of the store; a second time does nothing."""
        if self._client is None:
            return
        self._client.close()
        self._client = self._collection = None
        gc.collect()  # Chroma's files stay open for as long as any of its objects
        self._release()

    def _needs_embedder(self, what: str) -> RetrievalError:
        return RetrievalError(
            f"{what} needs an embedder, and {self.address} was opened without one",
            "Pass the one that it was made with.",
        )
