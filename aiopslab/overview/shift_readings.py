"""Readings of a shift beside those of the tiles: what a question costs, and its usual latency."""

import numpy as np
import pandas as pd

from aiopslab.incident.slo import REQUEST_RATES
from aiopslab.overview.layers import Frames
from aiopslab.overview.readings import Level, Reading, by_time
from aiopslab.overview.targets import quantity

MEDIANS = ("http.server.request.duration_p50_ms", "latency_p50_ms")
STRETCHES = 60  # in which what was spent is held against what was asked
STEEPEST = 0.5  # power of the load that values follow at most: more is how rates are counted
LEAST = 20  # rows, below which nothing is said


def beside(outcome: str, frames: Frames) -> tuple[Reading, ...]:
    """Return the readings of an outcome that no tile shows.

    A call may cost what it did while a question costs more: when answers are no longer kept, or
    are asked for again. And the slowest requests may stay as they are while all others slow down.

    Examples
    --------
    >>> beside("cost", {})
    ()
    """
    metrics = frames.get("metrics")
    if metrics is None or outcome not in {"cost", "service"}:
        return ()
    found = _cost(frames, metrics) if outcome == "cost" else _median(frames, metrics)
    return () if found is None else (found,)


def _median(frames: Frames, metrics: pd.DataFrame) -> Reading | None:
    known = _at_the_door(frames, metrics, MEDIANS)
    if known.empty:
        return None
    values = by_time(known.max(axis=1), pd.DatetimeIndex(metrics.index))
    rate = _rate(frames, metrics)
    if rate is not None:
        values = without_load(values, rate.reindex(values.index))
    what = quantity("latency_ms", "median latency")
    return Level(what, "latency_ms", values) if len(values) else None


def _cost(frames: Frames, metrics: pd.DataFrame) -> Reading | None:
    calls, rate = frames.get("calls"), _rate(frames, metrics)
    if calls is None or calls.empty or rate is None or len(rate) < LEAST:
        return None
    spent = by_time(calls["cost_usd"], calls["timestamp"])
    times = pd.DatetimeIndex(rate.index)
    step = float(np.median(np.diff(times.as_unit("us").asi8))) / 1e6
    asked = rate.to_numpy(np.float64) * step
    # Stretches of as many questions each, so that all are known as well.
    level = np.linspace(0, asked.sum(), min(STRETCHES, len(rate) // 2) + 1)[1:-1]
    starts = np.unique(np.append(0, np.searchsorted(asked.cumsum(), level)))
    edges = times[starts]
    money = np.bincount(
        np.clip(edges.searchsorted(spent.index, side="right") - 1, 0, None),
        spent.to_numpy(),
        len(edges),
    )
    questions = np.add.reduceat(asked, starts)
    known = questions > 0
    values = by_time(money[known] / questions[known], edges[known])
    rates = pd.Series(np.add.reduceat(rate.to_numpy(), starts), edges)
    sizes = np.diff(np.append(starts, len(rate)))
    values = without_load(values, (rates / sizes)[known])
    return Level(quantity("cost_usd", "cost a question"), "cost_usd", values)


def without_load(values: "pd.Series[float]", rate: "pd.Series[float]") -> "pd.Series[float]":
    """Take out of values what follows the load, as their steps from one to the next tell.

    Parameters
    ----------
    values
        By time, above 0.
    rate
        Requests at the same times.

    Returns
    -------
    pandas.Series
        As they were, where that leaves them no steadier.

    Notes
    -----
    Both as logarithms; of differences, so that a shift of the values is not taken for load.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=60, freq="min", tz="UTC")
    >>> rate = pd.Series(2.0 + np.sin(np.arange(60)), times)
    >>> bool(without_load(rate**0.5, rate).std() < 0.1)
    True
    """
    logs = values.where(values > 0).map(np.log)
    load = rate.where(rate > 0).map(np.log)
    steps = pd.DataFrame({"value": logs.diff(), "load": load.diff()}).dropna()
    if len(steps) < LEAST or not steps["load"].std() > 0:
        return values
    slope = float((steps["value"] * steps["load"]).sum() / (steps["load"] ** 2).sum())
    told = logs - float(np.clip(slope, -STEEPEST, STEEPEST)) * (load - load.mean())
    return told.dropna().map(np.exp) if told.std() < logs.std() else values


def _rate(frames: Frames, metrics: pd.DataFrame) -> "pd.Series[float] | None":
    rates = _at_the_door(frames, metrics, REQUEST_RATES)
    return None if rates.empty else rates.sum(axis=1, min_count=1).dropna()


def _at_the_door(frames: Frames, metrics: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """Return the first metric of such a name of each service where requests enter."""
    topology = frames.get("topology")
    inner = set() if topology is None else {*topology["callee"]}
    services = metrics.columns.get_level_values(0).unique()
    known = {each for each in services if any((each, name) in metrics for name in names)}
    found = {
        each: next(metrics[each, name] for name in names if (each, name) in metrics)
        for each in sorted(known - inner or known)
    }
    return pd.DataFrame(found, metrics.index)
