"""Time to exhaustion: when a filling resource reaches its limit, or why that cannot be foretold."""

from typing import Any

import numpy as np
import pandas as pd

from aiopslab.incident.arguments import check_confidence, check_limit, read_horizon
from aiopslab.incident.durations import spoken
from aiopslab.incident.exhaustion import NEVER, Exhaustion, Outlook, name_of
from aiopslab.incident.history import MIN_BLOCKS, Blocks, Floats, cut_windows, read_history, step_of
from aiopslab.incident.trend import Backtest, backtest_trend, simulate

REACH = 0.5  # how far a forecast goes, as a share of the history that it rests on


def time_to_exhaustion(
    series: "pd.Series[float]",
    limit: float,
    horizon: str | pd.Timedelta = "1D",
    confidence: float = 0.95,
    seed: int = 0,
) -> Exhaustion:
    """Foretell when a filling resource reaches its limit, where that can be foretold.

    Parameters
    ----------
    series
        Values by time: memory, disk, queue depth, connections, quota. Of what runs out by
        falling, pass what is used. Times without a zone are taken as UTC, with a warning; they
        need no order and may have gaps.
    limit
        The value at which the resource is exhausted.
    horizon
        How far ahead to look; never further than half as far as the history reaches back.
    confidence
        Of the interval, 0 to 1.
    seed
        Of the simulated paths.

    Returns
    -------
    Exhaustion
        Its interval is that of the first time at which the series itself, noise and all,
        reaches the limit.

    Raises
    ------
    AIOpsLabError
        If the limit is not finite, the horizon not positive, or the confidence out of range.
    FrameError
        If the series has no times or no numbers.

    Notes
    -----
    The model is the local linear trend with an optional season (Harvey 1989, through
    statsmodels). The random walk with drift, the straight line under noise and Holt's method are
    special cases of it; its noises are chosen by likelihood on a grid. It is judged from every
    origin of the last two thirds of the history against the last value, the median, the same model
    without a slope and, where there is one, the last season, by the average relative mean
    absolute error (Davydenko and Fildes 2013). Where the test of Diebold and Mariano as corrected
    by Harvey, Leybourne and Newbold (1997) finds no advantage over the best of these, the forecast
    is refused. The sizes of the noises are learnt from the whole history; level and slope at an
    origin from what came before it. The whole history, its last half and its last quarter are
    tried in turn, each at a third of the test's size; but one that was emptied more than once is
    only tried whole, since it may be emptied again.

    The interval is that of simulated paths that carry the uncertainty of level, slope and noise,
    draw measurement noise from the errors that were seen, and are widened where the backtest erred
    by more than the model expects.

    References
    ----------
    Harvey, Forecasting, Structural Time Series Models and the Kalman Filter (1989).
    Harvey, Leybourne and Newbold, International Journal of Forecasting 13 (1997) 281–291.
    Davydenko and Fildes, International Journal of Forecasting 29 (2013) 510–522.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=240, freq="min", tz="UTC")
    >>> noise = np.random.default_rng(0).normal(size=240)
    >>> memory = pd.Series(100 + 0.5 * np.arange(240) + noise, times, name="memory_mb")
    >>> forecast = time_to_exhaustion(memory, limit=250, horizon="2h")
    >>> forecast.outlook, forecast.low <= times[-1] + pd.Timedelta("61min") <= forecast.high
    ('expected', True)
    >>> time_to_exhaustion(pd.Series(noise, times), limit=4, horizon="2h").outlook
    'cannot be foretold'
    """
    check_limit(limit)
    check_confidence(confidence)
    ahead = read_horizon(horizon)
    history = read_history(series)

    def told(outlook: Outlook, reason: str, **more: Any) -> Exhaustion:
        name = name_of(series.name)
        return Exhaustion(name, history, limit, ahead, confidence, outlook, reason, **more)

    if len(history) and history.iloc[-1] >= limit:
        since, reason = _since(history, limit)
        return told("reached", reason, time=since, probability=1.0)
    tried = cut_windows(history, ahead)
    if not tried:
        needed = _missing(history)
        reason = f"has not enough data: values at {MIN_BLOCKS} regular times are needed"
        return told("not enough data", reason + _more_data(needed), needed=needed)
    if tried[0].is_constant:
        return told("not heading there", f"is constant at {history.iloc[-1]:.4g}")
    if tried[0].resets > 1:
        tried = tried[:1]
    tests: list[Backtest] = []
    for blocks in tried:
        model, test = backtest_trend(blocks.values)
        tests.append(test)
        if test.passed:
            leads = min(-(-ahead // blocks.width), int(REACH * blocks.values.size))
            widening = max(test.calibration, 1.0)
            paths = simulate(model, leads, widening, np.random.default_rng(seed))
            paths = paths * blocks.scale + blocks.centre
            outlook = _crossing(paths, limit, history.index[-1], blocks, ahead, confidence)
            return told(backtest=test, **outlook)
    needed = _wanting(tests[0], tried[0])
    reason = _refusal(tests[0]) + _more_data(needed)
    return told("cannot be foretold", reason, needed=needed, backtest=tests[0])


def _since(history: "pd.Series[float]", limit: float) -> tuple[pd.Timestamp, str]:
    below = np.flatnonzero(history.to_numpy() < limit)
    since = history.index[below[-1] + 1 if below.size else 0]
    earlier = "" if below.size else " or earlier"
    return since, f"is at its limit of {limit:.4g}, since {since:%Y-%m-%d %H:%M:%S} UTC{earlier}"


def _crossing(
    paths: Floats,
    limit: float,
    now: pd.Timestamp,
    blocks: Blocks,
    ahead: pd.Timedelta,
    confidence: float,
) -> dict[str, Any]:
    """Read the outlook off the first passages of the paths."""
    width, leads = blocks.width, len(paths)
    reach = min(leads * width, ahead)
    edges = [(1 - confidence) / 2, 0.5, (1 + confidence) / 2]
    times = pd.DatetimeIndex([now + width * (lead + 1) for lead in range(leads)], name="timestamp")
    fan = pd.DataFrame(np.quantile(paths, edges, axis=1).T, times, ["low", "median", "high"])
    hits = paths >= limit
    first = np.where(hits.any(axis=0), hits.argmax(axis=0), leads)
    low, middle, high = (int(each) for each in np.quantile(first, edges, method="inverted_cdf"))
    told: dict[str, Any] = {
        "probability": float(hits.any(axis=0).mean()),
        "reach": reach,
        "fan": fan,
    }
    if low == leads:
        told |= _beyond(fan["median"], limit, reach, ahead)
    else:
        told |= {
            "outlook": "expected" if middle < leads else "possible",
            "time": now + (middle + 0.5) * width if middle < leads else NEVER,
            "low": now + low * width,
            "high": now + (high + 1) * width if high < leads else NEVER,
        }
        told["reason"] = _said(told, limit, now, confidence)
    if reach < ahead and high == leads:
        told["needed"] = ahead / REACH - blocks.span
        told["reason"] += f"; to look {spoken(ahead)} ahead{_more_data(told['needed'])}"
    return told


def _beyond(
    median: "pd.Series[float]", limit: float, reach: pd.Timedelta, ahead: pd.Timedelta
) -> dict[str, Any]:
    """Tell a trend that would arrive later, which the history does not bear out yet, from none."""
    reason = f"will not reach {limit:.4g} within {spoken(reach)}"
    slope, end = float(median.diff().mean()), median.index[-1]
    if len(median) > 1 and slope > 0:
        later = reach + (limit - median.iloc[-1]) / slope * (end - median.index[-2])
        if later <= ahead:
            reason += f", but would in about {spoken(later)} if it went on like this"
            return {"outlook": "possible", "reason": reason, "low": end}
    return {"outlook": "not expected", "reason": reason}


def _said(told: dict[str, Any], limit: float, now: pd.Timestamp, confidence: float) -> str:
    start, latest = "may reach", "or not at all"
    reached = f"within {spoken(told['reach'])}"
    if told["outlook"] == "expected":
        start, latest = "reaches", "later than that is not ruled out"
        reached = f"in about {spoken(told['time'] - now)}"
    if not pd.isna(told["high"]):
        latest = f"at the latest {spoken(told['high'] - now)}"
    soonest = f"at the soonest {spoken(told['low'] - now)} from {now:%Y-%m-%d %H:%M:%S} UTC"
    return f"{start} {limit:.4g} {reached} ({100 * confidence:g} % interval: {soonest}, {latest})"


def _missing(history: "pd.Series[float]") -> pd.Timedelta | None:
    step = step_of(history)
    return None if step is None else max(MIN_BLOCKS - history.index.nunique(), 1) * step


def _wanting(test: Backtest, blocks: Blocks) -> pd.Timedelta | None:
    """Estimate the history that would decide; where it is tenfold, that says nothing."""
    if test.statistic <= 0 or (factor := test.critical / test.statistic) > 10:
        return None
    return blocks.span * (factor - 1)


def _more_data(needed: pd.Timedelta | None) -> str:
    return f", about {spoken(needed)} more history is needed" if needed is not None else ""


def _refusal(test: Backtest) -> str:
    return (
        f"cannot be foretold: over {test.origins} origins a trend errs no less than the "
        f"{test.reference} does ({test.skill})"
    )
