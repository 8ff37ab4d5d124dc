"""Cost against quality: what a call costs, and which prompts are not beaten in both."""

import pandas as pd
import pytest

from aiopslab.prompts.progress import Progress
from aiopslab.prompts.run import Run
from aiopslab.prompts.tradeoff import tradeoff, tradeoff_figure


def told(costs, qualities, **columns):
    rows = []
    for prompt, (cost, quality) in enumerate(zip(costs, qualities, strict=True)):
        rows += [(item, f"p{prompt}", cost, float(item < 10 * quality)) for item in range(10)]
    calls = pd.DataFrame(rows, columns=["item", "prompt", "cost_usd", "score"])
    calls = calls.assign(input_tokens=100.0, output_tokens=[*range(10)] * len(costs), **columns)
    scores = calls[["item", "prompt", "score"]].assign(metric="right")
    return Run(calls, Progress(len(calls))), scores


def test_a_prompt_that_is_dearer_and_no_better_is_not_among_the_best():
    table = tradeoff(*told([0.001, 0.002, 0.003], [0.5, 0.8, 0.7]), "right")
    assert table["best"].tolist() == [True, True, False]
    assert table["cost"].tolist() == pytest.approx([1.0, 2.0, 3.0])
    assert (table["low"] < table["quality"]).all() and (table["quality"] < table["high"]).all()


def test_where_calls_cost_nothing_tokens_are_what_is_spent():
    run, scores = told([0.0, 0.0], [0.5, 0.8])
    table = tradeoff(run, scores, "right")
    assert table["unit"].unique().tolist() == ["tokens a call"]
    assert table["cost"].tolist() == [104.5, 104.5]
    figure = tradeoff_figure(run, scores, "right")
    assert "p1: right 0.8" in figure.layout.meta["description"]


def test_one_item_has_a_mean_and_no_interval():
    run, scores = told([0.001], [0.5])
    kept = scores[scores["item"] == 0]
    table = tradeoff(run, kept, "right")
    assert table["quality"].tolist() == [1.0] and table["low"].isna().all()
