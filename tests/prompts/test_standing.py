"""Where the sequential test of preferences stands, held against the test itself and chance."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.prompts.blinding import aliases, blinded
from aiopslab.prompts.sequential import peek
from aiopslab.prompts.standing import nothing_rated, scores_so_far, standings
from aiopslab.prompts.study import analyse
from tests.prompts.test_study import CORRECT, run_of, things


def said(preferred, **columns):
    """Return what one person says of the prompts a and b, one item after the other."""
    told = {"item": range(len(preferred)), "kind": "human", "left": "b", "right": "a"}
    return pd.DataFrame({**told, "preferred": preferred, **columns})


@given(st.lists(st.sampled_from(["a", "b", "tie"]), min_size=1, max_size=60))
def test_it_is_the_peek_at_wins_ties_and_losses(preferred):
    (found,) = standings(said(preferred))
    values = [{"a": 1, "b": -1, "tie": 0}[each] for each in preferred]
    peeks = peek(values)
    assert found.is_certain == (peeks.stop is not None) and found.peeks.stop == peeks.stop
    share, low, high = found.share
    assert share == pytest.approx((1 + np.mean(values)) / 2)
    assert low == pytest.approx(min((1 + peeks.low[-1]) / 2, share))
    assert high == pytest.approx(max((1 + peeks.high[-1]) / 2, share))
    table = found.table()
    assert table["items"].tolist() == [*range(1, len(values) + 1)]
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()


def test_an_item_counts_once_with_the_first_that_is_said_of_it():
    once = said(["a", "b", "tie", "a"])
    again = said(["b", "b", "b", "b"])
    (found,) = standings(pd.concat([once, again], ignore_index=True))
    assert found.values.tolist() == [1, -1, 0, 1]


def test_items_may_be_called_by_lists():
    (found,) = standings(said(["a", "b", "a"], item=[["x", 1], ["x", 2], ["x", 1]]))
    assert found.values.tolist() == [1, -1]


def test_judges_are_left_out():
    assert standings(said(["a"] * 30, kind="judge")) == ()
    judged = pd.concat([said(["b"] * 30, kind="judge"), said(["a"])], ignore_index=True)
    assert standings(judged)[0].values.tolist() == [1]


def test_nobody_has_rated():
    assert standings(said([])) == ()


@pytest.mark.parametrize(
    ("preferred", "says"),
    [
        (["a"], "Not enough data to tell: a is preferred in 100 % of 1 pairs (0 % to 100 %)."),
        (["b"] * 30, "Certain after 12 pairs: b is preferred in 100 % of 30 pairs"),
        (["a", "b"] * 5, "Not enough data to tell: a and b are preferred as often, in 10 pairs."),
        (["tie"] * 9, "20,000 more would not tell"),
        (["a", "a", "b"] * 4, "about 70 more would tell."),
    ],
)
def test_it_is_said_in_a_sentence(preferred, says):
    assert says in str(*standings(said(preferred)))


@pytest.mark.parametrize(
    "pattern", [["a", "a", "b"], ["b", "tie", "b", "a"], ["a"], ["b"] * 3 + ["a"]]
)
def test_as_many_more_that_go_on_alike_make_it_certain(pattern):
    (found,) = standings(said(pattern * 2))
    (onwards,) = standings(said(pattern * 300))
    # Evidence after whole patterns, which are as so far.
    evidence = onwards.peeks.evidence[len(pattern) - 1 :: len(pattern)]
    patterns = (found.items + found.more) / len(pattern)
    assert not found.is_certain
    assert (np.flatnonzero(evidence >= 1 / 0.05)[0] + 1) == math.ceil(patterns)


def test_what_is_certain_needs_no_more_and_what_is_level_no_number_of_them():
    assert standings(said(["a"] * 30))[0].more == 0
    assert math.isinf(standings(said(["a", "b"] * 20))[0].more)


def test_prompts_that_are_alike_are_seldom_said_to_differ_however_many_there_are():
    rng = np.random.default_rng(5)
    false = 0
    for _ in range(100):
        pairs = [("a", "b"), ("a", "c"), ("b", "c")]
        rows = [(item, *pair, pair[rng.integers(2)]) for item in range(60) for pair in pairs]
        told = pd.DataFrame(rows, columns=["item", "left", "right", "preferred"])
        found = standings(told.assign(kind="human").sample(frac=1, random_state=0))
        assert [(each.one, each.other) for each in found] == pairs
        false += any(each.is_certain for each in found)
    assert false <= 10  # 5 are expected at most, and more than 10 have a chance of 1 in 100


def test_three_prompts_have_wider_bounds_than_two():
    two = said(["a", "a", "b"] * 10)
    three = pd.concat([two, said(["c"], left="c", right="a")], ignore_index=True)
    (narrow,), wide = standings(two), standings(three)[0]
    assert wide.share[0] == narrow.share[0]
    assert wide.share[1] < narrow.share[1] and wide.share[2] > narrow.share[2]


def test_confidence_is_a_share():
    with pytest.raises(ParameterError, match="alpha"):
        standings(said(["a"]), confidence=1)


def test_the_figure_says_what_it_shows_and_is_drawn_of_one_rating_and_of_many():
    for count in (1, 12, 900):
        (found,) = standings(said(["b"] * count))
        figure = found.figure()
        assert str(found) in figure.layout.meta["description"]
        assert figure.data[1].x[-1] == count and figure.data[1].y[-1] == 0
        assert len(figure.data[1].x) <= 400
        assert bool(figure.layout.annotations) is found.is_certain


def test_names_are_not_read_as_tags_by_the_figure():
    preferred = said(["<b>x"] * 3, left="<b>x", right="y")
    assert "<b>" not in standings(preferred)[0].figure().layout.title.text


def test_aliases_keep_names_back_and_tell_the_same_story():
    told = said(["b"] * 20 + ["tie"])
    known = aliases(told, seed=3)
    assert sorted(known) == ["a", "b"] and sorted(known.values()) == ["prompt A", "prompt B"]
    hidden = blinded(told, seed=3)
    assert not {"a", "b"} & {*hidden[["left", "right", "preferred"]].to_numpy().ravel()}
    (open_, blind) = (str(*standings(each)) for each in (told, hidden))
    assert blind == open_.replace("b is", f"{known['b']} is")


def test_letters_tell_nothing_of_the_order_of_names():
    first = {aliases(said(["a"]), seed)["a"] for seed in range(20)}
    assert first == {"prompt A", "prompt B"}


def test_more_prompts_than_letters_have_names_of_their_own():
    many = pd.DataFrame({"left": [f"p{each}" for each in range(60)], "right": "other"})
    assert len({*aliases(many, seed=0).values()}) == 61


def test_scores_of_a_run_are_compared_by_bounds_that_hold_on_the_way():
    analysis = analyse(run_of(things(60), {"short": 0.3, "long": 0.8}), things(60), CORRECT)
    (found,) = scores_so_far(analysis).contrasts
    assert (found.candidate, found.metric.name) == ("long", "correct")
    assert found.difference.method == "sequential"
    once = analysis.comparison.contrast("long", "correct").difference
    assert found.difference.value == once.value
    assert found.difference.high - found.difference.low > once.high - once.low


def test_before_the_first_rating_there_are_axes_that_say_so():
    assert "no pair is rated" in nothing_rated().layout.meta["description"]
