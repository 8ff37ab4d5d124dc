"""Which features drifted, by how much and in which direction: two profiles side by side."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.drift.feature import FeatureDrift, Judge, Margins
from aiopslab.drift.omnibus import benjamini_hochberg
from aiopslab.drift.profiles import Profile, check_edges
from aiopslab.errors import AIOpsLabError, FrameError

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Comparison:
    """Two profiles compared, feature by feature.

    Parameters
    ----------
    reference, current
        The profiles.
    features
        The most drifted first.
    absent, extra
        Features that only the reference has, and only the current.
    confidence, alpha, margins
        As in `compare`.
    """

    reference: Profile = field(repr=False)
    current: Profile = field(repr=False)
    features: tuple[FeatureDrift, ...]
    absent: tuple[str, ...]
    extra: tuple[str, ...]
    confidence: float
    alpha: float
    margins: Margins

    @property
    def drifted(self) -> tuple[str, ...]:
        """The names of the features that drifted, the most drifted first."""
        return tuple(each.feature for each in self.features if each.drifted)

    def table(self) -> pd.DataFrame:
        """Return one row a feature, the most drifted first."""
        rows = [
            {
                "feature": each.feature,
                "kind": each.kind,
                "effect": each.effect.value,
                "low": each.effect.low,
                "high": each.effect.high,
                "measure": each.measure,
                "wasserstein": each.wasserstein.value,
                "js": each.js.value,
                "psi": each.psi.value,
                "tv": each.tv.value,
                "p": each.p,
                "q": each.q,
                "significant": each.significant,
                "drifted": each.drifted,
                "direction": each.direction,
            }
            for each in self.features
        ]
        return pd.DataFrame(rows)

    def effects(self) -> pd.DataFrame:
        """Return one row a feature and distance: ``feature, measure, value, low, high``."""
        rows = [
            {"feature": each.feature, "measure": name, **vars(getattr(each, name))}
            for each in self.features
            for name in ("wasserstein", "js", "psi", "tv")
            if not np.isnan(getattr(each, name).value)
        ]
        return pd.DataFrame(rows, columns=["feature", "measure", "value", "low", "high"])

    def figure(self, most: int = 20) -> "go.Figure":
        """Draw the effects with their intervals, the most drifted feature first."""
        from aiopslab.charts.distributions import effect_strip

        table = self.table().assign(margin=[each.margin for each in self.features])
        return effect_strip(table.head(most), self.confidence)

    def distribution(self, feature: str) -> "go.Figure":
        """Draw the distributions of one feature over each other.

        Raises
        ------
        FrameError
            If the feature is not in both profiles.
        """
        from aiopslab.charts.distributions import overlaid
        from aiopslab.drift.histogram import histogram

        bars = histogram(self.reference[feature], self.current[feature])
        told = next(each.direction for each in self.features if each.feature == feature)
        return overlaid(bars, feature, told)


def compare(
    reference: Profile,
    current: Profile,
    confidence: float = 0.95,
    alpha: float = 0.05,
    margins: Margins | None = None,
    seed: int = 0,
) -> Comparison:
    """Compare two profiles feature by feature.

    Parameters
    ----------
    reference
        What is known good.
    current
        What is judged, profiled ``like=reference``.
    confidence
        Of the intervals.
    alpha
        The rate of false discoveries among those called significant (Benjamini and Hochberg).
    margins
        Effects that are too small to act on: a feature has drifted where it is significant and
        the interval of its effect is not wholly below the margin.
    seed
        Of the bootstrap behind the intervals.

    Returns
    -------
    Comparison
        A feature with fewer than 30 values on either side is not tested, and says so.

    Raises
    ------
    FrameError
        If the two have no feature in common, or were not made on the same edges.
    AIOpsLabError
        If `confidence` or `alpha` is no probability.

    Examples
    --------
    >>> from aiopslab.drift.profiles import profile
    >>> rng = np.random.default_rng(0)
    >>> good = profile(pd.DataFrame({"age": rng.normal(40, 10, 2000)}))
    >>> now = profile(pd.DataFrame({"age": rng.normal(45, 10, 2000)}), like=good)
    >>> compare(good, now).table()[["feature", "drifted", "direction"]]
      feature  drifted                   direction
    0     age     True  higher: median 39.7 → 44.7
    """
    for name, share in (("confidence", confidence), ("alpha", alpha)):
        if not 0 < share < 1:
            raise AIOpsLabError(
                f"{name} is {share}; expected a number between 0 and 1", "Write 5 % as 0.05."
            )
    limits = margins or Margins()
    shared = [name for name in reference.features if name in current.features]
    if not shared:
        raise FrameError(
            "the two profiles have no feature in common", "Compare profiles of the same table."
        )
    judge = Judge(limits, confidence, seed)
    compared = []
    for name in shared:
        one, two = reference[name], current[name]
        check_edges(name, one, two)
        compared.append(judge.feature(name, one, two))
    rates = benjamini_hochberg([each.p for each in compared])
    judged = [_judged(each, q, alpha, limits) for each, q in zip(compared, rates, strict=True)]
    return Comparison(
        reference=reference,
        current=current,
        features=tuple(sorted(judged, key=_rank)),
        absent=tuple(name for name in reference.features if name not in current.features),
        extra=tuple(name for name in current.features if name not in reference.features),
        confidence=confidence,
        alpha=alpha,
        margins=limits,
    )


def _judged(drift: FeatureDrift, q: float, alpha: float, margins: Margins) -> FeatureDrift:
    """Add what depends on the other features."""
    significant = bool(q <= alpha)
    may_be_large = drift.effect.high >= drift.margin or drift.missing >= margins.share
    return replace(drift, q=float(q), significant=significant, drifted=significant and may_be_large)


def _rank(drift: FeatureDrift) -> tuple[bool, bool, float, float]:
    """Return what sorts the most drifted first: what is sure of the effect, then the effect."""
    low, value = (
        np.nan_to_num(each, nan=-1.0) / drift.margin if drift.margin else 0.0
        for each in (drift.effect.low, drift.effect.value)
    )
    return not drift.drifted, not drift.significant, -low, -value
