"""The burn of an error budget in one window, and how sure it is."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.findings import Effect, Interval

COVERED = 0.9  # share of a window that must have been observed
BLOCKS = 30  # stretches of a window whose failures are compared, to see whether they come in bursts


@dataclass(frozen=True)
class Burn:
    """How fast one window burns the budget.

    Parameters
    ----------
    window
        Its length; it ends with the data.
    coverage
        Share of it that was observed, 0 to 1.
    requests, failures
        Counted in it.
    effective
        Independent requests that say as much as these, whose failures may come in bursts.
    rate
        Burn rate with its interval: 1 uses up the budget in exactly the period. NaN, without an
        interval, where the window is not covered or saw no request.
    """

    window: pd.Timedelta
    coverage: float
    requests: float
    failures: float
    effective: float
    rate: Effect

    @property
    def covered(self) -> bool:
        """Whether enough of the window was observed to speak of it."""
        return self.coverage >= COVERED

    def tells(self, share: float) -> bool:
        """Whether so many requests, had none failed, would rule out that this share fails."""
        interval = self.rate.interval
        if interval is None:
            return False
        return _proportion(0.0, self.effective, interval.confidence)[1] < share


def burn_of(
    counts: pd.DataFrame, window: pd.Timedelta, objective: float, confidence: float
) -> Burn:
    """Measure the burn of one window.

    Parameters
    ----------
    counts
        ``failures, total, length`` by time, of the rows observed, in order; the window ends with
        them.
    window
        Its length.
    objective
        Share of requests that shall be good.
    confidence
        Of the interval.
    """
    unknown = Effect("burn rate", float("nan"), "×")
    if counts.empty:
        return Burn(window, 0.0, 0.0, 0.0, 0.0, unknown)
    inside = counts.iloc[counts.index.searchsorted(counts.index[-1] - window, side="right") :]
    coverage = min(pd.Timedelta(inside["length"].sum()) / window, 1.0)
    requests, failures = float(inside["total"].sum()), float(inside["failures"].sum())
    effective = requests / _clustering(inside) if requests else 0.0
    if coverage < COVERED or requests == 0:
        return Burn(window, coverage, requests, failures, effective, unknown)
    share, allowed = failures / requests, 1 - objective
    low, high = _proportion(share * effective, effective, confidence)
    interval = Interval(low / allowed, high / allowed, confidence)
    rate = Effect("burn rate", share / allowed, "×", interval)
    return Burn(window, coverage, requests, failures, effective, rate)


def _clustering(counts: pd.DataFrame) -> float:
    """Return by how much bursts inflate the variance of the number of failures; at least 1."""
    both = counts[["failures", "total"]].to_numpy()
    busy = both[both[:, 1] > 0]
    stretch = np.arange(len(busy)) * BLOCKS // max(len(busy), BLOCKS)
    failures, total = (np.bincount(stretch, each) for each in busy.T)
    share = failures.sum() / total.sum()
    if len(total) < 3 or share in {0.0, 1.0}:
        return 1.0
    spread = share * (1 - share) * (1 / total[1:] + 1 / total[:-1])
    return max(float(np.mean(np.diff(failures / total) ** 2 / spread)), 1.0)


def _proportion(successes: float, trials: float, confidence: float) -> tuple[float, float]:
    """Return the exact interval of a proportion; counts need not be whole."""
    from scipy.stats import beta

    if trials <= 0:
        return 0.0, 1.0
    tail, failures = (1 - confidence) / 2, trials - successes
    low = beta.ppf(tail, successes, failures + 1) if successes > 0 else 0.0
    high = beta.ppf(1 - tail, successes + 1, failures) if failures > 0 else 1.0
    return float(low), float(high)
