"""Drift of all features together: how well a classifier tells which sample a row is of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.auc import AUC, MARGIN, SAME, auc_with_variance, cross_validated_auc, folds_of
from aiopslab.drift.encoding import Encoding, encoded, sampled
from aiopslab.drift.measure import ALPHA, Measure, unmeasured
from aiopslab.drift.observations import Roles
from aiopslab.drift.trees import Trees

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Fold = tuple[Trees, Booleans]

ROWS = 20_000  # of each side, at most: an AUC is then known to ± .01
NEEDED = 100  # rows of each side: twenty in every fold
FOLDS = 5
SHUFFLED = 1_000  # rows of each side and fold that importances are taken from
CATEGORIES = 254  # of one feature that the trees can hold apart, the rarer ones being one more
SHOWN = 10
T = 2.776  # of 95 % and the five folds


@dataclass(frozen=True)
class DomainClassifier:
    """How well a classifier tells which sample a row is of, and by which features.

    Parameters
    ----------
    measure
        The AUC on rows that were held out, .5 where nothing moved.
    importances
        ``(feature, drop, low, high)``: by how much the AUC falls where the feature is shuffled,
        greatest first. Empty where the AUC does not tell from .5: there is nothing to explain.
    left_out
        Features that it was not given, with the reason.
    """

    measure: Measure
    importances: tuple[tuple[str, float, float, float], ...]
    left_out: dict[str, str]

    def table(self) -> pd.DataFrame:
        """Return one row a feature, ``feature, importance, low, high``, most telling first."""
        columns = ["feature", "importance", "low", "high"]
        return pd.DataFrame(list(self.importances), columns=columns)

    def figure(self) -> "go.Figure":
        """Draw by which features the samples can be told apart."""
        from aiopslab.charts.bars import ranked_bars

        title = "What tells the current rows from the reference"
        shown = self.table().head(SHOWN)
        return ranked_bars(shown, "feature", "importance", title, "AUC lost if shuffled")


def classify(
    reference: pd.DataFrame, current: pd.DataFrame, roles: Roles | None = None, seed: int = 0
) -> DomainClassifier:
    """Tell the two samples apart by all features together.

    Parameters
    ----------
    reference, current
        One row an observation. Of more than 20,000 a side that many are drawn.
    roles
        Which column is what; the usual names where ``None``.
    seed
        Of the draw, the folds and the trees.

    Returns
    -------
    DomainClassifier
        "Not enough data" under 100 rows of a side.

    Notes
    -----
    Gradient-boosted trees in five folds of blocks of rows; categories and missing values are
    theirs to handle. Times, identifiers and counters are left out, since they would give every row
    away. The idea is that of D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests",
    ICLR 2017; the importances are L. Breiman's, Machine Learning 45, 2001, on held-out rows.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=1000)
    >>> reference = pd.DataFrame({"a": a, "b": a + rng.normal(size=1000)})
    >>> current = pd.DataFrame({"a": a, "b": rng.normal(0, 2**0.5, size=1000)})
    >>> classify(reference, current).measure.drifted
    True
    """
    generator = np.random.default_rng(seed)
    samples = [sampled(each, ROWS, generator) for each in (reference, current)]
    return classify_encoded(encoded(samples[0], samples[1], roles or Roles()), seed)


def classify_encoded(encoding: Encoding, seed: int = 0) -> DomainClassifier:
    """Do what `classify` does with samples that are encoded already."""
    is_current = encoding.is_current
    rows = (encoding.reference_rows, len(is_current) - encoding.reference_rows)
    if min(rows) < NEEDED or not encoding.features:
        nothing = unmeasured(AUC, SAME, MARGIN, "", rows, NEEDED)
        return DomainClassifier(nothing, (), encoding.left_out)
    inputs = _inputs(encoding)
    generator = np.random.default_rng(seed)
    fold_of = np.concatenate([folds_of(each, FOLDS, generator) for each in rows])
    held_out, folds = [], []
    for model, held in _fitted(inputs, is_current, fold_of, len(encoding.numeric), seed):
        scores = model.predict_proba(inputs[held])[:, 1]
        held_out.append((scores[is_current[held]], scores[~is_current[held]]))
        folds.append((model, held))
    measure = cross_validated_auc(AUC, held_out, rows, NEEDED)
    importances: tuple[tuple[str, float, float, float], ...] = ()
    if measure.p <= ALPHA:
        importances = _importances(encoding.features, inputs, is_current, folds, generator)
    return DomainClassifier(measure, importances, encoding.left_out)


def _inputs(encoding: Encoding) -> Floats:
    """Return one matrix, numbers first; NaN is missing."""
    codes = np.minimum(encoding.codes, CATEGORIES).astype(np.float64)
    return np.column_stack([encoding.values, np.where(codes < 0, np.nan, codes)])


def _fitted(
    inputs: Floats,
    is_current: Booleans,
    fold_of: npt.NDArray[np.intp],
    numeric: int,
    seed: int,
) -> Iterator[Fold]:
    """Yield the classifier fitted without each fold, and which rows that is."""
    categorical = np.arange(inputs.shape[1]) >= numeric
    for fold in range(FOLDS):
        held = fold_of == fold
        model = Trees("classifier", seed, categorical_features=categorical)
        yield model.fit(inputs[~held], is_current[~held]), held


def _importances(
    features: tuple[str, ...],
    inputs: Floats,
    is_current: Booleans,
    folds: list[Fold],
    generator: np.random.Generator,
) -> tuple[tuple[str, float, float, float], ...]:
    drops = np.empty((len(folds), len(features)))
    for fold, (model, held) in enumerate(folds):
        sides = [np.flatnonzero(held & side) for side in (is_current, ~is_current)]
        taken = np.concatenate([generator.permutation(each)[:SHUFFLED] for each in sides])
        rows, truth = inputs[taken], is_current[taken]
        whole = _auc(model, rows, truth)
        for place in range(len(features)):
            shuffled = rows.copy()
            shuffled[:, place] = generator.permutation(rows[:, place])
            drops[fold, place] = whole - _auc(model, shuffled, truth)
    mean = drops.mean(axis=0)
    spread = T * drops.std(axis=0, ddof=1) / len(folds) ** 0.5
    order = np.argsort(-mean, kind="stable")
    bounds = np.column_stack([mean, mean - spread, mean + spread])[order].tolist()
    return tuple(
        (features[place], drop, low, high)
        for place, (drop, low, high) in zip(order, bounds, strict=True)
    )


def _auc(model: Trees, rows: Floats, truth: Booleans) -> float:
    scores = model.predict_proba(rows)[:, 1]
    return auc_with_variance(scores[truth], scores[~truth])[0]
