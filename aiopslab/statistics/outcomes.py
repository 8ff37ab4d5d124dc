"""Outcomes: what the difference of two in a metric comes to."""

import math
from dataclasses import dataclass
from typing import Literal

from aiopslab.errors import ParameterError

Outcome = Literal["better", "worse", "equivalent", "not enough data"]

MARGIN = 0.02  # of a share: two points are thought too little to matter


@dataclass(frozen=True)
class Metric:
    """What two are compared in.

    Parameters
    ----------
    name
        Of the scores.
    higher_is_better
        Whether more of it is wanted; of cost, latency and toxicity less is.
    margin
        The largest difference that does not matter, in the unit of the scores.
    unit
        Of the scores; empty for a share, between 0 and 1.

    Raises
    ------
    ParameterError
        If the margin is not above 0.

    Examples
    --------
    >>> Metric("latency", higher_is_better=False, margin=50, unit="ms").margin
    50
    """

    name: str
    higher_is_better: bool = True
    margin: float = MARGIN
    unit: str = ""

    def __post_init__(self) -> None:
        if not (self.margin > 0 and math.isfinite(self.margin)):
            raise ParameterError(
                f"the margin of {self.name} is {self.margin}; expected a number above 0",
                "Give the largest difference that would not matter to you.",
            )

    def gain(self, value: float, low: float, high: float) -> tuple[float, float, float]:
        """Turn a difference and its interval so that more is better.

        Examples
        --------
        >>> Metric("cost", higher_is_better=False).gain(3, 1, 5)
        (-3, -5, -1)
        """
        return (value, low, high) if self.higher_is_better else (-value, -high, -low)

    def outcome(self, low: float, high: float, is_shown: bool) -> Outcome:
        """Return whether it is better, worse, as good but for the margin, or nobody knows.

        Parameters
        ----------
        low, high
            The interval of the difference, whether more is better or not; NaN where there is none.
        is_shown
            Whether a test, corrected for all that was compared, tells a difference.

        Notes
        -----
        "Equivalent" is the two one-sided tests of D. J. Schuirmann, Journal of Pharmacokinetics and
        Biopharmaceutics 15, 1987, at the stricter level of the interval.

        Examples
        --------
        >>> Metric("ndcg").outcome(-0.01, 0.015, False), Metric("ndcg").outcome(0.01, 0.05, True)
        ('equivalent', 'better')
        """
        _, low, high = self.gain(math.nan, low, high)
        if math.isnan(low):
            return "not enough data"
        if -self.margin < low and high < self.margin:
            return "equivalent"
        if is_shown and (low > 0 or high < 0):
            return "better" if low > 0 else "worse"
        return "not enough data"
