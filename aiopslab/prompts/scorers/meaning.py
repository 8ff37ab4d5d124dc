"""Meaning: outputs that say the same in other words, by embeddings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from aiopslab.errors import PromptError
from aiopslab.models.minilm import MiniLM
from aiopslab.models.vectors import cached
from aiopslab.prompts.scorers.score import Score, texts_of

Embed = Callable[[list[str]], npt.NDArray[np.floating[Any]]]


@dataclass(frozen=True)
class Similarity:
    """Scores the cosine between the embeddings of the output and the reference.

    Parameters
    ----------
    embed
        From texts to vectors, ``(texts, dimensions)``.
    expected
        The field of the item with the reference, or with several of which the nearest counts.

    Raises
    ------
    PromptError
        When it scores, if what was embedded has another shape or is not finite.

    Examples
    --------
    >>> letters = lambda texts: np.array([[each.count(c) for c in "abc"] for each in texts], float)
    >>> Similarity(letters)("cab", {"expected": "abc"})
    Score(value=1.0, status='scored', note='')
    """

    embed: Embed
    expected: str = "expected"

    def __call__(self, output: str, item: Mapping[str, Any]) -> Score:
        """Score one output."""
        return self.batch([output], [item])[0]

    def batch(self, outputs: Sequence[str], items: Sequence[Mapping[str, Any]]) -> list[Score]:
        """Score many outputs, with every distinct text embedded once."""
        references = [texts_of(each, self.expected) for each in items]
        texts = list(dict.fromkeys([*outputs, *(text for each in references for text in each)]))
        if not texts:
            return []
        vectors = np.asarray(self.embed(texts), dtype=np.float64)
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise PromptError(
                f"{len(texts)} texts were embedded as {vectors.shape}, or not finitely",
                "Return one vector of finite numbers a text.",
            )
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
        at = dict(zip(texts, unit, strict=True))
        return [
            Score(float(np.clip(max(at[output] @ at[text] for text in each), -1, 1)))
            for output, each in zip(outputs, references, strict=True)
        ]


def similarity(embed: Embed | None = None, expected: str = "expected") -> Similarity:
    """Return a scorer of semantic similarity; see `Similarity`.

    Parameters
    ----------
    embed
        From texts to vectors, ``(texts, dimensions)``; by default `MiniLM` on this machine, which
        embeds each distinct text once and for all.
    expected
        The field of the item with the reference, or with several of which the nearest counts.

    Raises
    ------
    ModelError
        If the files of `MiniLM` are needed and were not fetched.
    """
    return Similarity(cached(MiniLM()).embed if embed is None else embed, expected)
