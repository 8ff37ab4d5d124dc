"""A large index: what it takes to fill and to ask, beside exact search over the same vectors.

Its texts are those of the embedded handbook again and again, each with a number; their vectors are
those of MiniLM moved at random, so that copies lie as near to each other as like passages do.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.retrieval.approximation import recall_of_index
from aiopslab.retrieval.chroma import open_index
from aiopslab.retrieval.chunking import identity
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.embedding import default_embedders
from aiopslab.retrieval.exact import search
from aiopslab.retrieval.ingestion import ingest
from aiopslab.retrieval.library import embedded_corpus, embedded_questions
from benchmarks.drift.peers.measured import peak, reset_peak
from benchmarks.harness import Figure

CHUNKS = 100_000
A_DOCUMENT = 100  # chunks
MOVED = 0.6  # length of what is added to a vector: a copy has a cosine of .86 to its original
K, QUERIES, TIMED = 10, 200, 50
MB = 1e6


class Copies:
    """Gives a text with a number the vector of its original, moved as the number says."""

    name = "moved-copies@1"

    def __init__(self, originals: Sequence[str]) -> None:
        self._embedder = default_embedders()["minilm"]
        self._vectors = self._embedder.embed(originals)
        self.dimensions = self._vectors.shape[1]

    def embed(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        numbers = [int(text.rsplit("\n", 1)[1]) for text in texts]
        moved = np.stack([_direction(each, self.dimensions) for each in numbers])
        vectors = self._vectors[np.array(numbers) % len(self._vectors)] + MOVED * moved
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def embed_questions(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.asarray(self._embedder.embed(texts))


def figures() -> list[Figure]:
    return list(_figures())


def _figures() -> Iterator[Figure]:
    corpus = embedded_corpus("embedded:handbook")
    texts = Configuration().strategy().chunks(corpus)["text"].tolist()
    embedder, questions = Copies(texts), embedded_questions("embedded:questions", corpus.documents)
    queries = embedder.embed_questions(questions[0]["text"].tolist()[:QUERIES])
    documents, chunks = _tables(texts)
    size, load = f"{CHUNKS:,} chunks", os.getloadavg()[0]
    note = f"{size} of {embedder.dimensions} dimensions: passages of the handbook, moved at random"
    with tempfile.TemporaryDirectory() as root, open_index(Path(root), embedder) as index:
        reset_peak()
        before, wall, cpu = peak(), time.perf_counter(), time.process_time()
        ingest(index, documents, chunks, "copies")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        extra = peak() - before
        vectors = embedder.embed(chunks["text"].tolist())
        approximate = _milliseconds(lambda each: index.nearest(each, K), queries)
        exactly = _milliseconds(lambda each: search(each, vectors, K), queries)
        recalls = recall_of_index(index, chunks["chunk"].tolist(), vectors, queries, K)
        disk = sum(each.stat().st_size for each in Path(root).rglob("*") if each.is_file())
    yield Figure(
        f"{size}, ingestion", wall, "s", note=f"{note}; without embedding; load {load:.1f}"
    )
    yield Figure(f"{size}, ingestion, CPU", cpu, "CPU s")
    yield Figure(f"{size}, memory of the ingestion", extra, "MB", note="above the tables of chunks")
    yield Figure(f"{size}, index on disk", disk / MB, "MB")
    yield Figure(
        f"{size}, a query, median",
        approximate,
        "ms",
        peer=f"exact search: {exactly:.1f} ms",
        note=f"of {TIMED} one by one, k = {K}, question embedded before",
    )
    yield Figure(
        f"{size}, recall@{K} against exact search",
        float(recalls.mean()),
        note=f"{len(queries)} questions on the handbook, Chroma's settings by default",
    )


def _tables(texts: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows, whole = [], {}
    for first in range(0, CHUNKS, A_DOCUMENT):
        document, at, parts = f"copy-{first:07}.md", 0, []
        for number in range(first, min(first + A_DOCUMENT, CHUNKS)):
            text = f"{texts[number % len(texts)]}\n{number}"
            rows.append((document, at, at + len(text), text, ""))
            parts.append(text)
            at += len(text) + 1
        whole[document] = "\n".join(parts)
    chunks = pd.DataFrame(rows, columns=["document", "start", "end", "text", "section"])
    told = chunks[["document", "start", "end", "text"]].itertuples(index=False)
    chunks.insert(0, "chunk", [identity(*each) for each in told])
    hashes = [sha256(text.encode()).hexdigest() for text in whole.values()]
    documents = pd.DataFrame({"document": [*whole], "content_hash": hashes})
    return documents.assign(modified=pd.Timestamp("2026-01-01", tz="UTC")), chunks


def _direction(number: int, dimensions: int) -> npt.NDArray[np.float64]:
    drawn = np.random.default_rng(number).standard_normal(dimensions)
    return np.asarray(drawn / np.linalg.norm(drawn))


def _milliseconds(ask: Callable[[Any], Any], queries: npt.NDArray[np.float32]) -> float:
    """Return the median of questions that are asked one by one."""
    ask(queries[:1])
    taken = []
    for row in range(TIMED):
        started = time.perf_counter()
        ask(queries[row : row + 1])
        taken.append(time.perf_counter() - started)
    return 1e3 * float(np.median(taken))
