"""Intervals of one sample, and the test of McNemar: against scipy and statsmodels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from aiopslab.statistics.intervals import student, wilson
from aiopslab.statistics.mcnemar import mcnemar_p


@given(st.integers(1, 500), st.data())
def test_wilson_is_that_of_statsmodels(rows, data):
    right = data.draw(st.integers(0, rows))
    expected = proportion_confint(right, rows, method="wilson")
    assert wilson(right, rows, 0.95) == pytest.approx(expected, abs=1e-9)


@given(st.lists(st.floats(-100, 100), min_size=2, max_size=30), st.floats(0.5, 0.99))
def test_students_is_that_of_scipy(drawn, confidence):
    values = np.array([*drawn, 101.0])
    expected = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    assert student(values, confidence) == pytest.approx(tuple(expected))


def test_of_too_little_there_is_no_interval():
    assert np.isnan([*student(np.array([1.0]), 0.95), *wilson(0, 0, 0.95)]).all()


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_that_of_statsmodels(wins, losses):
    expected = mcnemar([[5, wins], [losses, 5]], exact=True).pvalue if wins + losses else 1.0
    assert mcnemar_p(wins, losses) == pytest.approx(expected, abs=1e-9)
