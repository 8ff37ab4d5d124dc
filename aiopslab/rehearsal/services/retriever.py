"""Finds the documents nearest to a question, in a Chroma collection with our own vectors."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import chromadb
from chromadb.config import Settings as ChromaSettings
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiopslab.rehearsal import corpus
from aiopslab.rehearsal.embedding import Embedding, indexed
from aiopslab.rehearsal.services.app import Service

_KEPT_IN_SNAPSHOT = 0.45


class Index:
    """The vectors that are served, and when they were last written."""

    def __init__(self, folder: str, embedding: Embedding) -> None:
        client = chromadb.PersistentClient(
            folder, settings=ChromaSettings(anonymized_telemetry=False)
        )
        cosine: Any = {"hnsw": {"space": "cosine"}}
        self._live = client.get_or_create_collection(
            "documents", embedding_function=None, configuration=cosine
        )
        self._snapshot = client.get_or_create_collection(
            "snapshot", embedding_function=None, configuration=cosine
        )
        self.serving, self.written = self._live, time.time()
        documents = corpus.documents()
        if not self._live.count():
            vectors = embedding.encode([indexed(each.title, each.text) for each in documents])
            self._upsert(self._live, documents, vectors.tolist())
            old = int(len(documents) * _KEPT_IN_SNAPSHOT)
            # Every other document, so that the snapshot knows every topic, but none of them well.
            order = [*range(0, len(documents), 2), *range(1, len(documents), 2)][:old]
            self._upsert(
                self._snapshot,
                [documents[each] for each in order],
                [vectors[each].tolist() for each in order],
            )

    def _upsert(
        self, collection: Any, documents: Sequence[corpus.Document], vectors: list[list[float]]
    ) -> None:
        collection.upsert(
            ids=[each.id for each in documents],
            embeddings=vectors,
            metadatas=[{"topic": each.topic} for each in documents],
        )

    @property
    def age_s(self) -> float:
        """Seconds since the vectors that are served were written."""
        return time.time() - self.written

    def count(self) -> int:
        """Return how many documents are served."""
        return int(self.serving.count())

    def write(self, ids: list[str], topics: list[str], vectors: list[list[float]]) -> None:
        """Write vectors; while an old snapshot is served they are not seen."""
        metadatas: Any = [{"topic": topic} for topic in topics]
        self._live.upsert(ids=ids, embeddings=vectors, metadatas=metadatas)
        if self.serving is self._live:
            self.written = time.time()

    def nearest(
        self, vector: list[float], topic: str | None, count: int
    ) -> list[tuple[str, float]]:
        """Return ids and cosine similarities, the nearest first."""
        where: Any = {"topic": topic} if topic else None
        found = self.serving.query(
            query_embeddings=[vector], n_results=count, where=where, include=["distances"]
        )
        distances = found["distances"] or [[]]
        return [
            (identity, 1 - distance)
            for identity, distance in zip(found["ids"][0], distances[0], strict=True)
        ]

    @asynccontextmanager
    async def stale(self) -> AsyncIterator[None]:
        """Serve the old snapshot, which fewer than half of the documents are in."""
        self.serving = self._snapshot
        try:
            yield
        finally:
            self.serving, self.written = self._live, time.time()


def build(service: Service) -> Sequence[Route]:
    """Return what the service answers."""
    embedding = Embedding()
    index = Index(str(service.settings.folder / "chroma"), embedding)
    metrics = service.metrics
    metrics.gauge("index_age_seconds", "Since the index was written.", lambda: index.age_s)
    metrics.gauge("index_documents", "Documents served.", index.count)
    searches = metrics.counter("retrieval_searches", "Searches that found something.")
    top_score = metrics.counter("retrieval_top_score", "Sum of the best similarity of each.")
    service.effects["stale_index"] = lambda _: index.stale()

    async def search(request: Request) -> Response:
        body = await request.json()
        with service.tracer.start_as_current_span("chroma query"):
            vector = embedding.encode([body["question"]])[0].tolist()
            hits = index.nearest(vector, body["topic"], body["count"])
        if hits:
            searches.inc()
            top_score.inc(max(hits[0][1], 0.0))
            if hits[0][1] < 0.25:
                service.log.warning("weak match: best similarity %.2f", hits[0][1])
        ids = [identity for identity, _ in hits]
        texts = await service.call("database", "POST", "/documents", {"ids": ids})
        scores = dict(hits)
        service.log.info("search in %s found %d documents", body["topic"] or "all", len(texts))
        return JSONResponse([{**each, "score": scores[each["id"]]} for each in texts])

    async def write(request: Request) -> Response:
        body = await request.json()
        index.write(body["ids"], body["topics"], body["vectors"])
        return JSONResponse({"written": len(body["ids"])})

    return [
        Route("/search", search, methods=["POST"]),
        Route("/vectors", write, methods=["PUT"]),
    ]
