"""Since when: the row at which windows left the reference."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

RESAMPLES = 400
FORGOTTEN = 40.0  # nats: evidence after which the row of the onset is beyond doubt
POSITIONS = 1_000  # on either side that an onset may be moved to in a resample


@dataclass(frozen=True)
class Onset:
    """When drift began.

    Parameters
    ----------
    time, low, high
        The best estimate and the interval that should hold the true time; ``None`` where the
        observations have no times.
    row, row_low, row_high
        The same as rows of the current observations in order of time, from 0.
    confidence
        Of the interval.
    """

    time: pd.Timestamp | None
    low: pd.Timestamp | None
    high: pd.Timestamp | None
    row: int
    row_low: int
    row_high: int
    confidence: float = 0.95

    @property
    def from_the_start(self) -> bool:
        """Whether the current observations had drifted when they begin."""
        return self.row_low == 0

    def __str__(self) -> str:
        if self.row == 0:
            return "before the current observations begin"
        if self.time is None:
            return f"row {self.row:,} ({self.row_low:,} to {self.row_high:,})"
        low, high = self.low, self.high
        return f"{self.time:%Y-%m-%d %H:%M} ({low:%Y-%m-%d %H:%M} to {high:%Y-%m-%d %H:%M})"


def evidence(scores: Floats, before: Floats, after: Floats) -> Floats:
    """Return what a row in each bin says for after and against before, in nats.

    Parameters
    ----------
    scores
        Of each bin, ``(bins, scores)``, see `Bins`.
    before, after
        Mean of the scores, ``(scores,)``.

    Notes
    -----
    The linear discriminant of Fisher (1936), since scores have unit variance. A ratio for each bin
    by itself would be sharper, had a window rows enough to know it.

    Examples
    --------
    >>> evidence(np.array([[-1.0], [1.0]]), np.array([0.0]), np.array([0.5])).tolist()
    [-0.625, 0.375]
    """
    direction = after - before
    said: Floats = (scores - (before + after) / 2) @ direction
    return said


def date_rows(
    ratio: Floats, inflation: float = 1.0, confidence: float = 0.95, seed: int = 0
) -> tuple[int, int, int]:
    """Find the row at which the evidence turns, with an interval.

    Parameters
    ----------
    ratio
        Log likelihood ratio of after to before of each row, in order of time.
    inflation
        Of the variance: rows are resampled in blocks of so many.
    confidence
        Of the interval.
    seed
        Of the resampling.

    Returns
    -------
    tuple of int
        The first row after the change, and the low and the high end of its interval.

    Notes
    -----
    The maximum-likelihood change point of Hinkley (1970), *Inference about the change-point in a
    sequence of random variables*; its interval by resampling the rows on either side.

    Examples
    --------
    >>> date_rows(np.repeat([-1.0, 1.0], [300, 100]))
    (300, 300, 300)
    """
    row = _turn(ratio)
    rng = np.random.default_rng(seed)
    before = _steps(ratio[:row][::-1], -1, inflation, rng)
    after = _steps(ratio[row:], 1, inflation, rng)
    # Towards either side the sum climbs from the turn: it turns where the climb is least.
    back, ahead = before[0].argmin(axis=1), after[0].argmin(axis=1)
    is_back = before[0].min(axis=1) < after[0].min(axis=1)
    moved = np.where(is_back, -back * before[1], ahead * after[1])
    # A resample errs from the estimate as the estimate errs from the truth, the other way round.
    low, high = np.quantile(-moved, [(1 - confidence) / 2, (1 + confidence) / 2])
    return row, max(0, row + int(np.floor(low))), min(len(ratio), row + int(np.ceil(high)))


def _turn(ratio: Floats) -> int:
    return int(np.append(0.0, ratio.cumsum()).argmin())


def _steps(
    ratio: Floats, sign: int, inflation: float, rng: np.random.Generator
) -> tuple[Floats, int]:
    """Return resampled climbs ``(resamples, positions)`` away from the turn, and their stride."""
    if not len(ratio):
        return np.zeros((RESAMPLES, 1)), 1
    climb = sign * float(ratio.mean())
    far = len(ratio) if climb <= 0 else min(len(ratio), int(FORGOTTEN / climb) + 10)
    block = int(np.ceil(inflation))
    stride = max(1, block, -(-far // POSITIONS))
    positions = max(1, far // stride)
    running = np.append(0.0, sign * ratio.cumsum())
    starts = rng.integers(max(1, len(ratio) - stride + 1), size=(RESAMPLES, positions))
    ends = np.minimum(starts + stride, len(ratio))
    climbs = (running[ends] - running[starts]).cumsum(axis=1)
    return np.hstack([np.zeros((RESAMPLES, 1)), climbs]), stride
