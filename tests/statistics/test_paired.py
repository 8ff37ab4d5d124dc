"""Paired differences: against scipy, and the truth of simulations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aiopslab.statistics.paired import flip_p, intervals


@given(st.lists(st.integers(-3, 3), min_size=2, max_size=11), st.integers(1, 3))
def test_few_differences_are_swapped_in_all_ways(differences, columns):
    sums = np.outer(differences, np.arange(1, columns + 1)) / 7
    found = flip_p(sums, 0.01, np.random.default_rng(0))
    oracle = stats.permutation_test(
        (np.array(differences),), np.sum, permutation_type="samples", n_resamples=np.inf
    )
    assert found == pytest.approx(min(oracle.pvalue, 1.0))


def test_many_differences_are_swapped_by_chance():
    drawn = np.random.default_rng(1).normal([0.05, 0.25, 0.45], 1, size=(60, 3))
    found = flip_p(drawn, 1e-5, np.random.default_rng(0))
    for column, p in zip(drawn.T, found, strict=True):
        oracle = stats.permutation_test(
            (column,), lambda told, axis: told.sum(axis=axis), permutation_type="samples",
            n_resamples=50_000, vectorized=True, rng=np.random.default_rng(2), batch=5_000,
        )  # fmt: skip
        assert p == pytest.approx(oracle.pvalue, abs=0.006)


@pytest.mark.parametrize(("questions", "skewed"), [(30, False), (100, True)])
def test_intervals_hold_the_truth_as_often_as_they_say(questions, skewed):
    """A thousand comparisons at once: three of five questions are equal, the others differ."""
    rng = np.random.default_rng(0)
    shape = questions, 1_000
    changes = rng.exponential(0.3, shape) - 0.2 if skewed else rng.normal(0.1, 0.3, shape)
    differences = np.where(rng.random(shape) < 0.4, changes, 0)
    truth = 0.4 * 0.1
    means, low, high, errors = intervals(differences, np.ones(shape), 0.95, rng)
    held = ((low <= truth) & (high >= truth)).mean()
    half = stats.t.ppf(0.975, questions - 1) * errors
    assert 0.93 <= held <= 0.97 and held >= (np.abs(means - truth) <= half).mean()


def test_errors_are_those_of_leaving_out_each_group():
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 9, (12, 1)).astype(float)
    sums = rng.normal(0, 1, (12, 1)) * sizes
    means, _, _, errors = intervals(sums, sizes, 0.95, rng)
    left = np.array([
        np.delete(sums, each).sum() / np.delete(sizes, each).sum() for each in range(12)
    ])  # fmt: skip
    expected = np.sqrt(11 / 12 * ((left - means[0]) ** 2).sum())
    assert errors[0] == pytest.approx(expected)
    single = rng.normal(size=(20, 1))
    assert intervals(single, np.ones((20, 1)), 0.95, rng)[3][0] == pytest.approx(
        stats.sem(single)[0]
    )
