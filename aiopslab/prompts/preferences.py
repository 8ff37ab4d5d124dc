"""Preferences: how often each prompt is preferred to the others, from pairwise judgements."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import FrameError
from aiopslab.statistics.intervals import deviate

Floats = npt.NDArray[np.float64]

SHRINK = 0.1  # of the prior: a prompt that always won is strong, and not infinitely so
STEPS = 100
TOLERANCE = 1e-12


@dataclass(frozen=True)
class Strengths:
    """How strong each prompt is, by the model of Bradley and Terry.

    Parameters
    ----------
    prompts
        Their names, in the order of the strengths.
    strengths
        Natural logarithms, that sum to 0, ``(prompts,)``.
    covariance
        Of the strengths, ``(prompts, prompts)``.
    wins
        How often the prompt of the row was preferred to that of the column; a tie is half a win of
        each, ``(prompts, prompts)``.
    confidence
        Of the intervals.
    """

    prompts: tuple[str, ...]
    strengths: Floats
    covariance: Floats
    wins: Floats
    confidence: float = 0.95

    def preferred(self, one: str, other: str) -> tuple[float, float, float]:
        """Return how often one is preferred to the other, with the interval of that share."""
        from scipy.special import expit

        first, second = self.prompts.index(one), self.prompts.index(other)
        contrast = np.zeros(len(self.prompts))
        contrast[first] += 1
        contrast[second] -= 1
        value = float(contrast @ self.strengths)
        error = math.sqrt(max(float(contrast @ self.covariance @ contrast), 0))
        half = deviate(self.confidence) * error
        low, middle, high = expit([value - half, value, value + half]).tolist()
        return middle, low, high

    def table(self) -> pd.DataFrame:
        """Return one row a prompt, the strongest first: ``prompt, strength, low, high, wins``."""
        half = deviate(self.confidence) * np.sqrt(np.diag(self.covariance))
        table = pd.DataFrame(
            {
                "prompt": self.prompts,
                "strength": self.strengths,
                "low": self.strengths - half,
                "high": self.strengths + half,
                "wins": self.wins.sum(axis=1),
                "judgements": (self.wins + self.wins.T).sum(axis=1),
            }
        )
        return table.sort_values("strength", ascending=False, ignore_index=True)


def bradley_terry(
    preferences: pd.DataFrame, shrink: float = SHRINK, confidence: float = 0.95
) -> Strengths:
    """Measure the strength of prompts from judgements of pairs.

    Parameters
    ----------
    preferences
        One row a judgement: ``left, right`` (prompts) and ``preferred`` (one of the two, or
        ``"tie"``).
    shrink
        Of the squared strengths, in the likelihood.
    confidence
        Of the intervals.

    Returns
    -------
    Strengths

    Raises
    ------
    FrameError
        If a column is missing, there is no judgement, or one prefers neither.

    Notes
    -----
    R. A. Bradley and M. E. Terry, "Rank analysis of incomplete block designs", Biometrika 39, 1952,
    with a penalty that keeps strengths finite, by Newton's method. Judgements of one item by
    several raters are not independent; cluster them by drawing items where that matters.

    Examples
    --------
    >>> judged = pd.DataFrame({"left": "a", "right": "b", "preferred": ["a"] * 15 + ["b"] * 5})
    >>> share, low, high = bradley_terry(judged).preferred("a", "b")
    >>> round(share, 2), low > 0.5
    (0.74, True)
    """
    for column in ("left", "right", "preferred"):
        if column not in preferences:
            raise FrameError(
                f"the judgements have no column {column!r}",
                "Pass one row a judgement: left, right, and which is preferred.",
            )
    if preferences.empty:
        raise FrameError("there is no judgement", "Collect at least one.")
    left, right, chosen = (preferences[each] for each in ("left", "right", "preferred"))
    wrong = ~((chosen == left) | (chosen == right) | (chosen == "tie"))
    if wrong.any() or (left == right).any():
        at = preferences[wrong | (left == right)].iloc[0]
        raise FrameError(
            f"a judgement of {at['left']!r} against {at['right']!r} prefers {at['preferred']!r}",
            'Name one of two different prompts, or "tie".',
        )
    prompts = sorted({*left.unique(), *right.unique()})
    place = {name: number for number, name in enumerate(prompts)}
    wins = np.zeros((len(prompts), len(prompts)))
    one, two = left.map(place).to_numpy(), right.map(place).to_numpy()
    share = np.where(chosen == "tie", 0.5, (chosen == left).to_numpy(dtype=np.float64))
    np.add.at(wins, (one, two), share)
    np.add.at(wins, (two, one), 1 - share)
    strengths, covariance = _fitted(wins, shrink)
    return Strengths(tuple(map(str, prompts)), strengths, covariance, wins, confidence)


def _fitted(wins: Floats, shrink: float) -> tuple[Floats, Floats]:
    from scipy.special import expit

    size = len(wins)
    both = wins + wins.T
    strengths = np.zeros(size)
    inverse: Floats = np.eye(size)
    for _ in range(STEPS):
        chance = expit(strengths[:, None] - strengths[None, :])
        slope = (wins - both * chance).sum(axis=1) - 2 * shrink * strengths
        weight = both * chance * (1 - chance)
        curve = np.diag(weight.sum(axis=1)) - weight + 2 * shrink * np.eye(size)
        inverse = np.asarray(np.linalg.inv(curve), dtype=np.float64)
        step = inverse @ slope
        strengths = strengths + step
        if np.abs(step).max() < TOLERANCE:
            break
    centre = np.eye(size) - 1 / size  # the sum of the strengths is known to be 0
    return strengths - strengths.mean(), centre @ inverse @ centre
