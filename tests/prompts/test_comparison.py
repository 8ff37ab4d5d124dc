"""Comparison and decision: what is said of known differences, and of too few items."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.errors import FrameError, ParameterError
from aiopslab.prompts.comparison import Metric, compare
from aiopslab.prompts.decision import decide, said

CORRECT, COST = Metric("correct"), Metric("cost", higher_is_better=False, margin=0.05, unit="USD")


def scores(items=400, gain=0.0, saving=0.0, seed=0, prompts=("a", "b")):
    """Return answers and costs of a baseline, and of candidates that are better by `gain`."""
    rng = np.random.default_rng(seed)
    hard = rng.random(items)
    rows = []
    for number, prompt in enumerate(prompts):
        more, cheaper = (gain, saving) if number else (0.0, 0.0)
        right = (hard + rng.normal(0, 0.05, items) < 0.6 + more).astype(float)
        cost = 1 - cheaper + rng.normal(0, 0.05, items)
        for metric, values in (("correct", right), ("cost", cost)):
            rows.append(
                pd.DataFrame(
                    {"item": range(items), "prompt": prompt, "metric": metric, "score": values}
                )
            )
    return pd.concat(rows, ignore_index=True)


def compared(**known):
    return compare(scores(**known), "a", [CORRECT, COST])


@pytest.mark.parametrize(
    ("known", "choice"),
    [
        ({"gain": 0.2}, "candidate"),
        ({"gain": -0.2}, "baseline"),
        ({"gain": 0.0, "items": 6_000}, "equivalent"),
        ({"gain": 0.03, "items": 100}, "not enough data"),
        ({"gain": 0.2, "items": 3}, "not enough data"),
    ],
)
def test_a_known_difference_is_named(known, choice):
    found = decide(compared(**known), "correct")
    assert found.choice == choice
    assert found.prompt == ("b" if choice == "candidate" else "a")
    assert found.reasons and "correct" in found.reasons[0]


def test_not_enough_comes_with_how_much_would_be():
    found = decide(compared(gain=0.03, items=100), "correct")
    assert found.needed > 100
    # With so many, an effect of the margin is shown in four of five cases.
    shown = [
        compare(scores(items=found.needed, gain=0.03, seed=seed), "a", [CORRECT])
        .contrast("b", "correct")
        .outcome
        for seed in range(1, 11)
    ]
    assert shown.count("better") >= 6


def test_a_guard_that_is_surely_worse_keeps_the_baseline():
    found = decide(compared(gain=0.2, saving=-0.3), "correct", guards=["cost"])
    assert found.choice == "baseline" and "cost" in found.reasons[0]


def test_cheaper_and_no_worse_is_enough_where_that_is_the_goal():
    wanted = {"goal": "no worse", "saves": "cost"}
    assert decide(compared(items=4_000, saving=0.3), "correct", **wanted).choice == "candidate"
    assert decide(compared(items=60, saving=0.3), "correct", **wanted).choice == "not enough data"
    assert decide(compared(items=4_000), "correct", **wanted).choice == "baseline"
    worse = compared(items=4_000, gain=-0.1, saving=0.3)
    assert decide(worse, "correct", **wanted).choice == "baseline"


def test_of_several_candidates_the_best_is_taken():
    table = pd.concat([scores(gain=0.1), scores(gain=0.3, prompts=("a", "c"))])
    table = table.drop_duplicates(["item", "prompt", "metric"])
    assert decide(compare(table, "a", [CORRECT]), "correct").prompt == "c"


def test_less_is_better_where_the_metric_says_so():
    contrast = compared(saving=0.3).contrast("b", "cost")
    assert contrast.outcome == "better" and contrast.gain[0] == pytest.approx(0.3, abs=0.02)
    assert contrast.difference.value < 0 and "USD" in said(contrast)


def test_many_metrics_of_equal_prompts_are_rarely_different():
    """Without a correction one of twelve would differ in nearly half of the twenty runs."""
    alarms = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(rng.normal(size=(80, 12))).melt(var_name="metric", value_name="score")
        table["item"] = np.tile(np.arange(40), 24)
        table["prompt"] = np.tile(np.repeat(["a", "b"], 40), 12)
        metrics = [Metric(name, margin=1e-6) for name in range(12)]
        outcomes = compare(table, "a", metrics).table()["outcome"]
        alarms.append(outcomes.isin(["better", "worse"]).any())
    assert np.mean(alarms) <= 0.25


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: compare(scores(), "a", [Metric("corect")]), "Did you mean 'correct'"),
        (lambda: compare(scores(prompts=("a",)), "a", [CORRECT]), "only prompt"),
        (lambda: compare(scores().drop(columns="metric"), "a", [CORRECT]), "no column 'metric'"),
        (lambda: compare(scores(), "z", [CORRECT]), "no score is of the prompt 'z'"),
        (lambda: Metric("cost", margin=0), "margin of cost is 0"),
        (lambda: decide(compared(), "cots"), "was not compared"),
        (lambda: decide(compared(), "correct", goal="cheap"), "goal is 'cheap'"),
        (lambda: decide(compared(), "correct", goal="no worse"), "wanted for something"),
    ],
)
def test_what_cannot_be_compared_is_told(call, says):
    with pytest.raises((FrameError, ParameterError), match=says):
        call()
