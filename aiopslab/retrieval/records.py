"""Records: chunks as a store keeps them, with what is needed to tell whether they are current."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.exact import Mask, Singles
from aiopslab.retrieval.spans import require

CHUNK = ("document", "start", "end", "section")
FIELDS = (*CHUNK, "modified", "content_hash", "text_hash", "checksum")
# Chroma hands vectors back within 3e-8 of what was written, a checksum within 1e-6.
TOLERANCE = 1e-5
LENGTH = 1e-5  # by which a vector may miss unit length, before it is brought to it


def prepared(chunks: pd.DataFrame, documents: pd.DataFrame) -> pd.DataFrame:
    """Return chunks with the metadata that they are stored with.

    Parameters
    ----------
    chunks
        ``chunk, document, start, end, text, section``.
    documents
        ``document, content_hash, modified``; further columns but ``text`` become metadata, for
        filters.

    Returns
    -------
    pandas.DataFrame
        One row a chunk: ``chunk, text``, `CHUNK`, what the document brings, and ``text_hash``.
        Times are in seconds since 1970, which Chroma can compare.

    Raises
    ------
    RetrievalError
        If a column is missing, an id occurs twice, or a chunk has no document.

    Examples
    --------
    >>> documents = pd.DataFrame({"document": ["a"], "content_hash": ["00"], "modified": pd.NaT})
    >>> chunks = pd.DataFrame({"chunk": ["1"], "document": ["a"], "start": [0], "end": [2]})
    >>> prepared(chunks.assign(text="Hi", section=""), documents).iloc[0].to_dict()
    {'chunk': '1', 'text': 'Hi', 'document': 'a', 'start': 0, 'end': 2, 'section': '',
     'content_hash': '00', 'modified': None, 'text_hash': '3639efcd08abb273b1619e82e78c29a7'}
    """
    require(chunks, "chunks", ("chunk", *CHUNK, "text"))
    require(documents, "documents", ("document", "content_hash", "modified"))
    for table, name in ((chunks, "chunk"), (documents, "document")):
        if len(twice := table.loc[table[name].duplicated(), name]):
            raise RetrievalError(
                f"{len(twice):,} {name} ids occur more than once, such as {twice.iloc[0]!r}",
                f"Give each {name} an id of its own.",
            )
    known = pd.Index(documents["document"])
    places = known.get_indexer(chunks["document"])
    if (places < 0).any():
        lost = chunks["document"].iloc[int(np.flatnonzero(places < 0)[0])]
        raise RetrievalError(
            f"{int((places < 0).sum()):,} chunks are of unknown documents, such as {lost!r}",
            "Pass the documents that the chunks were cut from.",
        )
    told = chunks[["chunk", "text", *CHUNK]].reset_index(drop=True)
    for name in documents.columns:
        if name in {"document", "text"}:
            continue
        if name in {"chunk", *FIELDS} - {"content_hash", "modified"}:
            raise RetrievalError(
                f"the documents have a column {name!r}, which chunks have too", "Rename it."
            )
        values = [_plain(each) for each in documents[name]]
        told[str(name)] = pd.Series([values[place] for place in places], dtype=object)
    return told.assign(text_hash=[text_hash(each) for each in told["text"]])


def text_hash(text: str) -> str:
    """Return what a text is known by: 32 hexadecimal digits."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def checksums(vectors: Singles) -> npt.NDArray[np.float64]:
    """Return a number for each vector, by which one that is not its own is found out.

    Examples
    --------
    >>> checksums(np.eye(2, dtype=np.float32)).round(3)
    array([ 0.54 , -0.654])
    """
    weights = np.cos(np.arange(1, vectors.shape[1] + 1, dtype=np.float64) ** 2)
    return np.asarray(vectors.astype(np.float64) @ weights, dtype=np.float64)


def are_own(vectors: Singles, expected: pd.Series) -> Mask:
    """Tell which vectors are those that were written; one without a checksum is taken to be."""
    numbers = pd.to_numeric(expected, errors="coerce").to_numpy(np.float64)
    own = np.isnan(numbers) | (np.abs(checksums(vectors) - numbers) <= TOLERANCE)
    return np.asarray(own, dtype=np.bool_)


def units(vectors: npt.ArrayLike, texts: Sequence[str], dimensions: int) -> Singles:
    """Return what an embedder made, of unit length.

    Raises
    ------
    RetrievalError
        If it is not one vector a text, or one has no direction.
    """
    told = np.asarray(vectors, dtype=np.float32)
    if told.shape != (len(texts), dimensions):
        raise RetrievalError(
            f"the embedder made {told.shape} of {len(texts)} texts; expected "
            f"({len(texts)}, {dimensions})",
            "Check its dimensions.",
        )
    lengths = np.linalg.norm(told.astype(np.float64), axis=1)
    bad = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if len(bad):
        raise RetrievalError(
            f"the embedder made a vector without direction of {texts[bad[0]]!r:.60}",
            "Leave such texts out of the chunks.",
        )
    off = np.abs(lengths - 1) > LENGTH
    told = told.copy()
    told[off] = told[off] / lengths[off, None]
    return told


def metadata_of(chunks: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the metadata of each chunk, without what is missing."""
    names = [name for name in chunks.columns if name not in {"chunk", "text"}]
    rows = chunks[names].to_dict("records")
    return [
        {str(name): plain for name, each in row.items() if (plain := _plain(each)) is not None}
        for row in rows
    ]


def chunks_of(
    ids: Sequence[str],
    texts: Sequence[str | None],
    metadata: Sequence[Mapping[str, Any] | None],
) -> pd.DataFrame:
    """Return records as a table, sorted by document and start."""
    table = pd.DataFrame([dict(each or {}) for each in metadata], index=range(len(ids)))
    for name in FIELDS:
        if name not in table:
            table[name] = None
    table.insert(0, "chunk", pd.Series(list(ids), dtype=object))
    table.insert(1, "text", pd.Series(list(texts), dtype=object))
    return table.sort_values(["document", "start", "chunk"], ignore_index=True)


def _plain(value: Any) -> str | int | float | bool | None:
    """Return a value as Chroma keeps it; None where there is none."""
    if isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, np.generic):
        return _plain(value.item())
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, pd.Timestamp):
        return value.timestamp()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return str(value)
