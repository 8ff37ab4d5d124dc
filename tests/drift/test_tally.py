"""Tallies: whole numbers counted by value have the counts and sums that their floats have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aiopslab.drift.axis import BINS, Axis
from aiopslab.drift.tally import Tally

WHOLE = st.sampled_from(["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"]).flatmap(
    lambda dtype: hnp.arrays(dtype, st.integers(0, 60))
)


def tallied(*parts):
    tally = Tally(Axis(3.0, 2.0))
    for each in parts:
        tally.add(each)
    return tally


def assert_same(one, two):
    for key in ("rows", "missing", "below", "above", "zeros"):
        assert getattr(one, key) == getattr(two, key), key
    np.testing.assert_array_equal(one.counts, two.counts)
    np.testing.assert_array_equal([one.low, one.high], [two.low, two.high])
    for key in ("total", "squares"):
        assert getattr(one, key) == pytest.approx(getattr(two, key), rel=1e-9), key


@given(WHOLE)
def test_whole_numbers_of_any_width_are_counted_as_their_floats(values):
    assert_same(tallied(values), tallied(values.astype(float)))


@pytest.mark.parametrize("low", [-(2**63), -(2**40), -3, 0, 2**63 - 60_000])
def test_whole_numbers_that_span_little_are_counted_wherever_they_lie(low):
    steps = np.random.default_rng(0).integers(0, 50_000, 200_000)
    values = (low + steps).astype(np.int64)
    assert_same(tallied(values), tallied(values.astype(float)))


@given(st.lists(st.floats(width=32), max_size=40), st.integers(0, 40))
def test_values_add_up_however_they_are_cut(values, cut):
    whole = np.array(values, np.float32)
    with np.errstate(all="ignore"):
        assert_same(tallied(whole[:cut], whole[cut:]), tallied(whole))
        assert_same(tallied(whole), tallied(whole.astype(float)))


def test_the_bins_are_those_of_the_axis():
    values = np.random.default_rng(0).normal(3, 2, 20_000)
    axis = Axis(3.0, 2.0)
    np.testing.assert_array_equal(
        tallied(values).counts, np.bincount(axis.bins(values), minlength=BINS)
    )
