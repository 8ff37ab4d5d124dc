"""Power: what a data set can show, and how many items would show what one cares about."""

import math
from collections.abc import Callable

import numpy as np

from aiopslab.errors import ParameterError
from aiopslab.statistics.samplesize import POWER

DISCORDANT = 0.2  # share of items that only one of two prompts gets right, before any is run
LARGEST = 1_000_000  # items, past which it is said that it takes more
EXACT = 2_000  # items, past which the normal approximation is as good


def power_of(
    items: int, effect: float, discordant: float = DISCORDANT, alpha: float = 0.05
) -> float:
    """Return how often the exact test of McNemar would show a difference.

    Parameters
    ----------
    items
        Independent ones that both prompts answer.
    effect
        Difference of the shares of right answers, such as .05 for five points.
    discordant
        Share of items that only one of the two gets right, at least as large as the effect.
    alpha
        Of the test, two-sided.

    Raises
    ------
    ParameterError
        If one of them is out of range.

    Examples
    --------
    >>> round(power_of(500, 0.08), 2)
    0.98
    """
    _check(effect, discordant, alpha)
    if items < 1:
        raise ParameterError(f"items is {items}; expected at least 1", "Pass how many there are.")
    if items > EXACT:
        return _approximate(items, effect, discordant, alpha)
    from scipy.stats import binom

    told = np.arange(items + 1)
    how_often = binom.pmf(told, items, discordant)
    win = 0.5 + effect / (2 * discordant)
    # The most wins, of so many told apart, that still are too few in one tail.
    least = binom.ppf(alpha / 2, told, 0.5)
    least = np.where(binom.cdf(least, told, 0.5) > alpha / 2, least - 1, least)
    found = binom.cdf(least, told, win) + binom.cdf(least, told, 1 - win)
    return float((how_often * found).sum())


def items_needed(
    effect: float, discordant: float = DISCORDANT, alpha: float = 0.05, power: float = POWER
) -> int:
    """Return how many items show a difference with a power.

    Parameters
    ----------
    effect, discordant, alpha
        As in `power_of`.
    power
        How often it is to be shown.

    Returns
    -------
    int
        The least number from which the power is reached; 1,000,000 where it takes more.

    Examples
    --------
    >>> items_needed(0.08)
    258
    """
    return _least(lambda items: power_of(items, effect, discordant, alpha), power)


def least_effect(
    items: int, discordant: float = DISCORDANT, alpha: float = 0.05, power: float = POWER
) -> float:
    """Return the least difference that so many items show with a power.

    Returns
    -------
    float
        NaN where not even the largest difference, `discordant` itself, would be shown.

    Examples
    --------
    >>> round(least_effect(500), 3)
    0.057
    """
    from scipy.optimize import brentq

    if power_of(items, discordant, discordant, alpha) < power:
        return math.nan

    def short(effect: float) -> float:
        return power_of(items, effect, discordant, alpha) - power

    return float(brentq(short, 1e-6, discordant, xtol=1e-5))


def told_before(items: int, discordant: float = DISCORDANT) -> str:
    """Say what so many items can show, before anything is spent on them.

    Parameters
    ----------
    items
        Independent ones.
    discordant
        Share of them that only one of two prompts gets right; a guess, before any is run.

    Examples
    --------
    >>> print(told_before(500))
    If the prompts differ on 20 % of 500 items, these show ... 5.7 points in four of five cases.
    >>> print(told_before(10))
    If the prompts differ on 20 % of 10 items, these are too few ...; 39 would show the largest.
    """
    told = f"If the prompts differ on {discordant:.0%} of {items:,} items, these"
    told = told.replace("%", " %")
    least = least_effect(items, discordant)
    if math.isnan(least):
        most = items_needed(discordant, discordant)
        return f"{told} are too few to show any difference; {most:,} would show the largest."
    return f"{told} show a difference of {100 * least:.2g} points in four of five cases."


def _least(power_at: Callable[[int], float], power: float) -> int:
    """Return the least number of items with the power, found by halving."""
    high = 4
    while power_at(high) < power:
        high *= 2
        if high >= LARGEST:
            return LARGEST
    low = 1
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if power_at(middle) >= power else (middle + 1, high)
    return low


def _approximate(items: int, effect: float, discordant: float, alpha: float) -> float:
    """Return the power by O. S. Miettinen, Biometrics 24, 1968."""
    from scipy.stats import norm

    root = math.sqrt(items)
    spread = math.sqrt(discordant - effect**2)
    deviate = (abs(effect) * root - float(norm.ppf(1 - alpha / 2)) * math.sqrt(discordant)) / spread
    return float(norm.cdf(deviate)) if spread > 0 else 1.0


def _check(effect: float, discordant: float, alpha: float) -> None:
    if not 0 < discordant <= 1 or not 0 < abs(effect) <= discordant:
        raise ParameterError(
            f"the effect is {effect} where {discordant} of the items tell the prompts apart; "
            "expected an effect that is not 0 and not above that share",
            "Pass both as shares of the items: .05 is five points.",
        )
    if not 0 < alpha < 1:
        raise ParameterError(f"alpha is {alpha}; expected a number between 0 and 1", "Use 0.05.")
