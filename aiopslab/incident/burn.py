"""SLO burn rate: how fast an error budget goes, over several windows, and how sure that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import AIOpsLabError, FrameError, did_you_mean
from aiopslab.findings import Effect, Finding, Interval, Level
from aiopslab.frames.times import to_utc
from aiopslab.incident.forecast import spoken

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = npt.NDArray[np.float64]
State = Literal["firing", "quiet", "not enough data", "not covered"]

COVERED = 0.9  # share of a window that must have been observed
BLOCKS = 30  # stretches of a window whose failures are compared, to see whether they come in bursts
GAP = 5  # median steps; what lies longer back than this before a row is not covered by it
ERROR_RATIOS = ("http.server.request.error_ratio", "error_ratio")
REQUEST_RATES = ("http.server.request.rate", "request_rate")


@dataclass(frozen=True)
class Policy:
    """A long window that shows that much is lost, and a short one that shows that it still is.

    Parameters
    ----------
    threshold
        Burn rate from which it fires.
    long, short
        The windows, both ending now.
    level
        ``act`` for a page, ``watch`` for a ticket.
    """

    threshold: float
    long: pd.Timedelta
    short: pd.Timedelta
    level: Level


POLICIES = (
    Policy(14.4, pd.Timedelta("1h"), pd.Timedelta("5min"), "act"),
    Policy(6.0, pd.Timedelta("6h"), pd.Timedelta("30min"), "act"),
    Policy(3.0, pd.Timedelta("1D"), pd.Timedelta("2h"), "watch"),
    Policy(1.0, pd.Timedelta("3D"), pd.Timedelta("6h"), "watch"),
)


@dataclass(frozen=True)
class Burn:
    """How fast one window burns the budget.

    Parameters
    ----------
    window
        Its length; it ends with the data.
    coverage
        Share of it that was observed, 0 to 1.
    requests, failures
        Counted in it.
    effective
        Independent requests that say as much as these, whose failures may come in bursts.
    rate
        Burn rate with its interval: 1 uses up the budget in exactly the period. NaN, without an
        interval, where the window is not covered or saw no request.
    """

    window: pd.Timedelta
    coverage: float
    requests: float
    failures: float
    effective: float
    rate: Effect

    @property
    def covered(self) -> bool:
        """Whether enough of the window was observed to speak of it."""
        return self.coverage >= COVERED

    def tells(self, share: float) -> bool:
        """Whether so many requests, had none failed, would rule out that this share fails."""
        interval = self.rate.interval
        if interval is None:
            return False
        return _proportion(0.0, self.effective, interval.confidence)[1] < share


@dataclass(frozen=True)
class BurnRate:
    """The burn of an error budget over the windows of an alerting policy.

    Parameters
    ----------
    name
        Of what the objective is about.
    objective
        Share of requests that shall be good.
    period
        For which the budget is meant.
    now
        The last time observed; ``None`` without data.
    policies, long, short
        The policies with the burn in the long and the short window of each.
    budget_left
        Share of the period's budget that is unspent; below 0 where it is overspent, NaN where the
        data do not cover the period.
    exhaustion
        Days until the budget is spent at the current burn; of a full budget where what is left is
        not known. NaN where the current burn is not known.
    current
        The shortest long window with enough requests to tell its threshold from no failures at
        all; ``None`` where none has.
    """

    name: str
    objective: float
    period: pd.Timedelta
    now: pd.Timestamp | None
    policies: tuple[Policy, ...]
    long: tuple[Burn, ...]
    short: tuple[Burn, ...]
    budget_left: float
    exhaustion: Effect
    current: Burn | None

    @property
    def states(self) -> tuple[State, ...]:
        """Of each policy: ``firing``, ``quiet``, ``not enough data`` or ``not covered``."""
        return tuple(self._state(*each) for each in self._rows())

    @property
    def level(self) -> Level:
        """The most urgent of the policies that fire."""
        firing = {
            policy.level
            for policy, state in zip(self.policies, self.states, strict=True)
            if state == "firing"
        }
        return "act" if "act" in firing else "watch" if "watch" in firing else "ok"

    def table(self) -> pd.DataFrame:
        """Return one row a policy.

        Returns
        -------
        pandas.DataFrame
            ``window, short_window, threshold, burn, low, high, short_burn, requests, failures,
            coverage, state``.
        """
        rows = []
        for (policy, long, short), state in zip(self._rows(), self.states, strict=True):
            interval = long.rate.interval
            rows.append(
                {
                    "window": spoken(long.window),
                    "short_window": spoken(short.window),
                    "threshold": policy.threshold,
                    "burn": long.rate.value,
                    "low": interval.low if interval else float("nan"),
                    "high": interval.high if interval else float("nan"),
                    "short_burn": short.rate.value,
                    "requests": long.requests,
                    "failures": long.failures,
                    "coverage": long.coverage,
                    "state": state,
                }
            )
        return pd.DataFrame(rows)

    def findings(self) -> tuple[Finding, ...]:
        """Say which policies fire, the most urgent first, or that none does as far as is known."""
        found = [
            Finding(
                f"{self.name} burns its error budget {long.rate.value:.3g} times as fast as it may "
                f"over {spoken(long.window)}, and still does over {spoken(short.window)}"
                f"{self._lasting()}",
                self.name,
                policy.level,
                f"metrics: {self.name} failures",
                long.rate,
            )
            for (policy, long, short), state in zip(self._rows(), self.states, strict=True)
            if state == "firing"
        ]
        return tuple(found) or (self._calm(),)

    def figure(self) -> "go.Figure":
        """Draw the burn of each long window with its interval beside the threshold."""
        from aiopslab.charts.forecast import burn_figure

        return burn_figure(self.table(), f"{self.name}: error budget burn at {self.objective:.6g}")

    def _rows(self) -> list[tuple[Policy, Burn, Burn]]:
        return list(zip(self.policies, self.long, self.short, strict=True))

    def _state(self, policy: Policy, long: Burn, short: Burn) -> State:
        if not (long.covered and short.covered):
            return "not covered"
        if long.rate.interval is None:
            return "not enough data"
        certain = long.rate.interval.low >= policy.threshold
        if not certain and not long.tells(policy.threshold * (1 - self.objective)):
            return "not enough data"
        both = long.rate.value >= policy.threshold and short.rate.value >= policy.threshold
        return "firing" if both else "quiet"

    def _calm(self) -> Finding:
        known = [each for each in self.states if each == "quiet"]
        if len(known) == len(self.states):
            claim = f"{self.name} keeps within its error budget over all windows"
        else:
            gaps = [
                f"{spoken(long.window)} {state}"
                for (_, long, _), state in zip(self._rows(), self.states, strict=True)
                if state != "quiet"
            ]
            start = "no window burns too fast" if known else "no window can be judged"
            claim = f"{self.name}: {start} ({', '.join(gaps)})"
        level: Level = "ok" if known else "watch"
        effect = self.current.rate if self.current else None
        return Finding(claim, self.name, level, f"metrics: {self.name} failures", effect)

    def _lasting(self) -> str:
        if np.isnan(self.exhaustion.value):
            return ""
        budget = "a full budget" if np.isnan(self.budget_left) else "what is left of the budget"
        return f"; {budget} lasts {_days(self.exhaustion.value)} at this rate"

    def _repr_html_(self) -> str:
        claims = "".join(f"<li>{escape(each.claim)}</li>" for each in self.findings())
        return f"<ul>{claims}</ul>{self.table().to_html(index=False, border=0)}"


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
    length = _checked(objective, period, confidence)
    counts = _counts(good, total)
    now = counts.index[-1] if len(counts) else None
    policies = tuple(policies)
    long = tuple(_burn(counts, each.long, objective, confidence) for each in policies)
    short = tuple(_burn(counts, each.short, objective, confidence) for each in policies)
    whole = _burn(counts, length, objective, confidence)
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


def _checked(objective: float, period: str | pd.Timedelta, confidence: float) -> pd.Timedelta:
    if not 0 < objective < 1:
        raise AIOpsLabError(
            f"objective is {objective}; expected a share between 0 and 1", "Write 99.9 % as 0.999."
        )
    if not 0.5 <= confidence < 1:
        raise AIOpsLabError(
            f"confidence is {confidence}; expected 0.5 to below 1", "Write 95 % as 0.95."
        )
    try:
        length = pd.Timedelta(period)
    except ValueError:
        length = pd.Timedelta(0)
    if not length > pd.Timedelta(0):
        raise AIOpsLabError(
            f"period is {period!r}; expected a duration above 0", 'Write it as "30D".'
        )
    return length


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


def _burn(counts: pd.DataFrame, window: pd.Timedelta, objective: float, confidence: float) -> Burn:
    unknown = Effect("burn rate", float("nan"), "×")
    if counts.empty:
        return Burn(window, 0.0, 0.0, 0.0, 0.0, unknown)
    inside = counts[counts.index > counts.index[-1] - window]
    coverage = min(inside["length"].sum() / window, 1.0)
    requests, failures = float(inside["total"].sum()), float(inside["failures"].sum())
    effective = requests / _clustering(inside) if requests else 0.0
    if coverage < COVERED or requests == 0:
        return Burn(window, coverage, requests, failures, effective, unknown)
    share, allowed = failures / requests, 1 - objective
    low, high = _proportion(share * effective, effective, confidence)
    interval = Interval(low / allowed, high / allowed, confidence)
    rate = Effect("burn rate", share / allowed, "×", interval)
    return Burn(window, coverage, requests, failures, effective, rate)


def _clustering(counts: pd.DataFrame) -> float:
    """Return by how much bursts inflate the variance of the number of failures; at least 1."""
    busy = counts[counts["total"] > 0]
    stretch = np.arange(len(busy)) * BLOCKS // max(len(busy), BLOCKS)
    sums = busy[["failures", "total"]].groupby(stretch).sum().to_numpy()
    failures, total = sums.T
    share = failures.sum() / total.sum()
    if len(sums) < 3 or share in {0.0, 1.0}:
        return 1.0
    spread = share * (1 - share) * (1 / total[1:] + 1 / total[:-1])
    return max(float(np.mean(np.diff(failures / total) ** 2 / spread)), 1.0)


def _proportion(successes: float, trials: float, confidence: float) -> tuple[float, float]:
    """Return the exact interval of a proportion; counts need not be whole."""
    from scipy.stats import beta

    if trials <= 0:
        return 0.0, 1.0
    tail, failures = (1 - confidence) / 2, trials - successes
    low = beta.ppf(tail, successes, failures + 1) if successes > 0 else 0.0
    high = beta.ppf(1 - tail, successes + 1, failures) if failures > 0 else 1.0
    return float(low), float(high)


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


def _days(days: float) -> str:
    return "for ever" if np.isinf(days) else spoken(pd.Timedelta(days=days))
