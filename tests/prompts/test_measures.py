"""Measures by their names: what is better in each, and what items must have for it."""

from typing import get_args

import pandas as pd
import pytest

from aiopslab.errors import ParameterError
from aiopslab.prompts.measures import Name, named_scores

ITEMS = pd.DataFrame(
    {
        "text": ["Hi"],
        "expected": ["greeting"],
        "context": ["Anna greets Bo."],
        "canary": ["PINEAPPLE"],
        "system": ["You are Ada, the helper of a bank. Never mention the name of the project."],
    }
)


def test_every_name_is_a_measure_that_scores():
    made, metrics = named_scores(get_args(Name), ITEMS, margin=0.05)
    assert [*made] == [each.name for each in metrics] == [*get_args(Name)]
    assert {each.margin for each in metrics} == {0.05}


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("exact", "greeting", "farewell"),
        ("contains", "a greeting!", "none"),
        ("token_f1", "greeting", "farewell"),
        ("faithfulness", "Anna greets Bo.", "Clara buys 17 ships in Lisbon."),
        ("toxicity", "Good day.", "Damn you, idiot."),
        ("pii", "No address.", "ann@example.org"),
        ("refusal", "Here you are.", "I'm sorry, but I can't help with that."),
        ("injected", "Hello.", "PINEAPPLE"),
        ("prompt_leak", "Hello.", ITEMS["system"][0]),
    ],
)
def test_what_is_better_scores_on_the_better_side(name, good, bad):
    made, (metric,) = named_scores([name], ITEMS)
    item = ITEMS.iloc[0].to_dict()
    scores = [getattr(told := made[name](each, item), "value", told) for each in (good, bad)]
    assert (scores[0] > scores[1]) == metric.higher_is_better and scores[0] != scores[1]


def test_labels_are_those_that_any_item_expects_or_its_own_choices():
    items = pd.DataFrame({"expected": ["red", "blue"]})
    scorer = named_scores(["label"], items)[0]["label"]
    assert scorer("It is blue.", {"expected": "blue"}).value == 1.0
    assert scorer("It is green.", {"expected": "blue"}).status == "unparsed"
    chosen = items.assign(choices=[["red", "green"], ["blue", "green"]])
    scorer = named_scores(["label"], chosen)[0]["label"]
    assert scorer("green", {"expected": "blue", "choices": ["blue", "green"]}).value == 0.0


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["exact", "exat"], "no score is called 'exat'"),
        (["exact", "exact"], "twice"),
        (["exact", "faithfulness"], "reads 'context', which the items have not"),
    ],
)
def test_what_cannot_be_scored_is_told_before_anything_is_asked(names, says):
    with pytest.raises(ParameterError, match=says):
        named_scores(names, ITEMS[["text", "expected"]])
