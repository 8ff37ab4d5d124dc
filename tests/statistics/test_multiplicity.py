"""Holm's correction, with statsmodels as the oracle."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from aiopslab.statistics.multiplicity import holm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_it_is_that_of_statsmodels(values):
    np.testing.assert_allclose(holm(values), multipletests(values, method="holm")[1], atol=1e-12)


def test_nothing_is_corrected_to_nothing():
    assert holm([]).shape == (0,)
