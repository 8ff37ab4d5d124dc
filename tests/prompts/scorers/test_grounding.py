"""Faithfulness: what a change of the facts does to it."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aiopslab.errors import PromptError
from aiopslab.prompts.scorers import faithfulness
from aiopslab.prompts.scorers.curve import area, area_interval
from benchmarks.prompts import labelled
from tests.prompts.scorers.data import needed

CONTEXT = """The ferry Aurora was built in Lübeck in 1962. It carries 300 people and 45 cars.
The crossing takes two hours in summer. Tickets cost 1,200 crowns; dogs travel free."""


def score(output, context=CONTEXT):
    return faithfulness()(output, {"context": context})


@pytest.mark.parametrize(
    ("faithful", "unfaithful"),
    [
        ("The ferry was built in 1962.", "The ferry was built in 1972."),
        ("It was built in Lübeck.", "It was built in Hamburg."),
        ("It carries 300 people.", "It carries 300 horses."),
        ("Dogs travel free.", "Dogs do not travel free."),
        ("Tickets cost 1200 crowns.", "Tickets cost 1300 crowns."),
        ("It takes two hours.", "It takes two hours, and dinner, drinks and a film are included."),
        ("It carries 300 people and 45 cars.", "It carries 45 summer dogs and 300 Tickets."),
        ("Dogs travelled free.", "Dogs swam free."),
    ],
)
def test_a_wrong_fact_costs(faithful, unfaithful):
    assert score(faithful).value > score(unfaithful).value


def test_the_note_counts_what_has_no_support():
    assert score("Built in Hamburg in 1975.").note == (
        "2 of 5 words unsupported, 2 of them numbers or names"
    )


def test_several_texts_are_one_context():
    parts = CONTEXT.splitlines()
    assert score("Dogs travel free.", parts) == score("Dogs travel free.")


@pytest.mark.parametrize(
    ("output", "context"),
    [
        ("東京は大きい", "東京は大きい都市です。"),
        ("السفينة كبيرة", "بنيت هذه السفينة وهي كبيرة."),
        ("Паром построен", "Паром построен в 1962 году."),
    ],
)
def test_other_scripts_are_read(output, context):
    assert score(output, context).value > 0.9
    assert score(output, "Something else.").value == 0


@pytest.mark.parametrize("output", ["", "  \n", "👍👍", "…?!"])
def test_an_output_without_words_is_unparsed(output):
    assert score(output).status == "unparsed"


def test_no_context_is_an_error():
    with pytest.raises(PromptError, match="no 'context'"):
        faithfulness()("Yes", {})


@given(st.text(max_size=300), st.text(max_size=300))
@example("a. " * 5_000, "a. " * 5_000)
def test_any_texts_have_a_score_between_0_and_1(output, context):
    told = score(output, context)
    assert told.status == "unparsed" or 0 <= told.value <= 1


@given(st.lists(st.sampled_from(["ferry", "built", "people", "dogs"]), min_size=1, max_size=6))
def test_an_invention_more_is_never_better(words):
    text = " ".join(words)
    assert score(f"{text} xylophone").value < score(text).value


@needed
@pytest.mark.parametrize("name", ["begin", "wice"])
def test_it_tells_more_than_the_overlap_of_words(name):
    table = getattr(labelled, name)()
    told = [score(row.output, row.context).value or 0.0 for row in table.itertuples()]
    overlap = [
        np.mean([word in row.context.lower().split() for word in row.output.lower().split()] or [0])
        for row in table.itertuples()
    ]
    goods = int(table["label"].sum())
    low, _ = area_interval(area(told, table["label"]), goods, len(table) - goods)
    assert low > area(overlap, table["label"])
