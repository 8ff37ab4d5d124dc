"""Sequential test: peek after every item, and stop when it is certain, at no cost to the error."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.errors import ParameterError

Floats = npt.NDArray[np.float64]

# Of the prior on the share of wins among the items that tell the prompts apart: most weight on .35
# to .65. A flat one pays for shares that no two prompts worth comparing have.
PRIOR = 5.0
STAKES = np.linspace(0, 0.5, 26)[1:]  # of the wealth, on either side; all are held at once
GRID = 2_001  # means that a confidence sequence is told to
LIMIT = 20_000  # items that a sequence is followed through


@dataclass(frozen=True)
class Peeks:
    """What was known after each item.

    Parameters
    ----------
    evidence
        The e-value after each item, ``(items,)``: by how much more likely what was seen is where
        the prompts differ. Under equal prompts it ever reaches 1 / α with a chance of α at most.
    low, high
        Bounds of the mean difference that hold at all times together, ``(items,)``.
    alpha
        That chance.
    """

    evidence: Floats
    low: Floats
    high: Floats
    alpha: float

    @property
    def p(self) -> Floats:
        """After each item the p-value that may be looked at any time, ``(items,)``."""
        return np.minimum(1, 1 / np.maximum.accumulate(np.maximum(self.evidence, 1e-300)))

    @property
    def stop(self) -> int | None:
        """After how many items it was certain; ``None`` where it never was."""
        certain = np.flatnonzero(self.p <= self.alpha)
        return int(certain[0]) + 1 if len(certain) else None


def peek(differences: npt.ArrayLike, alpha: float = 0.05) -> Peeks:
    """Follow a comparison item by item.

    Parameters
    ----------
    differences
        Candidate less baseline of each independent item, in the order in which they were seen,
        between -1 and 1, ``(items,)``. Of items in groups, pass the mean of each group.
    alpha
        Chance of ever being certain of a difference that is not there.

    Returns
    -------
    Peeks

    Raises
    ------
    ParameterError
        If a difference is missing or beyond -1 to 1, or there are more than 20,000.

    Notes
    -----
    Where items are won, lost or tied, the evidence is that of a beta mixture on the share of wins
    (H. Robbins, "Statistical methods related to the law of the iterated logarithm", Annals of
    Mathematical Statistics 41, 1970). Other scores, and the bounds, are bets on the mean (I.
    Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", Journal
    of the Royal Statistical Society B 86, 2024).

    Examples
    --------
    >>> peeks = peek([1, 0, 1, 1] * 30)
    >>> peeks.stop, peeks.low[-1] > 0
    (16, np.True_)
    """
    values = np.asarray(differences, dtype=np.float64)
    if not 0 < alpha < 1:
        raise ParameterError(f"alpha is {alpha}; expected a number between 0 and 1", "Use 0.05.")
    if len(values) > LIMIT:
        raise ParameterError(
            f"{len(values):,} items are too many for a sequential test; it follows {LIMIT:,}",
            "So many need no early stop: compare them once.",
        )
    if not (np.abs(values) <= 1).all():
        wrong = values[~(np.abs(values) <= 1)][0]
        raise ParameterError(
            f"a difference is {wrong}; a sequential test takes -1 to 1",
            "Divide scores by the largest that there can be.",
        )
    low, high = _bounds(values, alpha)
    is_plain = bool(np.isin(values, (-1, 0, 1)).all())
    return Peeks(_mixture(values) if is_plain else _wealth(values), low, high, alpha)


def _mixture(values: Floats) -> Floats:
    """Return the e-values of wins against losses; ties tell nothing."""
    from scipy.special import betaln

    wins, losses = np.cumsum(values > 0), np.cumsum(values < 0)
    log = betaln(PRIOR + wins, PRIOR + losses) - betaln(PRIOR, PRIOR)
    evidence: Floats = np.exp(np.minimum(log + (wins + losses) * math.log(2), 700))
    return evidence


def _wealth(values: Floats) -> Floats:
    """Return the mean wealth of all stakes on a mean above and below 0."""
    grown = [np.cumsum(np.log1p(side * values[:, None] * STAKES), axis=0) for side in (1, -1)]
    both = np.concatenate(grown, axis=1)
    evidence: Floats = np.exp(np.minimum(both, 700)).mean(axis=1)
    return evidence


def _bounds(values: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Return the means that no bettor has grown rich against, after each item."""
    shares = (values + 1) / 2  # between 0 and 1
    means = np.linspace(0, 1, GRID)
    # Stakes follow what was seen before (the predictable plug-in), so that each bet is fair.
    count = np.arange(1, len(shares) + 1)
    seen = (0.5 + np.cumsum(shares)) / (count + 1)
    variance = (0.25 + np.cumsum((shares - seen) ** 2)) / (count + 1)
    before = np.append(0.25, variance[:-1])
    stake = np.sqrt(2 * math.log(2 / alpha) / (before * count * np.log(count + 1)))
    above, below = np.zeros(GRID), np.zeros(GRID)
    low, high = np.empty(len(shares)), np.empty(len(shares))
    least, most = 0.0, 1.0
    for at, share in enumerate(shares):
        above += np.log1p(np.minimum(stake[at], 0.5 / np.maximum(means, 1e-9)) * (share - means))
        below += np.log1p(
            -np.minimum(stake[at], 0.5 / np.maximum(1 - means, 1e-9)) * (share - means)
        )
        # The mean of the two is a wealth too, and fair where the mean is the true one.
        kept = means[np.logaddexp(above, below) - math.log(2) < math.log(1 / alpha)]
        if len(kept):
            least, most = max(least, float(kept[0])), min(most, float(kept[-1]))
        low[at], high[at] = least, most
    return 2 * low - 1, 2 * high - 1
