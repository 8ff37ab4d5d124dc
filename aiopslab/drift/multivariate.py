"""Drift of all features together, and of texts and embeddings, each of which is many features."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from aiopslab.drift.classifier import ROWS, DomainClassifier, classify_encoded
from aiopslab.drift.comparison import Comparison
from aiopslab.drift.dependence import Dependence, compare_correlations
from aiopslab.drift.embedding_drift import EmbeddingDrift, compare_embeddings
from aiopslab.drift.encoding import encoded, sampled
from aiopslab.drift.feature import FeatureDrift
from aiopslab.drift.measure import Measure
from aiopslab.drift.observations import Roles
from aiopslab.drift.reconstruction import Reconstruction, reconstruct
from aiopslab.drift.text_drift import TextDrift, compare_texts


@dataclass(frozen=True)
class Multivariate:
    """Three looks at the features together, and one at each column of texts or embeddings.

    Parameters
    ----------
    classifier, dependence, reconstruction
        What each found in numbers and categories. Their p-values are those of each alone; those
        of `measures` hold for all looks together.
    texts, embeddings
        What was found in each such column, by its name; likewise.
    """

    classifier: DomainClassifier
    dependence: Dependence
    reconstruction: Reconstruction
    texts: dict[str, TextDrift]
    embeddings: dict[str, EmbeddingDrift]

    @property
    def columns(self) -> dict[str, TextDrift | EmbeddingDrift]:
        """What was found in each column of texts or embeddings, by its name."""
        return {**self.texts, **self.embeddings}

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All measures with p-values after Holm, Scandinavian Journal of Statistics 6."""
        looks = [each.measure for each in (self.classifier, self.dependence, self.reconstruction)]
        for column, drift in self.columns.items():
            looks += [replace(each, name=_named(each, column)) for each in drift.measures]
        tried = sorted((each for each in looks if each.enough), key=lambda each: each.p)
        greatest, adjusted = 0.0, {}
        for place, each in enumerate(tried):
            greatest = max(greatest, min(each.p * (len(tried) - place), 1.0))
            adjusted[each.name] = greatest
        return tuple(replace(each, p=adjusted.get(each.name, 1.0)) for each in looks)

    @property
    def drifted(self) -> bool:
        """Whether any measure is significant among all, and matters."""
        return any(each.drifted for each in self.measures)

    @property
    def moved(self) -> dict[str, tuple[Measure, ...]]:
        """The columns of texts and embeddings that drifted, each with the measures that say so."""
        drifted = {each.name: each for each in self.measures if each.drifted}
        found = {}
        for column, drift in self.columns.items():
            names = [_named(each, column) for each in drift.measures]
            found[column] = tuple(drifted[each] for each in names if each in drifted)
        return {column: measures for column, measures in found.items() if measures}

    @property
    def auc(self) -> float:
        """How well the samples are told apart: by the features together, a text or an embedding.

        The greatest of the AUC; NaN without any.
        """
        apart = [each.classifier for each in self.columns.values()]
        measures = [self.classifier.measure, *apart]
        return max((each.value for each in measures if each.enough), default=float("nan"))

    def table(self) -> pd.DataFrame:
        """Return one row a measure, with its interval."""
        return pd.DataFrame([each.row() for each in self.measures])

    def completed(self, comparison: Comparison) -> Comparison:
        """Return a comparison in which texts and embeddings that drifted as a whole did drift.

        One by one, words and directions may each have moved by less than chance explains.
        """
        features = [self._completed(each) for each in comparison.features]
        ranked = sorted(features, key=lambda each: not each.drifted)
        return replace(comparison, features=tuple(ranked))

    def _completed(self, drift: FeatureDrift) -> FeatureDrift:
        measures = self.moved.get(drift.feature)
        if not measures:
            return drift
        told = self.texts[drift.feature].direction if drift.feature in self.texts else ""
        p = min(each.p for each in measures)
        return replace(
            drift,
            p=float(np.fmin(drift.p, p)),
            q=float(np.fmin(drift.q, p)),
            significant=True,
            drifted=True,
            direction=told or drift.direction,
        )


def compare_jointly(
    reference: pd.DataFrame, current: pd.DataFrame, roles: Roles | None = None, seed: int = 0
) -> Multivariate:
    """Compare all features together: by a classifier, by correlations and by reconstruction.

    Texts and embeddings take no part in these; each such column is compared for itself.

    Parameters
    ----------
    reference, current
        One row an observation. Of more than 20,000 a side that many are drawn.
    roles
        Which column is what; the usual names where ``None``.
    seed
        Of the draw and of the classifiers.

    Returns
    -------
    Multivariate

    Raises
    ------
    FrameError
        If the embeddings of a column differ in length.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> a, b = rng.normal(size=(2, 1000))
    >>> reference = pd.DataFrame({"a": a, "b": b})
    >>> moved = compare_jointly(reference, reference.assign(b=0.6 * a + 0.8 * b))
    >>> print(moved.dependence.measure)
    change of correlation of a and b 0.554 (0.48 to 0.628)
    """
    generator = np.random.default_rng(seed)
    samples = [sampled(each, ROWS, generator) for each in (reference, current)]
    encoding = encoded(samples[0], samples[1], roles or Roles())
    old, new = ({str(name): values for name, values in each.items()} for each in samples)
    return Multivariate(
        classify_encoded(encoding, seed),
        compare_correlations(encoding),
        reconstruct(encoding),
        {each: compare_texts(old[each], new[each], seed) for each in encoding.texts},
        {each: compare_embeddings(old[each], new[each], seed) for each in encoding.embeddings},
    )


def _named(measure: Measure, column: str) -> str:
    return f"{measure.name} in {column}"
