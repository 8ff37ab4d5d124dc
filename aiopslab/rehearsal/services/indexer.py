"""Re-embeds documents that have changed and writes them to the retriever, every few seconds."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.routing import Route

from aiopslab.rehearsal.embedding import Embedding, indexed
from aiopslab.rehearsal.services.app import DownstreamError, Service

_EVERY_S = 4.0


class Indexer:
    """What is known to have changed, and what of it is written."""

    def __init__(self, service: Service) -> None:
        self.service, self.embedding = service, Embedding()
        self.pending: dict[str, dict[str, Any]] = {}
        self.seen, self.writing = time.time(), True
        metrics = service.metrics
        metrics.gauge("index_document_age_seconds", "The oldest change not yet indexed.", self.age)
        metrics.gauge("index_document_pending", "Changes to index.", lambda: len(self.pending))
        self.indexed = metrics.counter("index_document_indexed", "Documents indexed.")
        self.runs = metrics.counter("index_runs", "Runs, whether they succeeded or not.")
        self.failed = metrics.counter("index_runs_failed", "Runs that failed.")
        self.duration = metrics.histogram("index_run_duration_seconds", "A run.")

    def age(self) -> float:
        """Seconds for which the longest-waiting change has waited; 0 where none waits."""
        since = min((each["updated"] for each in self.pending.values()), default=None)
        return 0.0 if since is None else time.time() - since

    async def run(self) -> None:
        """Look for changes and index them."""
        changed = await self.service.call("database", "GET", f"/changes/{self.seen:.6f}")
        for each in changed:
            # Of two revisions the older one tells how long the index has been behind.
            before = self.pending.get(each["id"], each)
            self.pending[each["id"]] = {**each, "updated": before["updated"]}
            self.seen = max(self.seen, each["updated"])
        if not self.pending or not self.writing:
            return
        documents = list(self.pending.values())
        vectors = self.embedding.encode(
            [indexed(each["title"], each["text"]) for each in documents]
        )
        body = {
            "ids": [each["id"] for each in documents],
            "topics": [each["topic"] for each in documents],
            "vectors": vectors.tolist(),
        }
        await self.service.call("retriever", "PUT", "/vectors", body)
        self.pending.clear()
        self.indexed.inc(len(documents))
        self.service.log.info("indexed %d changed documents", len(documents))

    async def loop(self) -> None:
        """Run at intervals, for ever."""
        while True:
            await asyncio.sleep(_EVERY_S)
            self.runs.inc()
            with self.service.tracer.start_as_current_span("index run"), self.duration.time():
                try:
                    await self.run()
                except DownstreamError as error:
                    self.failed.inc()
                    self.service.log.error("index run failed: %s", error)

    @asynccontextmanager
    async def stale(self) -> AsyncIterator[None]:
        """Go on looking for changes, and write none."""
        self.writing = False
        try:
            yield
        finally:
            self.writing = True


def build(service: Service) -> Sequence[Route]:
    """Return what the service answers: nothing but its metrics."""
    indexer = Indexer(service)
    service.tasks.append(indexer.loop())
    service.effects["stale_index"] = lambda _: indexer.stale()
    return []
