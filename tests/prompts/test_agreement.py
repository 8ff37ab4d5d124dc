"""Agreement of raters: as other libraries measure it, and at the edges."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from aiopslab.errors import FrameError, ParameterError
from aiopslab.prompts import agreement
from aiopslab.prompts.agreement import cohen, krippendorff


def rated(seed=0, items=40, raters=3, missing=0.2):
    """Return ratings from 1 to 4 of raters that mostly agree, and do not rate everything."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 5, items)
    table = np.where(rng.random((raters, items)) < 0.7, truth, rng.integers(1, 5, (raters, items)))
    rows = pd.DataFrame(table).melt(var_name="item", value_name="rating", ignore_index=False)
    rows = rows.reset_index(names="rater")
    return rows[rng.random(len(rows)) >= missing]


def by_hand(table, level):
    """Return alpha as observed against expected disagreement of all pairs of ratings."""
    apart = {
        "nominal": lambda a, b: float(a != b),
        "interval": lambda a, b: (a - b) ** 2.0,
    }[level]
    units = [each["rating"].tolist() for _, each in table.groupby("item") if len(each) > 1]
    values = [value for unit in units for value in unit]
    observed = sum(apart(a, b) / (len(unit) - 1) for unit in units for a in unit for b in unit)
    expected = sum(apart(a, b) for a in values for b in values) / (len(values) - 1)
    return 1 - observed / expected


@pytest.mark.parametrize("level", ["nominal", "interval"])
@pytest.mark.parametrize("seed", range(3))
def test_alpha_is_one_less_the_share_of_disagreement(level, seed):
    table = rated(seed)
    found = krippendorff(table, level)
    assert found.value == pytest.approx(by_hand(table, level), abs=1e-9)
    assert found.low <= found.value <= found.high


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
def test_kappa_is_that_of_scikit_learn(weights):
    table = rated(raters=2, missing=0)
    wide = table.pivot(index="item", columns="rater", values="rating")
    expected = cohen_kappa_score(wide[0], wide[1], weights=weights)
    assert cohen(table, weights).value == pytest.approx(expected, abs=1e-9)


def test_ranks_that_lie_near_disagree_less():
    near, far = (
        pd.DataFrame({"item": [*range(9)] * 2, "rater": ["a"] * 9 + ["b"] * 9, "rating": ratings})
        for ratings in ([1, 2, 3] * 3 + [2, 2, 3] * 3, [1, 2, 3] * 3 + [3, 2, 3] * 3)
    )
    assert krippendorff(near, "ordinal").value > krippendorff(far, "ordinal").value


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_draws_of_many_values_are_measured_in_parts_to_the_same(level, monkeypatch):
    table = rated()
    at_once = krippendorff(table, level)
    monkeypatch.setattr(agreement, "CELLS", 100)
    assert krippendorff(table, level) == at_once


def test_raters_who_guess_agree_by_chance_only():
    held = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        guesses = rated(items=60, missing=0).assign(rating=rng.integers(0, 2, 180))
        found = krippendorff(guesses, seed=seed)
        held.append(found.low <= 0 <= found.high)
    assert np.mean(held) >= 0.8


def test_nothing_to_compare_is_said_so():
    alone = rated(raters=1)
    assert "not enough data" in str(krippendorff(alone))
    apart = pd.DataFrame({"item": [1, 2], "rater": ["ann", "bob"], "rating": ["yes", "no"]})
    for found in (cohen(apart), krippendorff(apart)):
        assert "not enough data" in str(found) and (found.items, found.raters) == (0, 2)
    same = rated(raters=2, missing=0).assign(rating="yes")
    assert "not enough data" in str(cohen(same))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: krippendorff(rated().drop(columns="rating")), "no column 'rating'"),
        (lambda: krippendorff(pd.concat([rated(), rated()])), "more than once"),
        (lambda: krippendorff(rated(), "ratio"), "level is 'ratio'"),
        (lambda: cohen(rated(raters=3)), "3 raters"),
    ],
)
def test_what_cannot_be_compared_is_told(call, says):
    with pytest.raises((FrameError, ParameterError), match=says):
        call()
