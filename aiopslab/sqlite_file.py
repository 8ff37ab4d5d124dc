"""SQLite files that several processes share, written all at once or not at all."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 30  # for another process that writes


def connect(path: Path) -> sqlite3.Connection:
    """Open a file, or make it and the folders above it.

    Raises
    ------
    OSError, sqlite3.Error
        If it cannot be opened; whoever opens it knows what to tell the user.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    return sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)


def write_ahead(connection: sqlite3.Connection) -> None:
    """Keep a log, so that readers wait for nobody.

    What is in the log survives the process; only the power failing could lose the last.
    """
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")


def claim(connection: sqlite3.Connection, application: int, schema: str) -> bool:
    """Make the tables of an application, unless the file is another's; tell whether it is not.

    Parameters
    ----------
    connection
        To a file; an empty one is nobody's.
    application
        Its number in the head of the file, by which it is told from every other.
    schema
        Statements that make the tables where there are none.

    Raises
    ------
    sqlite3.Error
        If it is no SQLite file, or cannot be written.

    Examples
    --------
    >>> with sqlite3.connect(":memory:") as connection:
    ...     claim(connection, 7, "CREATE TABLE IF NOT EXISTS t (n)"), claim(connection, 8, "")
    (True, False)
    """
    whose = connection.execute("PRAGMA application_id").fetchone()[0]
    is_used = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] > 0
    if whose != application and (whose or is_used):
        return False
    write_ahead(connection)
    connection.executescript(schema)
    connection.execute(f"PRAGMA application_id = {application}")
    return True


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of it or nothing.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     connection = connect(Path(folder) / "x.db")
    ...     _ = connection.execute("CREATE TABLE t (n INTEGER UNIQUE)")
    ...     try:
    ...         with writing(connection):
    ...             _ = connection.executemany("INSERT INTO t VALUES (?)", [(1,), (1,)])
    ...     except sqlite3.IntegrityError:
    ...         connection.execute("SELECT count(*) FROM t").fetchone()
    ...     connection.close()
    (0,)
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def storable(text: object) -> str:
    r"""Return a text without halves of surrogate pairs, which no file can hold.

    Examples
    --------
    >>> storable("a\ud800b"), storable(7)
    ('a?b', '7')
    """
    return str(text).encode("utf-8", "replace").decode("utf-8")
