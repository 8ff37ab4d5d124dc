"""Drift of all features together, found where every feature alone looks as before."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from aiopslab.drift.classifier import ROWS, DomainClassifier, classify_encoded
from aiopslab.drift.dependence import Dependence, compare_correlations
from aiopslab.drift.encoding import encoded, sampled
from aiopslab.drift.measure import Measure
from aiopslab.drift.observations import Roles
from aiopslab.drift.reconstruction import Reconstruction, reconstruct


@dataclass(frozen=True)
class Multivariate:
    """Three looks at all features together.

    Parameters
    ----------
    classifier, dependence, reconstruction
        What each found. Their p-values are those of each alone; those of `measures` hold for the
        three together.
    """

    classifier: DomainClassifier
    dependence: Dependence
    reconstruction: Reconstruction

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The three measures with p-values after Holm, Scandinavian Journal of Statistics 6."""
        looks = [each.measure for each in (self.classifier, self.dependence, self.reconstruction)]
        tried = sorted((each for each in looks if each.enough), key=lambda each: each.p)
        greatest, adjusted = 0.0, {}
        for place, each in enumerate(tried):
            greatest = max(greatest, min(each.p * (len(tried) - place), 1.0))
            adjusted[each.name] = greatest
        return tuple(replace(each, p=adjusted.get(each.name, 1.0)) for each in looks)

    @property
    def drifted(self) -> bool:
        """Whether any of the three is significant among the three, and matters."""
        return any(each.drifted for each in self.measures)

    def table(self) -> pd.DataFrame:
        """Return one row a measure, with its interval."""
        return pd.DataFrame([each.row() for each in self.measures])


def compare_jointly(
    reference: pd.DataFrame, current: pd.DataFrame, roles: Roles | None = None, seed: int = 0
) -> Multivariate:
    """Compare all features together: by a classifier, by correlations and by reconstruction.

    Parameters
    ----------
    reference, current
        One row an observation. Of more than 20,000 a side that many are drawn.
    roles
        Which column is what; the usual names where ``None``.
    seed
        Of the draw and of the classifier.

    Returns
    -------
    Multivariate

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
    return Multivariate(
        classify_encoded(encoding, seed), compare_correlations(encoding), reconstruct(encoding)
    )
