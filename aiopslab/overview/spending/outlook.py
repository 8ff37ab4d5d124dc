"""Outlook: what of a budget is spent by now, and when the forecast has it end."""

import numpy as np
import pandas as pd

from aiopslab.findings import Effect, Interval
from aiopslab.incident.durations import spoken
from aiopslab.incident.exhaustion import NEVER, Outlook
from aiopslab.overview.spending.burn import Burn
from aiopslab.overview.spending.forecast import DAY, Forecast, foretell
from aiopslab.overview.spending.ledger import Ledger


def burned(
    ledger: Ledger,
    budget_usd: float | None,
    period: pd.Timedelta,
    horizon: pd.Timedelta,
    begin: pd.Timestamp | None,
    confidence: float,
    seed: int,
) -> Burn:
    """Work out the burn of a budget; see `spend`."""
    budget = float("nan") if budget_usd is None else float(budget_usd)
    nothing = Effect("spent ahead", float("nan"), "USD")
    if ledger.calls.empty:
        return Burn(
            *(budget, NEVER, NEVER, NEVER, 0.0, 0, nothing, nothing, "not enough data"),
            *(NEVER, NEVER, NEVER, float("nan"), pd.Timedelta(0), None),
            *(pd.Series(dtype=float), pd.DataFrame(), "there are no calls", confidence),
        )
    times = ledger.calls["timestamp"]
    now = times.iloc[-1]
    first = times.iloc[0] if begin is None else begin
    start = first + (now - first) // period * period
    end = start + period
    inside = (times >= start).to_numpy()
    spent = float(np.nansum(ledger.cost[inside]))
    ahead = max(horizon, end - now)
    forecast = foretell(ledger, ahead, seed)
    edges = [(1 - confidence) / 2, 0.5, (1 + confidence) / 2]
    outlook, when, likely = _exhaustion(forecast, budget, spent, now, end, edges)
    return Burn(
        budget,
        start,
        end,
        now,
        spent,
        int((inside & ~ledger.known).sum()),
        _spent_within(forecast, horizon, edges),
        _in_all(forecast, spent, end - now, edges),
        outlook,
        when[0],
        when[1],
        when[2],
        likely,
        forecast.reach,
        forecast.needed,
        _history(ledger, inside, start, now),
        _fan(forecast, spent, now, edges),
        forecast.said,
        confidence,
    )


def _exhaustion(
    forecast: Forecast,
    budget: float,
    spent: float,
    now: pd.Timestamp,
    end: pd.Timestamp,
    edges: list[float],
) -> tuple[Outlook, tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp], float]:
    """Return whether the budget ends before the period, when, and how likely that is.

    Where the period ends beyond the reach, it is held to last if not even the high end of the
    interval, going on at its rate, would spend it.
    """
    never = (NEVER, NEVER, NEVER)
    if np.isnan(budget):
        return ("not expected" if len(forecast.paths) else "not enough data"), never, float("nan")
    if spent >= budget:
        return "reached", (now, NEVER, NEVER), 1.0
    if not len(forecast.paths):
        return "not enough data", never, float("nan")
    steps = forecast.until(budget - spent)
    low, middle, high = np.quantile(steps, edges, method="inverted_cdf").tolist()
    far, reach = (end - now) / forecast.width, len(forecast.paths)
    most = float(np.quantile(forecast.paths[-1], edges[2]))
    likely = float((steps <= min(far, reach)).mean())
    soonest, time, latest = (_at(each, now, forecast.width) for each in (low, middle, high))
    if np.isinf(middle):
        rate = float(np.median(forecast.paths[-1])) / len(forecast.paths)
        middle = (budget - spent) / rate if rate > 0 else np.inf
        time = _at(middle, now, forecast.width)
    outlook: Outlook = "possible"
    if middle < far and middle <= reach:
        outlook = "expected"
    elif low >= far if far <= reach else np.isinf(low) and spent + most * far / reach < budget:
        outlook = "not expected"
    return outlook, (time, soonest, latest), likely


def _at(steps: float, now: pd.Timestamp, width: pd.Timedelta) -> pd.Timestamp:
    """Return the time after so many stretches; ``NaT`` where that is past any calendar."""
    if not steps * (width / DAY) < 1e5:
        return NEVER
    return now + steps * width


def _spent_within(forecast: Forecast, ahead: pd.Timedelta, edges: list[float]) -> Effect:
    within = min(ahead, forecast.reach)
    short = f", as far of {spoken(ahead)} as can be foretold" if within < ahead else ""
    name = f"spending of the next {spoken(within)}{short}"
    return _effect(name, forecast.by(within), edges) if len(forecast.paths) else _untold(name)


def _in_all(forecast: Forecast, spent: float, rest: pd.Timedelta, edges: list[float]) -> Effect:
    name = "spending of the period"
    within = rest <= forecast.reach and len(forecast.paths) > 0
    return _effect(name, spent + forecast.by(rest), edges) if within else _untold(name)


def _untold(name: str) -> Effect:
    return Effect(name, float("nan"), "USD")


def _effect(name: str, drawn: np.ndarray, edges: list[float]) -> Effect:
    low, middle, high = np.quantile(drawn, edges).tolist()
    return Effect(name, middle, "USD", Interval(low, high, edges[2] - edges[0]))


def _history(
    ledger: Ledger, inside: np.ndarray, start: pd.Timestamp, now: pd.Timestamp
) -> "pd.Series[float]":
    """Return what was spent of the period by the end of each of up to two hundred stretches."""
    times = ledger.calls["timestamp"][inside]
    summed = np.cumsum(np.nan_to_num(ledger.cost[inside]))
    ends = pd.date_range(max(start, times.iloc[0]), now, periods=min(200, len(times)))
    places = np.searchsorted(pd.DatetimeIndex(times).as_unit("us"), ends.as_unit("us"), "right")
    told = np.concatenate([[0.0], summed])[places]
    told[-1] = summed[-1]
    return pd.Series(told, ends, name="spent_usd")


def _fan(forecast: Forecast, spent: float, now: pd.Timestamp, edges: list[float]) -> pd.DataFrame:
    names = ["low", "median", "high"]
    if not len(forecast.paths):
        return pd.DataFrame(columns=names)
    steps = range(len(forecast.paths) + 1)
    times = pd.DatetimeIndex([now + forecast.width * each for each in steps], name="timestamp")
    bounds = np.quantile(forecast.paths, edges, axis=1).T
    return pd.DataFrame(spent + np.vstack([np.zeros(3), bounds]), times, names)
