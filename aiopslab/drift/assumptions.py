"""Assumptions of an estimate without labels, each with its test and what the test found."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.drift.expectation import Expectation
from aiopslab.drift.likeness import Likeness
from aiopslab.drift.metrics import WORDS
from aiopslab.drift.outcomes import Outcomes
from aiopslab.statistics.intervals import deviate

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

CONFIDENCE = 0.99  # of the tests: one in a hundred fails by chance
OUTSIDE = 0.1  # share of current rows outside the reference that an estimate may have
MARGIN = 0.03  # of a metric between 0 and 1, else of its reference; less is no other relation
STRETCHES = 5  # of labelled rows, whose misses are compared
FEW = 30  # labels, fewer of which test nothing


@dataclass(frozen=True)
class Assumption:
    """Something that an estimate rests on.

    Parameters
    ----------
    name
        ``calibration``, ``overlap`` or ``relation``.
    claim
        What is taken to be so.
    holds
        ``None`` where no test could be made, or it could not tell.
    evidence
        What the test found, or why there was none.
    """

    name: str
    claim: str
    holds: bool | None
    evidence: str

    def __str__(self) -> str:
        said = {True: "holds", False: "fails", None: "is open"}[self.holds]
        return f"{self.claim}: {said} ({self.evidence})"


def calibration_assumption(
    misses: list[dict[str, float]], chance: list[dict[str, float]], metric: str
) -> Assumption:
    """Test whether what was learnt from one part of the reference holds on the others.

    Parameters
    ----------
    misses, chance
        Realised less expected metrics of held-out blocks, and their deviation by chance.
    metric
        The main one.

    Examples
    --------
    >>> print(calibration_assumption([{"mae": 9.0}], [{"mae": 1.0}], "mae").holds)
    False
    """
    from scipy.stats import chi2

    claim = "what was learnt from one part of the reference holds on the rest of it"
    told = [
        (miss[metric], by_chance[metric])
        for miss, by_chance in zip(misses, chance, strict=True)
        if np.isfinite(miss[metric]) and by_chance[metric] > 0
    ]
    if not told:
        why = "the labelled rows of the reference are too few, or none of them is uncertain"
        return Assumption("calibration", claim, None, why)
    gaps = np.array(told)
    statistic = float(((gaps[:, 0] / gaps[:, 1]) ** 2).sum())
    evidence = (
        f"on {len(gaps)} held-out parts the estimate of the {WORDS[metric]} missed by up to "
        f"{np.abs(gaps[:, 0]).max():.2g}, where chance explains {gaps[:, 1].mean():.2g}"
    )
    holds = bool(statistic <= chi2.ppf(CONFIDENCE, len(gaps)))
    return Assumption("calibration", claim, holds, evidence)


def overlap_assumption(like: Likeness) -> Assumption:
    """Test whether the reference covers the current rows."""
    claim = "the reference covers the current rows"
    if len(like.outside) == 0:
        return Assumption("overlap", claim, None, "there are no current rows")
    share = float(like.outside.mean())
    evidence = f"{100 * share:.1f} % of them lie outside"
    if like.why:
        evidence += f", most by {like.why}"
    return Assumption("overlap", claim, share <= OUTSIDE, evidence)


def relation_assumption(
    expectation: Expectation, outcomes: Outcomes, labelled: Ints, reference: float
) -> Assumption:
    """Test against labels whether targets still depend on the features as they did.

    Parameters
    ----------
    expectation
        Made without these labels.
    outcomes
        Of all current rows.
    labelled
        Numbers of the labelled ones, in order.
    reference
        The main metric on the reference.

    Notes
    -----
    Two tests, each at half of the level: the mean miss of all labelled rows, and how much the
    means of five stretches of them differ from nought together, since a relation that changes
    back and forth has a mean miss of nothing. It fails where either is more than chance and a
    miss is more than the margin; it holds where the mean miss lies within the margin for sure.
    """
    from scipy.stats import chi2

    claim = "targets depend on the features as they did (no concept drift)"
    metric = expectation.names[0]
    if len(labelled) < FEW:
        had = f"{len(labelled)} labels" if len(labelled) else "no labels"
        why = f"cannot be tested with {had}; {FEW} would do"
        return Assumption("relation", claim, None, why)
    residuals = expectation.residuals(outcomes.take(labelled), labelled)
    margin = MARGIN if metric == "accuracy" else MARGIN * reference
    mean, spread = float(residuals.mean()), float(residuals.std(ddof=1))
    error = max(spread, 1e-12) / np.sqrt(len(residuals))
    half = deviate(1 - (1 - CONFIDENCE) / 2) * error
    parts = [each for each in np.array_split(residuals, STRETCHES) if len(each)]
    statistic = sum(len(each) * each.mean() ** 2 for each in parts) / max(spread, 1e-12) ** 2
    moves = statistic > chi2.ppf(1 - (1 - CONFIDENCE) / 2, len(parts))
    evidence = (
        f"on {len(labelled):,} labelled rows the realised {WORDS[metric]} lies {mean:+.3g} "
        f"({mean - half:+.3g} to {mean + half:+.3g}) from the estimate"
    )
    worst = max((mean, *(float(each.mean()) for each in parts)), key=abs)
    if (abs(mean) > half or moves) and abs(worst) > margin:
        return Assumption("relation", claim, False, f"{evidence}, in one stretch {worst:+.3g}")
    if abs(mean) + half <= margin:
        return Assumption("relation", claim, True, evidence)
    needed = int(np.ceil(len(labelled) * (half / margin) ** 2))
    return Assumption("relation", claim, None, f"{evidence}; about {needed:,} labels would tell")
