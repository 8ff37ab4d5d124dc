"""The evaluation as a whole: which prompt to use, what it loses, outputs that are no answer."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.errors import FrameError, ParameterError
from aiopslab.prompts import Metric, analyse, open_items, open_prompt, scorers
from aiopslab.prompts.progress import Progress
from aiopslab.prompts.run import COLUMNS, Run

LABELS = ("red", "green", "blue")


def things(count=240):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "item": [f"i{number}" for number in range(count)],
            "text": [f"thing {number}" for number in range(count)],
            "expected": rng.choice(LABELS, count),
            "language": rng.choice(["de", "fr"], count),
        }
    )


def run_of(items, right, stopped="", **outputs):
    """Return a run in which each prompt is right with its share; `outputs` replace what it said."""
    rng = np.random.default_rng(1)
    rows = []
    for prompt, share in right.items():
        for row in items.itertuples():
            lucky = rng.random() < (share(row) if callable(share) else share)
            said = row.expected if lucky else "grey"
            told = dict.fromkeys(COLUMNS)
            told |= {"item": row.item, "prompt": prompt, "repetition": 0, "status": "answered"}
            told |= {"output": outputs.get(prompt, said), "latency_ms": rng.normal(100, 5)}
            told |= {"input_tokens": 100 if prompt == "long" else 20, "cost_usd": 0.0}
            rows.append(told)
    progress = Progress(len(rows), answered=len(rows))
    return Run(pd.DataFrame(rows, columns=list(COLUMNS)), progress, stopped)


CORRECT = {"correct": scorers.exact("expected")}


def test_the_better_prompt_is_the_one_to_use():
    found = analyse(run_of(things(), {"short": 0.5, "long": 0.8}), things(), CORRECT)
    verdict = found.verdict()
    assert verdict.level == "act" and verdict.headline.startswith("Use long")
    assert verdict.metrics["correct of long"] > verdict.metrics["correct of short"]
    assert found.comparison.contrast("long", "input_tokens").outcome == "worse"
    assert "240 items" in found.sample_note()


def test_a_prompt_that_is_worse_is_not_used():
    found = analyse(run_of(things(), {"short": 0.8, "long": 0.5}), things(), CORRECT)
    assert found.level == "ok" and found.verdict().headline.startswith("Keep short")


def test_too_few_items_say_how_many_would_do():
    few = things(30)
    found = analyse(run_of(few, {"short": 0.5, "long": 0.55}), few, CORRECT)
    assert found.level == "watch"
    assert (
        "Not enough data" in found.verdict().headline
        and "items would tell" in found.verdict().headline
    )


def test_the_slice_that_loses_is_found():
    items = things(600)
    split = run_of(items, {"short": 0.6, "long": lambda row: 0.2 if row.language == "fr" else 0.95})
    found = analyse(split, items, CORRECT)
    assert found.slices_table()["slice"].iloc[0] == "language = fr"
    assert any("language = fr" in each.claim for each in found.verdict().findings)


def test_examples_are_of_items_that_only_one_got_right():
    items = things()
    found = analyse(run_of(items, {"short": 0.5, "long": 0.8}), items, CORRECT)
    shown = found.examples()
    assert set(shown["better"]) == {"short", "long"}
    for row in shown.to_dict("records"):
        loser = "long" if row["better"] == "short" else "short"
        assert row[row["better"]] == row["expected"] and row[loser] != row["expected"]


def test_outputs_are_escaped_wherever_html_is_made():
    items = things(40)
    hostile = run_of(items, {"short": 0.5, "long": 0.5}, long="<script>alert(1)</script>")
    found = analyse(hostile, items, CORRECT)
    assert "<script>" not in found._repr_html_()
    assert "<script>" not in found.verdict()._repr_html_()


def test_outputs_that_cannot_be_read_are_counted_and_not_taken_for_wrong_ones():
    items = things(60)
    silent = run_of(items, {"short": 0.5, "long": 0.5}, long="no number here")
    number = {"number": scorers.number("expected")}
    found = analyse(silent, items.assign(expected="1"), number)
    counts = found.counts_table().set_index("prompt")
    assert counts.loc["long", "unparsed"] == 60 and counts.loc["long", "scored"] == 0
    assert found.comparison.contrast("long", "number").outcome == "not enough data"
    assert any("have no score" in each.claim for each in found.verdict().findings)


def test_a_run_that_was_stopped_says_so():
    found = analyse(run_of(things(), {"a": 0.5, "b": 0.9}, stopped="the cap"), things(), CORRECT)
    assert found.level == "watch" and "stopped by the cap" in found.verdict().headline


def test_what_matters_is_for_the_user_to_say():
    items = things()
    run = run_of(items, {"short": 0.6, "long": 0.7})
    found = analyse(run, items, CORRECT, [Metric("correct", margin=0.5)])
    assert found.decision.choice == "equivalent"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"scorers": {}}, "no scorer"),
        ({"baseline": "shrt"}, "Did you mean 'short'"),
    ],
)
def test_what_cannot_be_evaluated_is_told(change, says):
    items = things(20)
    given = {"scorers": CORRECT, "baseline": None} | change
    with pytest.raises(ParameterError, match=says):
        run = run_of(items, {"short": 0.5, "long": 0.5})
        analyse(run, items, given["scorers"], baseline=given["baseline"])


def test_a_single_prompt_is_no_comparison():
    items = things(20)
    with pytest.raises(FrameError, match="only prompt"):
        analyse(run_of(items, {"short": 0.5}), items, CORRECT)


def test_the_embedded_set_is_balanced_and_its_prompts_fit_it():
    items = open_items("embedded:intents")
    assert items["expected"].value_counts().nunique() == 1 and items["item"].is_unique
    for name in ("embedded:plain", "embedded:examples"):
        prompt = open_prompt(name)
        messages = prompt.render(items.iloc[0].to_dict())
        assert messages[-1]["content"] == items["text"].iloc[0]
        for label in items["expected"].unique():
            assert f'"{label}"' in prompt.parameters["grammar"]
    told = [each["content"] for each in open_prompt("embedded:examples").messages]
    assert not set(told) & set(items["text"]), "no example is an item"
