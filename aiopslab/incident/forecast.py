"""Time to exhaustion: when a filling resource reaches its limit, or why that cannot be foretold."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.errors import AIOpsLabError, FrameError, did_you_mean
from aiopslab.findings import Effect, Finding, Interval, Level
from aiopslab.frames.times import to_utc
from aiopslab.incident.trend import WINDOWS, Backtest, backtest_trend, simulate

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = npt.NDArray[np.float64]
Series = tuple[str, str]
Outlook = Literal[
    "reached",
    "expected",
    "possible",
    "cannot be foretold",
    "not enough data",
    "not expected",
    "not heading there",
]

BLOCKS = 120  # stretches a history is cut into: more take time and tell little
MIN_BLOCKS = 40  # with fewer a backtest has hardly two independent tests
REACH = 0.5  # how far a forecast goes, as a share of the history that it rests on
HISTORY = 12  # horizons of history that are used, lest a stretch outlast the horizon
RESET = 0.5  # of a history's range; a fall of more from one stretch to the next empties it
SCREEN = 40  # stretches of whose medians a screen takes the slope
ALLOWANCE = 2.0  # on the steepest plausible slope, before a series is left out unseen
NATURAL_LIMITS = {"ratio": 1.0, "utilization": 1.0, "percent": 100.0}
NEVER = cast("pd.Timestamp", pd.NaT)
SEVERITIES: dict[Outlook, Level] = {"reached": "act", "expected": "act", "possible": "watch"}
RESULT = ["value", "limit", "outlook", "probability", "time", "low", "high", "skill", "reason"]
UNITS = {"d": pd.Timedelta("1D"), "h": pd.Timedelta("1h"), "min": pd.Timedelta("1min")}


@dataclass(frozen=True)
class Exhaustion:
    """When a resource reaches its limit, or why that cannot be foretold.

    Parameters
    ----------
    name
        Of the series.
    history
        Its finite values by time, in UTC.
    limit
        The value at which it is exhausted.
    horizon
        How far ahead was asked.
    confidence
        Of the interval.
    outlook
        ``reached``; ``expected``, more likely than not within the reach; ``possible``, less
        likely, or only beyond the reach if the trend lasts; ``not expected``; ``not heading
        there``; ``cannot be foretold``; ``not enough data``.
    reason
        Why, in words.
    reach
        How far the history lets us look; 0 where nothing is foretold.
    time, low, high
        When the limit is reached, with its interval; ``NaT`` for what lies beyond the reach. Where
        it is reached already, `time` is since when.
    probability
        That the limit is reached within the reach; NaN where nothing is foretold.
    needed
        How much more history would let us tell; ``None`` where none is needed or none would do.
    backtest
        What the forecast rests on, or why there is none.
    fan
        The forecast by time: ``low, median, high``; empty without one.
    """

    name: str
    history: "pd.Series[float]"
    limit: float
    horizon: pd.Timedelta
    confidence: float
    outlook: Outlook
    reason: str
    reach: pd.Timedelta = field(default_factory=lambda: pd.Timedelta(0))
    time: pd.Timestamp = NEVER
    low: pd.Timestamp = NEVER
    high: pd.Timestamp = NEVER
    probability: float = float("nan")
    needed: pd.Timedelta | None = None
    backtest: Backtest | None = None
    fan: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def level(self) -> Level:
        """How urgent it is, on the scale of the verdict."""
        return SEVERITIES.get(self.outlook, "ok")

    def table(self) -> pd.DataFrame:
        """Return one row.

        Returns
        -------
        pandas.DataFrame
            ``series, value, limit, outlook, probability, time, low, high, skill, reason``.
        """
        return _tabulated([{"series": self.name} | self.row()])

    def row(self) -> dict[str, Any]:
        """Return the same as one record, without the name."""
        figures = (
            self.history.iloc[-1] if len(self.history) else float("nan"),
            self.limit,
            self.outlook,
            self.probability,
            self.time,
            self.low,
            self.high,
            self.backtest.skill.value if self.backtest else float("nan"),
            self.reason,
        )
        return dict(zip(RESULT, figures, strict=True))

    def findings(self) -> tuple[Finding, ...]:
        """Say what there is to say, with the time that is left where it is foretold."""
        claim = f"{self.name} {self.reason}"
        return (Finding(claim, self.name, self.level, f"metrics: {self.name}", self._left()),)

    def figure(self) -> "go.Figure":
        """Draw the history, the limit and the forecast with its interval."""
        from aiopslab.charts.forecast import forecast_figure

        title = f"{self.name}: {self.outlook}"
        return forecast_figure(self.history, self.limit, self.fan, title, self.low, self.high)

    def _left(self) -> Effect | None:
        if self.outlook not in {"expected", "possible"}:
            return None
        unit, seconds = _unit(self.reach)
        time, low, high = (
            float("inf") if pd.isna(each) else (each - self.history.index[-1]) / seconds
            for each in (self.time, self.low, self.high)
        )
        return Effect("time to exhaustion", time, unit, Interval(low, high, self.confidence))

    def _repr_html_(self) -> str:
        figures = self.table().drop(columns=["series", "reason"]).to_html(index=False, border=0)
        return f"<p><strong>{escape(self.name)}</strong> {escape(self.reason)}</p>{figures}"


@dataclass(frozen=True)
class _Blocks:
    """The peak of each equal stretch of a history, standardised; NaN where it has no value."""

    values: Floats
    width: pd.Timedelta
    centre: float
    scale: float

    @property
    def span(self) -> pd.Timedelta:
        return self.values.size * self.width


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
    ahead = _checked(limit, horizon, confidence)
    history = _history(series)

    def told(outlook: Outlook, reason: str, **more: Any) -> Exhaustion:
        name = _name(series.name)
        return Exhaustion(name, history, limit, ahead, confidence, outlook, reason, **more)

    if len(history) and history.iloc[-1] >= limit:
        since, reason = _since(history, limit)
        return told("reached", reason, time=since, probability=1.0)
    tried = _windows(history, ahead)
    if not tried:
        needed = _missing(history)
        reason = f"has not enough data: values at {MIN_BLOCKS} regular times are needed"
        return told("not enough data", reason + _more_data(needed), needed=needed)
    if np.nanmax(tried[0].values) == np.nanmin(tried[0].values):
        return told("not heading there", f"is constant at {history.iloc[-1]:.4g}")
    if _resets(tried[0].values) > 1:
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
    heading = set(heading_for(metrics, limits, horizon))
    ahead, rows = _checked(0.0, horizon, confidence), []
    for each, limit in limits.items():
        if each in heading:
            told = time_to_exhaustion(metrics[each], limit, ahead, confidence, seed)
        else:
            history, reason = metrics[each].dropna(), f"does not head for {limit:.4g}"
            told = Exhaustion(
                _name(each), history, limit, ahead, confidence, "not heading there", reason
            )
        rows.append({"service": each[0], "metric": each[1]} | told.row())
    table = _tabulated(rows)
    urgency = table["outlook"].map({each: rank for rank, each in enumerate(get_args(Outlook))})
    order = table.assign(urgency=urgency).sort_values(["urgency", "time"], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def natural_limits(metrics: pd.DataFrame) -> dict[Series, float]:
    """Find the series whose names tell their limits: ratios and utilizations 1, percents 100.

    Parameters
    ----------
    metrics
        Metrics frame, ``(times, series)``.

    Returns
    -------
    dict
        Limits by ``(service, metric)``. A utilization of several processors may exceed its 1:
        give such series limits of your own.

    Examples
    --------
    >>> columns = pd.MultiIndex.from_tuples([("db", "disk.utilization"), ("db", "request_rate")])
    >>> natural_limits(pd.DataFrame(columns=columns))
    {('db', 'disk.utilization'): 1.0}
    """
    return {
        (service, metric): limit
        for service, metric in _labels(metrics)
        for ending, limit in NATURAL_LIMITS.items()
        if metric.endswith(ending)
    }


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
    known, ahead = set(_labels(metrics)), pd.Timedelta(0)
    for each, limit in limits.items():
        if each not in known:
            names = [_name(column) for column in known]
            raise AIOpsLabError(
                f"limits names {_name(each)}, which is not in the metrics",
                did_you_mean(_name(each), names) if names else "The metrics hold no series.",
            )
        ahead = _checked(limit, horizon)
    return [each for each, limit in limits.items() if _heads(metrics[each], limit, ahead)]


def _tabulated(rows: list[dict[str, Any]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=None if rows else ["service", "metric", *RESULT])
    for column in ("time", "low", "high"):
        table[column] = pd.to_datetime(table[column], utc=True).astype("datetime64[us, UTC]")
    return table


def spoken(duration: pd.Timedelta) -> str:
    """Write a duration as people say it.

    Examples
    --------
    >>> spoken(pd.Timedelta("90min")), spoken(pd.Timedelta("12s"))
    ('1.5 h', '12 s')
    """
    unit, per = _unit(duration)
    return f"{duration / per:.3g} {unit}"


def _labels(metrics: pd.DataFrame) -> list[Series]:
    return cast("list[Series]", metrics.columns.to_list())


def _unit(duration: pd.Timedelta) -> tuple[str, pd.Timedelta]:
    return next((each for each in UNITS.items() if duration >= each[1]), ("s", pd.Timedelta("1s")))


def _name(label: Hashable) -> str:
    return " · ".join(map(str, label)) if isinstance(label, tuple) else str(label or "the series")


def _checked(limit: float, horizon: str | pd.Timedelta, confidence: float = 0.95) -> pd.Timedelta:
    if not np.isfinite(limit):
        raise AIOpsLabError(
            f"limit is {limit}; expected a finite number", "Pass the value that exhausts it."
        )
    if not 0.5 <= confidence < 1:
        raise AIOpsLabError(
            f"confidence is {confidence}; expected 0.5 to below 1", "Write 95 % as 0.95."
        )
    try:
        ahead = pd.Timedelta(horizon)
    except ValueError:
        ahead = pd.Timedelta(0)
    if not ahead > pd.Timedelta(0):
        raise AIOpsLabError(
            f"horizon is {horizon!r}; expected a duration above 0", 'Write it as "30min" or "7D".'
        )
    return ahead


def _history(series: "pd.Series[float]") -> "pd.Series[float]":
    if not isinstance(series.index, pd.DatetimeIndex):
        raise FrameError(
            f"the series is indexed by {series.index.dtype}; expected times",
            "Index it by time, e.g. series.set_axis(pd.to_datetime(times, utc=True)).",
        )
    try:
        values = series.astype("float64")
    except (TypeError, ValueError) as error:
        raise FrameError(
            f"the series holds values that are not numbers: {error}",
            "Convert it with pd.to_numeric(series, errors='coerce').",
        ) from error
    values = values.set_axis(pd.DatetimeIndex(to_utc(series.index, "series index")))
    return values[np.isfinite(values.to_numpy()) & values.index.notna()].sort_index(kind="stable")


def _since(history: "pd.Series[float]", limit: float) -> tuple[pd.Timestamp, str]:
    below = np.flatnonzero(history.to_numpy() < limit)
    since = history.index[below[-1] + 1 if below.size else 0]
    earlier = "" if below.size else " or earlier"
    return since, f"is at its limit of {limit:.4g}, since {since:%Y-%m-%d %H:%M:%S} UTC{earlier}"


def _step(history: "pd.Series[float]") -> pd.Timedelta | None:
    gaps = history.index.to_series().diff()
    gaps = gaps[gaps > pd.Timedelta(0)]
    return None if gaps.empty else pd.Timedelta(gaps.median())


def _windows(history: "pd.Series[float]", ahead: pd.Timedelta) -> list[_Blocks]:
    """Cut the whole, the last half and the last quarter, as far as they hold enough values."""
    step = _step(history)
    if step is None:
        return []
    end = history.index[-1]
    span = min(max(HISTORY * ahead, BLOCKS * step), end - history.index[0] + step)
    parts = [_blocks(history[history.index > end - span / part]) for part in WINDOWS]
    return [each for each in parts if np.isfinite(each.values).sum() >= MIN_BLOCKS]


def _blocks(history: "pd.Series[float]") -> _Blocks:
    """Keep the peak of each of equal stretches, for it is peaks that reach a limit."""
    step = _step(history) or pd.Timedelta(1, "s")
    # Counted in rounded steps, so that a scrape that jitters neither doubles nor skips one.
    steps = np.rint((history.index[-1] - history.index) / step).astype(int)
    each = -(-(int(steps.max()) + 1) // BLOCKS)
    whole = max((int(steps.max()) + 1) // each, 1)
    position = whole - 1 - steps // each
    kept = position >= 0  # the oldest stretch may be cut
    peaks = np.full(whole, -np.inf)
    np.maximum.at(peaks, position[kept], history.to_numpy()[kept])
    peaks[np.isneginf(peaks)] = np.nan
    centre, scale = float(np.nanmean(peaks)), float(np.nanstd(peaks))
    return _Blocks((peaks - centre) / (scale or 1.0), each * step, centre, scale or 1.0)


def _resets(values: Floats) -> int:
    seen = values[np.isfinite(values)]
    return int((-np.diff(seen) > RESET * np.ptp(seen)).sum())


def _crossing(
    paths: Floats,
    limit: float,
    now: pd.Timestamp,
    blocks: _Blocks,
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
    step = _step(history)
    return None if step is None else max(MIN_BLOCKS - history.index.nunique(), 1) * step


def _wanting(test: Backtest, blocks: _Blocks) -> pd.Timedelta | None:
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


def _heads(series: "pd.Series[float]", limit: float, ahead: pd.Timedelta) -> bool:
    from scipy import stats

    history = _history(series)
    if history.empty or history.iloc[-1] >= limit or len(history) < MIN_BLOCKS:
        return True
    step = _step(history)
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
