"""SLO burn rate: how fast an error budget goes, over several windows, and how sure that is."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from aiopslab.errors import AIOpsLabError, FrameError, did_you_mean
from aiopslab.findings import Effect, Interval
from aiopslab.frames.times import to_utc
from aiopslab.incident.arguments import check_confidence, read_duration
from aiopslab.incident.budget import BurnRate
from aiopslab.incident.burn import Burn, burn_of
from aiopslab.incident.policy import POLICIES, Policy

GAP = 5  # median steps; what lies longer back than this before a row is not covered by it
ERROR_RATIOS = ("http.server.request.error_ratio", "error_ratio")
REQUEST_RATES = ("http.server.request.rate", "request_rate")


def burn_rate(
    good: "pd.Series[float]",
    total: "pd.Series[float]",
    objective: float = 0.999,
    period: str | pd.Timedelta = "30D",
    confidence: float = 0.95,
    policies: Sequence[Policy] = POLICIES,
    name: str = "the service",
) -> BurnRate:
    """Measure how fast failures burn an error budget, over several windows.

    Parameters
    ----------
    good, total
        Good requests, and all, by time: each row counts those since the row before (an increase,
        not a running counter). NaN is not observed.
    objective
        Share of requests that shall be good, between 0 and 1.
    period
        For which the budget is meant.
    confidence
        Of every interval.
    policies
        Windows and thresholds.
    name
        Of what the objective is about.

    Returns
    -------
    BurnRate
        A window of which less than 90 % was observed is not covered, and nothing is said of it.
        A policy fires where both of its windows burn at its threshold or faster; where a window
        has so few requests that even no failure would not rule the threshold out, it fires only
        if the whole interval lies above.

    Raises
    ------
    AIOpsLabError
        If the objective or the confidence is out of range, or the period not positive.
    FrameError
        If the series have no times, or hold a negative count or more good requests than requests.

    Notes
    -----
    Burn rate is the share of failures over the share that may fail. Windows and thresholds are
    those of the multi-window, multi-burn-rate alerts of the Site Reliability Workbook (Beyer et
    al. 2018, chapter 5). The interval is that of Clopper and Pearson (1934) with the effective
    number of requests (Korn and Graubard 1998): failures that come in bursts say less. How much
    less is told by the differences between neighbouring stretches of the window, which a lasting
    change of the failure rate disturbs little. Exact rather than Wilson's, since a page rests on
    the lower bound at few failures, where Wilson's is too high. The budget left takes the failures
    of the period as they were counted; the time it lasts supposes that traffic stays as it is and
    that no old failure drops out of the period.

    References
    ----------
    Beyer, Murphy, Rensin, Kawahara and Thorne, The Site Reliability Workbook (2018).
    Korn and Graubard, Survey Methodology 24 (1998) 193–201.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=120, freq="min", tz="UTC")
    >>> total = pd.Series(600.0, times)
    >>> burn = burn_rate(total - 12, total, objective=0.999)
    >>> burn.table()[["window", "threshold", "burn", "state"]]
      window  threshold  burn        state
    0    1 h       14.4  20.0       firing
    1    6 h        6.0   NaN  not covered
    2    1 d        3.0   NaN  not covered
    3    3 d        1.0   NaN  not covered
    """
    if not 0 < objective < 1:
        raise AIOpsLabError(
            f"objective is {objective}; expected a share between 0 and 1", "Write 99.9 % as 0.999."
        )
    check_confidence(confidence)
    length = read_duration("period", period, '"30D"')
    counts = _counts(good, total)
    now = counts.index[-1] if len(counts) else None
    policies = tuple(policies)
    long = tuple(burn_of(counts, each.long, objective, confidence) for each in policies)
    short = tuple(burn_of(counts, each.short, objective, confidence) for each in policies)
    whole = burn_of(counts, length, objective, confidence)
    left = 1 - whole.rate.value if whole.covered else float("nan")
    telling = (
        burn
        for policy, burn in zip(policies, long, strict=True)
        if burn.tells(policy.threshold * (1 - objective))
    )
    current = min(telling, key=lambda each: each.window, default=None)
    exhaustion = _lasts(current, 1.0 if np.isnan(left) else left, length)
    return BurnRate(name, objective, length, now, policies, long, short, left, exhaustion, current)


def service_burn_rate(
    metrics: pd.DataFrame,
    service: str,
    objective: float = 0.999,
    period: str | pd.Timedelta = "30D",
    confidence: float = 0.95,
    policies: Sequence[Policy] = POLICIES,
) -> BurnRate:
    """Measure the burn of a service's error budget from its error ratio and request rate.

    Parameters
    ----------
    metrics
        Metrics frame with an error ratio (0 to 1) and a request rate (per second) of the service:
        ``http.server.request.error_ratio`` or ``error_ratio``, and ``http.server.request.rate``
        or ``request_rate``.
    service
        Its name.
    objective, period, confidence, policies
        As for `burn_rate`.

    Returns
    -------
    BurnRate
        A row stands for the time since the row before it.

    Raises
    ------
    AIOpsLabError
        As `burn_rate`, or if the service or one of its two metrics is missing.

    Examples
    --------
    >>> times = pd.date_range("2026-03-01", periods=120, freq="min", tz="UTC")
    >>> columns = pd.MultiIndex.from_product([["api"], ["error_ratio", "request_rate"]])
    >>> metrics = pd.DataFrame([[0.0, 50.0]] * 120, times, columns)
    >>> service_burn_rate(metrics, "api").findings()[0].severity
    'ok'
    """
    services = sorted({str(each) for each in metrics.columns.get_level_values(0)})
    if service not in services:
        raise AIOpsLabError(
            f"there is no service {service!r} in the metrics",
            did_you_mean(service, services) if services else "The metrics hold no series.",
        )
    metrics = metrics.sort_index()
    ratio, rate = (_metric(metrics, service, each) for each in (ERROR_RATIOS, REQUEST_RATES))
    total = rate * _lengths(rate.index).dt.total_seconds().to_numpy()
    # Without a request there is no ratio, and no failure either.
    bad = (ratio * total).where(total != 0, 0.0)
    return burn_rate(total - bad, total, objective, period, confidence, policies, service)


def _metric(metrics: pd.DataFrame, service: str, names: tuple[str, ...]) -> "pd.Series[float]":
    found = next((each for each in names if (service, each) in metrics.columns), None)
    if found is None:
        raise AIOpsLabError(
            f"{service} has no metric {' or '.join(names)}",
            "Pass counts of good and of all requests to burn_rate instead.",
        )
    return metrics[service, found]


def _counts(good: "pd.Series[float]", total: "pd.Series[float]") -> pd.DataFrame:
    """Bring both to one index: ``failures, total, length`` by time, of the rows observed."""
    for each in (good, total):
        if not isinstance(each.index, pd.DatetimeIndex):
            raise FrameError(
                f"the counts are indexed by {each.index.dtype}; expected times",
                "Index them by time, e.g. series.set_axis(pd.to_datetime(times, utc=True)).",
            )
    both = pd.DataFrame({"good": _summed(good), "total": _summed(total)}).sort_index()
    wrong = both[(both < 0).any(axis=1) | (both["good"] > both["total"] * (1 + 1e-9))]
    if not wrong.empty:
        row = wrong.iloc[0]
        raise FrameError(
            f"{row['good']:g} good of {row['total']:g} requests at {wrong.index[0]}; "
            "expected at least 0 and no more good ones than there are",
            "Pass increases since the row before, not running counters, and good before total.",
        )
    both["length"] = _lengths(both.index)
    both["failures"] = (both["total"] - both["good"]).clip(lower=0)
    return both.dropna(subset=["good", "total"])


def _summed(counts: "pd.Series[float]") -> "pd.Series[float]":
    times = pd.DatetimeIndex(to_utc(counts.index, "index of the counts"), name="timestamp")
    return counts.astype("float64").groupby(times).sum(min_count=1)


def _lengths(times: pd.Index) -> "pd.Series[pd.Timedelta]":
    """Return the time each row stands for: since the row before it, but never across a gap."""
    gaps = times.to_series().diff()
    usual = gaps.median()
    return gaps.fillna(usual).mask(gaps > GAP * usual, usual)


def _lasts(current: Burn | None, left: float, period: pd.Timedelta) -> Effect:
    name = "time until the budget is spent"
    if current is None or current.rate.interval is None:
        return Effect(name, float("nan"), "d")
    days = max(left, 0.0) * (period / pd.Timedelta("1D"))
    slow, rate, fast = current.rate.interval.low, current.rate.value, current.rate.interval.high
    soonest, likely, latest = (
        days / each if each > 0 else float("inf") for each in (fast, rate, slow)
    )
    return Effect(name, likely, "d", Interval(soonest, latest, current.rate.interval.confidence))
