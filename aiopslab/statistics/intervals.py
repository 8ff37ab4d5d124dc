"""Intervals of one sample: Student's of a mean, Wilson's of a share."""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def deviate(confidence: float) -> float:
    """Return how many standard deviations an interval reaches to each side.

    Examples
    --------
    >>> round(deviate(0.95), 3)
    1.96
    """
    from statistics import NormalDist

    return NormalDist().inv_cdf((1 + confidence) / 2)


def student(values: Floats, confidence: float) -> tuple[float, float]:
    """Return the interval of Student's t about the mean; NaN of fewer than two values.

    Examples
    --------
    >>> low, high = student(np.array([1.0, 2.0, 3.0]), 0.95)
    >>> round(low, 2), round(high, 2)
    (-0.48, 4.48)
    """
    from scipy.stats import t

    if len(values) < 2:
        return math.nan, math.nan
    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    half = float(t.ppf((1 + confidence) / 2, len(values) - 1)) * error
    return float(values.mean()) - half, float(values.mean()) + half


def wilson(right: float, rows: float, confidence: float) -> tuple[float, float]:
    """Return the interval of a share of rows (E. B. Wilson, JASA 22, 1927); NaN of no rows.

    Examples
    --------
    >>> low, high = wilson(8, 10, 0.95)
    >>> round(low, 2), round(high, 2)
    (0.49, 0.94)
    """
    if not rows:
        return math.nan, math.nan
    z = deviate(confidence)
    share = right / rows
    centre = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * math.sqrt(share * (1 - share) / rows + (z / (2 * rows)) ** 2)
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))
