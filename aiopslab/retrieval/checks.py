"""Checks: what can be wrong with the chunks and vectors of a store, one by one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.findings import Effect, Level
from aiopslab.models.embedder import Embedder
from aiopslab.retrieval.exact import Mask, Singles
from aiopslab.retrieval.index import Index
from aiopslab.retrieval.manifest import Manifest
from aiopslab.retrieval.records import are_own, text_hash

EXAMPLES = 3
REPEATED = 0.05  # a share of chunks with the text of another that takes places among the hits
DIGITS = 6  # of vectors that are the same
INGEST = "Ingest the corpus again: what is damaged is built anew, what changed is embedded."
CHUNKING = "Cut the documents otherwise, and ingest them again."


@dataclass(frozen=True)
class Contents:
    """All that a store holds.

    Parameters
    ----------
    chunks
        As `Index.chunks` returns them.
    vectors, readable
        Of the chunks, and which can be read.
    count
        Of chunks, as the store tells it.
    manifest
        Of the last ingestion that came to its end; ``None`` where none did.
    distance
        ``cosine``, ``l2`` or ``ip``.
    dimensions
        That the vectors should have; ``None`` where nobody says.
    embedder
        That the index was opened with.
    """

    chunks: pd.DataFrame
    vectors: Singles
    readable: Mask
    count: int
    manifest: Manifest | None
    distance: str
    dimensions: int | None
    embedder: Embedder | None

    @classmethod
    def of(cls, index: Index) -> "Contents":
        """Read all of an index."""
        chunks = index.chunks()
        vectors, readable = index.vectors(chunks["chunk"].tolist())
        about = index.manifest(), index.distance, index.made_by[1], index.embedder
        return cls(chunks, vectors, readable, len(index), *about)


@dataclass(frozen=True)
class Check:
    """One check, and what it found.

    Parameters
    ----------
    name
        Of what it looks for.
    affected, of
        How many, among how many.
    worst
        How bad it is where there is any.
    claim
        What was found, as a sentence.
    action
        What mends it.
    examples
        Ids of a few.
    """

    name: str
    affected: int
    of: int
    worst: Level
    claim: str
    action: str
    examples: tuple[str, ...] = ()

    @property
    def severity(self) -> Level:
        """``ok`` where nothing was found."""
        return self.worst if self.affected else "ok"

    @property
    def share(self) -> float:
        """Affected, of all."""
        return self.affected / self.of if self.of else 0.0

    @property
    def effect(self) -> Effect:
        """The share in percent; no interval, since all were looked at."""
        return Effect("share", 100 * self.share, "%")


def checks(contents: Contents) -> tuple[Check, ...]:
    """Return all checks of what a store holds."""
    return (*_of_vectors(contents), *_of_records(contents), *_of_texts(contents))


def _of_vectors(contents: Contents) -> list[Check]:
    vectors, readable, chunks = contents.vectors, contents.readable, contents.chunks
    finite: Mask = np.asarray(np.isfinite(vectors).all(axis=1), dtype=np.bool_)
    zero = ~vectors.any(axis=1)
    own = are_own(np.where(finite[:, None], vectors, 0), chunks["checksum"])
    width, wanted = vectors.shape[1], contents.dimensions
    wrong = readable if wanted not in {None, width} else np.zeros_like(readable)
    return [
        _check(chunks, "unreadable vectors", ~readable, "act", "cannot be read", INGEST),
        _check(chunks, "vectors of others", readable & finite & ~own, "act",
               "have the vector of another", INGEST),
        _check(chunks, "vectors that are not finite", readable & ~finite, "act",
               "have a vector that is not finite", INGEST),
        _check(chunks, "zero vectors", readable & zero, "act",
               "have a vector without direction", INGEST),
        _check(chunks, "wrong dimensions", wrong, "act",
               f"have {width} dimensions where the model makes {wanted}", INGEST),
        _check(chunks, "vectors shared by different texts", _shared(contents), "watch",
               "have the vector of a chunk with another text",
               "See whether they differ only past what the model reads."),
    ]  # fmt: skip


def _of_records(contents: Contents) -> list[Check]:
    chunks, manifest = contents.chunks, contents.manifest
    twice = chunks["chunk"].duplicated().to_numpy()
    orphans, stale, missing = twice & False, twice & False, 0
    if manifest is not None:
        known = manifest.documents.set_index("document")
        orphans = ~chunks["document"].isin(known.index).to_numpy()
        current = chunks["document"].map(known["content_hash"])
        stale = ~orphans & (chunks["content_hash"] != current).to_numpy()
        there = chunks["document"].value_counts().reindex(known.index, fill_value=0)
        missing = int((known["chunks"] - there).clip(lower=0).sum())
    counted = abs(contents.count - len(chunks))
    never = int(manifest is None)
    return [
        Check("missing chunks", missing, manifest.chunks if manifest else 0, "act",
              f"{missing:,} chunks of the manifest are not in the index.", INGEST),
        Check("miscounted chunks", counted, len(chunks), "act",
              f"The store counts {contents.count:,} chunks and hands out {len(chunks):,}.", INGEST),
        Check("no manifest", never, 1, "watch", "No ingestion came to its end.", INGEST),
        Check("distance", int(contents.distance != "cosine"), 1, "watch",
              f"Vectors are compared by {contents.distance!r} instead of cosine.",
              "Ingest into another collection: its distance is set when it is made."),
        _check(chunks, "duplicate ids", twice, "act", "have the id of another", INGEST),
        _check(chunks, "orphans", orphans, "watch",
               "are of documents that the manifest does not name", INGEST),
        _check(chunks, "stale chunks", stale, "watch",
               "are of another content of their document than the manifest names", INGEST),
    ]  # fmt: skip


def _of_texts(contents: Contents) -> list[Check]:
    chunks = contents.chunks
    texts = chunks["text"].fillna("").astype(str)
    empty = (texts.str.strip() == "").to_numpy()
    repeated = texts.duplicated().to_numpy() & ~empty
    hashes = np.array([text_hash(each) for each in texts], dtype=object)
    altered = (chunks["text_hash"].notna() & (chunks["text_hash"] != hashes)).to_numpy()
    level: Level = "watch" if repeated.sum() > REPEATED * len(chunks) else "ok"
    found = [
        _check(chunks, "altered texts", altered, "act",
               "have another text than was written", INGEST),
        _check(chunks, "empty chunks", empty, "watch", "have no text", CHUNKING),
        _check(chunks, "repeated texts", repeated, level, "repeat the text of another",
               "Leave out what stands on every page, such as menus and licences."),
    ]  # fmt: skip
    longest = getattr(contents.embedder, "max_tokens", None)
    count = getattr(contents.embedder, "count_tokens", None)
    if longest is not None and count is not None and len(chunks):
        over = np.asarray(count(texts.tolist())) > longest
        claim = f"are longer than the {longest} tokens that the model reads"
        found.append(_check(chunks, "oversize chunks", over, "watch", claim, CHUNKING))
    return found


def _check(
    chunks: pd.DataFrame, name: str, bad: npt.ArrayLike, worst: Level, claim: str, action: str
) -> Check:
    mask = np.asarray(bad, dtype=np.bool_)
    count = int(mask.sum())
    examples = chunks["chunk"].to_numpy()[mask][:EXAMPLES].tolist()
    told = f"{count:,} of {len(chunks):,} chunks {claim}."
    return Check(name, count, len(chunks), worst, told, action, tuple(examples))


def _shared(contents: Contents) -> Mask:
    """Tell which chunks have the vector of one whose text is another."""
    vectors = np.where(np.isfinite(contents.vectors), contents.vectors, 0)
    rounded = np.ascontiguousarray(vectors.round(DIGITS) + 0.0)  # no negative zeros
    keys: Sequence[bytes] = [row.tobytes() for row in rounded]
    table = pd.DataFrame({"key": keys, "text": contents.chunks["text"].to_numpy()})
    texts = table.groupby("key")["text"].transform("nunique").to_numpy()
    usable = contents.readable & vectors.any(axis=1)
    return np.asarray(usable & (texts > 1), dtype=np.bool_)
