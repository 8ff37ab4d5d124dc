"""Whether any run of windows left the reference, beside the noise that windows have."""

from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SIMULATIONS = 500  # of windows without drift
SCORES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)  # numbers of them that are simulated
QUANTILE = 0.95  # at which the simulated scan is set against a single test
STEADY = 0.75  # of the steps between windows that are taken for noise; the largest may be drift
FEWEST = 8  # windows; of fewer, dependence of rows cannot be told from drift
KNOWN = 2 / 3  # degrees of freedom that a step between windows is worth, the largest left out


@dataclass(frozen=True)
class Scan:
    """Whether any run of windows left the reference.

    Parameters
    ----------
    p
        Of the strongest run, corrected for all that were looked at.
    size
        Of its shift in reference SDs, noise taken out.
    """

    p: float
    size: float


def scan(
    means: Floats,
    rows: Floats,
    reference_rows: float,
    inflation: Floats,
    freedom: float = np.inf,
) -> Scan:
    """Test every run of windows against the reference.

    Parameters
    ----------
    means
        Of the scores, ``(windows, scores)``; 0 in the reference, see `Bins`.
    rows
        Of each window.
    reference_rows
        The noise of the reference is that of so many.
    inflation
        How many times the variance of each score is that of independent rows, see `inflation`.
    freedom
        Degrees of freedom that the variance is known with, see `freedom_of`.

    Returns
    -------
    Scan

    Notes
    -----
    The scan statistic of Naus (1965), *The distribution of the size of the maximum cluster of
    points on a line*, over all runs from a single window to all: windows without drift are
    simulated to find how many independent tests the scan is worth. A run is tested by chi-square
    where rows are independent, and by F where its variance had to be estimated.

    Examples
    --------
    >>> quiet, rows = np.zeros((20, 1)), np.full(20, 400.0)
    >>> moved = quiet + 0.5 * (np.arange(20) >= 12)[:, None]
    >>> [scan(each, rows, 8_000, np.ones(1)).p < 1e-6 for each in (quiet, moved)]
    [False, True]
    """
    scores = means.shape[1]
    if not scores or not rows.sum():
        return Scan(1.0, 0.0)
    first, last = np.triu_indices(len(rows) + 1, 1)
    count = np.append(0.0, rows.cumsum())
    sums = np.vstack([np.zeros(scores), (rows[:, None] * means).cumsum(axis=0)])
    size = np.maximum(count[last] - count[first], 1e-9)
    shift = ((sums[last] - sums[first]) / size[:, None]) ** 2
    noise = 1 / size + 1 / reference_rows
    statistic = np.where(size >= 1, (shift / inflation).sum(axis=1) / noise, 0.0)
    best = int(statistic.argmax())
    simulated = next(each for each in SCORES if each >= scores)
    tests = _worth(tuple(np.round(rows, 3)), float(reference_rows), simulated)
    p = min(1.0, tests * _tail(float(statistic[best]), scores, freedom))
    excess = float(shift[best].sum() - inflation.sum() * noise[best])
    return Scan(p, float(np.sqrt(max(excess, 0.0))))


def inflation(means: Floats, rows: Floats, lag: int) -> Floats:
    """Return how many times the variance of each score in windows is that of independent rows.

    Parameters
    ----------
    means
        Of the scores in consecutive windows, ``(windows, scores)``.
    rows
        Of each window.
    lag
        Windows between those that are compared: 2 where nothing drifts, since neighbours depend
        on each other, and 1 where something may swing.

    Returns
    -------
    numpy.ndarray
        ``(scores,)``, at least 1; 1 where there are fewer than eight windows.

    Notes
    -----
    From the differences of windows (von Neumann 1941), which a slow movement leaves alone. The
    largest quarter is left out, which a few steps leave alone. To what exceeds the variance of
    independent rows one standard error is added: neighbours depend on each other across the edge
    of a window, which their differences do not show.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=(2_000, 1)) / 10
    >>> inflation(noise, np.full(2_000, 100.0), 2).round(1).tolist()
    [1.0]
    """
    none = np.ones(means.shape[1])
    used = rows > 0
    if used.sum() < FEWEST or not means.shape[1]:
        return none
    kept = rows[used]
    step = means[used][lag:] - means[used][:-lag]
    squared = np.sort(step**2 / (1 / kept[lag:] + 1 / kept[:-lag])[:, None], axis=0)
    typical = squared[: max(2, int(STEADY * len(squared)))].mean(axis=0) / _steady_share()
    found: Floats = 1 + np.maximum(typical - 1, 0.0) * (1 + np.sqrt(3 / len(squared)))
    return found


def freedom_of(inflation: Floats, windows: int) -> float:
    """Return the degrees of freedom that the variance of windows is known with.

    Parameters
    ----------
    inflation
        From `inflation`, ``(scores,)``.
    windows
        That it was estimated from.

    Notes
    -----
    Satterthwaite (1946), *An approximate distribution of estimates of variance components*: the
    variance of independent rows is known, what exceeds it is estimated from the windows. The least
    known score counts.

    Examples
    --------
    >>> freedom_of(np.ones(3), 60), round(freedom_of(np.array([1.0, 20.0]), 60))
    (inf, 44)
    """
    excess = float((1 - 1 / inflation).max(initial=0.0))
    return KNOWN * max(1, windows - 1) / excess**2 if excess > 0 else np.inf


def _tail(statistic: float, scores: int, freedom: float) -> float:
    """Return how often a sum of squared deviates is as large by chance."""
    from scipy import special

    if np.isinf(freedom):
        return float(special.gammaincc(scores / 2, statistic / 2))
    return float(special.fdtrc(scores, freedom, statistic / scores))


@lru_cache(maxsize=256)
def _worth(rows: tuple[float, ...], reference_rows: float, scores: int) -> float:
    """Return how many independent tests a scan is worth."""
    from scipy.special import gammaincc

    rng = np.random.default_rng(len(rows))
    sizes = np.array(rows)
    count = np.append(0.0, sizes.cumsum())
    sums, shared = np.zeros((scores, SIMULATIONS, len(count))), np.empty((scores, SIMULATIONS, 1))
    for score in range(scores):
        drawn = rng.normal(size=(SIMULATIONS, len(sizes))) * np.sqrt(sizes)
        sums[score, :, 1:] = drawn.cumsum(axis=1)
        shared[score] = rng.normal(size=(SIMULATIONS, 1)) / np.sqrt(reference_rows)
    strongest = np.zeros(SIMULATIONS)
    for length in range(1, len(count)):  # of runs, those of one length together
        size = count[length:] - count[:-length]
        used = size >= 1
        size = np.where(used, size, 1.0)
        shift = ((sums[..., length:] - sums[..., :-length]) / size - shared) ** 2
        statistic = shift.sum(axis=0) / (1 / size + 1 / reference_rows)
        strongest = np.maximum(strongest, np.where(used, statistic, 0.0).max(axis=1))
    limit = float(np.quantile(strongest, QUANTILE))
    return float((1 - QUANTILE) / gammaincc(scores / 2, limit / 2))


@cache
def _steady_share() -> float:
    """Return what the mean of the lesser squared steps is, where their whole mean is 1."""
    drawn = np.random.default_rng(0).chisquare(1, 100_000)
    return float(np.sort(drawn)[: int(STEADY * len(drawn))].mean())
