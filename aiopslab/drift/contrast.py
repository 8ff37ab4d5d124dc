"""What may differ between a segment and the other rows, and how surely it does."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from aiopslab.drift.measure import Z

Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]

Cells = npt.NDArray[np.intp]

LEVELS = 20  # of an outcome, in the search
LEAST_ROWS = 50  # of a segment that is searched for; about half as many are left to confirm it
LEAST_SHARE = 0.01  # of the rows of either sample
PRIOR = 10.0  # rows that the variance of all is worth beside that of a segment
SHARE_MARGIN = 0.02  # in Cohen's h: 5 % of the rows that become 5.4 %
SHIFT_MARGIN = 0.05  # standard deviations


@dataclass(frozen=True)
class Estimate:
    """What a segment differs in, on rows that had no part in finding it.

    Parameters
    ----------
    reference, current
        The share or mean inside the segment.
    effect, low, high
        Their difference, in the unit of the contrast, and its interval.
    elsewhere
        The same difference in the other rows.
    deviate
        How far segment and other rows differ, in standard errors.
    matters
        Whether the interval is not wholly within the margin, and other rows moved less.
    """

    reference: float
    current: float
    effect: float
    low: float
    high: float
    elsewhere: float
    deviate: float
    matters: bool


@dataclass(frozen=True)
class ShareContrast:
    """The share of rows that a segment makes up, in the current against the reference sample.

    Parameters
    ----------
    is_current
        Of every row.
    """

    is_current: Booleans
    what: str = "share of rows"
    unit: str = "h"
    one_sided: bool = False

    def cells(self) -> tuple[Cells, Floats]:
        """Return a cell of every row, and what a row of each adds to the sums of a segment.

        The sums are of reference rows and of current rows.
        """
        return self.is_current.astype(np.intp), np.eye(2)

    def score(self, inside: Floats, whole: Floats) -> Floats:
        """Return the likelihood ratio of unequal shares, negative where the segment shrank.

        Parameters
        ----------
        inside
            Sums over candidates, ``(..., 2)``, see `cells`.
        whole
            The same over all rows.
        """
        share = inside / whole
        expected = inside.sum(axis=-1, keepdims=True) / whole.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(inside > 0, inside * np.log(share / expected), 0)
            rest = np.where(
                inside < whole, (whole - inside) * np.log((1 - share) / (1 - expected)), 0
            )
        large = inside.max(axis=-1) >= LEAST_ROWS
        large &= share.max(axis=-1) >= LEAST_SHARE
        large &= expected[..., 0] <= 0.5  # the complement says the same, more shortly
        sign = np.sign(share[..., 1] - share[..., 0])
        return np.where(large, 2 * sign * (ratio + rest).sum(axis=-1), 0)

    def estimate(self, inside: Booleans, among: Booleans) -> Estimate:
        """Return the shares of the segment among some rows, and their difference as Cohen's h."""
        sides = [among & ~self.is_current, among & self.is_current]
        rows = np.array([side.sum() for side in sides])
        before, after = (float(inside[side].mean()) for side in sides)
        effect = 2 * float(np.arcsin(after**0.5) - np.arcsin(before**0.5))
        spread = float(np.sqrt((1 / rows).sum()))
        low, high = effect - Z * spread, effect + Z * spread
        elsewhere = -effect
        matters = max(-low, high) > SHARE_MARGIN
        return Estimate(before, after, effect, low, high, elsewhere, effect / spread, matters)


@dataclass(frozen=True)
class MeanContrast:
    """The mean of an outcome inside a segment against that of the other rows.

    Parameters
    ----------
    is_current
        Of every row.
    outcome
        Of every row; NaN where it is not known.
    what, unit
        Its name, and that of its differences.
    scale
        What differences are divided by.
    one_sided
        Whether only a rise counts.
    """

    is_current: Booleans
    outcome: Floats
    what: str
    unit: str
    scale: float
    one_sided: bool

    @cached_property
    def has_reference(self) -> bool:
        """Whether the outcome is known of reference rows, and can be said to have moved."""
        return int((~np.isnan(self.outcome[~self.is_current])).sum()) >= 2 * LEAST_ROWS

    def cells(self) -> tuple[Cells, Floats]:
        """Return a cell of every row, and what a row of each adds to the sums of a segment.

        The sums are count, sum and sum of squares of the known outcomes around their mean, of
        reference and of current rows. An outcome of many values is searched as the mean of its
        quantile, which tells near as much and is much faster.
        """
        known = ~np.isnan(self.outcome)
        values = self.outcome[known]
        edges = np.unique(np.quantile(values, np.arange(1, LEVELS) / LEVELS))
        level = np.searchsorted(edges, values, "left")
        count = np.maximum(np.bincount(level, minlength=LEVELS), 1)
        mean = np.bincount(level, values, minlength=LEVELS) / count - values.mean()
        three = np.column_stack([np.ones(LEVELS), mean, mean**2])
        none = np.zeros((1, 3))
        sums = np.vstack([three, none])
        zeros = np.zeros_like(sums)
        cell = np.full(len(known), LEVELS)
        cell[known] = level
        cell += self.is_current * (LEVELS + 1)
        return cell, np.block([[sums, zeros], [zeros, sums]])

    @property
    def weights(self) -> Floats:
        """What `cells` sums, of every row and exact."""
        known = ~np.isnan(self.outcome)
        outcome = np.where(known, self.outcome - self.outcome[known].mean(), 0)
        three = np.column_stack([known, outcome, outcome**2])
        side = self.is_current[:, None]
        return np.column_stack([np.where(side, 0, three), np.where(side, three, 0)])

    def score(self, inside: Floats, whole: Floats) -> Floats:
        """Return the squared deviate of the contrast, negative where the outcome fell."""
        change, elsewhere, deviate = self._contrast(inside, whole)
        rows = inside[..., 3]
        large = (rows >= LEAST_ROWS) & (rows >= LEAST_SHARE * whole[..., 3])
        large &= whole[..., 3] - rows >= LEAST_ROWS
        if self.has_reference:
            large &= inside[..., 0] >= LEAST_ROWS
        # Where all but the segment moved, the segment is not where it moved.
        large &= np.abs(change) > np.abs(elsewhere)
        if self.one_sided:
            large &= change > 0
        return np.where(large, np.sign(change) * deviate**2, 0)

    def _contrast(self, inside: Floats, whole: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the change inside and elsewhere, and their difference in standard errors.

        Without a reference the change is that from the rest, and there is none elsewhere.
        """
        rest = whole - inside
        of_all = _variance(whole[..., 3:], np.zeros(()))
        parts = [inside[..., 3:], rest[..., 3:]]
        if self.has_reference:
            parts += [inside[..., :3], rest[..., :3]]
        means = [each[..., 1] / np.maximum(each[..., 0], 1) for each in parts]
        variance = sum(_variance(each, of_all) / np.maximum(each[..., 0], 1) for each in parts)
        if self.has_reference:
            change, elsewhere = means[0] - means[2], means[1] - means[3]
        else:
            change, elsewhere = means[0] - means[1], np.zeros_like(means[0])
        deviate = (change - elsewhere) / np.sqrt(np.maximum(variance, 1e-300))
        return change, elsewhere, deviate

    def estimate(self, inside: Booleans, among: Booleans) -> Estimate:
        """Return the means of the segment among some rows, and how they differ.

        Without outcomes of the reference, the other current rows stand in its place.
        """
        weights = self.weights
        middle = float(np.nanmean(self.outcome))
        within = weights[inside & among].sum(axis=0)
        whole = weights[among].sum(axis=0)
        rest = whole - within
        _, elsewhere, deviate = self._contrast(within, whole)
        spread_of_all = _variance(whole[3:], np.zeros(()))
        before = within[:3] if self.has_reference else rest[3:]
        means = [sums[1] / max(sums[0], 1) for sums in (before, within[3:])]
        variance = sum(
            _variance(sums, spread_of_all) / max(sums[0], 1) for sums in (before, within[3:])
        )
        effect = (means[1] - means[0]) / self.scale
        half = Z * float(np.sqrt(variance)) / self.scale
        margin = SHIFT_MARGIN * float(np.nanstd(self.outcome)) / self.scale
        low, high = effect - half, effect + half
        return Estimate(
            round(float(means[0]) + middle, 12),
            round(float(means[1]) + middle, 12),
            float(effect),
            float(low),
            float(high),
            float(elsewhere) / self.scale,
            float(deviate),
            bool(max(-low, high) > margin and abs(effect * self.scale) > abs(elsewhere)),
        )


Contrast = ShareContrast | MeanContrast


def _variance(sums: Floats, of_all: Floats) -> Floats:
    """Return the variance, or where that is more, drawn towards that of all rows.

    Of few rows the variance is uncertain, and near the bounds of a share it is the smaller the
    further the share is off by chance; the greater of the two errs on the safe side.
    """
    count = np.maximum(sums[..., 0], 1)
    own = np.maximum(sums[..., 2] / count - (sums[..., 1] / count) ** 2, 0)
    weight = PRIOR * np.sign(of_all)
    drawn = (own * count + weight * of_all) / (count + weight)
    return np.asarray(np.maximum(own, drawn), dtype=np.float64)
