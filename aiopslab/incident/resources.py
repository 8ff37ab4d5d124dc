"""Time to exhaustion of many resources: those of a metrics frame that have a limit."""

from collections.abc import Mapping
from typing import cast, get_args

import numpy as np
import pandas as pd

from aiopslab.errors import AIOpsLabError, did_you_mean
from aiopslab.incident.arguments import check_confidence, check_limit, read_horizon
from aiopslab.incident.exhaustion import Exhaustion, Outlook, name_of, tabulated
from aiopslab.incident.forecast import time_to_exhaustion
from aiopslab.incident.history import BLOCKS, HISTORY, MIN_BLOCKS, read_history, step_of
from aiopslab.incident.limits import Series, natural_limits
from aiopslab.incident.trend import WINDOWS

SCREEN = 40  # stretches of whose medians a screen takes the slope
ALLOWANCE = 2.0  # on the steepest plausible slope, before a series is left out unseen


def forecast_resources(
    metrics: pd.DataFrame,
    limits: Mapping[Series, float] | None = None,
    horizon: str | pd.Timedelta = "1D",
    confidence: float = 0.95,
    seed: int = 0,
) -> pd.DataFrame:
    """Foretell the exhaustion of many resources, the most urgent first.

    Parameters
    ----------
    metrics
        Metrics frame, ``(times, series)``.
    limits
        By ``(service, metric)``; those of `natural_limits` where ``None``.
    horizon, confidence, seed
        As for `time_to_exhaustion`.

    Returns
    -------
    pandas.DataFrame
        ``service, metric, value, limit, outlook, probability, time, low, high, skill, reason``,
        one row a limit. Series that `heading_for` leaves out are ``not heading there``; to show
        progress over many, call it and then `time_to_exhaustion` for each that it returns.

    Raises
    ------
    AIOpsLabError
        As `time_to_exhaustion`, or if a limit is of a series that is not in `metrics`.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=120, freq="min", tz="UTC")
    >>> used = np.linspace(0.2, 0.8, 120)
    >>> columns = pd.MultiIndex.from_tuples([("db", "disk.utilization"), ("db", "cpu.utilization")])
    >>> metrics = pd.DataFrame({0: used, 1: used[::-1]}, times).set_axis(columns, axis=1)
    >>> forecast_resources(metrics, horizon="1h")[["metric", "outlook"]].values.tolist()
    [['disk.utilization', 'expected'], ['cpu.utilization', 'not heading there']]
    """
    limits = natural_limits(metrics) if limits is None else limits
    told = foretell(metrics, limits, horizon, confidence, seed)
    return tabulated([{"service": each[0], "metric": each[1]} | told[each].row() for each in told])


def foretell(
    metrics: pd.DataFrame,
    limits: Mapping[Series, float],
    horizon: str | pd.Timedelta = "1D",
    confidence: float = 0.95,
    seed: int = 0,
) -> dict[Series, Exhaustion]:
    """Foretell the same, as one `Exhaustion` a limit, the most urgent first.

    Parameters
    ----------
    metrics, limits, horizon, confidence, seed
        As for `forecast_resources`.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=120, freq="min", tz="UTC")
    >>> columns = pd.MultiIndex.from_tuples([("db", "disk_mb")])
    >>> metrics = pd.DataFrame(np.linspace(200, 800, 120), times, columns)
    >>> foretell(metrics, {("db", "disk_mb"): 1000.0}, "1h")["db", "disk_mb"].outlook
    'expected'
    """
    check_confidence(confidence)
    ahead, told = read_horizon(horizon), {}
    heading = set(heading_for(metrics, limits, ahead))
    for each, limit in limits.items():
        if each in heading:
            told[each] = time_to_exhaustion(metrics[each], limit, ahead, confidence, seed)
        else:
            history, reason = metrics[each].dropna(), f"does not head for {limit:.4g}"
            told[each] = Exhaustion(
                name_of(each), history, limit, ahead, confidence, "not heading there", reason
            )
    return dict(sorted(told.items(), key=lambda item: _urgency(item[1])))


def heading_for(
    metrics: pd.DataFrame, limits: Mapping[Series, float], horizon: str | pd.Timedelta = "1D"
) -> list[Series]:
    """Leave out, at little cost, the series that do not head for their limits.

    Parameters
    ----------
    metrics
        Metrics frame, ``(times, series)``.
    limits
        By ``(service, metric)``.
    horizon
        How far ahead to look.

    Returns
    -------
    list
        The series of `limits` that are at their limit, have too few values to tell, or would
        reach it within the horizon at twice the steepest slope that their whole history, its last
        half or its last quarter allows.

    Raises
    ------
    AIOpsLabError
        If a limit is of a series that is not in `metrics`, or not finite.

    Notes
    -----
    The steepest slope is the upper 95 % bound of Theil and Sen's (Sen 1968) on medians of equal
    stretches.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=120, freq="min", tz="UTC")
    >>> columns = pd.MultiIndex.from_tuples([("db", "disk.utilization")])
    >>> metrics = pd.DataFrame(np.linspace(0.2, 0.3, 120), times, columns)
    >>> heading_for(metrics, {("db", "disk.utilization"): 1.0}, "1h")
    []
    """
    known, ahead = set(_labels(metrics)), read_horizon(horizon)
    for each, limit in limits.items():
        if each not in known:
            names = [name_of(column) for column in known]
            raise AIOpsLabError(
                f"limits names {name_of(each)}, which is not in the metrics",
                did_you_mean(name_of(each), names) if names else "The metrics hold no series.",
            )
        check_limit(limit)
    return [each for each, limit in limits.items() if _heads(metrics[each], limit, ahead)]


def _urgency(told: Exhaustion) -> tuple[int, float]:
    """Return what sorts the most urgent first, what has no time last among its like."""
    rank = get_args(Outlook).index(told.outlook)
    return rank, float("inf") if pd.isna(told.time) else told.time.timestamp()


def _labels(metrics: pd.DataFrame) -> list[Series]:
    return cast("list[Series]", metrics.columns.to_list())


def _heads(series: "pd.Series[float]", limit: float, ahead: pd.Timedelta) -> bool:
    from scipy import stats

    history = read_history(series)
    if history.empty or history.iloc[-1] >= limit or len(history) < MIN_BLOCKS:
        return True
    step = step_of(history)
    if step is None:
        return True
    history = history[history.index > history.index[-1] - max(HISTORY * ahead, BLOCKS * step)]
    values = history.to_numpy()
    horizons = ((history.index - history.index[-1]) / ahead).to_numpy()
    for part in WINDOWS:
        size = max(len(values) // (part * SCREEN), 1)
        rows = min(SCREEN, len(values) // size) * size
        levels, times = (
            np.median(each[-rows:].reshape(-1, size), axis=1) for each in (values, horizons)
        )
        if len(levels) < 3 or np.ptp(levels) == 0 or np.ptp(times) == 0:
            continue
        steepest = stats.theilslopes(levels, times).high_slope
        if values[-size:].max() + ALLOWANCE * max(steepest, 0.0) >= limit:
            return True
    return False
