"""How far each series strays from its own normal, on a scale that all series share."""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

MAD_TO_SIGMA = 1.4826  # makes the median absolute deviation of a normal sample its σ
RANGE_TO_SIGMA = 2.5631  # the 10 % to 90 % range of a normal sample, in σ

TAIL_SHARE = 0.5  # of the standard deviation, for series that rest but for bursts

# A series may be steadier than is believable, so its scale has floors: a share of its level and a
# share of the spread that the same metric has in the other services. One that is constant takes a
# share of how far the metric strays anywhere: a smaller one the more services it is as constant
# in, since each of them bears out that it does not stray by itself.
LEVEL_FLOOR = 0.01
PEER_FLOOR = 0.25
REACH_FLOOR = 0.4

# Few rows make a series look steadier than it is, since neighbouring rows are alike. The spread
# over all rows stands in for this many more of them, up to so many times the spread before.
PRIOR_ROWS = 30
PRIOR_RATIO = 3.0


@dataclass(frozen=True)
class Normal:
    """The normal of every series: robust location and spread, in the series' own unit.

    Parameters
    ----------
    centre, scale
        One value a series, indexed like the columns of the metrics; `scale` is positive. Both are
        NaN for a series that was never observed.
    """

    centre: pd.Series
    scale: pd.Series

    def deviations(self, metrics: pd.DataFrame) -> pd.DataFrame:
        """Return the signed distance from normal in robust σ; NaN where that is unknown."""
        return (metrics - self.centre) / self.scale


def learn_normal(before: pd.DataFrame, metrics: pd.DataFrame) -> Normal:
    """Learn what is normal for each series from the rows before an incident.

    Parameters
    ----------
    before
        Metrics before the incident, ``(n, series)`` with at least one row.
    metrics
        All metrics, from which floors for constant series are taken, ``(m, series)``.

    Returns
    -------
    Normal
        Median and spread, NaN for a series that was never observed before: it has no normal to
        stray from.

    Notes
    -----
    Spread is the larger of the scaled median absolute deviation and the scaled 10–90 % range: the
    former alone is zero for a series that rests most of the time. Where both are zero, half the
    standard deviation stands in, which sees rare bursts.

    Examples
    --------
    >>> columns = pd.MultiIndex.from_product([["auth"], ["up", "latency_ms"]])
    >>> before = pd.DataFrame([[1, 10], [1, 12], [1, 14.0]], columns=columns)
    >>> learn_normal(before, before).centre.tolist()
    [1.0, 12.0]
    """
    values, everything = before.to_numpy(), metrics.to_numpy()
    low, centre, high = quantiles(values, [0.1, 0.5, 0.9])
    (mad,) = quantiles(np.abs(values - centre), [0.5])
    (middle,) = quantiles(everything, [0.5])
    (overall,) = quantiles(np.abs(everything - middle), [0.5])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # series without a single value
        reach = np.nanmax(np.abs(everything - centre), axis=0)
        tail = TAIL_SHARE * np.nanstd(values, axis=0)
    spread = np.fmax(mad * MAD_TO_SIGMA, (high - low) / RANGE_TO_SIGMA)
    rests = spread == 0
    prior = np.clip(MAD_TO_SIGMA * overall, spread, PRIOR_RATIO * spread)
    seen = (~np.isnan(values)).sum(axis=0)
    believed = np.sqrt(seen / (seen + PRIOR_ROWS))
    spread = np.hypot(believed * spread, np.sqrt(1 - believed**2) * prior)
    names = metrics.columns.get_level_values(1)
    peers = pd.Series(np.where(spread > 0, spread, np.nan)).groupby(names).transform("median")
    strays = pd.Series(reach).groupby(names)
    constant = REACH_FLOOR * (strays.transform("max") / strays.transform("count")).to_numpy()
    scale = np.fmax.reduce(
        [
            np.where(rests, np.fmax(tail, constant), spread),
            LEVEL_FLOOR * np.abs(centre),
            PEER_FLOOR * peers.to_numpy(),
        ]
    )
    scale = np.where((scale > 0) | np.isnan(centre), scale, 1.0)  # zero wherever it was seen
    return Normal(pd.Series(centre, metrics.columns), pd.Series(scale, metrics.columns))


def quantiles(values: Floats, shares: list[float]) -> Floats:
    """Return quantiles of each column over what was observed, ``(shares, series)``.

    As `numpy.nanquantile`, which takes one column at a time where this sorts all at once.

    Examples
    --------
    >>> quantiles(np.array([[1.0, np.nan], [3.0, 5.0]]), [0.5])
    array([[2., 5.]])
    """
    ordered = np.sort(values, axis=0)  # NaN comes last
    count = (~np.isnan(values)).sum(axis=0)
    column = np.arange(values.shape[1])
    found = np.full((len(shares), values.shape[1]), np.nan)
    seen = count > 0
    for row, share in enumerate(shares):
        place = share * (count[seen] - 1)
        below = np.floor(place).astype(int)
        above = np.minimum(below + 1, count[seen] - 1)
        start, end = ordered[below, column[seen]], ordered[above, column[seen]]
        found[row, seen] = start + (place - below) * (end - start)
    return found
