"""Query drift: whether the questions of now are told apart from those of a reference."""

import numpy as np
import numpy.typing as npt

from aiopslab.errors import RetrievalError
from aiopslab.findings import Effect, Interval
from aiopslab.retrieval.exact import Singles
from aiopslab.statistics.intervals import deviate

Floats = npt.NDArray[np.float64]

NEEDED = 50  # questions of each side
FOLDS = 5
CONFIDENCE = 0.95


def separation(reference: Singles, recent: Singles, seed: int = 0) -> Effect | None:
    """Return how well a classifier tells recent questions from those of a reference.

    Parameters
    ----------
    reference, recent
        Vectors of questions, ``(any, dimensions)``, by the same embedder.
    seed
        Deals the questions to folds.

    Returns
    -------
    Effect or None
        The area under its ROC curve over questions that it had not seen: 0.5 where nothing has
        changed, 1 where every question is told apart. ``None`` where a side has fewer than 50.

    Raises
    ------
    RetrievalError
        If the two do not have the same dimensions.

    Notes
    -----
    The classifier two-sample test of D. Lopez-Paz and M. Oquab, ICLR 2017, by a logistic
    regression. The variance of each fold is that of J. A. Hanley and B. J. McNeil, Radiology 143,
    1982; folds share what they were trained on, which the interval does not know. A question that
    was asked twice counts twice: of a few that are repeated often, pass each once.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> one, other = rng.normal(size=(2, 200, 8)).astype(np.float32)
    >>> separation(one, other + 1).value > 0.9
    True
    """
    if reference.shape[1] != recent.shape[1]:
        raise RetrievalError(
            f"the reference has {reference.shape[1]} dimensions and what is recent "
            f"{recent.shape[1]}",
            "Embed both with the same model.",
        )
    if min(len(reference), len(recent)) < NEEDED:
        return None
    from sklearn.linear_model import LogisticRegression

    vectors = np.vstack([reference, recent]).astype(np.float64)
    is_recent = np.repeat([False, True], [len(reference), len(recent)])
    vectors = vectors / max(float(vectors.std(axis=0).mean()), 1e-12)
    fold = _dealt(is_recent, np.random.default_rng(seed))
    areas = []
    for each in range(FOLDS):
        kept = fold != each
        model = LogisticRegression(C=0.1, class_weight="balanced", max_iter=1_000)
        scores = model.fit(vectors[kept], is_recent[kept]).decision_function(vectors[~kept])
        areas.append(_area(scores, is_recent[~kept]))
    value = float(np.mean([area for area, _ in areas]))
    error = float(np.sqrt(np.sum([variance for _, variance in areas]))) / FOLDS
    half = deviate(CONFIDENCE) * error
    interval = Interval(max(value - half, 0.0), min(value + half, 1.0), CONFIDENCE)
    return Effect("AUC of recent against reference questions", value, "", interval)


def _dealt(sides: npt.NDArray[np.bool_], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Deal the rows of each side to folds of equal size."""
    fold = np.empty(len(sides), dtype=np.intp)
    for side in (False, True):
        rows = np.flatnonzero(sides == side)
        fold[rng.permutation(rows)] = np.arange(len(rows)) % FOLDS
    return fold


def _area(scores: Floats, positive: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the area under the ROC curve, and its variance."""
    above, below = int(positive.sum()), int((~positive).sum())
    from scipy.stats import rankdata

    ranks = rankdata(scores)[positive].sum()
    area = (ranks - above * (above + 1) / 2) / (above * below)
    pair, other = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (above - 1) * (pair - area**2) + (below - 1) * (other - area**2)
    return float(area), float(spread) / (above * below)
