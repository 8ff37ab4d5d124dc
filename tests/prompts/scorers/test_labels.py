"""Labels, as models name them."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.prompts.scorers import label
from aiopslab.prompts.scorers.labels import chosen

INTENTS = ["card_arrival", "card_linking", "card", "lost_or_stolen_card"]


@pytest.mark.parametrize(
    ("output", "read"),
    [
        ("card_arrival", "card_arrival"),
        ("The answer is: card_arrival.", "card_arrival"),
        ("Card Arrival", "card_arrival"),
        ("**card-linking**", "card_linking"),
        ('{"label": "card_linking"}', "card_linking"),
        ("card", "card"),
        ("Label: card_linking (and not card_arrival)", "card_linking"),
        ("card_arrival? No. The intent is clearly card_linking", "card_linking"),
        ("card_arrival, card_arrival", "card_arrival"),
        (
            "The category would be lost or stolen card, as the customer lost it",
            "lost_or_stolen_card",
        ),
        ("card_arrival or card_linking", None),
        ("cardboard", None),
        ("", None),
        ("🤷", None),
    ],
)
def test_what_an_output_settles_on_is_read(output, read):
    assert chosen(output, INTENTS) == read


@pytest.mark.parametrize(
    ("output", "read"),
    [
        ("B", "B"),
        ("(C)", "C"),
        ("A. because it rains", "A"),
        ("Answer: **D**", "D"),
        ("The answer is B.", "B"),
        ("A is wrong, the answer is C", "C"),
        ("A good question", None),
        ("A or B", None),
        ("b", None),
    ],
)
def test_letters_are_told_from_words(output, read):
    assert chosen(output, list("ABCD")) == read


def test_scripts_without_spaces():
    assert chosen("これは不正解です", ["正解", "不正解"]) == "不正解"
    assert chosen("الجواب: إيجابي", ["إيجابي", "سلبي"]) == "إيجابي"


@given(st.sampled_from(INTENTS), st.text(alphabet="xyz ,.!\n", max_size=100))
def test_a_single_label_is_found_in_any_noise(name, noise):
    assert chosen(f"{noise} {name} {noise}", INTENTS) == name


@given(st.text(max_size=300))
def test_nothing_but_a_choice_is_read(output):
    assume(not any("card" in each for each in (output.casefold(),)))
    assert chosen(output, INTENTS) is None


def test_scores_and_choices_of_the_item():
    scorer = label("gold", "options")
    item = {"gold": "yes", "options": ["yes", "no"]}
    assert scorer("Yes!", item).value == 1
    assert scorer("no", item).value == 0
    assert scorer("perhaps", item).status == "unparsed"


def test_labels_that_read_the_same_are_refused():
    with pytest.raises(ParameterError, match="read the same"):
        label(choices=["card arrival", "card_arrival"])
    with pytest.raises(ParameterError, match="no choices"):
        label(choices=[])
