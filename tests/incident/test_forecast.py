"""Forecasts of series whose future is known because it is made here, or was recorded."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aiopslab import sources
from aiopslab.errors import AIOpsLabError, FrameError
from aiopslab.frames.schemas import FrameWarning
from aiopslab.incident.forecast import time_to_exhaustion

NOW = pd.Timestamp("2026-03-01T12:00:00Z")
ROWS = 240
STEPS = np.arange(ROWS)


def series(values, step="1min", name="memory_mb"):
    values = np.asarray(values, dtype=float)
    return pd.Series(values, pd.date_range(end=NOW, periods=values.size, freq=step), name=name)


def noise(seed=0, rows=ROWS):
    return np.random.default_rng(seed).normal(size=rows)


def share(outlooks, wanted):
    return np.mean([each == wanted for each in outlooks])


# What can be foretold


def test_a_line_in_noise_is_foretold_to_within_its_interval():
    told = time_to_exhaustion(series(0.5 * STEPS + noise()), limit=150, horizon="2h")
    assert told.outlook == "expected"
    assert told.level == "act"
    assert told.low < NOW + pd.Timedelta("61min") < told.high
    assert told.high - told.low < pd.Timedelta("30min")
    assert told.backtest.passed
    assert told.backtest.skill.value > 0.5


@pytest.mark.parametrize(
    ("process", "least_told"),
    [
        (lambda rng, t: 0.05 * t + rng.normal(size=t.size), 0.9),
        (lambda rng, t: np.cumsum(rng.normal(0.5, 1, t.size)), 0.6),
        (lambda rng, t: 0.05 * t + 3 * np.sin(t / 5) + rng.normal(size=t.size), 0.9),
        (lambda rng, t: 20 * -np.expm1(-t / 150) + rng.normal(0, 0.5, t.size), 0.7),
    ],
    ids=["line", "walk with drift", "season", "saturating"],
)
def test_the_interval_holds_the_truth_about_as_often_as_it_says(process, least_told):
    held = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        values = process(rng, np.arange(ROWS + 120.0))
        past, future = values[:ROWS], values[ROWS:]
        limit = past.max() + rng.uniform(0.1, 1) * max(future.max() - past.max(), 0.5)
        told = time_to_exhaustion(series(past), limit, "2h")
        if told.outlook == "cannot be foretold":
            continue
        reached = np.flatnonzero(future >= limit)
        truth = NOW + pd.Timedelta(minutes=reached[0] + 1) if reached.size else None
        if truth is None or truth > NOW + told.reach:
            held.append(pd.isna(told.high))
        else:
            held.append(not pd.isna(told.low) and told.low < truth and not told.high < truth)
    assert len(held) >= least_told * 40
    assert stats.binom.cdf(sum(held), len(held), 0.95) > 0.005


def test_a_limit_far_off_is_not_reached_within_the_horizon():
    told = time_to_exhaustion(series(0.5 * STEPS + noise()), limit=1_000, horizon="1h")
    assert told.outlook == "not expected"
    assert told.level == "ok"
    assert told.probability < 0.025
    assert "will not reach 1000 within 1 h" in told.reason
    assert pd.isna(told.low)


def test_a_falling_series_does_not_reach_its_limit():
    told = time_to_exhaustion(series(200 - 0.5 * STEPS + noise()), limit=250, horizon="1h")
    assert told.outlook == "not expected"


def test_no_forecast_goes_further_than_half_the_history():
    told = time_to_exhaustion(series(0.5 * STEPS + noise()), limit=200, horizon="6h")
    assert told.reach == pd.Timedelta("2h")
    assert told.outlook == "possible"
    assert told.needed == pd.Timedelta("8h")
    assert "if it went on like this" in told.reason
    assert told.low == NOW + told.reach
    assert pd.isna(told.high)


def test_a_leak_that_began_lately_is_foretold_from_there_on():
    leak = np.where(STEPS > 160, (STEPS - 160) * 0.5, 0.0) + noise()
    told = time_to_exhaustion(series(leak), limit=50, horizon="2h")
    assert told.outlook == "expected"
    assert told.low < NOW + pd.Timedelta("21min") < told.high or pd.isna(told.high)


def test_the_season_is_part_of_the_forecast():
    """The daily peak breaks the limit, days before the trend alone would."""
    hours = np.arange(240)
    values = 50 + 0.05 * hours + 10 * np.sin(2 * np.pi * hours / 24) + 0.3 * noise()
    told = time_to_exhaustion(series(values, "1h"), limit=74.0, horizon="4D")
    truth = next(h for h in range(240, 999) if 50 + 0.05 * h + 10 * np.sin(np.pi * h / 12) >= 74)
    assert told.low <= NOW + pd.Timedelta(hours=truth - 239) <= told.high
    assert told.high - told.low <= pd.Timedelta("30h")  # this peak or the next


def test_the_forecast_agrees_with_that_of_statsmodels():
    from statsmodels.tsa.statespace.structural import UnobservedComponents

    values = series(0.5 * np.arange(120) + noise(rows=120))
    ours = time_to_exhaustion(values, 1_000, "1h").fan
    fitted = UnobservedComponents(values.to_numpy(), "lldtrend").fit(disp=0)
    theirs = fitted.get_forecast(60)
    assert ours["median"].to_numpy() == pytest.approx(theirs.predicted_mean, abs=0.5)
    width = np.diff(theirs.conf_int(), axis=1)[:, 0]
    assert ((ours["high"] - ours["low"]).to_numpy() / width).mean() == pytest.approx(1.1, abs=0.25)


# What cannot


@pytest.mark.parametrize(
    "process",
    [
        lambda rng: rng.normal(size=ROWS),
        lambda rng: np.cumsum(rng.normal(size=ROWS)),
        lambda rng: pd.Series(rng.normal(size=ROWS)).ewm(alpha=0.2).mean().to_numpy(),
        lambda rng: rng.exponential(size=ROWS),
        lambda rng: 10.0 * (STEPS > 150) + rng.normal(size=ROWS),
        lambda rng: (STEPS % 37) * 0.3 + rng.normal(0, 0.3, ROWS),
    ],
    ids=["noise", "random walk", "autocorrelated", "skewed", "step", "sawtooth"],
)
def test_what_has_no_trend_is_refused_in_about_all_cases(process):
    outlooks = []
    for seed in range(30):
        values = process(np.random.default_rng(seed))
        told = time_to_exhaustion(series(values), values.max() + 0.5, "1h")
        outlooks.append(told.outlook)
    assert share(outlooks, "cannot be foretold") >= 0.85


def test_a_refusal_says_why_and_draws_no_forecast():
    told = time_to_exhaustion(series(noise()), limit=5, horizon="1h")
    assert "over 61 origins a trend errs no less than the" in told.reason
    assert not told.backtest.passed
    assert told.fan.empty
    assert np.isnan(told.probability)
    assert told.findings()[0].effect is None


def test_a_weak_trend_is_refused_with_how_much_more_would_do():
    needed = [
        time_to_exhaustion(series(0.012 * STEPS + noise(seed)), 50, "1h").needed
        for seed in range(10)
    ]
    known = [each for each in needed if each is not None]
    assert len(known) >= 3
    assert all(pd.Timedelta(0) < each <= 9 * pd.Timedelta("4h") for each in known)


def test_too_few_values_say_how_many_more():
    told = time_to_exhaustion(series(np.arange(30)), limit=100)
    assert told.outlook == "not enough data"
    assert told.needed == pd.Timedelta("10min")


# What is not a question


def test_a_limit_that_is_reached_says_since_when():
    told = time_to_exhaustion(series(np.minimum(STEPS, 200)), limit=200)
    assert told.outlook == "reached"
    assert told.time == NOW - pd.Timedelta("39min")
    assert told.level == "act"


def test_a_limit_reached_from_the_start_says_or_earlier():
    assert "or earlier" in time_to_exhaustion(series(np.full(60, 5)), limit=5).reason


def test_a_constant_heads_nowhere():
    told = time_to_exhaustion(series(np.full(ROWS, 5.0)), limit=9)
    assert (told.outlook, told.reason) == ("not heading there", "is constant at 5")


def test_a_line_without_noise_is_foretold_to_the_step():
    told = time_to_exhaustion(series(STEPS), limit=269, horizon="2h")
    assert NOW + pd.Timedelta("28min") <= told.low < told.high <= NOW + pd.Timedelta("32min")


# Input as it comes


@pytest.mark.parametrize("values", [[], [1.0], [np.nan] * 50, [np.inf] * 50, [1.0] * 3])
def test_empty_short_and_missing_are_not_enough_data(values):
    told = time_to_exhaustion(series(values), limit=9)
    assert told.outlook == "not enough data"
    assert len(told.table()) == 1


def test_order_duplicates_gaps_and_a_missing_zone_change_little():
    values = series(0.5 * STEPS + noise())
    expected = time_to_exhaustion(values, 150, "2h")
    shuffled = values.sample(frac=1, random_state=0)
    assert time_to_exhaustion(shuffled, 150, "2h").table().equals(expected.table())
    twice = time_to_exhaustion(pd.concat([values, values]), 150, "2h")
    assert twice.table().equals(expected.table())
    with pytest.warns(FrameWarning, match="UTC"):
        naive = time_to_exhaustion(values.tz_localize(None), 150, "2h")
    assert naive.time == expected.time
    gappy = values.copy()
    gappy.iloc[50:80] = np.nan
    gappy.iloc[::7] = np.nan
    told = time_to_exhaustion(gappy.drop(gappy.index[100:120]), 150, "2h")
    assert told.outlook == "expected"
    assert told.low < NOW + pd.Timedelta("61min") < told.high


def test_irregular_times_are_read_by_their_times():
    rng = np.random.default_rng(0)
    minutes = np.sort(rng.uniform(0, 240, 400))
    times = NOW - pd.to_timedelta(240 - minutes, unit="min")
    values = pd.Series(0.5 * minutes + rng.normal(size=400), times)
    told = time_to_exhaustion(values, 150, "2h")
    assert told.low < NOW + pd.Timedelta("60min") < told.high or pd.isna(told.high)


@pytest.mark.parametrize(
    "wrong", [{"limit": np.nan}, {"horizon": "soon"}, {"horizon": "-1h"}, {"confidence": 95}]
)
def test_what_is_out_of_range_is_named(wrong):
    with pytest.raises(AIOpsLabError, match=next(iter(wrong))):
        time_to_exhaustion(series(STEPS), **{"limit": 500.0} | wrong)


def test_no_times_and_no_numbers_are_refused():
    with pytest.raises(FrameError, match="expected times"):
        time_to_exhaustion(pd.Series([1.0, 2.0]), limit=9)
    with pytest.raises(FrameError, match="not numbers"):
        time_to_exhaustion(pd.Series(["a"], pd.DatetimeIndex([NOW])), limit=9)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 99),
    rows=st.integers(0, 300),
    slope=st.floats(-1, 1),
    scale=st.floats(1e-6, 1e6),
    shift=st.floats(-1e3, 1e3),
)
def test_the_outlook_does_not_depend_on_the_unit(seed, rows, slope, scale, shift):
    values = slope * np.arange(rows) + noise(seed, rows)
    limit = values.max() + 5 if rows else 0.0
    one = time_to_exhaustion(series(values), limit, "1h")
    other = time_to_exhaustion(series((values + shift) * scale), (limit + shift) * scale, "1h")
    assert one.outlook == other.outlook
    if not pd.isna(one.time):
        assert abs(one.time - other.time) <= pd.Timedelta("5min")
        assert one.low <= one.time


def test_one_seed_gives_one_answer():
    values = series(0.5 * STEPS + noise())
    one, other = (time_to_exhaustion(values, 150, "2h", seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(one.fan, other.fan)


# A recording of a real leak


@pytest.mark.parametrize("seconds", [60, 75, 90, 100])
def test_the_leak_of_the_recording_is_foretold_or_honestly_refused(seconds):
    evidence = sources.open("sample://retriever-memory")
    memory = evidence.metrics["retriever", "process.memory.usage_mb"]
    began = pd.Timestamp(evidence.truth["started"])
    history = memory[: began + pd.Timedelta(seconds=seconds)]
    limit = history.iloc[-1] + 50
    truth = memory.index[memory >= limit][0]
    told = time_to_exhaustion(history, limit, "1min")
    assert told.outlook == "expected"
    assert told.low <= truth
    assert pd.isna(told.high) or truth <= told.high
    assert abs(told.time - truth) <= pd.Timedelta("10s")


def test_a_leak_that_has_only_begun_is_refused():
    evidence = sources.open("sample://retriever-memory")
    memory = evidence.metrics["retriever", "process.memory.usage_mb"]
    history = memory[: pd.Timestamp(evidence.truth["started"]) + pd.Timedelta("15s")]
    told = time_to_exhaustion(history, 600, "1min")
    assert told.outlook == "cannot be foretold"
