"""Time to exhaustion on simulated series whose future is known, beside what people use today."""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.incident.exhaustion import Exhaustion
from aiopslab.incident.forecast import time_to_exhaustion
from aiopslab.incident.resources import forecast_resources
from benchmarks.harness import Figure, at_least, at_most

PAST, FUTURE = 600, 300
CASES = 60
PEER_CASES = 10  # fitting Holt's method and simulating takes long
CONFIDENCE = 0.95
START = pd.Timestamp("2026-03-01", tz="UTC")

Floats = np.ndarray


@dataclass(frozen=True)
class Kind:
    """A process by its name: its values, and whether its trend can be foretold."""

    name: str
    values: Callable[[np.random.Generator, Floats], Floats]
    has_trend: bool = True


def _sawtooth(rng, t):
    """Grow until a restart, which comes at random."""
    since = t - np.maximum.accumulate(np.where(rng.random(t.size) < 1 / 150, t, 0))
    return 0.05 * since + rng.normal(0, 0.5, t.size)


def _autoregressive(rng, t, memory=0.9):
    shocks = rng.normal(size=t.size)
    values = np.zeros(t.size)
    for i in range(1, t.size):
        values[i] = memory * values[i - 1] + shocks[i]
    return values


KINDS = (
    Kind("line in noise", lambda rng, t: 0.02 * t + rng.normal(size=t.size)),
    Kind("line in heavy-tailed noise", lambda rng, t: 0.02 * t + rng.standard_t(3, t.size)),
    Kind("random walk with drift", lambda rng, t: np.cumsum(rng.normal(0.3, 1, t.size))),
    Kind("line and season", lambda rng, t: 0.02 * t + 3 * np.sin(t / 16) + rng.normal(size=t.size)),
    Kind("line in autocorrelated noise", lambda rng, t: 0.04 * t + _autoregressive(rng, t)),
    Kind(
        "leak from two thirds on",
        lambda rng, t: 0.06 * np.maximum(t - 400, 0) + rng.normal(size=t.size),
    ),
    Kind("saturating", lambda rng, t: 20 * -np.expm1(-t / 300) + rng.normal(0, 0.5, t.size)),
    Kind("sawtooth, random restarts", _sawtooth),
    Kind("pure noise", lambda rng, t: rng.normal(size=t.size), False),
    Kind("random walk", lambda rng, t: np.cumsum(rng.normal(size=t.size)), False),
    Kind("autocorrelated noise", _autoregressive, False),
    Kind("one step", lambda rng, t: 10.0 * (t > 350) + rng.normal(size=t.size), False),
    Kind("season", lambda rng, t: 3 * np.sin(t / 16) + rng.normal(size=t.size), False),
)


@dataclass(frozen=True)
class Case:
    """A history, a limit above all of it, and when the future reaches it; infinity for never."""

    history: pd.Series
    limit: float
    truth: float

    @classmethod
    def of(cls, kind: Kind, seed: int) -> "Case":
        rng = np.random.default_rng(seed)
        values = kind.values(rng, np.arange(PAST + FUTURE, dtype=float))
        past, future = values[:PAST], values[PAST:]
        # Anywhere between what was reached and what will be, and a little beyond.
        room = max(future.max() - past.max(), 0.5 * np.diff(past).std())
        limit = past.max() + room * rng.uniform(0.05, 1.3)
        reached = np.flatnonzero(future >= limit)
        times = pd.date_range(START, periods=PAST, freq="s", name="timestamp")
        truth = reached[0] + 1.0 if reached.size else np.inf
        return cls(pd.Series(past, times, name=kind.name), limit, truth)


def _holds(truth: float, low: float, high: float) -> bool:
    return low < truth <= high or (np.isinf(truth) and np.isinf(high))


def _seconds(told: Exhaustion, time: pd.Timestamp) -> float:
    return np.inf if pd.isna(time) else (time - told.history.index[-1]).total_seconds()


def _interval(told: Exhaustion) -> tuple[float, float]:
    """Turn what lies beyond the reach into what cannot be excluded."""
    if pd.isna(told.low):
        return told.reach.total_seconds(), np.inf
    return _seconds(told, told.low), _seconds(told, told.high)


def _width(low: float, high: float) -> float:
    return min(high, FUTURE) - min(low, FUTURE)


def linear(case: Case) -> float:
    """Foretell as Prometheus does with `predict_linear`: least squares over the whole history."""
    steps = np.arange(1 - PAST, 1)
    slope, now = np.polyfit(steps, case.history.to_numpy(), 1)
    seconds = (case.limit - now) / slope if slope > 0 else np.inf
    return max(seconds, 1.0) if seconds <= FUTURE else np.inf


def holt(case: Case) -> tuple[float, float]:
    """Foretell with statsmodels' exponential smoothing with a trend, simulated, as it comes."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = ETSModel(case.history.reset_index(drop=True), trend="add").fit(disp=False)
        paths = fitted.simulate(FUTURE, anchor="end", repetitions=500, rng=0)
    hits = paths.to_numpy() >= case.limit
    first = np.where(hits.any(axis=0), hits.argmax(axis=0) + 1.0, np.inf)
    low, high = np.quantile(first, [0.025, 0.975], method="inverted_cdf")
    return (FUTURE if np.isinf(low) else low - 1), high


def figures() -> list[Figure]:
    found = []
    for kind in KINDS:
        cases = [Case.of(kind, seed) for seed in range(CASES)]
        told = [time_to_exhaustion(case.history, case.limit, f"{FUTURE}s") for case in cases]
        found += (_of_trend if kind.has_trend else _of_none)(kind.name, cases, told)
    return [*found, _speed(1_000, heading=0.1), _speed(200, heading=1.0)]


def _of_trend(name: str, cases: list[Case], told: list[Exhaustion]) -> list[Figure]:
    pairs = [
        (case, each)
        for case, each in zip(cases, told, strict=True)
        if each.outlook != "cannot be foretold"
    ]
    refused = Figure(
        f"refused: {name}",
        1 - len(pairs) / len(cases),
        note=f"{len(cases)} series of {PAST} values; lower is better, there is a trend",
    )
    if not pairs:
        return [refused]
    # Beyond its reach a forecast claims nothing: what comes later counts as not reached.
    held = [
        _holds(case.truth if case.truth <= each.reach.total_seconds() else np.inf, *_interval(each))
        for case, each in pairs
    ]
    closed = [ok for ok, (_, each) in zip(held, pairs, strict=True) if not pd.isna(each.high)]
    theirs = [(case.truth, *holt(case)) for case, _ in pairs[:PEER_CASES]]
    peers = [_holds(*each) for each in theirs]
    wide = np.median([_width(*_interval(each)) for _, each in pairs])
    theirs_wide = np.median([_width(low, high) for _, low, high in theirs])
    both = [
        (abs(_seconds(each, each.time) - case.truth), abs(linear(case) - case.truth))
        for case, each in pairs
        if np.isfinite([case.truth, _seconds(each, each.time), linear(case)]).all()
    ]
    skill = float(np.median([each.backtest.skill.value for _, each in pairs]))
    result = [
        at_least(
            f"coverage of the 95 % interval: {name}",
            float(np.mean(held)),
            0.9,
            peer=f"statsmodels ETS(A,A,N) alone: {np.mean(peers):.2f} of {len(peers)}, "
            f"median width {theirs_wide:.3g} s",
            note=f"{len(held)} series that were foretold, as far as their reach; median width "
            f"{wide:.3g} of {FUTURE} s; {sum(closed)} of {len(closed)} with a latest time hold",
        ),
        refused,
        Figure(
            f"skill over the best forecast without a trend: {name}",
            skill,
            note=f"median of {len(pairs)} backtests; 0 is no better",
        ),
    ]
    if both:
        ours, line = np.median(both, axis=0)
        result.append(
            Figure(
                f"error of the time to exhaustion: {name}",
                float(ours),
                "s",
                peer=f"predict_linear: {line:.3g} s",
                note=f"median of {len(both)} that both foretell, horizon {FUTURE} s",
            )
        )
    return result


def _of_none(name: str, cases: list[Case], told: list[Exhaustion]) -> list[Figure]:
    refused = np.mean([each.outlook == "cannot be foretold" for each in told])
    line = np.mean([np.isfinite(linear(case)) for case in cases])
    return [
        at_least(
            f"refused: {name}",
            float(refused),
            0.9,
            peer=f"predict_linear foretells a time in {line:.2f}",
            note=f"{len(cases)} series of {PAST} values without a trend; by chance 0.95",
        )
    ]


def _speed(number: int, heading: float) -> Figure:
    rng = np.random.default_rng(0)
    steps = np.arange(PAST)[:, None] / PAST
    slopes = np.where(np.arange(number) < heading * number, 0.4, 0.0)
    values = 0.3 + slopes * steps + rng.normal(0, 0.02, (PAST, number))
    columns = pd.MultiIndex.from_product([map(str, range(number)), ["disk.utilization"]])
    times = pd.date_range(START, periods=PAST, freq="min", name="timestamp")
    started = time.process_time()
    forecast_resources(pd.DataFrame(values, times, columns), horizon="5h", confidence=CONFIDENCE)
    return at_most(
        f"{number:,} series, {heading:.0%} filling",
        time.process_time() - started,
        30,
        "CPU s",
        note=f"{PAST} values each",
    )
