"""Comparison of configurations: against the truth of simulations, and at the edges."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.errors import ParameterError, RetrievalError
from aiopslab.retrieval.comparison import Metric, compare

NDCG, COST = Metric("ndcg"), Metric("tokens", higher_is_better=False, margin=50)


def table(values, metric="ndcg", groups=None):
    """Return scores by configuration, one a question, as the table of the contract."""
    parts = [
        pd.DataFrame(
            {"configuration": name, "question": range(len(told)), "metric": metric, "score": told}
        )
        for name, told in values.items()
    ]
    found = pd.concat(parts, ignore_index=True)
    return found if groups is None else found.assign(group=np.tile(groups, len(values)))


def simulated(gain, questions=200, seed=0):
    """Return a current configuration and another that finds more by `gain` on average."""
    rng = np.random.default_rng(seed)
    now = rng.beta(1, 1.5, questions)
    changes = np.where(rng.random(questions) < 0.4, rng.normal(gain / 0.4, 0.15, questions), 0)
    return {"now": now, "new": now + changes}


@pytest.mark.parametrize(
    ("gain", "questions", "outcome"),
    [
        (0.08, 300, "better"),
        (-0.08, 300, "worse"),
        (0.0, 3_000, "equivalent"),
        (0.02, 60, "not enough data"),
        (0.3, 4, "not enough data"),
    ],
)
def test_a_known_difference_is_named(gain, questions, outcome):
    found = compare(table(simulated(gain, questions)), "now", [NDCG]).contrast("new", "ndcg")
    assert found.outcome == outcome
    if questions > 4:
        assert found.low <= found.difference <= found.high
        assert found.difference == pytest.approx(found.score - found.current)


def test_less_is_better_where_the_metric_says_so():
    values = {name: 1_000 - 800 * told for name, told in simulated(0.2).items()}
    found = compare(table(values, "tokens"), "now", [COST]).contrast("new", "tokens")
    assert found.outcome == "better" and found.difference < 0 < found.gain[0]


def test_the_least_p_value_is_fine_enough_for_the_correction():
    """One good configuration among 200 is found: a p-value of 1e-4 would not survive Holm."""
    rng = np.random.default_rng(0)
    now = rng.random(100)
    values = {"now": now} | {str(each): now + rng.normal(0, 0.1, 100) for each in range(200)}
    values["good"] = now + rng.normal(0.1, 0.1, 100)
    found = compare(table(values), "now", [NDCG])
    assert found.contrast("good", "ndcg").outcome == "better"
    assert (found.table()["outcome"] == "better").sum() == 1


def test_equal_configurations_are_rarely_different():
    """Twelve contrasts a run; without a correction nearly half of the runs would tell one."""
    alarms = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        values = {str(each): rng.random(40) for each in range(13)}
        told = compare(table(values), "0", [Metric("ndcg", margin=1e-6)], seed=seed).table()
        alarms.append(told["outcome"].isin(["better", "worse"]).any())
    assert np.mean(alarms) <= 0.2


def test_questions_on_one_topic_tell_less():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(12), rng.integers(5, 20, 12))
    shared = rng.normal(0.05, 0.1, 12)[groups]
    values = {"now": np.zeros(len(groups)), "new": shared + rng.normal(0, 0.02, len(groups))}
    alone = compare(table(values), "now", [NDCG]).contrast("new", "ndcg")
    grouped = compare(table(values, groups=groups), "now", [NDCG]).contrast("new", "ndcg")
    assert grouped.groups == 12 and alone.groups == len(groups) == grouped.questions
    assert grouped.difference == pytest.approx(alone.difference)
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)
    assert grouped.p > alone.p and grouped.needed > 4 * alone.needed


def test_a_question_without_a_group_is_one_by_itself():
    values = simulated(0.1, 40)
    groups = np.array([None, "a"] * 20, dtype=object)
    found = compare(table(values, groups=groups), "now", [NDCG]).contrast("new", "ndcg")
    assert found.groups == 21


def test_a_missing_score_leaves_out_its_question_in_its_pair_alone():
    values = simulated(0.1, 50) | {"other": simulated(0.1, 50)["new"]}
    scores = table(values)
    gone = (scores["configuration"] == "new") & (scores["question"] < 10)
    found = compare(scores[~gone], "now", [NDCG])
    expected = compare(table({name: told[10:] for name, told in values.items()}), "now", [NDCG])
    new = found.contrast("new", "ndcg")
    assert new.questions == new.groups == 40
    assert found.contrast("other", "ndcg").questions == 50
    for name in ("current", "score", "difference"):
        assert getattr(new, name) == pytest.approx(getattr(expected.contrast("new", "ndcg"), name))
    assert new.high - new.low == pytest.approx(
        expected.contrast("new", "ndcg").high - expected.contrast("new", "ndcg").low, rel=0.1
    )


def test_not_enough_comes_with_how_many_would_be():
    few = compare(table(simulated(0.02, 60)), "now", [NDCG]).contrast("new", "ndcg")
    assert few.outcome == "not enough data" and few.needed > 60
    shown = [
        compare(table(simulated(NDCG.margin, few.needed, seed)), "now", [NDCG]).contrast(
            "new", "ndcg"
        )
        for seed in range(1, 21)
    ]
    assert sum(each.q <= 0.05 for each in shown) >= 12
    many = {"now": np.zeros(60)} | {
        str(each): simulated(0.02, 60, each)["new"] for each in range(20)
    }
    assert compare(table(many), "now", [NDCG]).contrast("0", "ndcg").needed > few.needed


def test_equal_scores_are_equivalent():
    now = simulated(0, 50)["now"]
    found = compare(table({"now": now, "new": now}), "now", [NDCG]).contrast("new", "ndcg")
    assert (found.low, found.high, found.p) == (0, 0, 1) and found.outcome == "equivalent"


def test_the_same_seed_gives_the_same_figures():
    scores = table(simulated(0.05))
    first, again = (compare(scores, "now", [NDCG], seed=4).table() for _ in range(2))
    pd.testing.assert_frame_equal(first, again)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: compare(table(simulated(0)), "now", [Metric("ndgc")]), "Did you mean 'ndcg'"),
        (lambda: compare(table(simulated(0)), "noww", [NDCG]), "Did you mean 'now'"),
        (lambda: compare(table({"now": [1.0]}), "now", [NDCG]), "with 0 configurations"),
        (lambda: compare(pd.concat([table(simulated(0))] * 2), "now", [NDCG]), "two scores of now"),
        (lambda: compare(table(simulated(0)).drop(columns="score"), "now", [NDCG]), "no column"),
        (lambda: compare(table(simulated(0)), "now", [NDCG], confidence=95), "confidence is 95"),
        (lambda: Metric("ndcg", margin=0), "margin of ndcg is 0"),
        (lambda: compare(table(simulated(0)), "now", [NDCG]).contrast("x", "ndcg"), "not compared"),
    ],
)
def test_what_cannot_be_compared_is_told(call, says):
    with pytest.raises((RetrievalError, ParameterError), match=says):
        call()
