"""The assistant's own embedding: character n-grams, weighted and reduced, trained on its corpus.

No model is downloaded. The same corpus gives the same space in every process that trains it, so
the indexer and the retriever agree without sharing anything.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import Normalizer

from aiopslab.rehearsal import corpus

DIMENSIONS = 48


class Embedding:
    """Latent semantic vectors of text.

    Examples
    --------
    >>> Embedding().encode(["How much leave do I have?"]).shape
    (1, 48)
    """

    def __init__(self) -> None:
        self._pipeline: Pipeline = make_pipeline(
            TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True),
            TruncatedSVD(DIMENSIONS, random_state=0),
            Normalizer(copy=False),
        )
        self._pipeline.fit([indexed(each.title, each.text) for each in corpus.documents()])

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a unit vector a text, ``(texts, 48)``."""
        vectors: NDArray[np.float32] = self._pipeline.transform(texts).astype(np.float32)
        return vectors


def indexed(title: str, text: str) -> str:
    """Return what of a document is embedded: its title counts double."""
    return f"{title}. {title}. {text}"
