"""How strongly each metric speaks against its service."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.incident.deviation import learn_normal, quantiles
from aiopslab.incident.golden import is_waiting, own_excess, signal_of
from aiopslab.incident.load import without_load
from aiopslab.incident.topology import callees

Floats = npt.NDArray[np.float64]

SILENT = "(stopped reporting)"  # the pseudo-metric of a service that falls silent
CLIP = 5.0  # robust σ beyond which a value before the onset is an outlier
MAX_LAG_ONE = 0.95
LEAST_SEEN = 5  # values before the onset; a series with fewer has no normal to stray from


def rank_metrics(
    series: pd.DataFrame,
    onset: pd.Timestamp,
    quiet_until: pd.Timestamp | None = None,
    baseline: pd.DataFrame | None = None,
    topology: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Rank every series by how far it strays from its normal after the onset.

    Parameters
    ----------
    series
        Metrics frame, ``(times, series)``. `with_silence` adds what missing scrapes say.
    onset
        Rows from it on are judged.
    quiet_until
        Rows before it teach what is normal; the onset where ``None``.
    baseline
        Metrics of a quiet time elsewhere, e.g. the same hours of last week, in the same columns. A
        series must then stray from both, the distant normal and the recent.
    topology
        Call graph. With it, latency and errors count only as far as the service's own part in
        their excess goes (see `aiopslab.incident.golden.own_excess`).

    Returns
    -------
    pandas.DataFrame
        One row a series, strongest first: ``service, metric, strength, direction, before, after``.
        `strength` is the mean of ``log(1 + |z|)`` after the onset less the same before it, where z
        is the distance from normal in robust σ: 0 is normal, 1 is about 4 σ on average, 3 about
        30 σ. The fewer independent rows it rests on, the less it counts. `direction` is +1 or -1,
        `before` and `after` are medians in the metric's own unit.

    Notes
    -----
    Deviations are taken on both sides (a cache whose hit ratio falls is as ill as one whose
    latency rises) and on a logarithmic scale, so that persistence counts beside size. The time
    that a service waits for others says nothing against itself, so it has no strength.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=60, freq="s", tz="UTC")
    >>> columns = pd.MultiIndex.from_product([["auth", "cache"], ["latency_ms"]])
    >>> noise = np.random.default_rng(7).normal(size=(60, 2))
    >>> noise[40:, 1] += 20
    >>> rank_metrics(pd.DataFrame(noise, times, columns), times[40]).loc[0, "service"]
    'cache'
    """
    recent = series[series.index < (quiet_until or onset)]
    after = series[series.index >= onset]
    if baseline is None:
        quiet = recent
        z, usual = _distances(quiet, after)
    else:
        quiet = pd.concat([baseline, recent])
        z, usual = _distances(quiet, after)
        middle = np.median(usual[len(baseline) :], axis=0) if len(recent) else 0.0
        agree = np.sign(z) == np.sign(z - middle)
        z = np.where(agree, np.where(np.abs(z - middle) < np.abs(z), z - middle, z), 0.0)
    calls = None if topology is None else callees(topology)
    excess = None if topology is None else own_excess(quiet, recent, after, topology)
    strength = _blamed(_strength(z, usual), series.columns, calls, excess)
    teaching = (quiet if recent.empty else recent).to_numpy(dtype=float)
    before, now = (quantiles(each, [0.5])[0] for each in (teaching, after.to_numpy(dtype=float)))
    table = pd.DataFrame(
        {
            "service": series.columns.get_level_values(0),
            "metric": series.columns.get_level_values(1),
            "strength": strength,
            "direction": np.sign(np.nan_to_num(now - before)).astype(int),
            "before": before,
            "after": now,
        }
    )
    return table.sort_values("strength", ascending=False, kind="stable", ignore_index=True)


def strengths(series: pd.DataFrame, onset: pd.Timestamp) -> Floats:
    """Return the strength of every series, see `rank_metrics`, were this the onset."""
    quiet, after = series[series.index < onset], series[series.index >= onset]
    return _strength(*_distances(quiet, after))


def with_silence(metrics: pd.DataFrame) -> pd.DataFrame:
    """Add to each service ``(stopped reporting)``, the share of its series that a row lacks.

    A count of errors that nobody had yet made is absent, not unknown: it counts as zero while its
    service reports other metrics.
    """
    reporting = metrics.loc[:, metrics.notna().any()]
    # Without requests there is no latency to report, so the requests tell whether it is alive.
    demand = [signal_of(each) == "requests" for each in reporting.columns.get_level_values(1)]
    asked = reporting.columns[demand].get_level_values(0)
    telling = reporting.loc[
        :, np.array(demand) | ~reporting.columns.get_level_values(0).isin(asked)
    ]
    silence = telling.isna().T.groupby(level=0).mean().T
    counted = [each for each in reporting.columns if signal_of(each[1]) == "errors"]
    late = [each for each in counted if np.isnan(reporting[each].iloc[0])]
    if late:
        unmade = ~reporting[late].notna().cummax()
        alive = silence[[each[0] for each in late]].to_numpy() < 1
        reporting = reporting.copy()
        reporting[late] = reporting[late].mask(unmade & alive, 0.0)
    silence.columns = pd.MultiIndex.from_product([silence.columns, [SILENT]])
    return pd.concat([reporting, silence], axis=1)


def _distances(quiet: pd.DataFrame, after: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return the distance from normal in robust σ, of the rows judged and of those that teach.

    Missing values count as normal: a gap is judged by the silence of its service, of which only
    more is bad.
    """
    series = pd.concat([quiet, after])
    distance = learn_normal(quiet, series).deviations(series)
    values = without_load(distance, len(quiet)).fillna(0).to_numpy()
    is_silence = (series.columns.get_level_values(1) == SILENT)[None, :]
    values = np.where(is_silence & (values < 0), 0.0, values)
    values[:, (quiet.notna().sum() < LEAST_SEEN).to_numpy()] = 0.0
    return values[len(quiet) :], values[: len(quiet)]


def _strength(z: Floats, usual: Floats) -> Floats:
    if len(usual) == 0 or len(z) == 0:
        return np.zeros(z.shape[1])  # nothing taught what is normal, or nothing is to be judged
    strays = np.log1p(np.abs(z)).mean(axis=0) - np.log1p(np.abs(usual)).mean(axis=0)
    independent = len(z) / _memory(usual)
    strength: Floats = np.maximum(strays, 0) * independent / (independent + 1)
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


def _blamed(
    strength: Floats,
    columns: "pd.Index[Any]",
    calls: dict[str, list[str]] | None,
    excess: pd.DataFrame | None,
) -> Floats:
    """Take from the strength of each series what it says against other services."""
    called = set() if calls is None else {each for callees in calls.values() for each in callees}
    own = {} if excess is None else (excess["share"] * np.log1p(excess["z"])).to_dict()
    blamed = strength.copy()
    for column, (service, metric) in enumerate(columns.to_list()):
        signal = signal_of(metric)
        # How often a service is asked is for those who ask it to answer for.
        if is_waiting(metric) or (signal == "requests" and service in called):
            blamed[column] = 0.0
        elif (service, signal) in own and strength[column] > 0:
            blamed[column] = own[service, signal]
    return blamed
