"""What the same features mean: what is a changed concept, and what only looks like one."""

import warnings

import numpy as np
import pandas as pd
import pytest

from aiopslab.drift.conditional import ENOUGH, conditional_shift

FEATURES = ["x", "z", "c"]


def world(seed, rows=1_200, mean=0.0, turn=1.0, start=0.0):
    """Return rows of which the outcome depends on x, its square and c; `turn` is that of x."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "x": rng.normal(mean, 1, rows),
            "z": rng.lognormal(size=rows),
            "c": rng.choice(["a", "b", "é"], rows),
        }
    )
    raised = turn * 1.5 * table["x"] + 0.5 * table["x"] ** 2 + (table["c"] == "b") + start - 0.8
    table["likely"] = 1 / (1 + np.exp(-raised))
    table["y"] = np.where(rng.random(rows) < table["likely"], "yes", "no")
    table["cost"] = raised + rng.normal(size=rows)
    return table


def drawn_by_label(table, share, rows, seed=0):
    """Return rows drawn so that that share of the outcomes is yes."""
    rng = np.random.default_rng(seed)
    yes, no = (np.flatnonzero(table["y"] == each) for each in ("yes", "no"))
    many = int(share * rows)
    drawn = np.r_[rng.choice(yes, many, replace=False), rng.choice(no, rows - many, replace=False)]
    return table.iloc[rng.permutation(drawn)]


def test_where_nothing_changed_small_samples_keep_their_level():
    found = [
        conditional_shift(world(seed, 300), world(seed + 1_000, 300), "y", FEATURES)
        for seed in range(8)
    ]
    assert sum(each.p < 0.01 for each in found) <= 1
    assert sum(each.p < 0.05 for each in found) <= 2
    assert all(each.within is None for each in found if each.p > 0.05)


@pytest.mark.parametrize("mean", [-0.8, 0.8])
def test_other_cases_are_no_other_concept(mean):
    old, new = world(1), world(2, mean=mean)
    assert abs((old["y"] == "yes").mean() - (new["y"] == "yes").mean()) > 0.1
    assert conditional_shift(old, new, "y", FEATURES).p > 0.01


def test_rows_that_only_one_side_has_do_not_tell_what_they_meant_on_the_other():
    old, new = world(20), pd.concat([world(21, 600, turn=-1.0), world(22, 600, mean=9.0)])
    shift = conditional_shift(old, new, "y", FEATURES)
    assert shift.p < 1e-6
    assert shift.rows[0] > 1_000
    assert 500 < shift.rows[1] < 700
    apart = conditional_shift(old, world(23, 1_200, mean=9.0, turn=-1.0), "y", ["x"])
    assert apart.shift is None or apart.p > 0.01


def test_a_shift_of_the_labels_vanishes_with_their_shares():
    old, many = world(3, 2_000), world(4, 6_000)
    share = (old["y"] == "yes").mean()
    shift = conditional_shift(old, drawn_by_label(many, share - 0.25, 1_500), "y", FEATURES)
    assert shift.p < 0.001
    assert shift.adjusted_p > 0.01
    assert shift.within_p > 0.01


def test_a_changed_rule_is_a_concept_that_no_shares_explain():
    shift = conditional_shift(world(5), world(6, turn=-1.0), "y", FEATURES)
    assert shift.p < 1e-6
    assert shift.adjusted_p < 1e-6
    assert shift.shift.interval.low <= shift.shift.value <= shift.shift.interval.high
    assert not shift.shift.interval.low <= 0 <= shift.shift.interval.high


def test_more_of_the_outcome_among_the_same_rows_is_no_shift_of_the_labels():
    shift = conditional_shift(world(7, 2_000), world(8, 2_000, start=1.5), "y", FEATURES)
    assert shift.p < 1e-6
    assert shift.within_p < 1e-4  # they are not such rows as had that outcome


def test_a_rule_that_changed_in_a_segment_only_is_found():
    old, new = world(9, 2_500), world(10, 2_500)
    inside = (new["c"] == "é").to_numpy()
    new["y"] = new["y"].where(~inside, new["y"].map({"yes": "no", "no": "yes"}))
    assert conditional_shift(old, new, "y", FEATURES).p < 0.001


def test_numbers_are_compared_in_their_spread():
    same = conditional_shift(world(11), world(12), "cost", FEATURES)
    moved = world(13)
    moved["cost"] += 0.6 * moved["cost"].std()
    other = conditional_shift(world(11), moved, "cost", FEATURES)
    assert same.p > 0.01
    assert other.p < 1e-6
    assert (other.shift.unit, other.within) == ("SD", None)
    assert other.shift.value > 0.2


def test_other_cases_are_no_other_concept_of_a_number():
    old, new = world(14), world(15, mean=0.7)
    assert conditional_shift(old, new, "cost", FEATURES).p > 0.01


def test_many_classes():
    rng = np.random.default_rng(0)
    old, new = world(16), world(17)
    for table in (old, new):
        table["kind"] = pd.qcut(table["x"] + rng.normal(0, 0.7, len(table)), 5, labels=False)
    turned = new.assign(kind=new["kind"].map({0: 1, 1: 0, 2: 2, 3: 3, 4: 4}))
    assert conditional_shift(old, new, "kind", FEATURES).p > 0.01
    assert conditional_shift(old, turned, "kind", FEATURES).p < 1e-4


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (world(0, ENOUGH - 1), world(1, ENOUGH)),
        (world(0, ENOUGH), world(1, 1)),
        (world(0, 600).assign(y=None), world(1, 600)),
        (world(0, 600).drop(columns="y"), world(1, 600)),
        (world(0, 600).assign(y="yes"), world(1, 600).assign(y="yes")),
        (world(0, 600)[["y"]], world(1, 600)),
    ],
    ids=["few", "one", "none known", "no column", "one class", "no feature"],
)
def test_what_cannot_be_told_is_not_told(old, new):
    shift = conditional_shift(old, new, "y", FEATURES)
    assert (shift.shift, shift.p, shift.adjusted_p) == (None, 1.0, 1.0)


def as_categories(table):
    return table.assign(y=table["y"].astype("category"), c=table["c"].astype("category"))


def as_nullable(table):
    known = pd.array(table["y"] == "yes", dtype="boolean")
    known[::7] = pd.NA
    return table.assign(y=known, z=pd.array(table["z"].round(), dtype="Int64"))


def as_arrow(table):
    return table.assign(
        y=table["y"].astype("string[pyarrow]"), x=table["x"].astype("double[pyarrow]")
    )


def with_holes(table):
    x = table["x"].mask(np.arange(len(table)) % 3 == 0).replace(table["x"].max(), np.inf)
    return table.assign(x=x, z=np.nan, c=None)


@pytest.mark.parametrize("stored", [as_categories, as_nullable, as_arrow, with_holes])
def test_how_values_are_stored_makes_no_difference(stored):
    old, new, other = (
        stored(each) for each in (world(18, 700), world(19, 700), world(20, 700, turn=-1.0))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same = conditional_shift(old, new, "y", FEATURES)
        turned = conditional_shift(old, other, "y", FEATURES)
    assert same.p > 0.01
    assert turned.p < 0.001


def test_truth_and_one_are_the_same_class():
    old, new = (each.assign(y=each["y"] == "yes") for each in (world(21, 700), world(22, 700)))
    shift = conditional_shift(old, new.assign(y=new["y"].astype(int)), "y", FEATURES)
    assert shift.p > 0.01


def test_it_is_repeatable():
    old, new = world(23, 400), world(24, 400, turn=0.3)
    assert conditional_shift(old, new, "y", FEATURES) == conditional_shift(old, new, "y", FEATURES)
