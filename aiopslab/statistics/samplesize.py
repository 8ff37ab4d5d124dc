"""Sample size: how many items would show what one cares about."""

import math

from aiopslab.errors import ParameterError

POWER = 0.8


def items_for_mean(effect: float, spread: float, alpha: float = 0.05) -> int:
    """Return how many items show a mean difference in four of five cases.

    Parameters
    ----------
    effect
        Mean difference that is to be shown.
    spread
        Standard deviation of the differences of items. For items in groups, that of a single one
        times the square root of the design effect.
    alpha
        Of the test, two-sided.

    Raises
    ------
    ParameterError
        If there is no effect, or no spread.

    Notes
    -----
    W. C. Guenther, "Sample size formulas for normal theory t tests", The American Statistician 35,
    1981: from 8 items on it is within one of what a search over the power of the t test finds, at
    no cost, so that it can be told of every contrast.

    Examples
    --------
    >>> items_for_mean(0.05, 0.3)
    285
    """
    if not effect or not spread > 0:
        raise ParameterError(
            f"the effect is {effect} and the spread {spread}; expected both above 0",
            "Pass the least difference that matters to you.",
        )
    from scipy.stats import norm

    tail = float(norm.ppf(1 - alpha / 2))
    return math.ceil(((tail + float(norm.ppf(POWER))) * spread / effect) ** 2 + tail**2 / 2)
