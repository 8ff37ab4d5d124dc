"""The profile of a column of embeddings: what they look like from a few fixed directions."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.numeric import Numeric, joined_dtypes, numeric_profile
from aiopslab.errors import FrameError

DIRECTIONS = 16  # on which embeddings are projected; the same for all of one length
ROWS = 20_000  # at a time, so that a matrix of them fits in memory


@dataclass(frozen=True, eq=False)
class Embedding:
    """What is kept of a column of embeddings.

    Parameters
    ----------
    kind
        ``embedding``.
    dtype
        As it was found; of several parts all that were found.
    rows, missing, unreadable
        How many rows there are, how many of them hold nothing, and how many hold no vector of
        `length` finite numbers.
    length
        How many numbers an embedding has.
    total, squares
        Sums of each number and of its square, of shape ``(length,)``.
    projections
        Profiles along fixed random directions (of unit length), and last of the length of the
        vector. Distances along such directions average to the sliced Wasserstein distance.
    """

    kind: Literal["embedding"]
    dtype: str
    rows: int
    missing: int
    unreadable: int
    length: int
    total: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]
    projections: tuple[Numeric, ...]

    def __add__(self, other: "Embedding") -> "Embedding":
        """Return the profile of both parts together; their axes must be the same."""
        return replace(
            self,
            dtype=joined_dtypes(self.dtype, other.dtype),
            rows=self.rows + other.rows,
            missing=self.missing + other.missing,
            unreadable=self.unreadable + other.unreadable,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            projections=tuple(
                one + two for one, two in zip(self.projections, other.projections, strict=True)
            ),
        )

    @property
    def finite(self) -> int:
        """How many rows hold an embedding."""
        return self.rows - self.missing - self.unreadable

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Mean embedding, of shape ``(length,)``; NaN without any."""
        return self.total / self.finite if self.finite else np.full(self.length, np.nan)

    @property
    def variance(self) -> npt.NDArray[np.float64]:
        """Variance of each number, of shape ``(length,)``; NaN without any."""
        if not self.finite:
            return np.full(self.length, np.nan)
        return np.maximum(self.squares / self.finite - self.mean**2, 0.0)


def embedding_profile(series: pd.Series, like: Embedding | None = None) -> Embedding:
    """Profile a column of embeddings.

    Parameters
    ----------
    series
        Each cell a list or array of numbers; those of another length than `like`, or than the
        first, are counted as unreadable.
    like
        A profile whose length and axes are used, so that the two add up and compare.

    Raises
    ------
    FrameError
        If no cell is a vector and `like` is ``None``.

    Examples
    --------
    >>> part = embedding_profile(pd.Series([[1.0, 2.0], [3.0, 4.0], None]))
    >>> part.mean.tolist(), part.missing
    ([2.0, 3.0], 1)
    """
    there = series[series.notna()]
    length = like.length if like else _length(there)
    total, squares = np.zeros(length), np.zeros(length)
    projected = []
    for start in range(0, len(there), ROWS):
        matrix = _matrix(there.iloc[start : start + ROWS], length)
        total += matrix.sum(axis=0)
        squares += (matrix**2).sum(axis=0)
        norms = np.linalg.norm(matrix, axis=1, keepdims=True)
        projected.append(np.hstack([matrix @ directions(length), norms]))
    table = np.vstack(projected) if projected else np.empty((0, DIRECTIONS + 1))
    axes = [each.axis for each in like.projections] if like else [None] * table.shape[1]
    return Embedding(
        kind="embedding",
        dtype=str(series.dtype),
        rows=len(series),
        missing=len(series) - len(there),
        unreadable=len(there) - len(table),
        length=length,
        total=total,
        squares=squares,
        projections=tuple(
            numeric_profile(pd.Series(column), axis=axis)
            for column, axis in zip(table.T, axes, strict=True)
        ),
    )


@cache
def directions(length: int) -> npt.NDArray[np.float64]:
    """Return the fixed random directions of unit length, one a column."""
    drawn = np.random.default_rng(length).normal(size=(length, DIRECTIONS))
    unit: npt.NDArray[np.float64] = drawn / np.linalg.norm(drawn, axis=0)
    return unit


def _length(there: pd.Series) -> int:
    for cell in there:
        if np.ndim(cell) == 1 and len(cell):
            return len(cell)
    raise FrameError(
        f"column {there.name!r} holds no embedding",
        "Give every cell a list of numbers, or leave the column out.",
    )


def _matrix(cells: pd.Series, length: int) -> npt.NDArray[np.float64]:
    """Return the embeddings that can be read, one a row."""
    try:
        matrix = np.array(cells.tolist(), dtype=float)
    except (TypeError, ValueError):  # some have another length or are no numbers
        read = [row for row in map(_vector, cells) if len(row) == length]
        matrix = np.array(read, dtype=float)
    if matrix.ndim != 2 or matrix.shape[1] != length:
        return np.empty((0, length))
    kept: npt.NDArray[np.float64] = matrix[np.isfinite(matrix).all(axis=1)]
    return kept


def _vector(cell: object) -> npt.NDArray[np.float64]:
    try:
        vector = np.asarray(cell, dtype=float)
    except (TypeError, ValueError):
        return np.empty(0)
    return vector if vector.ndim == 1 else np.empty(0)
