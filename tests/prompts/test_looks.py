"""The order of items and when one looks: nothing is lost, groups stay whole, batches are large."""

from itertools import pairwise

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.prompts.looks import FIRST, Looks, schedule, shuffled

GROUPS = st.lists(st.sampled_from(["a", "b", "c", "d", None]) | st.integers(0, 40), max_size=120)


def grouped(groups):
    return pd.DataFrame({"item": range(len(groups)), "group": pd.Series(groups, dtype=object)})


@given(GROUPS, st.integers(0, 5))
def test_the_order_is_a_permutation_that_a_seed_fixes_and_keeps_groups_together(groups, seed):
    items = grouped(groups)
    found = shuffled(items, seed)
    assert sorted(found["item"]) == items["item"].tolist()
    assert found.equals(shuffled(items, seed))
    told = found["group"].dropna()
    places = pd.Series(np.arange(len(found)), found.index)[told.index]
    spans = places.groupby(told.astype(str)).agg(["min", "max", "size"])
    assert (spans["max"] - spans["min"] + 1 == spans["size"]).all()


def test_another_seed_is_another_order_and_no_item_has_a_place_of_its_own():
    items = pd.DataFrame({"item": range(50)})
    orders = [shuffled(items, seed)["item"].tolist() for seed in range(400)]
    assert orders[0] != orders[1]
    # The mean place of an item is 24.5 with an error of .72; of fifty none is four errors off.
    assert np.abs(np.argsort(orders, axis=1).mean(axis=0) - 24.5).max() < 4 * 0.72


@given(GROUPS, st.integers(1, 6), st.integers(1, 64))
def test_looks_end_with_the_last_item_and_never_inside_a_group(groups, calls, at_once):
    items = shuffled(grouped(groups))
    found = schedule(items, calls, at_once)
    assert (found[-1] if found else 0) == len(items)
    sizes = np.diff([0, *found])
    least = min(max(FIRST, 4 * at_once / calls), len(items))
    assert (sizes >= least).all()
    for end in found[:-1]:
        group = items["group"].iloc[end]
        assert pd.isna(group) or items["group"].iloc[end - 1] != group


def test_a_long_run_is_looked_at_a_few_dozen_times():
    found = schedule(pd.DataFrame({"item": range(20_000)}), 2, 8)
    assert len(found) < 40
    assert all(after <= 1.26 * before for before, after in pairwise(found[5:-1]))


def test_how_far_it_went_is_said():
    assert str(Looks((20, 40), 40)) == "not certain after all 40 items"
    assert str(Looks((20, 40), 40, True)) == "certain after all 40 items"
    assert "certain after 20 of 1,000 items; 1,960 calls" in str(Looks((20,), 1_000, True, 1_960))
