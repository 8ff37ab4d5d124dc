"""Connection: where a collection of Chroma is, a client that phones nobody, and what it must be."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from aiopslab.errors import AIOpsLabError, RetrievalError, did_you_mean
from aiopslab.models.embedder import Embedder

COLLECTION = "chunks"  # of a folder, where none is named
EMBEDDER, DIMENSIONS = "aiopslab:embedder", "aiopslab:dimensions"
TOKEN = "AIOPSLAB_CHROMA_TOKEN"  # noqa: S105, the name of a variable
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,510}[a-zA-Z0-9]")


@dataclass(frozen=True)
class Address:
    """Where a collection is.

    Parameters
    ----------
    collection
        Its name.
    folder
        Of an embedded store; ``None`` at a server.
    host, port, secure
        Of a server.

    Examples
    --------
    >>> print(Address.of("chroma+http://localhost:8000/handbook"))
    chroma+http://localhost:8000/handbook
    >>> Address.of("indexes/docs#handbook").collection
    'handbook'
    """

    collection: str
    folder: Path | None = None
    host: str = ""
    port: int = 8000
    secure: bool = False

    @classmethod
    def of(cls, url: str | Path) -> "Address":
        """Read a URL, or the path of a folder.

        Raises
        ------
        RetrievalError
            If it is neither, or holds a credential, which is not repeated.
        """
        if isinstance(url, Path):
            return cls(COLLECTION, url)
        scheme, found, rest = url.partition("://")
        if not found or scheme in {"file", "chroma+file"}:
            path, _, name = (rest if found else url).partition("#")
            if not path:
                raise RetrievalError(f"the index is {url!r}", "Pass a folder or a URL.")
            return cls(_checked(name or COLLECTION), Path(url2pathname(path) if found else path))
        if scheme not in {"chroma+http", "chroma+https"}:
            raise RetrievalError(
                f"no index is opened by {scheme}://",
                "Pass a folder, or chroma+http://host:port/collection.",
            )
        return cls._at_server(url)

    @classmethod
    def _at_server(cls, url: str) -> "Address":
        parts = urlsplit(url)
        if "@" in parts.netloc or parts.query:
            raise RetrievalError(
                "the URL of the Chroma server holds a user, a password or parameters, "
                "which reports keep",
                f"Set {TOKEN} in the environment instead.",
            )
        secure = parts.scheme == "chroma+https"
        try:
            port = parts.port or (443 if secure else 8000)
        except ValueError as error:
            raise RetrievalError(f"{url}: {error}", "Check its port.") from None
        name = unquote(parts.path.strip("/"))
        if not parts.hostname or not name:
            raise RetrievalError(
                f"{url} names no {'collection' if parts.hostname else 'host'}",
                "Write chroma+http://host:port/collection.",
            )
        return cls(_checked(name), None, parts.hostname, port, secure)

    def __str__(self) -> str:
        if self.folder is not None:
            name = "" if self.collection == COLLECTION else f"#{self.collection}"
            return f"{self.folder}{name}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"chroma+http{'s' * self.secure}://{host}:{self.port}/{self.collection}"


def connect(address: Address, folder: Path | None) -> Any:
    """Return a client of Chroma.

    Parameters
    ----------
    address
        Of a server, and what is said where anything fails.
    folder
        To be opened instead: the store itself, or a copy of it.

    Raises
    ------
    RetrievalError
        If the server does not answer, or the folder is no store.
    """
    os.environ["ANONYMIZED_TELEMETRY"] = "False"
    import chromadb
    from chromadb.config import Settings

    settings = Settings(anonymized_telemetry=False)
    with asking(address):
        if folder is not None:
            return chromadb.PersistentClient(str(folder.resolve()), settings=settings)
        token = os.environ.get(TOKEN)
        # Chroma's own servers read the one, a proxy in front of one the other.
        headers = {"x-chroma-token": token, "Authorization": f"Bearer {token}"} if token else None
        return chromadb.HttpClient(
            address.host,
            address.port,
            ssl=address.secure,
            headers=headers,
            settings=settings,
        )


def find(client: Any, address: Address) -> Any:
    """Return the collection.

    Raises
    ------
    RetrievalError
        If there is none, naming the nearest of those that there are.
    """
    from chromadb.errors import NotFoundError

    with asking(address):
        try:
            return client.get_collection(address.collection, embedding_function=None)
        except NotFoundError:
            names = sorted(each.name for each in client.list_collections())
    remedy = did_you_mean(address.collection, names) if names else "Ingest a corpus first."
    raise RetrievalError(f"{address} has no collection {address.collection!r}", remedy)


def create(client: Any, address: Address, embedder: Embedder) -> Any:
    """Return the collection, made by cosine and with the name of the embedder, if it is missing."""
    with asking(address):
        return client.get_or_create_collection(
            address.collection,
            metadata={EMBEDDER: embedder.name, DIMENSIONS: embedder.dimensions},
            configuration={"hnsw": {"space": "cosine"}},
            embedding_function=None,
        )


def check(collection: Any, address: Address, embedder: Embedder) -> None:
    """Refuse a collection of another distance or another model.

    Raises
    ------
    RetrievalError
        Saying what it was made with.
    """
    mend = "Ingest into another collection"
    if (distance := distance_of(collection)) != "cosine":
        raise RetrievalError(
            f"{address} compares vectors by {distance!r}, which Chroma does not change; "
            "expected 'cosine'",
            f"{mend}: its distance is set when it is made.",
        )
    name, dimensions = made_by(collection)
    if name is None:
        raise RetrievalError(
            f"{address} does not say which model made its vectors", f"{mend}, or another folder."
        )
    if (name, dimensions) != (embedder.name, embedder.dimensions):
        raise RetrievalError(
            f"{address} was made by {name} ({dimensions} dimensions), and questions would be "
            f"embedded by {embedder.name} ({embedder.dimensions}): their vectors do not compare",
            f"Open it with {name}, or ingest into another collection.",
        )


def distance_of(collection: Any) -> str:
    """Return the metric of a collection: ``cosine``, ``l2`` or ``ip``."""
    settings = collection.configuration_json
    return str((settings.get("hnsw") or settings.get("spann") or {}).get("space", "l2"))


def made_by(collection: Any) -> tuple[str | None, int | None]:
    """Return the name and the dimensions of the model that a collection says it was made with."""
    metadata = collection.metadata or {}
    return metadata.get(EMBEDDER), metadata.get(DIMENSIONS)


@contextmanager
def asking(address: Address) -> Iterator[None]:
    """Turn what Chroma raises into an error that says what to do."""
    import httpx

    try:
        yield
    except AIOpsLabError:
        raise
    except (httpx.TransportError, ConnectionError) as error:
        raise _silent(address, error) from error
    except UnicodeEncodeError as error:
        raise RetrievalError(
            f"a chunk holds a lone half of a surrogate pair: {error}",
            "Read the corpus with its encoding errors replaced.",
        ) from error
    except Exception as error:  # Chroma raises bare ones for answers of a server, too
        if str(error).startswith("Could not connect to a Chroma server"):
            raise _silent(address, error) from error
        raise RetrievalError(
            f"Chroma refuses at {address}: {str(error) or type(error).__name__}",
            "See whether every vector can be read with aiopslab.retrieval.health.",
        ) from error


def _silent(address: Address, error: Exception) -> RetrievalError:
    return RetrievalError(
        f"the Chroma server of {address} does not answer: {error}",
        "Start it, or wait until it is back, and run the same again: what was written is kept.",
    )


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise RetrievalError(
            f"the collection is called {name!r}",
            "Use 3 to 512 letters, digits, '.', '-' and '_', with a letter or digit at both ends.",
        )
    return name
