"""Drift of embeddings: a linear classifier and the maximum mean discrepancy."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.auc import MARGIN, SAME, cross_validated_auc, folds_of
from aiopslab.drift.measure import ALPHA, Measure, unmeasured
from aiopslab.drift.mmd import mean_discrepancy
from aiopslab.errors import FrameError

Floats = npt.NDArray[np.float64]

AUC = "AUC of the vectors"
ROWS = 5_000  # of each side, at most
NEEDED = 50  # rows of each side: ten in every fold
FOLDS = 5
TELLS = 0.1  # share of the variance that a direction is thought to tell beforehand


@dataclass(frozen=True)
class EmbeddingDrift:
    """How far two samples of embeddings lie apart.

    Parameters
    ----------
    classifier
        AUC of a linear classifier on rows that were held out: a mean that moved.
    discrepancy
        Any difference of the distributions.
    """

    classifier: Measure
    discrepancy: Measure

    @property
    def drifted(self) -> bool:
        """Whether either is significant beside the other (Bonferroni), and matters."""
        return any(2 * each.p <= ALPHA and each.matters for each in self.measures)

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The two measures, with the p-value that each has alone."""
        return self.classifier, self.discrepancy

    def table(self) -> pd.DataFrame:
        """Return one row a measure, with its interval."""
        return pd.DataFrame([each.row() for each in self.measures])


def compare_embeddings(reference: pd.Series, current: pd.Series, seed: int = 0) -> EmbeddingDrift:
    """Compare two columns of embeddings.

    Parameters
    ----------
    reference, current
        Cells are equally long lists or arrays of numbers; missing ones are left out. Of more than
        5,000 rows that many are drawn.
    seed
        Of the draws, folds and permutations.

    Returns
    -------
    EmbeddingDrift
        "Not enough data" under 50 vectors of a side.

    Raises
    ------
    FrameError
        If vectors differ in length, or cells hold none; it names the column.

    Notes
    -----
    The classifier is a ridge regression on which side a row is of, the linear discriminant with
    shrunk covariances; every fold is left out of one product of matrices.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> reference, current = (pd.Series(list(rng.normal(m, 1, (300, 8)))) for m in (0, 0.5))
    >>> compare_embeddings(reference, current).drifted
    True
    """
    generator = np.random.default_rng(seed)
    sides = [_matrix(each, generator) for each in (reference, current)]
    rows = (len(sides[0]), len(sides[1]))
    if min(rows) < NEEDED:
        nothing = unmeasured(AUC, SAME, MARGIN, "", rows, NEEDED)
        return EmbeddingDrift(nothing, mean_discrepancy(sides[0], sides[1]))
    if sides[0].shape[1] != sides[1].shape[1]:
        raise FrameError(
            f"embeddings in {reference.name!r} have {sides[0].shape[1]} numbers in the reference "
            f"and {sides[1].shape[1]} in the current rows; expected as many",
            "Embed both with the same model.",
        )
    classifier = _classified(sides[0], sides[1], generator)
    return EmbeddingDrift(classifier, mean_discrepancy(sides[0], sides[1], seed))


def _matrix(series: pd.Series, generator: np.random.Generator) -> Floats:
    known = series.dropna()
    if len(known) > ROWS:
        known = known.iloc[np.sort(generator.choice(len(known), ROWS, replace=False))]
    try:
        vectors = [np.asarray(each, dtype=np.float64).ravel() for each in known]
    except (TypeError, ValueError):
        raise FrameError(
            f"not all embeddings in {series.name!r} are lists of numbers",
            "Give every row a list of numbers, or none.",
        ) from None
    lengths = {len(each) for each in vectors}
    if len(lengths) > 1:
        raise FrameError(
            f"embeddings in {series.name!r} have {min(lengths)} to {max(lengths)} numbers; "
            "expected as many in each",
            "Embed all rows with the same model.",
        )
    matrix = np.array(vectors, dtype=np.float64).reshape(len(vectors), max(lengths, default=0))
    return np.asarray(matrix[np.isfinite(matrix).all(axis=1)], dtype=np.float64)


def _classified(reference: Floats, current: Floats, generator: np.random.Generator) -> Measure:
    rows = (len(reference), len(current))
    table = np.vstack([reference, current])
    spread = table.std(axis=0)
    table = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1)
    is_current = np.arange(len(table)) >= rows[0]
    side = is_current - is_current.mean()
    fold_of = np.concatenate([folds_of(each, FOLDS, generator) for each in rows])
    products, sums = table.T @ table, table.T @ side
    shrink = table.shape[1] / TELLS * np.eye(table.shape[1])
    folds = []
    for fold in range(FOLDS):
        held = table[fold_of == fold]
        truth = is_current[fold_of == fold]
        left = products - held.T @ held + shrink
        direction = np.linalg.solve(left, sums - held.T @ side[fold_of == fold])
        scores = held @ direction
        folds.append((scores[truth], scores[~truth]))
    return cross_validated_auc(AUC, folds, rows, NEEDED)
