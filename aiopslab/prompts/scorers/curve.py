"""Curve: how well scores tell good from bad, whatever the threshold."""

import math

import numpy as np
import numpy.typing as npt

TINY = 1e-9


def area(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """Return the area under the ROC curve; NaN where all labels are the same.

    Examples
    --------
    >>> area([0.1, 0.4, 0.4, 0.8], [False, False, True, True])
    0.875
    """
    from scipy.stats import rankdata

    values, good = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=bool)
    goods, bads = int(good.sum()), int((~good).sum())
    if not goods or not bads:
        return float("nan")
    above = rankdata(values)[good].sum() - goods * (goods + 1) / 2
    return float(above / (goods * bads))


def area_interval(value: float, goods: int, bads: int) -> tuple[float, float]:
    """Return the 95 % interval of an area under the ROC curve; NaN where there is no area.

    Notes
    -----
    R. G. Newcombe, "Confidence intervals for an effect size measure based on the Mann–Whitney
    statistic", Statistics in Medicine 25, 2006, method 5. Unlike drawing items it does not take few
    of them that are all in order for certainty.

    Examples
    --------
    >>> [round(each, 2) for each in area_interval(1.0, 5, 5)]
    [0.64, 1.0]
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    if math.isnan(value):
        return float("nan"), float("nan")
    z, mean = float(norm.ppf(0.975)), (goods + bads) / 2 - 1

    def excess(area: float) -> float:
        spread = area * (1 - area) * (1 + mean * (1 - area) / (2 - area) + mean * area / (1 + area))
        return (value - area) ** 2 - z**2 * spread / (goods * bads)

    # At 0 and at 1 the excess has a root of its own, which is not meant.
    low = brentq(excess, 0.0, min(value, 1 - TINY)) if value > 0 else 0.0
    high = brentq(excess, max(value, TINY), 1.0) if value < 1 else 1.0
    return float(low), float(high)
