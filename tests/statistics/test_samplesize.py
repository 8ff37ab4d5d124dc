"""Sample size: against statsmodels."""

import math

import pytest
from statsmodels.stats.power import TTestPower

from aiopslab.errors import ParameterError
from aiopslab.statistics.samplesize import items_for_mean


def test_means_of_scores_need_what_a_t_test_needs():
    expected = math.ceil(TTestPower().solve_power(0.05 / 0.3, alpha=0.05, power=0.8))
    assert items_for_mean(0.05, 0.3) == expected


@pytest.mark.parametrize("effect", [0.02, 0.1])
def test_as_many_questions_as_power_asks_for(effect):
    oracle = TTestPower().solve_power(effect / 0.3, power=0.8, alpha=0.01)
    assert items_for_mean(effect, 0.3, 0.01) == pytest.approx(oracle, abs=1.5)


@pytest.mark.parametrize(("effect", "spread"), [(0, 1), (0.1, 0)])
def test_what_makes_no_sense_is_refused(effect, spread):
    with pytest.raises(ParameterError):
        items_for_mean(effect, spread)
