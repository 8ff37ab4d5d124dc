"""Screening: a comparison at once, in which only the features that moved most have intervals.

The interval of an effect takes a bootstrap, its size and its test do not. So the order of features
and which of them moved by more than chance are known for the cost of a pass over their cells.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from aiopslab.drift.cells import Counts, Ordered, deviation, winsorised
from aiopslab.drift.comparison import Comparison
from aiopslab.drift.effects import NOTHING, Estimate, estimated, total_variation
from aiopslab.drift.feature import FeatureDrift, Judge, Margins
from aiopslab.drift.omnibus import benjamini_hochberg
from aiopslab.drift.profiles import Part, Profile

AT_ONCE = 8  # features that moved most, whose intervals are estimated with the first answer


@dataclass(frozen=True)
class Interval(Judge):
    """Judges by the effect that counts for a kind, and leaves the other distances alone."""

    def _of(
        self,
        name: str,
        part: Part,
        measure: str,
        effect: Estimate | None,
        p: float,
        missing: float,
        direction: str,
        cells: tuple[Counts, Counts] | None = None,
        wasserstein: Estimate = NOTHING,
    ) -> FeatureDrift:
        if effect is None and cells is not None:
            effect = self._variation(*cells)
        return super()._of(name, part, measure, effect, p, missing, direction, None, wasserstein)

    def _variation(self, reference: Counts, current: Counts) -> Estimate:
        return estimated(reference, current, [total_variation], self.confidence, self.seed)[0]


@dataclass(frozen=True)
class Glance(Interval):
    """Judges by the effects that were observed, without intervals."""

    def _wasserstein(self, pair: Ordered) -> Estimate:
        values = winsorised(pair)
        unit = deviation(pair.reference, values) or deviation(pair.reference + pair.current, values)
        n, m = pair.reference.sum(), pair.current.sum()
        ahead = np.abs(np.cumsum(pair.reference / n - pair.current / m)[:-1])
        return _observed(float((ahead * np.diff(values)).sum()) / unit if unit else 0.0)

    def _variation(self, reference: Counts, current: Counts) -> Estimate:
        shares = reference / max(reference.sum(), 1), current / max(current.sum(), 1)
        return _observed(float(total_variation(*shares)))


def screen(
    reference: Profile,
    current: Profile,
    told: Collection[str] = (),
    at_once: int = AT_ONCE,
    confidence: float = 0.95,
    alpha: float = 0.05,
    margins: Margins | None = None,
) -> Comparison:
    """Compare two profiles, with intervals where they are asked for or tell most.

    Parameters
    ----------
    reference, current
        On the same edges.
    told
        Features whose intervals are wanted.
    at_once
        How many more get one, those that moved most first.
    confidence, alpha, margins
        As in `compare`.

    Returns
    -------
    Comparison
        As `compare` returns it, but the effect of a feature without an interval is the one that
        was observed, chance included, and it counts as drifted where that and the test say so.

    Examples
    --------
    >>> import pandas as pd
    >>> from aiopslab.drift.profiles import profile
    >>> rng = np.random.default_rng(0)
    >>> good = profile(pd.DataFrame({"age": rng.normal(40, 10, 2000), "size": rng.random(2000)}))
    >>> now = pd.DataFrame({"age": rng.normal(45, 10, 2000), "size": rng.random(2000)})
    >>> seen = screen(good, profile(now, like=good), at_once=1)
    >>> [(each.feature, each.drifted, bool(each.effect.low > 0)) for each in seen.features]
    [('age', True, True), ('size', False, False)]
    """
    limits = margins or Margins()
    glance, interval = Glance(limits, confidence, 0), Interval(limits, confidence, 0)
    sides = {
        name: (part, current.features[name])
        for name, part in reference.features.items()
        if name in current.features
    }
    seen = {name: glance.feature(name, *pair) for name, pair in sides.items()}
    rates = benjamini_hochberg([each.p for each in seen.values()])
    q = dict(zip(seen, rates.tolist(), strict=True))
    most = sorted(seen.values(), key=lambda each: (not q[each.feature] <= alpha, -_size(each)))
    asked = {*told, *[each.feature for each in most if each.feature not in told][:at_once]}
    seen |= {name: interval.feature(name, *sides[name]) for name in asked}
    judged = []
    for name, drift in seen.items():
        is_large = np.fmax(drift.effect.high, drift.effect.value) >= drift.margin
        significant = q[name] <= alpha
        drifted = significant and bool(is_large or drift.missing >= limits.share)
        judged.append(replace(drift, q=q[name], significant=significant, drifted=drifted))
    judged.sort(key=lambda each: (not each.drifted, not each.significant, -_size(each)))
    return Comparison(reference, current, tuple(judged), (), (), confidence, alpha, limits)


def _size(drift: FeatureDrift) -> float:
    return float(np.nan_to_num(drift.effect.value, nan=-1.0)) / drift.margin


def _observed(value: float) -> Estimate:
    return Estimate(value, np.nan, np.nan)
