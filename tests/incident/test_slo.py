"""Burn rates of request counts whose failure rate is known because they are made here."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aiopslab import sources
from aiopslab.errors import AIOpsLabError, FrameError
from aiopslab.frames.schemas import FrameWarning
from aiopslab.incident.policy import POLICIES
from aiopslab.incident.slo import burn_rate, service_burn_rate

START = "2026-03-01"


def counts(rates, requests=60, seed=0, step="1min", start=START):
    """Good and all requests of each step, failing independently at the given rates."""
    rates = np.asarray(rates, dtype=float)
    times = pd.date_range(START, periods=rates.size, freq=step, tz="UTC")
    total = np.full(rates.size, float(requests))
    bad = np.random.default_rng(seed).binomial(requests, rates)
    return pd.Series(total - bad, times), pd.Series(total, times)


def states(burn):
    return dict(zip(["1h", "6h", "1d", "3d"], burn.states, strict=True))


DAY = 24 * 60


def test_a_service_within_its_budget_is_quiet_over_every_window():
    burn = burn_rate(*counts([0.0002] * 4 * DAY))
    assert set(burn.states) == {"quiet"}
    assert burn.level == "ok"
    assert [each.severity for each in burn.findings()] == ["ok"]


def test_a_hard_outage_pages_and_says_how_long_the_budget_lasts():
    burn = burn_rate(*counts([0.0002] * 3 * DAY + [0.3] * 60))
    assert states(burn)["1h"] == "firing"
    finding = burn.findings()[0]
    assert finding.severity == burn.level == "act"
    assert finding.effect.value == pytest.approx(300, rel=0.05)
    assert burn.exhaustion.value == pytest.approx(30 / 300, rel=0.05)
    assert "a full budget lasts 2." in finding.claim


def test_a_slow_burn_is_a_ticket():
    burn = burn_rate(*counts([0.004] * 4 * DAY))
    assert states(burn) == {"1h": "quiet", "6h": "quiet", "1d": "firing", "3d": "firing"}
    assert burn.level == "watch"


def test_an_outage_that_is_over_is_silenced_by_the_short_window():
    burn = burn_rate(*counts([0.0] * DAY + [0.2] * 30 + [0.0] * 15, 600))
    hour = burn.long[0]
    assert hour.rate.value > 14.4
    assert states(burn)["1h"] == "quiet"


def test_the_rates_are_those_of_the_workbook():
    """14.4 times over an hour spends 2 % of a 30-day budget, 6 times over six 5 %."""
    burn = burn_rate(*counts([0.0] * DAY))
    spent = [each.threshold * each.long / burn.period for each in burn.policies]
    assert spent == pytest.approx([0.02, 0.05, 0.1, 0.1])


def test_windows_longer_than_the_data_are_not_covered():
    burn = burn_rate(*counts([0.5] * 120))
    assert states(burn) == {"1h": "firing"} | dict.fromkeys(["6h", "1d", "3d"], "not covered")
    assert all(np.isnan(each.rate.value) for each in burn.long[1:])
    assert np.isnan(burn.budget_left)


def test_a_gap_counts_as_not_observed():
    good, total = counts([0.5] * 120)
    kept = np.r_[0:80, 110:120]
    burn = burn_rate(good.iloc[kept], total.iloc[kept])
    assert states(burn)["1h"] == "not covered"
    assert burn.long[0].coverage == pytest.approx(0.5, abs=0.03)


def test_few_requests_are_not_enough_data_whether_one_failed_or_none():
    for bad in (0.0, 1.0):
        total = pd.Series(0.1, pd.date_range(START, periods=60, freq="min", tz="UTC"))
        good = total.copy()
        total.iloc[-1] += 4
        good.iloc[-1] += 4 - bad
        assert states(burn_rate(good, total))["1h"] == "not enough data"


def test_few_requests_that_all_fail_are_enough():
    good, total = counts([1.0] * 60, requests=1)
    assert states(burn_rate(good, total))["1h"] == "firing"


def test_no_requests_at_all_are_not_enough_data():
    good, total = counts([0.0] * 60, requests=0)
    burn = burn_rate(good, total)
    assert states(burn)["1h"] == "not enough data"
    assert burn.findings()[0].severity == "watch"


def test_the_interval_is_the_exact_one_where_failures_are_independent():
    good, total = counts([0.002] * 60, 1_000, seed=3)
    ours = burn_rate(good, total).long[0]
    failures = int(ours.failures)
    exact = stats.binomtest(failures, 60_000).proportion_ci(0.95, "exact")
    plain = ours.rate.interval.high - ours.rate.interval.low
    assert ours.rate.value == pytest.approx(failures / 60)
    assert plain == pytest.approx((exact.high - exact.low) / 0.001, rel=0.35)
    assert plain >= (exact.high - exact.low) / 0.001 * (1 - 1e-9)


@pytest.mark.parametrize("burst", [1, 20])
def test_the_interval_covers_the_true_rate_also_when_failures_come_in_bursts(burst):
    held = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        bad = np.minimum(rng.poisson(3.0 / burst, 60) * burst, 1_000)
        total = pd.Series(1_000.0, pd.date_range(START, periods=60, freq="min", tz="UTC"))
        burn = burn_rate(total - bad, total, policies=POLICIES[:1])
        interval = burn.long[0].rate.interval
        held.append(interval.low <= 3.0 <= interval.high)
    assert np.mean(held) >= 0.9


def test_bursts_widen_the_interval():
    total = pd.Series(1_000.0, pd.date_range(START, periods=60, freq="min", tz="UTC"))
    steady = pd.Series(2.0, total.index)
    bursts = pd.Series(np.where(np.arange(60) % 10 == 0, 20.0, 0.0), total.index)
    one, other = (burn_rate(total - bad, total).long[0] for bad in (steady, bursts))
    assert one.rate.value == pytest.approx(other.rate.value)
    assert other.effective < one.effective / 3
    assert other.rate.interval.high > one.rate.interval.high


def test_budget_left_and_time_to_exhaustion_over_a_covered_period():
    good, total = counts([0.0005] * 7 * DAY, 600)
    burn = burn_rate(good, total, period="7D")
    assert burn.budget_left == pytest.approx(0.5, abs=0.02)
    low, high = burn.exhaustion.interval.low, burn.exhaustion.interval.high
    assert low <= 7 * 0.5 / 0.5 <= high


def test_an_overspent_budget_has_no_time_left():
    burn = burn_rate(*counts([0.01] * 8 * DAY), period="7D")
    assert burn.budget_left < 0
    assert burn.exhaustion.value == 0


def test_without_failures_the_budget_lasts_for_ever_at_the_latest():
    burn = burn_rate(*counts([0.0] * DAY, 600))
    assert burn.exhaustion.value == np.inf
    assert np.isfinite(burn.exhaustion.interval.low)


def test_a_service_is_read_from_ratio_and_rate():
    times = pd.date_range(START, periods=4_000, freq="s", tz="UTC")
    columns = pd.MultiIndex.from_tuples(
        [("api", "http.server.request.error_ratio"), ("api", "http.server.request.rate")]
    )
    metrics = pd.DataFrame([[0.02, 50.0]] * 4_000, times, columns)
    metrics.iloc[:100] = [np.nan, 0.0]  # no request: no ratio
    burn = service_burn_rate(metrics, "api")
    assert burn.long[0].rate.value == pytest.approx(20)
    assert burn.long[0].requests == pytest.approx(50 * 3600)
    assert burn.short[0].requests == pytest.approx(50 * 300)


def test_a_recording_of_minutes_covers_no_long_window():
    evidence = sources.open("sample://auth-errors")
    burn = service_burn_rate(evidence.metrics, "auth")
    assert set(burn.states) == {"not covered"}
    assert "no window can be judged" in burn.findings()[0].claim


@pytest.mark.parametrize(
    "wrong",
    [
        {"objective": 1.0},
        {"objective": 99.9},
        {"confidence": 95},
        {"period": "soon"},
        {"period": 0},
    ],
)
def test_what_is_out_of_range_is_named(wrong):
    with pytest.raises(AIOpsLabError, match=next(iter(wrong))):
        burn_rate(*counts([0.0] * 60), **wrong)


def test_running_counters_and_swapped_series_are_refused():
    good, total = counts([0.5] * 60)
    with pytest.raises(FrameError, match="good of"):
        burn_rate(total, good)
    with pytest.raises(FrameError, match="expected times"):
        burn_rate(good.reset_index(drop=True), total)


def test_an_unknown_service_or_metric_is_named():
    metrics = sources.open("sample://no-fault").metrics
    with pytest.raises(AIOpsLabError, match="no service 'atuh'"):
        service_burn_rate(metrics, "atuh")
    with pytest.raises(AIOpsLabError, match="error_ratio"):
        service_burn_rate(metrics.drop(columns="http.server.request.error_ratio", level=1), "auth")


def test_empty_one_row_and_all_nan_are_not_covered():
    good, total = counts([0.0] * 60)
    for rows in (good.iloc[:0], good.iloc[:1], good * np.nan):
        burn = burn_rate(rows, total.reindex(rows.index))
        assert set(burn.states) == {"not covered"}
        assert len(burn.table()) == 4
        assert np.isnan(burn.exhaustion.value)


def test_times_in_any_order_without_a_zone_and_twice_are_read():
    good, total = counts([0.1] * 120)
    expected = burn_rate(good, total)
    shuffled = np.random.default_rng(0).permutation(120)
    with pytest.warns(FrameWarning, match="UTC"):
        naive = burn_rate(
            good.iloc[shuffled].tz_localize(None), total.iloc[shuffled].tz_localize(None)
        )
    pd.testing.assert_frame_equal(naive.table(), expected.table())
    halves = burn_rate(pd.concat([good, good]) / 2, pd.concat([total, total]) / 2)
    pd.testing.assert_frame_equal(halves.table(), expected.table())


def test_names_are_escaped_where_html_is_made():
    burn = burn_rate(*counts([0.5] * 60), name="<script>")
    assert "<script>" not in burn._repr_html_()
    assert "<script>" not in burn.figure().to_json()


@settings(max_examples=25, deadline=None)
@given(
    rate=st.floats(0, 1),
    requests=st.integers(0, 500),
    minutes=st.integers(1, 200),
    objective=st.floats(0.5, 0.9999),
)
def test_intervals_hold_their_estimate_and_no_state_is_made_up(rate, requests, minutes, objective):
    burn = burn_rate(*counts([rate] * minutes, requests), objective=objective)
    for each, state in zip(burn.long, burn.states, strict=True):
        assert (state == "not covered") or each.covered
        if each.rate.interval is not None:
            assert each.rate.interval.low <= each.rate.value <= each.rate.interval.high
            assert each.effective <= each.requests
