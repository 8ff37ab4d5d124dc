"""Sample size: against statsmodels."""

import math

import pytest
from statsmodels.stats.power import TTestPower

from aiopslab.errors import ParameterError
from aiopslab.statistics.samplesize import items_for_mean


@pytest.mark.parametrize("effect", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_means_of_scores_need_what_a_t_test_needs(effect, alpha):
    expected = math.ceil(TTestPower().solve_power(effect / 0.3, alpha=alpha, power=0.8))
    assert items_for_mean(effect, 0.3, alpha) == expected


@pytest.mark.parametrize(("effect", "spread"), [(0, 1), (0.1, 0)])
def test_what_makes_no_sense_is_refused(effect, spread):
    with pytest.raises(ParameterError):
        items_for_mean(effect, spread)
