"""Metrics: how good rankings are, for many questions at once.

Each takes ``grades``, ``(questions, ranks)``: how relevant the hit at each rank is, 0 where it is
not or where there is none. The rank alone decides: ties in score were broken by whoever ranked.
Those that need to know what could have been found take ``ideal`` too, ``(questions, any)``: the
grades of all that is relevant, in any order, filled up with 0. A grade below 0 counts as 0.

Each returns one figure a question, 0 where nothing is relevant. ``k`` is how many ranks count;
without it all do. The definitions are those of trec_eval, which pytrec_eval and ranx share but for
this: the reciprocal rank of trec_eval knows no ``k``, and ranx takes any ``k`` past the hits of a
question for the number of its hits in all but precision and recall, which changes no figure.
"""

import numpy as np
import numpy.typing as npt

from aiopslab.errors import RetrievalError

Floats = npt.NDArray[np.float64]


def recall(grades: npt.ArrayLike, ideal: npt.ArrayLike, k: int | None = None) -> Floats:
    """Return the share of what is relevant that is among the first hits.

    Parameters
    ----------
    grades, ideal, k
        As the module says.

    Returns
    -------
    ndarray
        ``(questions,)``, 0 to 1.

    Raises
    ------
    RetrievalError
        Like all here, where the arrays do not fit each other or `k` is below 1.

    Examples
    --------
    >>> recall([[3, 0, 1]], [[3, 2, 1, 1]], k=3)
    array([0.5])
    """
    hits, best = _both(grades, ideal, k)
    return _share((hits > 0).sum(axis=1), (best > 0).sum(axis=1))


def precision(grades: npt.ArrayLike, k: int | None = None) -> Floats:
    """Return the share of the first `k` ranks that hold something relevant.

    A rank without a hit is one that holds nothing relevant.

    Examples
    --------
    >>> precision([[3, 0]], k=4)
    array([0.25])
    """
    hits = _cut(grades, k)
    ranks = hits.shape[1] if k is None else k
    return _share((hits > 0).sum(axis=1), np.full(len(hits), ranks))


def hit_rate(grades: npt.ArrayLike, k: int | None = None) -> Floats:
    """Return 1 where anything among the first hits is relevant (trec_eval: ``success``).

    Examples
    --------
    >>> hit_rate([[0, 2], [0, 0]])
    array([1., 0.])
    """
    return np.asarray((_cut(grades, k) > 0).any(axis=1), dtype=np.float64)


def reciprocal_rank(grades: npt.ArrayLike, k: int | None = None) -> Floats:
    """Return 1 over the rank of the first relevant hit; its mean is MRR.

    Examples
    --------
    >>> reciprocal_rank([[0, 2, 1], [0, 0, 0]])
    array([0.5, 0. ])
    """
    relevant = _cut(grades, k) > 0
    if not relevant.shape[1]:
        return np.zeros(len(relevant))
    return _share(relevant.any(axis=1), 1 + relevant.argmax(axis=1))


def average_precision(grades: npt.ArrayLike, ideal: npt.ArrayLike, k: int | None = None) -> Floats:
    """Return the mean of the precisions at the rank of all that is relevant; its mean is MAP.

    What is not among the first hits counts with a precision of 0 (trec_eval: ``map_cut``).

    Examples
    --------
    >>> average_precision([[1, 0, 1]], [[1, 1]])
    array([0.83333333])
    """
    hits, best = _both(grades, ideal, k)
    relevant = hits > 0
    precisions = relevant.cumsum(axis=1) / np.arange(1, hits.shape[1] + 1)
    return _share((precisions * relevant).sum(axis=1), (best > 0).sum(axis=1))


def ndcg(grades: npt.ArrayLike, ideal: npt.ArrayLike, k: int | None = None) -> Floats:
    """Return the discounted gain of the first hits, as a share of the best there can be.

    The gain of a hit is its grade, as in trec_eval's ``ndcg_cut`` and ranx's ``ndcg``. For
    ``ndcg_burges``, in which high grades count for much more, pass both through `exponential`.

    Notes
    -----
    K. Järvelin and J. Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM
    Transactions on Information Systems 20, 2002; discounted by log2 of the rank and 1.

    Examples
    --------
    >>> ndcg([[1, 3]], [[3, 1]]).round(3)
    array([0.797])
    >>> ndcg(exponential([[1, 3]]), exponential([[3, 1]])).round(3)
    array([0.71])
    """
    hits, best = _both(grades, ideal, k)
    best = -np.sort(-best, axis=1)[:, :k]
    return _share(hits @ _discount(hits.shape[1]), best @ _discount(best.shape[1]))


def exponential(grades: npt.ArrayLike) -> Floats:
    """Return the gains ``2 ** grade - 1`` of C. Burges et al., ICML 2005.

    Examples
    --------
    >>> exponential([[0, 1, 3]])
    array([[0., 1., 7.]])
    """
    told = np.maximum(np.asarray(grades, dtype=np.float64), 0)
    return np.asarray(np.exp2(told) - 1, dtype=np.float64)


def _discount(ranks: int) -> Floats:
    return 1 / np.log2(np.arange(2, ranks + 2))


def _cut(grades: npt.ArrayLike, k: int | None) -> Floats:
    """Return the grades of the first ranks, none below 0."""
    if k is not None and k < 1:
        raise RetrievalError(f"k is {k}; expected at least 1", "Pass how many hits count.")
    told = np.asarray(grades, dtype=np.float64)
    if told.ndim != 2:
        raise RetrievalError(
            f"grades have the shape {told.shape}; expected (questions, ranks)",
            "Pass one row a question, filled up with 0.",
        )
    return np.maximum(told[:, :k], 0)


def _both(grades: npt.ArrayLike, ideal: npt.ArrayLike, k: int | None) -> tuple[Floats, Floats]:
    hits, best = _cut(grades, k), _cut(ideal, None)
    if len(hits) != len(best):
        raise RetrievalError(
            f"there are grades of {len(hits)} questions and ideals of {len(best)}",
            "Pass one row a question in both, in the same order.",
        )
    return hits, best


def _share(part: npt.ArrayLike, whole: npt.ArrayLike) -> Floats:
    """Return the quotient, 0 where there is no whole."""
    parts, wholes = (np.asarray(each, dtype=np.float64) for each in (part, whole))
    return np.divide(parts, wholes, out=np.zeros(len(parts)), where=wholes > 0)
