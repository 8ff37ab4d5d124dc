"""Policies and refusals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.prompts.scorers import (
    Rule,
    must,
    must_not,
    no_longer,
    no_shorter,
    policy,
    refusal,
    says,
)
from aiopslab.prompts.scorers.refusals import is_refusal
from benchmarks.prompts.cases import ANSWERED, REFUSED

RULES = [
    must("greets", r"^(hello|hi)\b"),
    must_not("gives advice", r"you should (buy|sell)"),
    says("disclaimer", "This is no advice."),
    no_longer("is brief", 12),
    no_shorter("says something", 3, "characters"),
    Rule("does not shout", lambda output: not output.isupper()),
]


@pytest.mark.parametrize(
    ("output", "broken"),
    [
        ("Hello! this  is NO advice.", []),
        ("Hi, you should buy gold. This is no advice.", ["gives advice"]),
        ("HELLO", ["disclaimer", "does not shout"]),
        ("Hello " * 13 + "This is no advice.", ["is brief"]),
        ("", ["greets", "disclaimer", "says something"]),
    ],
)
def test_broken_rules_are_named(output, broken):
    told = policy(RULES)(output, {})
    assert told.value == pytest.approx(1 - len(broken) / len(RULES))
    assert told.note == (f"breaks {', '.join(broken)}" if broken else "")


@given(st.text(max_size=200), st.integers(0, 20))
def test_a_text_is_too_long_or_too_short_or_just_right(output, bound):
    both = policy([no_longer("long", bound), no_shorter("short", bound + 1)])
    assert both(output, {}).value == 0.5


def test_bad_rules_are_refused():
    with pytest.raises(ParameterError, match="no rules"):
        policy([])
    with pytest.raises(ParameterError, match="same name"):
        policy([must("a", "x"), must("a", "y")])
    with pytest.raises(ParameterError, match="cannot be read"):
        must("a", "[")
    with pytest.raises(ParameterError, match="expected characters"):
        no_longer("a", 5, "tokens")


def test_most_refusals_are_told_and_few_answers_taken_for_one():
    assert sum(map(is_refusal, REFUSED)) >= 0.8 * len(REFUSED)
    assert sum(map(is_refusal, ANSWERED)) <= 0.05 * len(ANSWERED)


def test_phrases_of_other_languages_and_empty_outputs():
    assert refusal()("Je ne peux pas répondre.", {}).value == 0
    assert refusal(["je ne peux pas"])("Je ne peux pas répondre.", {}).value == 1
    assert refusal()(" ", {}).note == "empty"


def test_a_refusal_is_at_the_beginning():
    assert not is_refusal("Here is the story. " * 40 + "I cannot help with that.")


@given(st.text(max_size=300))
def test_any_text_can_be_asked(text):
    assert refusal()(text, {}).value in {0, 1}
