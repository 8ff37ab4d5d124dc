"""Fusion: one ranked list out of several, such as those by words and by meaning."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.exact import Ranked, rank

Floats = npt.NDArray[np.float64]

CONSTANT = 60  # of the paper; the larger it is, the less the first ranks stand out


def reciprocal_rank_fusion(
    lists: Sequence[Ranked],
    k: int,
    weights: Sequence[float] | None = None,
    constant: float = CONSTANT,
) -> Ranked:
    """Fuse ranked lists by rank alone, whatever their scores mean.

    Parameters
    ----------
    lists
        Of the same questions over the same chunks, deeper than `k`: what one list ranks past its
        end, another cannot lift.
    k
        Hits a question at most.
    weights
        How much each list counts; without them all count alike.
    constant
        Is added to each rank.

    Returns
    -------
    Ranked
        Scored by the sum of ``weight / (constant + rank)`` over the lists.

    Raises
    ------
    RetrievalError
        If there is no list, the lists are of different questions, or the weights do not fit them.

    Notes
    -----
    G. Cormack, C. Clarke and S. Büttcher, "Reciprocal rank fusion outperforms Condorcet and
    individual rank learning methods", SIGIR 2009.

    Examples
    --------
    >>> one, two = (Ranked(np.array([each]), np.zeros((1, 3))) for each in ([4, 5, 6], [6, 5, 7]))
    >>> reciprocal_rank_fusion([one, two], 2).places
    array([[6, 5]])
    """
    ranks = [
        np.broadcast_to(np.arange(1, each.places.shape[1] + 1), each.places.shape) for each in lists
    ]
    return _fused(lists, [1 / (constant + each) for each in ranks], k, weights)


def min_max(scores: Floats) -> Floats:
    """Bring the scores of each question to 0 to 1; those of a list of equals are 1.

    Parameters
    ----------
    scores
        ``(questions, ranks)``, NaN where there is no hit.

    Examples
    --------
    >>> min_max(np.array([[9.0, 6.0, 5.0, np.nan]]))
    array([[1.  , 0.25, 0.  ,  nan]])
    """
    least, most = _over_hits(scores, np.min), _over_hits(scores, np.max)
    return _divide(scores - least, most - least, 1.0)


def z_scores(scores: Floats) -> Floats:
    """Count the scores of each question in standard deviations above their least.

    Standard scores, moved so that the last hit of a list is worth as much as none.

    Examples
    --------
    >>> z_scores(np.array([[3.0, 1.0, np.nan]]))
    array([[ 2.,  0., nan]])
    """
    return _divide(scores - _over_hits(scores, np.min), _over_hits(scores, np.std), 1.0)


def weighted(
    lists: Sequence[Ranked],
    k: int,
    weights: Sequence[float] | None = None,
    normalise: Callable[[Floats], Floats] = min_max,
) -> Ranked:
    """Fuse ranked lists by their scores, made comparable question by question.

    Parameters
    ----------
    lists, k, weights
        As in `reciprocal_rank_fusion`.
    normalise
        `min_max` or `z_scores`, or any function of scores ``(questions, ranks)``. A chunk that is
        not in a list gets 0 from it.

    Returns
    -------
    Ranked
        Scored by the weighted sum.

    Raises
    ------
    RetrievalError
        As `reciprocal_rank_fusion` does.

    Notes
    -----
    E. Fox and J. Shaw, "Combination of multiple searches", TREC-2, 1994 (CombSUM).

    Examples
    --------
    >>> words = Ranked(np.array([[0, 1]]), np.array([[12.0, 3.0]]))
    >>> meaning = Ranked(np.array([[2, 0, 1]]), np.array([[0.8, 0.7, 0.3]]))
    >>> weighted([words, meaning], 3, weights=[0.3, 0.7]).scores.round(2)
    array([[0.86, 0.7 , 0.  ]])
    """
    return _fused(lists, [normalise(each.scores) for each in lists], k, weights)


def _fused(
    lists: Sequence[Ranked], worth: Sequence[Floats], k: int, weights: Sequence[float] | None
) -> Ranked:
    """Add up what each list says of a chunk."""
    shares = np.ones(len(lists)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not lists or len({len(each) for each in lists}) > 1:
        raise RetrievalError(
            f"the lists are of {[len(each) for each in lists]} questions",
            "Pass at least one list, all of the same questions.",
        )
    if shares.shape != (len(lists),) or not (shares >= 0).all() or not shares.any():
        raise RetrievalError(
            f"the weights are {shares.tolist()} for {len(lists)} lists",
            "Pass one number of 0 or more for each list, not all of them 0.",
        )
    pairs = [each.pairs()[:2] for each in lists]
    rows, places = (np.concatenate([each[at] for each in pairs]) for at in (0, 1))
    told = zip(lists, worth, shares, strict=True)
    scores = np.concatenate([share * each[ranked.known] for ranked, each, share in told])
    width = int(places.max(initial=0)) + 1
    keys, which = np.unique(rows * width + places, return_inverse=True)
    sums = np.bincount(which, scores, minlength=len(keys)).astype(np.float64)
    return rank(keys // width, keys % width, sums, len(lists[0]), k)


def _over_hits(scores: Floats, of: Callable[..., Floats]) -> Floats:
    """Return a figure of the scores that are known, ``(questions, 1)``; NaN where none is."""
    told = np.ma.masked_invalid(scores)
    return np.ma.filled(of(told, axis=1, keepdims=True), np.nan)


def _divide(above: Floats, spread: Floats, equals: float) -> Floats:
    """Return the quotient, and `equals` where nothing is spread."""
    known = np.where(np.isnan(above), np.nan, equals)
    return np.divide(above, spread, out=known, where=spread > 0)
