"""Strengths of prompts: as another library fits them, and finite where one always wins."""

import choix
import numpy as np
import pandas as pd
import pytest

from aiopslab.errors import FrameError
from aiopslab.prompts.preferences import bradley_terry


def judged(rng, strengths, count):
    """Return judgements by the strengths of the prompts a, b, c …"""
    names = np.array(list("abcdefgh")[: len(strengths)])
    pairs = np.array([rng.choice(len(names), 2, replace=False) for _ in range(count)])
    chance = 1 / (1 + np.exp(strengths[pairs[:, 1]] - strengths[pairs[:, 0]]))
    won = np.where(rng.random(count) < chance, pairs[:, 0], pairs[:, 1])
    return pd.DataFrame(
        {"left": names[pairs[:, 0]], "right": names[pairs[:, 1]], "preferred": names[won]}
    )


def test_strengths_are_those_of_choix():
    table = judged(np.random.default_rng(0), np.array([0.8, 0.1, -0.3, -0.6]), 200)
    place = {name: number for number, name in enumerate("abcd")}
    data = [
        (place[row.preferred], place[row.right if row.preferred == row.left else row.left])
        for row in table.itertuples()
    ]
    found = bradley_terry(table, shrink=0.1)
    expected = choix.opt_pairwise(4, data, alpha=0.1, method="Newton-CG", tol=1e-12)
    assert found.strengths == pytest.approx(expected - expected.mean(), abs=1e-9)


def test_intervals_hold_the_true_share():
    rng = np.random.default_rng(1)
    truth = 1 / (1 + np.exp(-0.5))
    held = []
    for _ in range(80):
        _, low, high = bradley_terry(judged(rng, np.array([0.5, 0.0, -0.2]), 300)).preferred(
            "a", "b"
        )
        held.append(low <= truth <= high)
    assert 0.89 <= np.mean(held) <= 0.99


def test_who_always_wins_is_strong_and_not_endlessly_so():
    table = pd.DataFrame({"left": ["a"] * 20, "right": ["b"] * 20, "preferred": ["a"] * 20})
    share, low, high = bradley_terry(table).preferred("a", "b")
    assert 0.5 < low < share < high < 1


def test_all_ties_are_even():
    table = pd.DataFrame({"left": ["a"] * 9, "right": ["b"] * 9, "preferred": ["tie"] * 9})
    assert bradley_terry(table).preferred("a", "b")[0] == pytest.approx(0.5)


def test_the_table_names_the_strongest_first():
    table = judged(np.random.default_rng(2), np.array([-1.0, 0.0, 1.0]), 300)
    assert bradley_terry(table).table()["prompt"].tolist() == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ({"left": ["a"], "right": ["b"]}, "no column 'preferred'"),
        ({"left": [], "right": [], "preferred": []}, "no judgement"),
        ({"left": ["a"], "right": ["b"], "preferred": ["c"]}, "prefers 'c'"),
        ({"left": ["a"], "right": ["a"], "preferred": ["a"]}, "'a' against 'a'"),
    ],
)
def test_what_is_no_judgement_is_refused(rows, says):
    with pytest.raises(FrameError, match=says):
        bradley_terry(pd.DataFrame(rows))
