"""Manifest: which documents an index holds, written when an ingestion has come to its end."""

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from aiopslab.errors import RetrievalError

COLUMNS = ("document", "content_hash", "modified", "chunks", "ingested")


@dataclass(frozen=True)
class Manifest:
    """What an ingestion put into an index.

    Parameters
    ----------
    chunking
        The name of how the documents were cut.
    embedder
        The name of the model, to the revision.
    documents
        ``document, content_hash, modified, chunks, ingested``: as how many chunks, and when its
        content of now was first ingested, UTC. Documents without text have 0 chunks.

    Examples
    --------
    >>> rows = [("a.md", "00ff", pd.NaT, 2, pd.Timestamp("2026-03-01", tz="UTC"))]
    >>> manifest = Manifest("by heading", "minilm@1", documents_of(rows))
    >>> Manifest.read(manifest.written()).documents.equals(manifest.documents)
    True
    """

    chunking: str
    embedder: str
    documents: pd.DataFrame

    @property
    def chunks(self) -> int:
        """Of all documents."""
        return int(self.documents["chunks"].sum())

    @property
    def digest(self) -> str:
        """SHA-256 of what was put in, in hexadecimal; not of when."""
        held = self.documents[["document", "content_hash", "chunks"]].to_numpy(dtype=object)
        told = json.dumps([self.chunking, self.embedder, held.tolist()])
        return hashlib.sha256(told.encode()).hexdigest()

    def written(self) -> str:
        """Return it as text, packed: a hash a document does not get much shorter."""
        table = self.documents.copy()
        for name in ("modified", "ingested"):
            table[name] = [None if pd.isna(each) else each.isoformat() for each in table[name]]
        plain = {"chunking": self.chunking, "embedder": self.embedder}
        told = json.dumps(plain | {"documents": table.to_numpy(dtype=object).tolist()})
        return base64.b85encode(zlib.compress(told.encode("utf-8", "surrogatepass"))).decode()

    @classmethod
    def read(cls, text: str) -> "Manifest":
        """Read what `written` returned.

        Raises
        ------
        RetrievalError
            If it is something else.
        """
        try:
            plain = json.loads(zlib.decompress(base64.b85decode(text)))
            return cls(plain["chunking"], plain["embedder"], documents_of(plain["documents"]))
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            raise RetrievalError(
                f"the manifest of the index cannot be read: {error}", "Ingest the corpus again."
            ) from error


def documents_of(rows: Sequence[Sequence[object]]) -> pd.DataFrame:
    """Return the documents of a manifest as a table, sorted."""
    table = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("document", ignore_index=True)
    for name in ("modified", "ingested"):
        table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601").dt.as_unit("us")
    return table.astype({"document": "str", "content_hash": "str", "chunks": "int64"})
