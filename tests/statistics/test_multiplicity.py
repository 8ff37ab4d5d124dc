"""Holm's correction, with statsmodels as the oracle."""

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from aiopslab.statistics.multiplicity import holm


@pytest.fixture(autouse=True, scope="module")
def old_objects_rest():
    """Statsmodels collects garbage at each call, among all that other tests have left."""
    gc.collect()
    gc.freeze()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_it_is_that_of_statsmodels(values):
    np.testing.assert_allclose(holm(values), multipletests(values, method="holm")[1], atol=1e-12)


def test_nothing_is_corrected_to_nothing():
    assert holm([]).shape == (0,)
