"""Ingestion: an index brought to a corpus, of which only texts that are new are embedded.

What is there is compared with what should be, chunk by chunk, so that a run that was killed leaves
nothing to undo: the next one does the rest. The manifest is written last.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.exact import Mask, Singles
from aiopslab.retrieval.index import PAGE, Index
from aiopslab.retrieval.manifest import Manifest, documents_of
from aiopslab.retrieval.records import are_own, checksums, metadata_of, prepared, units

BATCH = 256  # texts embedded between two writes: what a run that is killed loses at most

Report = Callable[["Ingestion"], object]


@dataclass
class Ingestion:
    """How far an ingestion is, and in the end what it did.

    Parameters
    ----------
    total
        Chunks of the corpus.
    kept
        That were there as they should be.
    described
        Of which metadata changed only.
    moved
        That came to another place or document with the same text: their vectors are kept.
    embedded
        Whose text was new.
    removed
        That were in the index, and are not in the corpus at their place any more.
    damaged
        Whose vector was lost or another's; the index then was built anew.
    tokens
        Of the texts that were embedded; ``None`` where the embedder counts none.
    seconds
        Since it began.

    Examples
    --------
    >>> print(Ingestion(total=9, kept=6, moved=1, embedded=2, seconds=1.5))
    9 of 9 chunks: 6 kept, 1 moved, 2 embedded; 0 removed; 1.5 s
    """

    total: int
    kept: int = 0
    described: int = 0
    moved: int = 0
    embedded: int = 0
    removed: int = 0
    damaged: int = 0
    tokens: int | None = None
    seconds: float = 0.0
    _began: float = field(default_factory=time.monotonic, repr=False)

    @property
    def done(self) -> int:
        """Chunks of the corpus that are in the index as they should be."""
        return self.kept + self.described + self.moved + self.embedded

    def __str__(self) -> str:
        counts = {"kept": self.kept, "described anew": self.described}
        counts |= {"moved": self.moved, "embedded": self.embedded}
        told = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
        damaged = f"; {self.damaged:,} were damaged" if self.damaged else ""
        return (
            f"{self.done:,} of {self.total:,} chunks: {told or 'none yet'}; "
            f"{self.removed:,} removed{damaged}; {self.seconds:.1f} s"
        )


def ingest(
    index: Index,
    documents: pd.DataFrame,
    chunks: pd.DataFrame,
    chunking: str,
    *,
    report: Report | None = None,
) -> Ingestion:
    """Bring an index to a corpus.

    Parameters
    ----------
    index
        Opened to be written.
    documents
        All of the corpus: ``document, content_hash, modified``, and further columns as metadata.
    chunks
        All that they were cut into: ``chunk, document, start, end, text, section``.
    chunking
        The name of how they were cut.
    report
        Called after each write with how far it is.

    Returns
    -------
    Ingestion
        What was done; the index then holds these chunks and no others, each vector read back.

    Raises
    ------
    RetrievalError
        If the tables do not fit, the corpus is empty and the index is not, or the server goes away:
        what was written then is kept, and the same call does the rest.

    Notes
    -----
    Chunks that leave are removed after those that come were written, so that whoever searches
    meanwhile misses nothing; where an index is damaged it is emptied first. Through a server one
    ingestion of a collection at a time: two would remove what the other has just written.
    """
    embedder = index.embedder
    if embedder is None:
        raise RetrievalError(
            f"{index.address} was opened without an embedder", "Open it by open_index."
        )
    wanted = prepared(chunks, documents)
    if not len(documents) and len(index):
        raise RetrievalError(
            f"the corpus is empty, and {index.address} holds {len(index):,} chunks",
            "Check its path. To empty an index, delete its collection.",
        )
    told = Ingestion(len(wanted), tokens=0 if hasattr(embedder, "count_tokens") else None)
    writer = _Writer(index, told, report)
    stored = index.chunks()
    stored, spare = writer.sound(stored, wanted)
    places = pd.Index(stored["chunk"]).get_indexer(wanted["chunk"])
    there = places >= 0
    writer.describe(wanted[there], stored.iloc[places[there]])
    new = wanted[~there]
    known = new["text_hash"].isin(spare.keys()).to_numpy()
    writer.move(new[known], spare)
    writer.embed(new[~known])
    writer.remove(stored.loc[~stored["chunk"].isin(wanted["chunk"]), "chunk"].tolist())
    index.keep(_manifest(index, documents, wanted, chunking))
    writer.tell()
    return told


@dataclass
class _Writer:
    """Writes to an index and counts it."""

    index: Index
    told: Ingestion
    report: Report | None

    def tell(self) -> None:
        self.told.seconds = time.monotonic() - self.told._began
        if self.report is not None:
            self.report(self.told)

    def sound(
        self, stored: pd.DataFrame, wanted: pd.DataFrame
    ) -> tuple[pd.DataFrame, dict[str, Any]]:
        """Return the records that are there and whole, and vectors of texts that come elsewhere.

        A store that lost vectors has lost its order too, and may break when it is written to: it
        is emptied, and what can be read of it is written anew.
        """
        whole = self._whole(stored)
        good = stored[whole]
        if not whole.all():
            self.told.damaged = int((~whole).sum())
            spare = self._vectors(good[good["text_hash"].isin(wanted["text_hash"])])
            self.index.recreate()
            return good.iloc[:0], spare
        new = wanted.loc[~wanted["chunk"].isin(stored["chunk"]), "text_hash"]
        return good, self._vectors(good[good["text_hash"].isin(new)])

    def _whole(self, stored: pd.DataFrame) -> Mask:
        whole = np.zeros(len(stored), dtype=np.bool_)
        for first in range(0, len(stored), PAGE):
            part = stored.iloc[first : first + PAGE]
            vectors, readable = self.index.vectors(part["chunk"].tolist())
            own = readable & are_own(vectors, part["checksum"])
            # Without a checksum nobody can tell, and without the hash of its text neither.
            marked = part[["checksum", "text_hash"]].notna().all(axis=1).to_numpy()
            whole[first : first + PAGE] = own & marked
        return whole

    def _vectors(self, records: pd.DataFrame) -> dict[str, Any]:
        once = records.drop_duplicates("text_hash")
        vectors, _ = self.index.vectors(once["chunk"].tolist())
        return dict(zip(once["text_hash"], vectors, strict=True))

    def describe(self, wanted: pd.DataFrame, stored: pd.DataFrame) -> None:
        """Write the metadata that differ."""
        told = wanted.assign(checksum=stored["checksum"].to_numpy())
        names = sorted({*told.columns, *stored.columns} - {"chunk", "text"})
        before, after = metadata_of(stored), metadata_of(told)
        differs = np.array([one != other for one, other in zip(before, after, strict=True)], bool)
        self.told.kept += int((~differs).sum())
        for part in _parts(told[differs], PAGE):
            self.index.describe(part, names)
            self.told.described += len(part)
            self.tell()

    def move(self, chunks: pd.DataFrame, spare: dict[str, Any]) -> None:
        """Write chunks whose text has a vector already."""
        for part in _parts(chunks, PAGE):
            self._write(part, np.stack([spare[each] for each in part["text_hash"]]))
            self.told.moved += len(part)
            self.tell()

    def embed(self, chunks: pd.DataFrame) -> None:
        """Embed each distinct text once, and write the chunks."""
        embedder: Any = self.index.embedder
        codes, _ = pd.factorize(chunks["text_hash"])
        # All chunks of a text stand together, and so does what is embedded at a time.
        order = np.argsort(codes, kind="stable")
        chunks, codes = chunks.iloc[order], codes[order]
        for first in range(0, int(codes.max(initial=-1)) + 1, BATCH):
            here = (codes >= first) & (codes < first + BATCH)
            part, own = chunks[here], codes[here] - first
            texts = part["text"].iloc[np.unique(own, return_index=True)[1]].tolist()
            vectors = units(embedder.embed(texts), texts, embedder.dimensions)
            self._write(part, vectors[own])
            self.told.embedded += len(part)
            if self.told.tokens is not None:
                self.told.tokens += int(np.sum(embedder.count_tokens(texts)))
            self.tell()

    def _write(self, chunks: pd.DataFrame, vectors: Singles) -> None:
        self.index.upsert(chunks.assign(checksum=checksums(vectors)), vectors)

    def remove(self, chunks: list[str]) -> None:
        for first in range(0, len(chunks), PAGE):
            self.index.delete(chunks[first : first + PAGE])
            self.told.removed += len(chunks[first : first + PAGE])
            self.tell()


def _parts(chunks: pd.DataFrame, size: int) -> Iterator[pd.DataFrame]:
    for first in range(0, len(chunks), size):
        yield chunks.iloc[first : first + size]


def _manifest(
    index: Index, documents: pd.DataFrame, wanted: pd.DataFrame, chunking: str
) -> Manifest:
    before = index.manifest()
    since: dict[tuple[str, str], pd.Timestamp] = {}
    if before is not None:
        old = before.documents
        keys = zip(old["document"], old["content_hash"], strict=True)
        since = dict(zip(keys, old["ingested"], strict=True))
    now = pd.Timestamp.now(tz="UTC").floor("s")
    count = wanted["document"].value_counts().reindex(documents["document"], fill_value=0)
    rows = [
        (name, content, modified, int(chunks), since.get((name, content), now))
        for name, content, modified, chunks in zip(
            documents["document"],
            documents["content_hash"],
            documents["modified"],
            count,
            strict=True,
        )
    ]
    assert index.embedder is not None
    return Manifest(chunking, index.embedder.name, documents_of(rows))
