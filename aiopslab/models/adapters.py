"""Adapters: functions and models of other libraries as embedders, whose vectors are looked at."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from aiopslab.errors import ModelError
from aiopslab.models.embedder import Vectors, as_texts

Function = Callable[[list[str]], Any]


class Adapted:
    """An embedder made of a function.

    Parameters
    ----------
    name
        What it is, to the revision: vectors are kept under it, so that two models must not share
        one.
    function
        Of a list of texts, to as many vectors of one size; of whatever length they are.
    dimensions
        How many numbers a vector has; found by embedding a word where ``None``.

    Examples
    --------
    >>> letters = Adapted("letters-1", lambda texts: [[each.count("a"), 1] for each in texts])
    >>> letters.dimensions
    2
    >>> letters.embed(["banana"])
    array([[3., 1.]], dtype=float32)
    """

    def __init__(self, name: str, function: Function, dimensions: int | None = None) -> None:
        if not name.strip():
            raise ModelError(
                "the embedder has no name", "Name the model and its revision: vectors are kept so."
            )
        if dimensions is not None and dimensions < 1:
            raise ModelError(f"dimensions is {dimensions}; expected 1 or more", "Raise it.")
        self.name = name
        self._function = function
        self._dimensions = dimensions

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @property
    def dimensions(self) -> int:
        """How many numbers a vector has.

        Raises
        ------
        ModelError
            If the function returns no vector of a word.
        """
        if self._dimensions is None:
            self._dimensions = self._looked_at(["word"]).shape[1]
        return self._dimensions

    def embed(self, texts: Iterable[str]) -> Vectors:
        """Return one vector a text.

        Returns
        -------
        numpy.ndarray
            float32, ``(texts, dimensions)``.

        Raises
        ------
        ModelError
            If one of the texts is no string, or what comes back is not one vector a text, of the
            size of those before, of finite numbers.
        """
        listed = as_texts(texts)
        if not listed:
            return np.empty((0, self.dimensions), dtype=np.float32)
        vectors = self._looked_at(listed)
        self._dimensions = vectors.shape[1]
        return vectors

    def _looked_at(self, texts: list[str]) -> Vectors:
        told = self._function(texts)
        try:
            vectors = np.asarray(told, dtype=np.float32)
        except (TypeError, ValueError):  # of several sizes, or no numbers
            raise self._misfit(texts, "something that is no table of numbers") from None
        is_table = vectors.ndim == 2 and len(vectors) == len(texts) and vectors.shape[1] > 0
        if not is_table or self._dimensions not in {None, vectors.shape[1]}:
            raise self._misfit(texts, f"numbers of the shape {vectors.shape}")
        if not np.isfinite(vectors).all():
            raise self._misfit(texts, "numbers that are not all finite")
        return vectors

    def _misfit(self, texts: list[str], found: str) -> ModelError:
        size = "of one size" if self._dimensions is None else f"of {self._dimensions} numbers"
        return ModelError(
            f"{self.name} embedded {len(texts)} texts as {found}; expected a vector {size} for "
            "each",
            "See that it is a model that embeds, and says its true dimensions.",
        )


def from_chroma(function: Function, name: str) -> Adapted:
    """Return an embedding function of Chroma as an embedder.

    Parameters
    ----------
    function
        An ``EmbeddingFunction`` of chromadb, or whatever is called as one. Questions are embedded
        as texts are: its ``embed_query`` is not called.
    name
        Of its model, to the revision.

    Examples
    --------
    >>> from_chroma(lambda input: [[len(each), 1.0] for each in input], "lengths-1").embed(["abc"])
    array([[3., 1.]], dtype=float32)
    """
    return Adapted(name, function)


def from_sentence_transformers(model: Any, name: str) -> Adapted:
    """Return a model of sentence-transformers as an embedder.

    Parameters
    ----------
    model
        A ``SentenceTransformer``, or what has its ``encode`` and
        ``get_sentence_embedding_dimension``. It cuts long texts without a word: see its
        ``max_seq_length``.
    name
        Of the model, to the revision: the object does not reliably know what it was loaded from.

    Examples
    --------
    >>> class Lengths:
    ...     def encode(self, texts):
    ...         return np.array([[len(each), 1.0] for each in texts])
    ...     def get_sentence_embedding_dimension(self):
    ...         return 2
    >>> from_sentence_transformers(Lengths(), "lengths-1").dimensions
    2
    """
    return Adapted(name, model.encode, model.get_sentence_embedding_dimension())
