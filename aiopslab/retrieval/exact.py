"""Exact: the nearest chunks by comparing with every one, and the ranked lists that searches give.

The oracle that an approximate index is measured by, and the engine of sweeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import RetrievalError

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

BLOCK = 1 << 24  # similarities at a time, 64 MB
PAIRS = 1 << 8  # of them compared in double precision at a time, as few as a cache holds
# Twice the error of a similarity in single precision, which grows with the root of the dimensions:
# far above what was seen (3e-7 at 384), far below what tells two passages apart.
UNSURE = 2e-6
NO_UNIT = 1e-3  # by how much the length of a vector may be off


@dataclass(frozen=True)
class Ranked:
    """The hits of many questions, the best first.

    Parameters
    ----------
    places
        Rows of the table of chunks, ``(questions, ranks)``; -1 where there is no further hit.
    scores
        Of the hits, as many, falling; NaN where there is none.
    """

    places: Ints
    scores: Floats

    def __len__(self) -> int:
        return len(self.places)

    @property
    def known(self) -> Mask:
        """Which ranks hold a hit."""
        return self.places >= 0

    def cut(self, k: int) -> "Ranked":
        """Return the first `k` ranks."""
        return Ranked(self.places[:, :k], self.scores[:, :k])

    def pairs(self) -> tuple[Ints, Ints, Floats]:
        """Return question, place and score of every hit, question by question, by rank."""
        rows, ranks = np.nonzero(self.known)
        return rows, self.places[rows, ranks], self.scores[rows, ranks]

    def table(self, questions: Sequence[str], chunks: pd.DataFrame) -> pd.DataFrame:
        """Return the hits as a table.

        Parameters
        ----------
        questions
            Their ids, in the order in which they were asked.
        chunks
            What was searched: ``chunk, document, start, end``.

        Returns
        -------
        DataFrame
            ``question, rank, chunk, document, start, end, score``, rank from 1.

        Examples
        --------
        >>> chunks = pd.DataFrame({"chunk": ["x"], "document": ["d"], "start": [0], "end": [9]})
        >>> Ranked(np.array([[0, -1]]), np.array([[0.5, np.nan]])).table(["q"], chunks)
          question  rank chunk document  start  end  score
        0        q     1     x        d      0    9    0.5
        """
        rows, ranks = np.nonzero(self.known)
        found = chunks[["chunk", "document", "start", "end"]].iloc[self.places[rows, ranks]]
        found = found.reset_index(drop=True)
        found.insert(0, "question", pd.Index(list(questions), dtype="str").take(rows))
        found.insert(1, "rank", ranks + 1)
        return found.assign(score=self.scores[rows, ranks])


def rank(rows: Ints, places: Ints, scores: Floats, questions: int, k: int) -> Ranked:
    """Return the best `k` of scored pairs of question and chunk.

    Parameters
    ----------
    rows, places, scores
        Number of the question, row of the chunk and score, ``(pairs,)``; a pair comes once.
    questions
        How many there are.
    k
        Hits a question at most.

    Returns
    -------
    Ranked
        Of equal scores the chunk that comes first goes first.

    Examples
    --------
    >>> rank(np.array([0, 0, 0]), np.array([7, 2, 5]), np.array([1.0, 1.0, 3.0]), 1, 2).places
    array([[5, 2]])
    """
    check_depth(k)
    order = np.lexsort((places, -scores, rows))
    rows, places, scores = rows[order], places[order], scores[order]
    ranks = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = ranks < k
    found = Ranked(np.full((questions, k), -1, dtype=np.intp), np.full((questions, k), np.nan))
    found.places[rows[kept], ranks[kept]] = places[kept]
    found.scores[rows[kept], ranks[kept]] = scores[kept]
    return found


def search(queries: Singles, vectors: Singles, k: int, among: Mask | None = None) -> Ranked:
    """Return the chunks nearest to each query by cosine.

    Parameters
    ----------
    queries, vectors
        Of the questions and of the chunks, ``(any, dimensions)``, of unit length.
    k
        Hits a question at most.
    among
        Which chunks may be found, ``(chunks,)``; without it all.

    Returns
    -------
    Ranked
        Scored by cosine. Of equal ones the chunk that comes first goes first, and a question has
        the same hits alone as among others: single precision only chooses who is compared in
        double precision.

    Raises
    ------
    RetrievalError
        If the vectors are not of unit length, or not of as many dimensions, or `k` is below 1.

    Examples
    --------
    >>> vectors = np.eye(3, dtype=np.float32)
    >>> search(vectors[:1], vectors, 2).places
    array([[0, 1]])
    """
    check_depth(k)
    queries, vectors = _units("query", queries), _units("chunk", vectors)
    if queries.shape[1] != vectors.shape[1]:
        raise RetrievalError(
            f"queries have {queries.shape[1]} dimensions and chunks {vectors.shape[1]}",
            "Embed both with the same model; an index of another model has to be built again.",
        )
    chosen = np.arange(len(vectors)) if among is None else np.flatnonzero(among)
    pool = vectors if among is None else vectors[chosen]
    if not len(pool):
        none = np.empty(0, dtype=np.intp)
        return rank(none, none, np.empty(0), len(queries), k)
    rows, places = [], []
    step = max(1, BLOCK // len(pool))
    for first in range(0, len(queries), step):
        alike = queries[first : first + step] @ pool.T
        # All that may be among the best k: those as good as the k-th, but for the rounding.
        last = max(len(pool) - k, 0)
        least = np.partition(alike, last, axis=1)[:, [last]]
        at, place = np.nonzero(alike >= least - UNSURE)
        rows.append(at + first)
        places.append(chosen[place])
    asked, found = np.concatenate(rows), np.concatenate(places)
    return rank(asked, found, cosines(queries, vectors, asked, found), len(queries), k)


def cosines(one: Singles, two: Singles, rows: Ints, places: Ints) -> Floats:
    """Return the cosine of pairs of unit vectors, in double precision.

    Parameters
    ----------
    one, two
        ``(any, dimensions)``.
    rows, places
        Which of the first and which of the second, ``(pairs,)``.
    """
    found = np.empty(len(rows))
    for first in range(0, len(rows), PAIRS):
        part = slice(first, first + PAIRS)
        left, right = (each.astype(np.float64) for each in (one[rows[part]], two[places[part]]))
        found[part] = np.einsum("ij,ij->i", left, right)
    return found


def check_depth(k: int) -> None:
    """Raise where no hit is asked for.

    Raises
    ------
    RetrievalError
        If `k` is below 1.
    """
    if k < 1:
        raise RetrievalError(f"k is {k}; expected at least 1", "Pass how many hits are wanted.")


def _units(name: str, vectors: Singles) -> Singles:
    told = np.asarray(vectors, dtype=np.float32)
    if told.ndim != 2:
        raise RetrievalError(
            f"{name} vectors have the shape {told.shape}; expected (texts, dimensions)",
            "Pass one row a text.",
        )
    lengths = np.sqrt(np.einsum("ij,ij->i", told, told))
    off = np.flatnonzero(~(np.abs(lengths - 1) <= NO_UNIT))
    if len(off):
        raise RetrievalError(
            f"{len(off):,} of {len(told):,} {name} vectors are not of unit length; "
            f"that of row {off[0]} is {lengths[off[0]]:.4g}",
            "Divide each vector by its length, and embed no empty text.",
        )
    return told
