"""Paired differences: against other libraries, against the truth of simulations, at the edges."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aiopslab.errors import FrameError
from aiopslab.prompts.differences import difference
from aiopslab.prompts.pairs import Pairs, pair


def pairs_of(baseline, candidate, groups=None, single=True):
    """Return pairs of scores that need no names."""
    places = np.arange(len(baseline))
    scores = [np.asarray(each, dtype=np.float64) for each in (baseline, candidate)]
    return Pairs(places.astype(object), *scores, places if groups is None else groups, single)


def long(scores, prompts=("a", "b")):
    """Return a table of scores, one column a prompt, as one row a call."""
    tables = [
        pd.DataFrame({"item": range(len(each)), "prompt": prompt, "score": each})
        for prompt, each in zip(prompts, scores, strict=True)
    ]
    return pd.concat(tables, ignore_index=True)


@given(
    st.lists(st.tuples(st.booleans(), st.booleans()), min_size=5, max_size=80),
)
def test_swapping_the_prompts_turns_the_answer_round(answers):
    one, two = np.array(answers, dtype=float).T
    there, back = difference(pairs_of(one, two)), difference(pairs_of(two, one))
    assert (there.value, there.low, there.p) == pytest.approx((-back.value, -back.high, back.p))
    assert there.low <= there.value <= there.high
    assert (there.wins, there.losses) == (back.losses, back.wins)


def test_items_in_groups_have_the_jackknifes_error():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), rng.integers(1, 9, 12))
    scores = rng.normal(size=len(groups)) + rng.normal(size=12)[groups]
    found = difference(pairs_of(np.zeros(len(groups)), scores, groups))
    left_out = np.array([scores[groups != each].mean() for each in range(12)])
    error = np.sqrt(11 / 12 * ((left_out - scores.mean()) ** 2).sum())
    half = stats.t.ppf(0.975, 11) * error
    assert (found.low, found.high) == pytest.approx(
        (scores.mean() - half, scores.mean() + half), abs=1e-9
    )
    assert (found.items, found.groups, found.method) == (len(groups), 12, "groups")


def agreeing(rng, items, share, gain):
    """Return right and wrong answers of two prompts that agree on most items."""
    common = rng.normal(size=items) * 0.7
    own = rng.normal(size=(2, items)) * np.sqrt(1 - 0.49)
    bounds = stats.norm.ppf([share, share + gain])[:, None]
    return pairs_of(*(common + own < bounds))


def clustered(rng, gain):
    groups = np.repeat(np.arange(30), 10)
    shared = rng.normal(size=30)[groups] * np.sqrt(0.3)
    return pairs_of(np.zeros(300), gain + shared + np.sqrt(0.7) * rng.normal(size=300), groups)


def repeated(rng, gain):
    easy = rng.uniform(0.1, 0.8, 40)
    answers = [rng.binomial(5, np.clip(easy + more, 0, 1)) / 5 for more in (0, gain)]
    return pairs_of(*answers, single=False)


@pytest.mark.parametrize("gain", [0.0, 0.15])
@pytest.mark.parametrize(
    "make", [lambda rng, gain: agreeing(rng, 50, 0.6, gain), clustered, repeated]
)
def test_intervals_hold_the_truth_as_often_as_they_say(make, gain):
    """Of 200 simulations an interval of 95 % misses 21 or fewer with a chance of .999."""
    rng = np.random.default_rng(1)
    found = [difference(make(rng, gain)) for _ in range(200)]
    held = np.mean([each.low <= gain <= each.high for each in found])
    assert held >= 0.895
    if not gain:
        assert np.mean([each.p <= 0.05 for each in found]) <= 0.105


def test_groups_taken_for_single_items_would_be_too_sure():
    rng = np.random.default_rng(2)
    made = [clustered(rng, 0.0) for _ in range(50)]
    naive = [difference(pairs_of(each.baseline, each.candidate)) for each in made]
    assert np.mean([each.low <= 0 <= each.high for each in naive]) < 0.8


@pytest.mark.parametrize("items", [0, 1, 4])
def test_few_items_say_nothing(items):
    found = difference(pairs_of(np.zeros(items), np.ones(items)))
    assert found.method == "none" and found.p == 1 and np.isnan(found.value)
    assert "not enough data" in str(found)


@pytest.mark.parametrize("score", [0.0, 0.4])
def test_all_ties_are_no_difference(score):
    found = difference(pairs_of(np.full(40, score), np.full(40, score)))
    assert (found.value, found.p) == (0, 1) and found.low <= 0 <= found.high


def test_repetitions_are_averaged_and_items_without_a_partner_are_counted():
    table = pd.DataFrame(
        {
            "item": ["x", "x", "y", "x", "x", "z"],
            "prompt": ["a", "a", "a", "b", "b", "b"],
            "score": [0, 1, 1, 1, 1, 1],
        }
    )
    found = pair(table, "a", "b")
    assert found.items.tolist() == ["x"]
    assert found.differences.tolist() == [0.5]
    assert found.dropped == 2 and not found.single


def test_a_failed_call_is_no_wrong_answer():
    table = long([[1.0, np.nan, 0.0], [1.0, 1.0, 1.0]])
    found = pair(table, "a", "b")
    assert (len(found), found.dropped) == (2, 1)


def test_an_item_without_a_group_stands_alone():
    table = long([[0.0] * 4, [1.0] * 4]).assign(group=["g", "g", None, np.nan] * 2)
    assert len(np.unique(pair(table, "a", "b").groups)) == 3


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (pd.DataFrame({"item": [1], "prompt": ["a"]}), "no column 'score'"),
        (
            pd.DataFrame({"item": [1], "prompt": ["a"], "score": [1]}),
            "no score is of the prompt 'b'",
        ),
    ],
)
def test_what_is_no_comparison_is_told(table, says):
    with pytest.raises(FrameError, match=says):
        pair(table, "a", "b")
