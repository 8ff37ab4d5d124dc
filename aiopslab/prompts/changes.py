"""Changes: a version of a prompt against another, or against its own earlier half."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from aiopslab.findings import Effect, Finding, Interval, Level
from aiopslab.prompts.quantities import HARMLESS, Floats, Quantity
from aiopslab.statistics.multiplicity import holm

Outcome = Literal["better", "worse", "changed", "equivalent", "not enough data"]

ENOUGH = 10  # calls on each side, below which nothing is said of the difference
RELATIVE_MARGIN = 0.05  # of tokens, cost and latency: a twentieth is thought too little to matter
EARLIER = "its earlier half"


@dataclass(frozen=True)
class Change:
    """One quantity of one version, against another version or its own earlier half.

    Parameters
    ----------
    quantity
        Which.
    version
        Of the prompt.
    against
        The version that it is compared with, or ``its earlier half``.
    before, after
        The two means.
    low, high
        The interval of the difference; NaN where there are too few calls.
    p, q
        Two-sided, as it is and after the correction for all that was compared.
    calls
        On each side.
    confidence
        Of the interval.
    together
        Whether both ran at the same time, at least in part.
    """

    quantity: Quantity
    version: str
    against: str
    before: float
    after: float
    low: float
    high: float
    p: float
    q: float
    calls: tuple[int, int]
    confidence: float
    together: bool = True

    @property
    def value(self) -> float:
        """By how much it is more."""
        return self.after - self.before

    @property
    def outcome(self) -> Outcome:
        """What it comes to."""
        margin = self.quantity.margin
        margin = RELATIVE_MARGIN * abs(self.before) if margin is None else margin
        if math.isnan(self.low):
            return "not enough data"
        if (-margin < self.low and self.high < margin) or self.low == self.high == 0:
            return "equivalent"
        if self.q > 1 - self.confidence or self.low <= 0 <= self.high:
            return "not enough data"
        if self.quantity.wanted == "neither":
            return "changed"
        return "better" if (self.value > 0) == (self.quantity.wanted == "more") else "worse"

    @property
    def severity(self) -> Level:
        """How bad that is: what only costs more can wait."""
        if self.outcome == "worse":
            return "watch" if self.quantity.name in HARMLESS else "act"
        return "watch" if self.outcome == "changed" and self.value > 0 else "ok"

    def finding(self) -> Finding:
        """Return it with its size and interval."""
        interval = Interval(self.low, self.high, self.confidence)
        effect = Effect("difference", self.value, self.quantity.unit, interval)
        first, second = self.calls
        evidence = f"calls: {self.quantity.name}, {first:,} and {second:,} of them"
        return Finding(str(self), self.version, self.severity, evidence, effect)

    def __str__(self) -> str:
        unit = f" {self.quantity.unit}" if self.quantity.unit else ""
        verb = {"changed": "has more" if self.value > 0 else "has fewer"}.get(
            self.outcome, f"is {self.outcome} in"
        )
        when = "" if self.together else "; they did not run at the same time"
        return (
            f"{self.version} {verb} {self.quantity.name}: {self.after:.3g}{unit} against "
            f"{self.before:.3g}{unit} of {self.against}{when}."
        )


def changes(
    measured: pd.DataFrame, quantities: Sequence[Quantity], baseline: str, confidence: float
) -> tuple[Change, ...]:
    """Compare each version with the baseline and its halves; P-values are corrected over all."""
    of_version = dict(list(measured.groupby("prompt_version", sort=False)))
    found = []
    for version, group in of_version.items():
        for quantity in quantities:
            told = group[quantity.name].dropna().to_numpy(np.float64)
            if version != baseline:
                other = of_version[baseline]
                before = other[quantity.name].dropna().to_numpy(np.float64)
                change = _change(quantity, str(version), baseline, before, told, confidence)
                found.append(replace(change, together=_overlap(other, group)))
            early, late = np.array_split(told, 2)
            found.append(_change(quantity, str(version), EARLIER, early, late, confidence))
    if not found:
        return ()
    adjusted = holm([each.p for each in found])
    return tuple(replace(each, q=float(q)) for each, q in zip(found, adjusted, strict=True))


def _change(
    quantity: Quantity,
    version: str,
    against: str,
    before: Floats,
    after: Floats,
    confidence: float,
) -> Change:
    low = high = math.nan
    p = 1.0
    if min(len(before), len(after)) >= ENOUGH:
        compared = _shares if quantity.is_share(before, after) else _means
        p, low, high = compared(before, after, confidence)
    was, is_now = (float(each.mean()) if len(each) else math.nan for each in (before, after))
    calls = len(before), len(after)
    return Change(quantity, version, against, was, is_now, low, high, p, p, calls, confidence)


def _shares(before: Floats, after: Floats, confidence: float) -> tuple[float, float, float]:
    """Return the p-value and the interval of a difference of shares."""
    from scipy.stats import fisher_exact
    from statsmodels.stats.proportion import confint_proportions_2indep

    sums = int(after.sum()), int(before.sum())
    counts = len(after), len(before)
    misses = counts[0] - sums[0], counts[1] - sums[1]
    p = float(fisher_exact(np.array([sums, misses])).pvalue)
    low, high = confint_proportions_2indep(
        *(sums[0], counts[0], sums[1], counts[1]),
        method="newcomb",
        compare="diff",
        alpha=1 - confidence,
    )
    return p, float(low), float(high)


def _means(before: Floats, after: Floats, confidence: float) -> tuple[float, float, float]:
    """Return the p-value and the interval of a difference of means."""
    from scipy.stats import ttest_ind

    value = float(after.mean() - before.mean())
    if np.ptp(before) == 0 == np.ptp(after):
        return float(value == 0), value, value
    test = ttest_ind(after, before, equal_var=False)
    low, high = test.confidence_interval(confidence)
    return float(test.pvalue), float(low), float(high)


def _overlap(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Tell whether two versions ran at the same time, at least in part."""
    first, second = one["timestamp"], other["timestamp"]
    return bool(first.min() <= second.max() and second.min() <= first.max())
