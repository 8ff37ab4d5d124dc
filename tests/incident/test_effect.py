import numpy as np
import pandas as pd
import pytest
from scipy import stats

from aiopslab.incident.effect import change

TIMES = pd.date_range("2026-03-01", periods=200, freq="s", tz="UTC")


def series(before, after, name="latency_ms"):
    return pd.Series(np.r_[before, after], TIMES[: len(before) + len(after)], name=name)


def test_a_ratio_is_that_of_the_means():
    rng = np.random.default_rng(0)
    before, after = rng.normal(10, 1, 100), rng.normal(30, 1, 100)
    effect = change(series(before, after), TIMES[100])
    assert effect.unit == "×"
    assert effect.value == pytest.approx(after.mean() / before.mean())


def test_the_interval_agrees_with_scipy_where_values_are_independent():
    rng = np.random.default_rng(1)
    before, after = rng.normal(10, 2, 100), rng.normal(14, 2, 100)
    ours = change(series(before, after), TIMES[100]).interval
    theirs = stats.bootstrap(
        (before, after),
        lambda x, y, axis: y.mean(axis=axis) / x.mean(axis=axis),
        method="percentile",
        rng=2,
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, rel=0.03)
    assert ours.high == pytest.approx(theirs.high, rel=0.03)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        effect = change(series(rng.normal(10, 1, 100), rng.normal(20, 1, 100)), TIMES[100])
        covered += effect.interval.low <= 2 <= effect.interval.high
    assert 0.87 <= covered / 200 <= 0.99


def test_from_nothing_to_something_is_a_difference_in_the_metrics_unit():
    effect = change(series(np.zeros(50), np.full(50, 14.0), "wait_ms"), TIMES[50])
    assert (effect.value, effect.unit) == (14.0, "ms")


def test_a_side_without_values_has_no_estimate():
    assert np.isnan(change(series([np.nan] * 5, [1.0] * 5), TIMES[5]).value)
    assert change(series([1.0], [2.0]), TIMES[1]).interval is None
