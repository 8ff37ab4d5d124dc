"""Outputs held against texts and patterns, and their length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError, PromptError
from aiopslab.prompts.scorers import contains, exact, length, regex

TEXTS = st.text(max_size=200)


@given(TEXTS)
def test_a_text_is_itself_however_it_is_composed(text):
    import unicodedata

    apart = unicodedata.normalize("NFD", text)
    assert exact()(apart, {"expected": text}) is True
    assert contains()(f"so: {apart}.", {"expected": text}) == 1


@given(TEXTS)
def test_a_text_and_more_is_not_the_text(text):
    assert exact(ignore_case=True, ignore_punctuation=True)(f"{text}x", {"expected": text}) is False


@pytest.mark.parametrize(
    ("options", "output", "expected", "right"),
    [
        ({}, " Paris\n", "Paris", True),
        ({}, "paris", "Paris", False),
        ({"ignore_case": True}, "STRASSE", "straße", True),
        ({"ignore_space": False}, "Paris ", "Paris", False),
        ({"ignore_punctuation": True}, "«Paris»!", "Paris", True),
        ({}, "مرحبا", "مرحبا", True),
        ({}, "👩‍🔬", "👩", False),
        ({}, "Rome", ["Roma", "Rome"], True),
        ({}, "", "", True),
    ],
)
def test_options_say_what_makes_no_difference(options, output, expected, right):
    assert exact(**options)(output, {"expected": expected}) is right


def test_a_missing_reference_is_an_error_that_names_the_near_field():
    with pytest.raises(PromptError, match="no 'expected'"):
        exact()("a", {"expectd": "a"})
    with pytest.raises(PromptError, match="is missing"):
        exact()("a", {"expected": float("nan")})


def test_a_pattern_is_refused_when_it_is_given():
    with pytest.raises(ParameterError, match="cannot be read"):
        regex("(")
    with pytest.raises(ParameterError, match="expected characters"):
        length("tokens")


def test_whole_is_all_of_the_output():
    assert regex("ja|nein", whole=True)("nein\n", {}) is True
    assert regex("ja|nein", whole=True)("nein, danke", {}) is False
    assert regex("NEIN", ignore_case=True)("ach nein", {}) is True


@pytest.mark.parametrize(
    ("unit", "text", "count"),
    [
        ("words", "Two words.", 2),
        ("words", "", 0),
        ("words", "東京", 2),
        ("sentences", "One. Two! Three? 3.5 is no end.", 4),
        ("characters", "naïve", 5),
    ],
)
def test_length_counts(unit, text, count):
    assert length(unit)(text, {}).value == count
