"""Which services and metrics an incident most likely started in, from metrics alone."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.incident.deviation import learn_normal
from aiopslab.incident.load import without_load

Floats = npt.NDArray[np.float64]

SILENT = "(stopped reporting)"  # the pseudo-metric of a service that falls silent
TOP_WEIGHTS = (1.0, 0.5, 0.25)  # of a service's strongest metrics: one loud metric is not enough
BLOCKS = 12  # into which the time after onset is cut for resampling
RESAMPLES = 500
KEPT = 0.8  # share of the metrics that a resample keeps
CLIP = 5.0  # robust σ beyond which a value before the onset is an outlier
MAX_LAG_ONE = 0.95


def rank_metrics(metrics: pd.DataFrame, onset: pd.Timestamp) -> pd.DataFrame:
    """Rank every series by how far it strays from its normal after the onset.

    Parameters
    ----------
    metrics
        Metrics frame, ``(times, series)``.
    onset
        Rows before it teach what is normal.

    Returns
    -------
    pandas.DataFrame
        One row a series, strongest first: ``service, metric, strength, direction, before, after``.
        `strength` is the mean of ``log(1 + |z|)`` after the onset less the same before it, where z
        is the distance from normal in robust σ: 0 is normal, 1 is about 4 σ on average, 3 about
        30 σ. The fewer independent rows it rests on, the less it counts. `direction` is +1 or -1,
        `before` and `after` are medians in the metric's own unit.
        A service that falls silent has a row for the metric ``(stopped reporting)``, whose values
        are shares of scrapes missed.

    Notes
    -----
    Deviations are taken on both sides (a cache whose hit ratio falls is as ill as one whose
    latency rises) and on a logarithmic scale, so that persistence counts beside size.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=60, freq="s", tz="UTC")
    >>> columns = pd.MultiIndex.from_product([["auth", "cache"], ["latency_ms"]])
    >>> noise = np.random.default_rng(7).normal(size=(60, 2))
    >>> noise[40:, 1] += 20
    >>> rank_metrics(pd.DataFrame(noise, times, columns), times[40]).loc[0, "service"]
    'cache'
    """
    series = _with_silence(metrics)
    before, after = series[series.index < onset], series[series.index >= onset]
    strength = _strength(series, onset).mean(axis=0)
    risen = (after.mean() - before.median()).fillna(0)
    table = pd.DataFrame(
        {
            "service": series.columns.get_level_values(0),
            "metric": series.columns.get_level_values(1),
            "strength": strength,
            "direction": np.sign(risen.to_numpy()).astype(int),
            "before": before.median().to_numpy(),
            "after": after.median().to_numpy(),
        }
    )
    return table.sort_values("strength", ascending=False, kind="stable", ignore_index=True)


def rank_services(metrics: pd.DataFrame, onset: pd.Timestamp, seed: int = 0) -> pd.DataFrame:
    """Rank the services by how likely the incident started in them.

    Parameters
    ----------
    metrics
        Metrics frame, ``(times, series)``.
    onset
        Rows before it teach what is normal.
    seed
        Of the resampling.

    Returns
    -------
    pandas.DataFrame
        One row a service, best candidate first: ``service, score, low, high, support, metric``.
        `score` weighs the service's strongest metrics; `low` and `high` hold 95 % of its
        resamples; `support` is the share of resamples in which the service ranks first; `metric`
        is its strongest metric.

    Notes
    -----
    A resample draws blocks of time after the onset with replacement and leaves out a fifth of the
    metrics, so support is low where a rank hangs on one moment or on one metric. It measures how
    stable the ranking is, not how often such a ranking is right.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=60, freq="s", tz="UTC")
    >>> columns = pd.MultiIndex.from_product([["auth", "cache"], ["latency_ms", "cpu"]])
    >>> noise = np.random.default_rng(7).normal(size=(60, 4))
    >>> noise[40:, 2:] += 20
    >>> best = rank_services(pd.DataFrame(noise, times, columns), times[40]).iloc[0]
    >>> print(best["service"], best["support"] > 0.9)
    cache True
    """
    series = _with_silence(metrics)
    blocks = _strength(series, onset)
    names, group = services_of(series)
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(blocks), np.full(len(blocks), 1 / len(blocks)), RESAMPLES)
    resampled = weights @ blocks / len(blocks)
    resampled[rng.random(resampled.shape) > KEPT] = 0
    scores = score(resampled, group, len(names))
    observed = score(blocks.mean(axis=0)[None, :], group, len(names))[0]
    first = np.bincount(scores.argmax(axis=1), minlength=len(names)) / RESAMPLES
    low, high = np.quantile(scores, [0.025, 0.975], axis=0)
    strongest = pd.Series(blocks.mean(axis=0)).groupby(group).idxmax()
    table = pd.DataFrame(
        {
            "service": names,
            "score": observed,
            "low": np.minimum(low, observed),
            "high": np.maximum(high, observed),
            "support": first,
            "metric": series.columns.get_level_values(1)[strongest],
        }
    )
    return table.sort_values(["score", "service"], ascending=[False, True], ignore_index=True)


def best_score(series: pd.DataFrame, onset: pd.Timestamp) -> float:
    """Return the highest score of any service, were this the onset.

    Parameters
    ----------
    series
        Metrics frame, ``(times, series)``.
    onset
        Rows before it teach what is normal.
    """
    names, group = services_of(series)
    strength = _strength(series, onset).mean(axis=0)
    return float(score(strength[None, :], group, len(names)).max())


def services_of(series: pd.DataFrame) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int_]]:
    """Return the names of the services, and the number of each column's."""
    names = series.columns.get_level_values(0).to_numpy(dtype=object)
    return np.unique(names, return_inverse=True)


def _with_silence(metrics: pd.DataFrame) -> pd.DataFrame:
    """Add to each service the share of its series that a row lacks."""
    reporting = metrics.loc[:, metrics.notna().any()]
    silence = reporting.isna().T.groupby(level=0).mean().T
    silence.columns = pd.MultiIndex.from_product([silence.columns, [SILENT]])
    return pd.concat([reporting, silence], axis=1)


def _strength(series: pd.DataFrame, onset: pd.Timestamp) -> Floats:
    """Return the strength of every series in each block of time after, ``(blocks, series)``.

    Missing values count as normal: a gap is judged by the silence of its service, of which only
    more is bad.
    """
    before = series[series.index < onset]
    distance = learn_normal(before, series).deviations(series)
    is_silence = series.columns.get_level_values(1) == SILENT
    distance = without_load(distance, len(before)).fillna(0)
    distance = distance.where(~is_silence | (distance > 0), 0)
    strays = np.log1p(distance.abs().to_numpy())
    usual = strays[: len(before)].mean(axis=0)
    after = strays[len(before) :]
    blocks = [block.mean(axis=0) for block in np.array_split(after, min(BLOCKS, len(after)))]
    independent = len(after) / _memory(distance.to_numpy()[: len(before)])
    strength: Floats = np.maximum(np.array(blocks) - usual, 0) * independent / (independent + 1)
    return strength


def _memory(before: Floats) -> float:
    """Return how many neighbouring rows say as much as one independent row.

    That of a first-order autoregression with the lag-one correlation of the median series; one
    figure for all, so that it bears on how sure the ranking is and not on the ranking itself.
    """
    centred = np.clip(before, -CLIP, CLIP)
    centred = centred - centred.mean(axis=0)
    power = (centred**2).sum(axis=0)
    moving = power > 0
    if not moving.any():
        return 1.0
    lag_one = (centred[1:, moving] * centred[:-1, moving]).sum(axis=0) / power[moving]
    typical = float(np.clip(np.median(lag_one), 0, MAX_LAG_ONE))
    return (1 + typical) / (1 - typical)


def score(strength: Floats, group: npt.NDArray[np.int_], services: int) -> Floats:
    """Weigh each service's strongest series in each row of `strength`, ``(rows, services)``."""
    scores = np.zeros((len(strength), services))
    for service in range(services):
        strongest = -np.sort(-strength[:, group == service], axis=1)[:, : len(TOP_WEIGHTS)]
        scores[:, service] = strongest @ np.array(TOP_WEIGHTS[: strongest.shape[1]])
    return scores
