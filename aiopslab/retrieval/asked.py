"""Asked: questions that are put to many configurations, and what is known of them already."""

from collections.abc import Callable, Sequence
from typing import Any

from aiopslab.models.embedder import Embedder
from aiopslab.retrieval.embedding import unit_vectors
from aiopslab.retrieval.exact import Ranked, Singles


class Asked:
    """Questions, with their vectors and the ranked lists that were made for them so far.

    Parameters
    ----------
    texts
        Of the questions.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = tuple(texts)
        self._vectors: dict[str, Singles] = {}
        self._lists: dict[tuple[Any, ...], Ranked] = {}

    def __len__(self) -> int:
        return len(self.texts)

    def vectors(self, embedder: Embedder) -> Singles:
        """Return their unit vectors."""
        if embedder.name not in self._vectors:
            self._vectors[embedder.name] = unit_vectors(embedder, list(self.texts))
        return self._vectors[embedder.name]

    def hits(self, key: tuple[Any, ...], k: int, search: Callable[[], Ranked]) -> Ranked:
        """Return the first `k` hits of a list that may have been made before, and deeper."""
        if key not in self._lists or self._lists[key].places.shape[1] < k:
            self._lists[key] = search()
        return self._lists[key].cut(k)
