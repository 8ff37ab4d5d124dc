"""Users, documents and what was asked, in SQLite behind a bounded pool of connections."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from aiopslab.rehearsal import corpus
from aiopslab.rehearsal.services.app import Service

Row = TypeVar("Row")

_CONNECTIONS = 4
_PATIENCE_S = 1.2
_HOLDERS, _HELD_S = 9, 0.4
_SCHEMA = """
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS users (id TEXT PRIMARY KEY, department TEXT);
CREATE TABLE IF NOT EXISTS documents (
    id TEXT PRIMARY KEY, topic TEXT, title TEXT, text TEXT, revision INTEGER, updated REAL
);
CREATE INDEX IF NOT EXISTS documents_by_time ON documents (updated);
CREATE TABLE IF NOT EXISTS interactions (
    id TEXT PRIMARY KEY, asked REAL, user TEXT, question TEXT, answer TEXT, rating INTEGER
);
CREATE INDEX IF NOT EXISTS interactions_by_user ON interactions (user, asked);
"""


class PoolExhausted(Exception):  # noqa: N818 - the name that drivers give it
    """No connection became free in time."""


class Pool:
    """A fixed number of connections, lent one at a time, first come first served."""

    def __init__(self, path: Path, size: int) -> None:
        # A queue of connections would let who returns one take it again before those that wait.
        self._turn, self._free = asyncio.Semaphore(size), list[sqlite3.Connection]()
        self.size, self.pending = size, 0
        for _ in range(size):
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            connection.row_factory = sqlite3.Row
            self._free.append(connection)

    @property
    def used(self) -> int:
        """How many connections are lent."""
        return self.size - len(self._free)

    @asynccontextmanager
    async def connection(self, patience_s: float = _PATIENCE_S) -> AsyncIterator[Any]:
        """Lend a connection; raises `PoolExhausted` after `patience_s` of waiting."""
        self.pending += 1
        try:
            async with asyncio.timeout(patience_s):
                await self._turn.acquire()
        except TimeoutError:
            raise PoolExhausted(f"no connection within {patience_s:g} s") from None
        finally:
            self.pending -= 1
        connection = self._free.pop()
        try:
            yield connection
        finally:
            self._free.append(connection)
            self._turn.release()


@asynccontextmanager
async def hold_connections(pool: Pool) -> AsyncIterator[None]:
    """Sessions that queue for a connection like anyone else, and keep it while they idle."""

    async def hold() -> None:
        while True:
            async with pool.connection(patience_s=60):
                await asyncio.sleep(_HELD_S)

    holders = [asyncio.create_task(hold()) for _ in range(_HOLDERS)]
    try:
        yield
    finally:
        for holder in holders:
            holder.cancel()
        await asyncio.gather(*holders, return_exceptions=True)


def _fill(connection: sqlite3.Connection) -> None:
    connection.executescript(_SCHEMA)
    connection.executemany("INSERT OR IGNORE INTO users VALUES (?, ?)", corpus.users())
    connection.executemany(
        "INSERT OR IGNORE INTO documents VALUES (?, ?, ?, ?, 1, ?)",
        [(each.id, each.topic, each.title, each.text, time.time()) for each in corpus.documents()],
    )


def build(service: Service) -> Sequence[Route]:
    """Return what the service answers."""
    path = service.settings.folder / "assistant.db"
    with sqlite3.connect(path) as connection:
        _fill(connection)
    pool = Pool(path, _CONNECTIONS)
    metrics = service.metrics
    metrics.gauge("db_client_connection_used", "Connections lent.", lambda: pool.used)
    metrics.gauge("db_client_connection_pending_requests", "Waiting for one.", lambda: pool.pending)
    duration = metrics.histogram("db_client_operation_duration_seconds", "A query, with its wait.")
    service.effects["pool"] = lambda _: hold_connections(pool)

    async def run(query: str, work: Callable[[sqlite3.Connection], Row]) -> Row:
        with service.tracer.start_as_current_span(f"sqlite {query}"), duration.time():
            async with pool.connection() as connection:
                return await asyncio.to_thread(work, connection)

    async def user(request: Request) -> Response:
        def select(connection: sqlite3.Connection) -> Any:
            identity = request.path_params["id"]
            row = connection.execute(
                "SELECT users.*, count(interactions.id) AS asked FROM users "
                "LEFT JOIN interactions ON interactions.user = users.id WHERE users.id = ?",
                (identity,),
            ).fetchone()
            return None if row["id"] is None else dict(row)

        found = await run("select users", select)
        return JSONResponse(found, status_code=404 if found is None else 200)

    async def documents(request: Request) -> Response:
        ids = (await request.json())["ids"]

        def select(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            marks = ", ".join("?" * len(ids))
            query = f"SELECT id, topic, title, text FROM documents WHERE id IN ({marks})"  # noqa: S608 - question marks only
            found = {row["id"]: dict(row) for row in connection.execute(query, ids)}
            return [found[each] for each in ids if each in found]

        return JSONResponse(await run("select documents", select))

    async def revise(request: Request) -> Response:
        note = (await request.json())["note"]

        def update(connection: sqlite3.Connection) -> int:
            original = corpus.document(request.path_params["id"])
            return connection.execute(
                "UPDATE documents SET text = ?, revision = revision + 1, updated = ? WHERE id = ?",
                (f"{original.text} {note}", time.time(), original.id),
            ).rowcount

        return JSONResponse({"updated": await run("update documents", update)})

    async def changes(request: Request) -> Response:
        def select(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            query = "SELECT id, topic, title, text, updated FROM documents WHERE updated > ?"
            return [dict(row) for row in connection.execute(query, (request.path_params["since"],))]

        return JSONResponse(await run("select changes", select))

    async def interactions(request: Request) -> Response:
        body = await request.json()

        def insert(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT OR REPLACE INTO interactions VALUES (?, ?, ?, ?, ?, NULL)",
                (body["id"], time.time(), body["user"], body["question"], body["answer"]),
            )

        await run("insert interactions", insert)
        return JSONResponse({})

    async def rate(request: Request) -> Response:
        body = await request.json()

        def update(connection: sqlite3.Connection) -> None:
            connection.execute(
                "UPDATE interactions SET rating = ? WHERE id = ?", (body["rating"], body["id"])
            )

        await run("update interactions", update)
        return JSONResponse({})

    return [
        Route("/users/{id}", user, methods=["GET"]),
        Route("/documents", documents, methods=["POST"]),
        Route("/documents/{id}", revise, methods=["PUT"]),
        Route("/changes/{since:float}", changes, methods=["GET"]),
        Route("/interactions", interactions, methods=["POST"]),
        Route("/ratings", rate, methods=["POST"]),
    ]
