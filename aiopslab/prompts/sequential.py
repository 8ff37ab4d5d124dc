"""Sequential test: peek after every item, and stop when it is certain, at no cost to the error."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.errors import ParameterError
from aiopslab.prompts.differences import Difference, Method
from aiopslab.prompts.pairs import Pairs
from aiopslab.statistics.paired import ENOUGH

Floats = npt.NDArray[np.float64]

# Of the prior on the share of wins among the items that tell the prompts apart: most weight on .35
# to .65. A flat one pays for shares that no two prompts worth comparing have.
PRIOR = 5.0
STAKES = np.linspace(0, 0.5, 26)[1:]  # of the wealth, on either side; all are held at once
GRID = 2_001  # means that a confidence sequence is told to
OWN = 0.8  # of the wealth against a mean; the rest is the evidence that the prompts differ
LIMIT = 20_000  # items that a sequence is followed through
# Of the prior on a mean of amounts, in variances of one item: bounds are closest at some 100 items.
SPREAD = 0.08


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


Peeking = Callable[[npt.ArrayLike, float], Peeks]


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
    is_plain = bool(np.isin(values, (-1, 0, 1)).all())
    better, worse = _mixture(values) if is_plain else _wealth(values)
    return Peeks((better + worse) / 2, *_bounds(values, better, worse, alpha), alpha)


def peek_amounts(differences: npt.ArrayLike, alpha: float = 0.05) -> Peeks:
    """Follow a comparison of amounts that nothing bounds, such as latency, tokens and cost.

    Parameters
    ----------
    differences, alpha
        As in `peek`, but of any size.

    Returns
    -------
    Peeks
        Bounds are infinite as long as there are too few items, about a dozen.

    Raises
    ------
    ParameterError
        If a difference is not finite.

    Notes
    -----
    A normal mixture over the sum divided by the root of the squares (V. H. de la Peña, M. J. Klass
    and T. L. Lai, "Self-normalized processes", Annals of Probability 32, 2004), turned round for
    the bounds. Where prompts are alike, so that swapping them changes nothing, it needs no more
    than that the scale is about known; otherwise it holds as the central limit theorem does, with
    many items (I. Waudby-Smith et al., "Time-uniform central limit theory and asymptotic confidence
    sequences", Annals of Statistics 52, 2024): rare amounts a hundred times the usual mislead it.

    Examples
    --------
    >>> peeks = peek_amounts([40.0, 60.0, 50.0] * 20)
    >>> peeks.stop, peeks.low[-1] > 45
    (14, np.True_)
    """
    values = np.asarray(differences, dtype=np.float64)
    if not np.isfinite(values).all():
        raise ParameterError("a difference is not finite", "Leave out what has no score.")
    count = np.arange(1, len(values) + 1)
    mean, square = np.cumsum(values) / count, np.cumsum(values**2) / count
    part = np.divide(mean**2, square, out=np.zeros_like(square), where=square > 0)
    grown = 1 + SPREAD * count
    evidence: Floats = np.exp(np.minimum(SPREAD * count**2 * part / (2 * grown), 700))
    # The share of the squares that a mean may make up, as long as it is not too far away.
    share = 2 * grown * np.log(np.sqrt(grown) / alpha) / (SPREAD * count**2)
    ratio = np.divide(share, 1 - share, out=np.zeros_like(share), where=share < 1)
    variance = np.maximum(square - mean**2, 0)
    reach = np.where(share < 1, np.sqrt(variance * ratio), np.inf)
    return Peeks(evidence / np.sqrt(grown), mean - reach, mean + reach, alpha)


def observed(pairs: Pairs) -> tuple[Floats, Floats]:
    """Return the scores of baseline and candidate of what is independent, in the order it came in.

    A group counts once, with its mean, however many items it has: with the sequence, one more
    observation is one more group.
    """
    _, places = np.unique(pairs.groups, return_inverse=True)
    sizes = np.maximum(np.bincount(places), 1)
    before, after = (
        np.bincount(places, each) / sizes for each in (pairs.baseline, pairs.candidate)
    )
    return before, after


def difference_so_far(
    pairs: Pairs,
    confidence: float = 0.95,
    peeking: Peeking = peek,
) -> Difference:
    """Measure by how much a candidate scores more where one may have looked before.

    Parameters
    ----------
    pairs
        Scores of both on the same items, in the order in which they were asked.
    confidence
        Of the interval, which holds at whatever time one stops.
    peeking
        `peek` for scores between 0 and 1, `peek_amounts` for others.

    Returns
    -------
    Difference
        With the method ``sequential``. Of items in groups, the means are those over groups.

    Raises
    ------
    ParameterError
        As in `peek`.

    Examples
    --------
    >>> items = np.arange(60)
    >>> right = [(items % each > 0).astype(float) for each in (2, 8)]
    >>> print(difference_so_far(Pairs(items.astype(object), *right, items)))
    +0.367 (+0.167 to +0.563)
    """
    before, after = observed(pairs)
    peeks = peeking(after - before, 1 - confidence)
    value = low = high = math.nan
    p = 1.0
    method: Method = "none"
    if len(before) >= ENOUGH and math.isfinite(peeks.low[-1]):
        method, value, p = "sequential", float((after - before).mean()), float(peeks.p[-1])
        # The bounds of all times together may have left out what is the mean by now.
        low, high = min(float(peeks.low[-1]), value), max(float(peeks.high[-1]), value)
    counts = len(pairs), len(before), pairs.wins, pairs.losses
    ends = [float(each.mean()) if len(each) else math.nan for each in (before, after)]
    return Difference(value, low, high, p, confidence, ends[0], ends[1], *counts, method)


def _mixture(values: Floats) -> tuple[Floats, Floats]:
    """Return the e-values of more wins than losses, and of fewer; ties tell nothing."""
    from scipy.special import betainc, betaln

    wins, losses = PRIOR + np.cumsum(values > 0), PRIOR + np.cumsum(values < 0)
    log = betaln(wins, losses) - betaln(PRIOR, PRIOR) + (wins + losses - 2 * PRIOR) * math.log(2)
    either = 2 * np.exp(np.minimum(log, 700))
    # The half of the prior on either side; each by itself is fair where the other side is true.
    return either * betainc(losses, wins, 0.5), either * betainc(wins, losses, 0.5)


def _wealth(values: Floats) -> tuple[Floats, Floats]:
    """Return the mean wealth of all stakes on a mean above 0, and below."""
    above, below = (
        np.exp(np.minimum(np.cumsum(np.log1p(side * values[:, None] * STAKES), axis=0), 700)).mean(
            axis=1
        )
        for side in (1, -1)
    )
    return above, below


def _bounds(values: Floats, better: Floats, worse: Floats, alpha: float) -> tuple[Floats, Floats]:
    """Return the means that no bettor has grown rich against, after each item.

    Part of the wealth against a mean below 0 is the evidence that the candidate is better, and the
    other way round: it is fair there too, and so bounds leave out 0 about when the test does.
    """
    shares = (values + 1) / 2  # between 0 and 1
    # Stakes follow what was seen before (the predictable plug-in), so that each bet is fair.
    count = np.arange(1, len(shares) + 1)
    seen = (0.5 + np.cumsum(shares)) / (count + 1)
    variance = (0.25 + np.cumsum((shares - seen) ** 2)) / (count + 1)
    before = np.append(0.25, variance[:-1])
    stakes = np.sqrt(2 * math.log(2 / alpha) / (before * count * np.log(count + 1)))
    # What a bettor may have, beside the evidence, as long as a mean is kept; 2 for the two sides.
    against = np.stack([better, (better + worse) / 2, worse])
    with np.errstate(divide="ignore", invalid="ignore"):
        rich = np.log(2 * np.maximum(1 / alpha - (1 - OWN) * against, 0) / OWN)
        rich[1] = np.where(against[1] < 1 / alpha, np.inf, -np.inf)
    # What was beyond the bounds once is out for good, and need not be followed any more.
    means = np.linspace(0, 1, GRID)
    sides = np.sign(np.arange(GRID) - GRID // 2) + 1
    above, below = np.zeros(GRID), np.zeros(GRID)
    most_above, most_below = 0.5 / np.maximum(means, 1e-9), 0.5 / np.maximum(1 - means, 1e-9)
    low, high = np.empty(len(shares)), np.empty(len(shares))
    for at, (share, stake) in enumerate(zip(shares, stakes, strict=True)):
        gain = share - means
        above += np.log1p(np.minimum(stake, most_above) * gain)
        below += np.log1p(-np.minimum(stake, most_below) * gain)
        kept = np.flatnonzero(np.logaddexp(above, below) < rich[sides, at])
        if len(kept) and len(kept) < len(means):
            part = slice(kept[0], kept[-1] + 1)
            means, sides, above, below = means[part], sides[part], above[part], below[part]
            most_above, most_below = most_above[part], most_below[part]
        low[at], high[at] = means[0], means[-1]
    half = 0.5 / (GRID - 1)  # of a step of the grid
    return 2 * np.maximum(low - half, 0) - 1, 2 * np.minimum(high + half, 1) - 1
