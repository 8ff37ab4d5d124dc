"""Vectors that were embedded before, so that each distinct text is embedded once."""

import hashlib
import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiopslab.errors import ModelError
from aiopslab.models.embedder import (
    Counts,
    Embedder,
    Truncating,
    Vectors,
    as_texts,
    warn_of_truncation,
)
from aiopslab.sqlite_file import connect, write_ahead, writing

APPLICATION = 0x41494F56  # marks the file as ours
CHUNK = 64  # texts that are embedded, then written: what a killed process may lose
ASKED = 500  # keys in a question; SQLite takes no more than 999 in old versions
_SCHEMA = """
CREATE TABLE vectors (
    key BLOB PRIMARY KEY,
    vector BLOB NOT NULL,
    checksum INTEGER NOT NULL,
    lost INTEGER NOT NULL
);
"""
_QUESTION = "SELECT key, CAST(vector AS BLOB), checksum, lost FROM vectors WHERE key IN"


@dataclass(frozen=True)
class Cached:
    """An embedder that keeps its vectors in one SQLite file; see `cached`.

    The file is open during a call only, so that the object can be sent to another process or be
    there when one is forked.
    """

    embedder: Embedder
    path: Path

    @property
    def name(self) -> str:
        """Of the embedder."""
        return self.embedder.name

    @property
    def dimensions(self) -> int:
        """Of its vectors."""
        return self.embedder.dimensions

    def embed(
        self, texts: Iterable[str], progress: Callable[[int, int], None] | None = None
    ) -> Vectors:
        """Embed the texts that never were, and look the others up.

        Parameters
        ----------
        texts
            Each distinct one is embedded once.
        progress
            Called with how many distinct texts have their vectors, and how many there are.

        Returns
        -------
        numpy.ndarray
            float32, ``(texts, dimensions)``: what the embedder gives, to the bit.

        Raises
        ------
        ModelError
            If the file cannot be used, one of the texts is no string, or what was embedded has
            another shape or is not finite.

        Warns
        -----
        UserWarning
            If the embedder did not read texts to their ends, now or when they were embedded.
        """
        listed = as_texts(texts)
        keys = [self._key(each) for each in listed]
        distinct = dict(zip(keys, listed, strict=True))
        row = {key: place for place, key in enumerate(distinct)}
        vectors = np.empty((len(row), self.dimensions), dtype=np.float32)
        lost = np.zeros(len(row), dtype=np.int64)
        with closing(_opened(self.path)) as connection:
            missing = dict(distinct)
            with _told(self.path):
                for key, vector, rest in _found(connection, [*row], self.dimensions):
                    vectors[row[key]], lost[row[key]] = vector, rest
                    del missing[key]
            done = len(row) - len(missing)
            if progress is not None:
                progress(done, len(row))
            for start in range(0, len(missing), CHUNK):
                chunk = [*missing][start : start + CHUNK]
                rows = [row[key] for key in chunk]
                vectors[rows], lost[rows] = self._embedded([missing[key] for key in chunk])
                with _told(self.path):
                    _keep(connection, chunk, vectors[rows], lost[rows])
                done += len(chunk)
                if progress is not None:
                    progress(done, len(row))
        places = [row[key] for key in keys]
        warn_of_truncation(self.name, lost[places])
        return vectors[places]

    def _key(self, text: str) -> bytes:
        """Return the address of a vector: which text, by what embedder."""
        content = f"{self.name}\0{text}".encode("utf-8", "surrogatepass")
        return hashlib.sha256(content).digest()

    def _embedded(self, texts: list[str]) -> tuple[Vectors, Counts]:
        """Return the vectors of texts, and the tokens of each that were not read."""
        lost = np.zeros(len(texts), dtype=np.int64)
        if isinstance(self.embedder, Truncating):
            vectors, lost = self.embedder.embed_truncated(texts)
        else:
            vectors = np.asarray(self.embedder.embed(texts), dtype=np.float32)
        expected = (len(texts), self.dimensions)
        if vectors.shape != expected or not np.isfinite(vectors).all():
            raise ModelError(
                f"{self.name} embedded {len(texts)} texts as {vectors.shape}, or not finitely; "
                f"expected {expected}",
                "Return one vector of finite numbers a text, and say its true dimensions.",
            )
        return vectors, lost


def cached(embedder: Embedder, path: str | Path | None = None) -> Cached:
    """Return an embedder that embeds each distinct text once, whoever asks and when.

    Parameters
    ----------
    embedder
        By whose name the vectors are kept.
    path
        Of the file, which several processes may share; by default one in the cache of the user. A
        vector of 384 dimensions takes 2 kB. Nothing is ever dropped: the file may be deleted
        whenever nobody uses it.

    Returns
    -------
    Cached
        Vectors are written 64 at a time, so that a process that is killed loses no more.

    Examples
    --------
    >>> import tempfile
    >>> from types import SimpleNamespace
    >>> def lengths(texts):
    ...     print("embedding", texts)
    ...     return np.array([[len(text)] for text in texts])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     embedder = SimpleNamespace(name="lengths-1", dimensions=1, embed=lengths)
    ...     embed = cached(embedder, Path(folder) / "vectors.db").embed
    ...     (embed(["one", "three", "one"]).ravel(), embed(["three", "seven"]).ravel())
    embedding ['one', 'three']
    embedding ['seven']
    (array([3., 5., 3.], dtype=float32), array([5., 5.], dtype=float32))
    """
    if path is None:
        import platformdirs

        path = platformdirs.user_cache_path("aiopslab") / "vectors.db"
    return Cached(embedder, Path(path))


def _opened(path: Path) -> sqlite3.Connection:
    """Open the file, or make it."""
    from filelock import FileLock

    with _told(path):
        connection = connect(path)
        try:
            with FileLock(f"{path}-opening"):  # the one that turns the log on has to be alone
                _prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the table where the file is new, and see to it that the file is ours."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and application != APPLICATION:
        raise sqlite3.DatabaseError("it is a database of something else")
    write_ahead(connection)
    if not tables:
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA application_id = {APPLICATION}; COMMIT;")


def _found(
    connection: sqlite3.Connection, keys: Sequence[bytes], dimensions: int
) -> Iterator[tuple[bytes, Vectors, int]]:
    """Look keys up; a vector that is not whole, or of another size, counts as none."""
    for start in range(0, len(keys), ASKED):
        asked = keys[start : start + ASKED]
        question = f"{_QUESTION} ({','.join('?' * len(asked))})"
        for key, vector, checksum, lost in connection.execute(question, asked):
            if len(vector) == 4 * dimensions and zlib.crc32(vector) == checksum:
                yield key, np.frombuffer(vector, dtype="<f4"), lost


def _keep(
    connection: sqlite3.Connection, keys: Sequence[bytes], vectors: Vectors, lost: Counts
) -> None:
    """Write vectors down, all or none."""
    blobs = [each.astype("<f4").tobytes() for each in vectors]
    rows = [
        (key, blob, zlib.crc32(blob), rest)
        for key, blob, rest in zip(keys, blobs, lost.tolist(), strict=True)
    ]
    with writing(connection):
        connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", rows)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell what is wrong with the file in a way the user can mend."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise ModelError(
            f"{str(path)!r} cannot be used as a cache of vectors: {error}",
            "Delete it if it is damaged, since it can be made again; else name another file.",
        ) from None
