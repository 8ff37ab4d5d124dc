"""Readings of a shift beside those of the tiles: what a question costs, and its usual latency."""

import numpy as np
import pandas as pd

from aiopslab.incident.slo import REQUEST_RATES
from aiopslab.overview.layers import Frames
from aiopslab.overview.readings import Level, Reading, by_time
from aiopslab.overview.targets import quantity

MEDIANS = ("http.server.request.duration_p50_ms", "latency_p50_ms")
STRETCHES = 60  # of time, in which calls are held against requests


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
    what = quantity("latency_ms", "median latency")
    return Level(what, "latency_ms", values) if len(values) else None


def _cost(frames: Frames, metrics: pd.DataFrame) -> Reading | None:
    calls = frames.get("calls")
    rates = _at_the_door(frames, metrics, REQUEST_RATES)
    if calls is None or calls.empty or rates.empty or len(metrics) < 2:
        return None
    spent = by_time(calls["cost_usd"], calls["timestamp"])
    rate = rates.sum(axis=1, min_count=1)
    step = pd.Series(metrics.index).diff().median()
    first, last = metrics.index[0], metrics.index[-1]
    edges = pd.date_range(first, last + step, periods=min(STRETCHES, len(metrics)) + 1)
    width = (edges[1] - edges[0]).total_seconds()
    place = np.clip(edges.searchsorted(spent.index, side="right") - 1, -1, len(edges) - 1)
    inside = (place >= 0) & (place < len(edges) - 1)
    money = np.bincount(place[inside], spent.to_numpy()[inside], len(edges) - 1)
    bins = np.clip(edges.searchsorted(metrics.index, side="right") - 1, 0, len(edges) - 2)
    questions = rate.groupby(bins).mean().reindex(range(len(edges) - 1)).to_numpy() * width
    share = np.divide(money, questions, out=np.full(len(money), np.nan), where=questions > 0)
    values = by_time(share, edges[:-1])
    return Level(quantity("cost_usd", "cost a question"), "cost_usd", values)


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
