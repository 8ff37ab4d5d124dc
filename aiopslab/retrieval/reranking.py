"""Reranking: a second, dearer look at the first hits."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.exact import Ranked, Singles, check_depth, cosines, rank

Floats = npt.NDArray[np.float64]
Scorer = Callable[[str, Sequence[str]], npt.ArrayLike]

BALANCE = 0.7  # towards relevance
BLOCK = 1 << 22  # numbers of the candidates' vectors at a time, 32 MB


def maximal_marginal_relevance(
    ranked: Ranked, queries: Singles, vectors: Singles, k: int, balance: float = BALANCE
) -> Ranked:
    """Choose hits that are near the question and not near one another.

    Parameters
    ----------
    ranked
        The candidates, more than `k` of them.
    queries, vectors
        Of the questions ``(questions, dimensions)`` and of all chunks ``(chunks, dimensions)``, of
        unit length.
    k
        Hits a question at most.
    balance
        1 counts the question alone, 0 only how new a hit is beside those chosen before it.

    Returns
    -------
    Ranked
        Scored by what each was chosen for: ``balance`` times its cosine with the question, less
        ``1 - balance`` times the largest one with a hit before it, 0 at least, so that scores fall.
        Of equals the one ranked higher before goes first.

    Raises
    ------
    RetrievalError
        If `balance` is out of range or `k` below 1.

    Notes
    -----
    J. Carbonell and J. Goldstein, "The use of MMR, diversity-based reranking for reordering
    documents and producing summaries", SIGIR 1998.

    Examples
    --------
    >>> vectors = np.array([[1, 0], [1, 0], [0.6, 0.8]], dtype=np.float32)
    >>> near = Ranked(np.array([[0, 1, 2]]), np.array([[1.0, 1.0, 0.6]]))
    >>> maximal_marginal_relevance(near, vectors[:1], vectors, 2, balance=0.4).places
    array([[0, 2]])
    """
    if not 0 <= balance <= 1:
        raise RetrievalError(f"the balance is {balance}; expected 0 to 1", f"Pass {BALANCE}.")
    check_depth(k)
    depth = ranked.places.shape[1]
    step = max(1, BLOCK // max(depth * vectors.shape[1], 1))
    parts = [slice(first, first + step) for first in range(0, len(ranked), step)]
    chosen = [
        _choose(
            Ranked(ranked.places[each], ranked.scores[each]), queries[each], vectors, k, balance
        )
        for each in parts
    ]
    none = np.empty((0, min(k, depth)))
    return Ranked(
        np.concatenate([none.astype(np.intp), *(each.places for each in chosen)]),
        np.concatenate([none, *(each.scores for each in chosen)]),
    )


def rerank(
    ranked: Ranked, questions: Sequence[str], texts: Sequence[str], scorer: Scorer, k: int
) -> Ranked:
    """Order hits by the scores of a function: a cross-encoder, a service, `late_interaction`.

    Parameters
    ----------
    ranked
        The candidates; each is scored once.
    questions, texts
        Of the questions, and of all chunks.
    scorer
        Is called once a question with its text and those of its candidates, ``(candidates,)``, and
        returns as many numbers, higher where a text answers better.
    k
        Hits a question at most.

    Returns
    -------
    Ranked
        Scored by the function; of equals the chunk that comes first goes first.

    Raises
    ------
    RetrievalError
        If the function does not return one finite number a candidate.

    Examples
    --------
    >>> found = Ranked(np.array([[0, 1]]), np.array([[0.9, 0.8]]))
    >>> def shared(question, texts):
    ...     return [len(set(question.split()) & set(each.split())) for each in texts]
    >>> rerank(found, ["swept wing"], ["heat flow", "a swept wing"], shared, 2).places
    array([[1, 0]])
    """
    rows, places, _ = ranked.pairs()
    scores = np.empty(len(rows))
    begins = np.searchsorted(rows, np.arange(len(ranked) + 1))
    for row, question in enumerate(questions):
        part = slice(begins[row], begins[row + 1])
        if part.start == part.stop:
            continue
        told = np.asarray(scorer(question, [texts[place] for place in places[part]]), np.float64)
        if told.shape != (part.stop - part.start,) or not np.isfinite(told).all():
            raise RetrievalError(
                f"the reranker returned {told.shape} for {part.stop - part.start} texts"
                f"{'' if np.isfinite(told).all() else ', some of it not finite'}",
                "It has to return one finite number a text, in their order.",
            )
        scores[part] = told
    return rank(rows, places, scores, len(ranked), k)


def late_interaction(embedder: Any) -> Scorer:
    """Return a scorer for `rerank` that compares texts token by token.

    Parameters
    ----------
    embedder
        With a method ``token_vectors(text)`` that returns the vectors of the tokens of a text,
        ``(tokens, dimensions)``, of unit length. It is asked once for each distinct text.

    Returns
    -------
    callable
        The sum over the tokens of the question of the largest cosine with a token of the text.

    Raises
    ------
    RetrievalError
        If the embedder has no vectors of tokens.

    Notes
    -----
    MaxSim of O. Khattab and M. Zaharia, "ColBERT: efficient and effective passage search via
    contextualized late interaction over BERT", SIGIR 2020. Models that were not trained for it can
    do worse by it than by their vectors of whole texts.

    Examples
    --------
    >>> class Letters:
    ...     name = "letters"
    ...     def token_vectors(self, text):
    ...         return np.eye(26)[[ord(each) - 97 for each in text]]
    >>> late_interaction(Letters())("abc", ["cab", "add"])
    array([3., 1.])
    """
    if not callable(getattr(embedder, "token_vectors", None)):
        raise RetrievalError(
            f"the embedder {getattr(embedder, 'name', type(embedder).__name__)!r} gives no vectors "
            "of tokens",
            "Give it a method token_vectors(text), or rerank by another function.",
        )
    known: dict[str, Floats] = {}

    def vectors(text: str) -> Floats:
        if text not in known:
            known[text] = np.asarray(embedder.token_vectors(text), dtype=np.float64)
        return known[text]

    def score(question: str, texts: Sequence[str]) -> Floats:
        asked = vectors(question)
        told = [vectors(each) for each in texts]
        return np.array([(asked @ each.T).max(axis=1, initial=-1.0).sum() for each in told])

    return score


def _choose(
    candidates: Ranked, queries: Singles, vectors: Singles, k: int, balance: float
) -> Ranked:
    """Choose one hit after another, for all questions of a block at once."""
    rows, places, _ = candidates.pairs()
    near = np.zeros(candidates.places.shape)
    near[candidates.known] = cosines(queries, vectors, rows, places)
    told = vectors[np.maximum(candidates.places, 0)].astype(np.float64)
    nearest = np.zeros(near.shape)  # to a hit chosen before
    free, every = candidates.known, np.arange(len(candidates))
    shape = len(candidates), min(k, candidates.places.shape[1])
    chosen = Ranked(np.full(shape, -1, dtype=np.intp), np.full(shape, np.nan))
    for at in range(shape[1]):
        worth = np.where(free, balance * near - (1 - balance) * nearest, -np.inf)
        best = worth.argmax(axis=1)
        left = free.any(axis=1)
        chosen.places[left, at] = candidates.places[left, best[left]]
        chosen.scores[left, at] = worth[left, best[left]]
        alike = np.einsum("qcd,qd->qc", told, told[every, best])
        nearest = np.maximum(nearest, alike)
        free[every, best] = False
    return chosen
