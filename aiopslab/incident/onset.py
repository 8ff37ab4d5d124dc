"""When an incident started: a change-point over all series together, with an interval."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import FrameError
from aiopslab.incident.deviation import learn_normal, quantiles
from aiopslab.incident.load import without_load
from aiopslab.incident.ranking import best_score, score, services_of

Floats = npt.NDArray[np.float64]

MIN_ROWS_BEFORE = 10  # fewer say too little about what is normal
MIN_ROWS_AFTER = 3
MIN_SHARE_BEFORE = 0.1  # of the window; an earlier onset needs a window that begins earlier
CANDIDATES = 400  # times tried; a long window is tried on a grid, and dated to the row later
PROPOSALS = 8  # times verified
APART = 20  # of which no two are nearer than this part of the window
CLIP = 20.0  # robust σ beyond which a value counts no more
LEAST_SPREAD = 0.25  # robust σ; a series is never steadier than this
NOISE = 3.0  # robust σ from which a series has changed
LEVELS = [0.2, 0.8]  # quantiles after the change that tell how far: it may come late or end early
EARLY = 0.2  # the quantile of the departures that is taken as the onset: causes come first
ALLOWANCE = (1.0, 3.0)  # robust σ that the CUSUM forgives: a quarter of the shift, within these
STEP = 6.0  # robust σ that one row may add to it, lest a single spike decide
RESAMPLES = 400
NOTICED_LATE = pd.Timedelta("5min")  # a given time is when somebody noticed: it may have begun so
NOTICED_SHARE = 0.2  # long before, but never more than this share of the time that is there


@dataclass(frozen=True)
class Onset:
    """When something changed.

    Parameters
    ----------
    time
        The best estimate.
    low, high
        The interval that should hold the true time, at `confidence`.
    strength
        The score of the service against which it makes the strongest case (see `rank_services`).
    confidence
        Of the interval.
    """

    time: pd.Timestamp
    low: pd.Timestamp
    high: pd.Timestamp
    strength: float
    confidence: float = 0.95


def find_onset(metrics: pd.DataFrame, confidence: float = 0.95, seed: int = 0) -> Onset | None:
    """Find when the services, taken together, left their normal.

    Parameters
    ----------
    metrics
        Metrics frame, ``(times, series)``. It should begin before the incident.
    confidence
        Of the interval, 0 to 1.
    seed
        Of the resampling behind the interval.

    Returns
    -------
    Onset or None
        ``None`` where there are too few rows, or where no series changes beyond chance.

    Notes
    -----
    Three steps. *Propose*: at hundreds of times, the mean of every series after is compared with
    the mean before, in robust σ. *Verify*: of the most telling times the one is taken that makes
    the strongest case against any service, once what demand explains is taken out. *Date*: with
    the rows before it as normal, each changed series is followed with the cumulative sum of
    Page (1954), *Continuous inspection schemes*, whose last zero tells when that series departed.
    The onset is an early quantile of these departures (causes precede what they cause) and its
    interval comes from resampling the series.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=60, freq="s", tz="UTC")
    >>> columns = pd.MultiIndex.from_product([["auth"], ["latency_ms", "cpu"]])
    >>> noise = np.random.default_rng(7).normal(size=(60, 2))
    >>> noise[40:] += 20
    >>> find_onset(pd.DataFrame(noise, times, columns)).time
    Timestamp('2026-03-01 00:00:40+0000', tz='UTC')
    """
    observed = metrics.loc[:, metrics.notna().sum() >= MIN_ROWS_BEFORE]
    rows = len(observed)
    if rows < MIN_ROWS_BEFORE + MIN_ROWS_AFTER or observed.empty:
        return None
    proposals = _proposals(observed)
    cases = [best_score(observed, observed.index[row]) for row in proposals]
    change = int(proposals[int(np.argmax(cases))])
    departures, rises = _departures(observed, change)
    if departures.size == 0:
        return None
    rng = np.random.default_rng(seed)
    drawn = rng.integers(departures.size, size=(RESAMPLES, departures.size))
    # A slow rise began before it showed, by up to as long as it took to half of its height.
    earliest, latest = (departures - rises)[drawn], departures[drawn]
    low = np.quantile(np.quantile(earliest, EARLY / 2, axis=1), (1 - confidence) / 2)
    high = np.quantile(np.quantile(latest, 2 * EARLY, axis=1), (1 + confidence) / 2)
    times = observed.index
    return Onset(
        times[round(np.quantile(departures, EARLY))],
        times[max(int(low) - 1, 0)],  # it began after the last row that was still normal
        times[min(int(np.ceil(high)), rows - 1)],
        float(max(cases)),
        confidence,
    )


def given_onset(metrics: pd.DataFrame, onset: pd.Timestamp | str) -> Onset:
    """Return an onset that somebody named, with an interval back to when it may have begun.

    Parameters
    ----------
    metrics
        Metrics frame, in whose time it has to lie.
    onset
        A time; without a zone, UTC.

    Raises
    ------
    FrameError
        If it is not a time, or lies outside of the metrics.
    """
    try:
        time = pd.Timestamp(onset)
    except ValueError:
        raise FrameError(
            f"onset is {onset!r}, which is not a time", "Write it as 2026-03-01T12:00:00+00:00."
        ) from None
    time = time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
    first, last = metrics.index[0], metrics.index[-1]
    if not first < time <= last:
        raise FrameError(
            f"onset is {time}; the evidence runs from {first} to {last}",
            "Give a time inside that window, or none to have it found.",
        )
    return noticed(time, first)


def noticed(time: pd.Timestamp, first: pd.Timestamp) -> Onset:
    """Return the onset of what was noticed at a time, in evidence that begins at `first`."""
    late = max(min(NOTICED_LATE, NOTICED_SHARE * (time - first)), pd.Timedelta(0))
    return Onset(time, time - late, time, float("nan"))


def _proposals(metrics: pd.DataFrame) -> npt.NDArray[np.int_]:
    """Return the rows at which some service changes most, no two of them close together.

    A cheap reading of `best_score`, means for medians, at hundreds of rows at once.
    """
    rows = len(metrics)
    first = max(MIN_ROWS_BEFORE, int(MIN_SHARE_BEFORE * rows))
    candidates = np.unique(np.linspace(first, rows - MIN_ROWS_AFTER, CANDIDATES, dtype=int))
    distance = learn_normal(metrics, metrics).deviations(metrics).to_numpy()
    seen = ~np.isnan(distance)
    values = np.clip(np.where(seen, distance, 0), -CLIP, CLIP)
    before, after = _Half(values, seen, candidates, 0), _Half(values, seen, candidates, rows)
    # A spread learnt from a few rows is believed only in part.
    spread = np.sqrt(before.variance + LEAST_SPREAD**2 + 1 / before.count)
    excess = np.log1p(np.abs(after.mean - before.mean) / spread)
    names, group = services_of(metrics)
    strength = score(excess, group, len(names)).max(axis=1)
    chosen: list[int] = []
    for index in np.argsort(-strength, kind="stable"):
        if all(abs(index - other) > len(candidates) // APART for other in chosen):
            chosen.append(int(index))
    return candidates[chosen[:PROPOSALS]]


class _Half:
    """Mean and variance of every series on one side of every candidate row, from running sums."""

    def __init__(
        self, values: Floats, seen: npt.NDArray[np.bool_], rows: npt.NDArray[np.int_], edge: int
    ) -> None:
        sign = 1 if edge == 0 else -1

        def sums(of: Floats) -> Floats:
            running = np.vstack([np.zeros(of.shape[1]), of.cumsum(axis=0)])
            difference: Floats = sign * (running[rows] - running[edge])
            return difference

        self.count = np.maximum(sums(seen.astype(float)), 1)
        self.mean = sums(values) / self.count
        self.variance = np.maximum(sums(values**2) / self.count - self.mean**2, 0)


def _departures(
    metrics: pd.DataFrame, change: int
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """Return the row at which each changed series left its normal, and the rows its rise took."""
    distance = learn_normal(metrics.iloc[:change], metrics).deviations(metrics)
    z = without_load(distance, change).to_numpy()
    low, high = np.nan_to_num(quantiles(z[change:], LEVELS))
    level = np.where(high >= -low, high, low)
    changed = np.abs(level) >= NOISE
    allowance = np.clip(np.abs(level[changed]) / 4, *ALLOWANCE)
    height = np.nan_to_num(z[:, changed] * np.sign(level[changed]))
    drift = height - allowance
    sums, total = np.empty_like(drift), np.zeros(drift.shape[1])
    for row, step in enumerate(np.minimum(drift, STEP)):
        total = np.maximum(total + step, 0)
        sums[row] = total
    summit = change + sums[change:].argmax(axis=0)
    is_zero = (sums == 0) & (np.arange(len(sums))[:, None] <= summit)
    last_zero = np.where(is_zero.any(axis=0), len(sums) - 1 - is_zero[::-1].argmax(axis=0), -1)
    departed = last_zero + 1
    is_half = (height >= np.abs(level[changed]) / 2) & (np.arange(len(z))[:, None] >= departed)
    return departed, is_half.argmax(axis=0) - departed
