"""A run is scored whole: what fails is told, and never a zero."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import FrameError, ParameterError
from aiopslab.prompts.pairs import pair
from aiopslab.prompts.scorers import (
    Score,
    cost,
    exact,
    latency,
    number,
    score_calls,
    similarity,
    summarise,
    tokens,
)


def run(outputs, status="answered", prompts=("a", "b")):
    """Return the calls of prompts on as many items as there are outputs, and the items."""
    count = len(outputs)
    calls = pd.concat(
        pd.DataFrame(
            {
                "item": range(count),
                "group": 0,
                "prompt": prompt,
                "repetition": 0,
                "status": status,
                "output": outputs,
                "error": "",
                "input_tokens": 10,
                "output_tokens": 5,
                "latency_ms": 20.0,
                "cost_usd": None,
            }
        )
        for prompt in prompts
    )
    return calls, pd.DataFrame({"item": range(count), "expected": 1})


def raises(output, item):
    if output == "2":
        raise ValueError("no twos")
    return True


def test_what_raises_is_an_error_and_the_run_goes_on():
    calls, items = run(["1", "2", "3"])
    told = score_calls(calls, items, {"own": raises, "right": number()})
    own = told[(told["metric"] == "own") & (told["prompt"] == "a")]
    assert own["status"].tolist() == ["scored", "error", "scored"]
    assert own["note"].tolist() == ["", "ValueError: no twos", ""]
    assert np.isnan(own["score"].iloc[1])
    assert (told.loc[told["metric"] == "right", "status"] == "scored").all()


def test_what_is_no_score_is_an_error():
    calls, items = run(["1"])
    scorers = {
        "none": lambda o, i: None,
        "nan": lambda o, i: float("nan"),
        "text": lambda o, i: "x",
    }
    told = score_calls(calls, items, scorers)
    assert (told["status"] == "error").all()
    assert told["score"].isna().all()


def test_calls_that_failed_are_errors_and_no_scorer_sees_them():
    calls, items = run(["1", None, "1"], status=["answered", "failed", "answered"])
    calls["error"] = [None, "HTTP 500", None] * 2
    calls.loc[calls["item"] == 2, "output"] = None
    told = score_calls(calls, items, {"right": number()})
    assert told["status"].tolist() == ["scored", "error", "error"] * 2
    assert told["note"].tolist()[:3] == [
        "read as 1",
        "the call: HTTP 500",
        "the call: it has no output",
    ]


def test_nothing_is_dropped_and_counts_add_up():
    calls, items = run(["1", "2", "none", None], status=["answered"] * 3 + ["failed"])
    told = score_calls(calls, items, {"right": number(), "own": raises})
    assert len(told) == len(calls) * 2
    counts = summarise(told).set_index(["prompt", "metric"])
    right = counts.loc[("a", "right")]
    assert (right["scored"], right["unparsed"], right["errors"]) == (2, 1, 1)
    assert right["mean"] == 0.5
    own = counts.loc[("b", "own")]
    assert (own["scored"], own["unparsed"], own["errors"]) == (2, 0, 2)
    assert (counts[["scored", "unparsed", "errors"]].sum(axis=1) == counts["calls"]).all()


@settings(max_examples=40)
@given(st.lists(st.none() | st.text(max_size=10), min_size=1, max_size=8))
def test_any_outputs_give_a_row_each(outputs):
    calls, items = run(outputs)
    told = score_calls(calls, items, {"n": number(), "e": exact(), "own": raises})
    assert len(told) == 3 * len(calls)
    assert (told["score"].notna() == (told["status"] == "scored")).all()


def test_scores_are_what_a_comparison_takes():
    calls, items = run(["1", "2", "none"])
    told = score_calls(calls, items, {"right": number()})
    assert len(pair(told, "a", "b")) == 2
    assert pair(told, "a", "b").dropped == 1


def test_the_columns_of_the_call_are_seen():
    calls, items = run(["1"])
    scorers = {"ms": latency(), "in": tokens("input"), "all": tokens("total"), "usd": cost()}
    told = score_calls(calls, items, scorers).set_index("metric")
    told = told[told["prompt"] == "a"]
    assert told.loc[["ms", "in", "all"], "score"].tolist() == [20, 10, 15]
    assert told.loc["usd", ["status", "note"]].tolist() == ["unparsed", "the call has no cost_usd"]
    with pytest.raises(ParameterError, match="expected input, output or total"):
        tokens("all")


def test_a_batch_is_one_call_and_one_that_fails_does_not_fail_all():
    sizes = []

    def embed(texts):
        sizes.append(len(texts))
        if "bad" in texts:
            raise RuntimeError("too bad")
        return np.ones((len(texts), 2))

    calls, items = run(["x", "y"], prompts=("a",))
    assert score_calls(calls, items, {"s": similarity(embed)})["score"].tolist() == pytest.approx(
        [1, 1]
    )
    assert sizes == [3]
    calls, items = run(["x", "bad"], prompts=("a",))
    told = score_calls(calls, items, {"s": similarity(embed)})
    assert told["status"].tolist() == ["scored", "error"]
    assert told["note"].iloc[1] == "RuntimeError: too bad"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda calls, items: (calls.drop(columns="output"), items), "no column 'output'"),
        (lambda calls, items: (calls, items.drop(columns="item")), "no column 'item'"),
        (lambda calls, items: (calls, pd.concat([items, items])), "there twice"),
        (lambda calls, items: (calls, items[items["item"] > 0]), "not there, e.g. 0"),
    ],
)
def test_misfits_are_told(change, says):
    with pytest.raises(FrameError, match=says):
        score_calls(*change(*run(["1", "2"])), {"right": number()})


def test_without_a_scorer_there_is_nothing_to_do():
    with pytest.raises(ParameterError, match="no scorer"):
        score_calls(*run(["1"]), {})


@pytest.mark.parametrize(
    "bad", [(None, "scored"), (1.0, "error"), (float("inf"), "scored"), (1.0, "fine")]
)
def test_a_score_has_a_value_or_a_reason(bad):
    with pytest.raises(ParameterError):
        Score(*bad)


def test_an_empty_run_has_an_empty_table():
    calls, items = run([])
    told = score_calls(calls, items, {"right": number()})
    assert told.empty
    assert "score" in told
    assert summarise(told).empty
