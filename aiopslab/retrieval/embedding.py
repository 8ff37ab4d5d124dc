"""Embedding: the models that configurations name, and unit vectors of texts by them."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from aiopslab.errors import RetrievalError
from aiopslab.models.embedder import Embedder
from aiopslab.models.vectors import Cached, cached
from aiopslab.retrieval.exact import Singles

Told = Callable[[int, int], None]

ALMOST = 1e-4  # by how much a vector that is said to be of unit length may be off


def default_embedders() -> dict[str, Embedder]:
    """Return the model on this machine, which keeps its vectors.

    Raises
    ------
    ModelError
        If its files were not fetched.
    """
    from aiopslab.models.minilm import MiniLM

    return {"minilm": cached(MiniLM())}


def unit_vectors(embedder: Embedder, texts: list[str], progress: Told | None = None) -> Singles:
    """Embed texts, and bring their vectors to unit length.

    Parameters
    ----------
    embedder
        Of whatever length its vectors are.
    texts
        To be embedded.
    progress
        Called with how many are done, and how many there are, by an embedder that keeps its
        vectors.

    Raises
    ------
    RetrievalError
        If a vector has no direction.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> def sizes(texts):
    ...     return np.array([[len(each), 0.0] for each in texts])
    >>> embedder = SimpleNamespace(name="sizes", dimensions=2, embed=sizes)
    >>> unit_vectors(embedder, ["abc"])
    array([[1., 0.]], dtype=float32)
    """
    told = (
        embedder.embed(texts, progress) if isinstance(embedder, Cached) else embedder.embed(texts)
    )
    vectors: Singles = np.asarray(told, dtype=np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (lengths > 0).all():
        raise RetrievalError(
            f"{int((lengths == 0).sum())} texts have a vector of length 0",
            f"Look at what {embedder.name} returns of empty or unknown texts.",
        )
    if np.abs(lengths - 1).max(initial=0) < ALMOST:
        return vectors
    return np.asarray(vectors / lengths, dtype=np.float32)


def itself(embedder: Embedder) -> Any:
    """Return an embedder without what keeps its vectors: it may do more than embed."""
    return embedder.embedder if isinstance(embedder, Cached) else embedder


def seconds_to_embed(embedder: Embedder, texts: Sequence[str]) -> float:
    """Return how long it takes to embed one text, none of it looked up: the median, in seconds."""
    own = itself(embedder)
    own.embed([texts[0]])  # what is loaded on first use is not counted
    taken = []
    for text in texts:
        began = time.perf_counter()
        own.embed([text])
        taken.append(time.perf_counter() - began)
    return float(np.median(taken))
