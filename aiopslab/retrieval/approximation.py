"""Approximation: how much of what exact search finds an approximate index finds."""

import numpy as np
import numpy.typing as npt

from aiopslab.findings import Effect, Interval
from aiopslab.retrieval.exact import Singles, search
from aiopslab.retrieval.index import Index
from aiopslab.statistics.intervals import wilson

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
TIE = 1e-5  # chunks as near as the last of the k are as good: which of them is chance


def recall_of_index(
    index: Index, chunks: list[str], vectors: Singles, queries: Singles, k: int
) -> Floats:
    """Return, of each query, the share of the nearest chunks that the index finds.

    Parameters
    ----------
    index
        By cosine.
    chunks, vectors
        All that it holds, of unit length.
    queries
        ``(queries, dimensions)``, of unit length.
    k
        Chunks that are looked for.

    Returns
    -------
    numpy.ndarray
        ``(queries,)``.
    """
    depth = min(k, len(chunks))
    exact = search(queries, vectors, depth).scores[:, -1]
    place = {chunk: row for row, chunk in enumerate(chunks)}
    found = np.zeros(len(queries))
    for row, hits in enumerate(index.nearest(queries, depth)):
        places = [place[chunk] for chunk, _, _ in hits if chunk in place]
        alike = vectors[places].astype(np.float64) @ queries[row].astype(np.float64)
        found[row] = (alike >= exact[row] - TIE).sum() / depth
    return found


def summarised(recalls: Floats, k: int) -> Effect:
    """Return mean recall with an interval.

    Notes
    -----
    Wilson's, with one draw a query: as wide as if a query found all of its
    chunks or none, so that it is rather too wide, and is one where all are found, too.

    Examples
    --------
    >>> print(summarised(np.ones(200), 10))
    recall@10 against exact search 1 (95 % interval 0.9812 to 1)
    """
    ends = wilson(float(recalls.sum()), len(recalls), CONFIDENCE)
    interval = Interval(*ends, CONFIDENCE)
    return Effect(f"recall@{k} against exact search", float(recalls.mean()), "", interval)
