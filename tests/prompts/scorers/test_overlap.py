"""Words in common: against plain definitions."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import PromptError
from aiopslab.prompts.scorers import rouge_l, similarity, token_f1
from aiopslab.prompts.scorers.overlap import longest_common

WORDS = st.lists(st.sampled_from("abcd"), max_size=9)


def by_definition(first, second):
    """Return the longest common subsequence by trying all of them."""

    def is_in(some, of):
        rest = iter(of)
        return all(each in rest for each in some)

    return max(
        size
        for size in range(len(first) + 1)
        if any(is_in(some, second) for some in itertools.combinations(first, size))
    )


@given(WORDS, WORDS)
def test_the_longest_common_subsequence_is_that_of_its_definition(first, second):
    assert longest_common(first, second) == by_definition(first, second)


@given(st.text(max_size=300))
def test_a_text_has_all_in_common_with_itself(text):
    assert token_f1()(text, {"expected": text}) == 1
    assert rouge_l()(text, {"expected": text}) == 1


@given(st.text(max_size=100), st.text(max_size=100))
def test_scores_are_shares_and_the_same_both_ways(one, other):
    for scorer in (token_f1(), rouge_l()):
        there, back = scorer(one, {"expected": other}), scorer(other, {"expected": one})
        assert 0 <= there <= 1
        assert there == pytest.approx(back)


@pytest.mark.parametrize(
    ("output", "reference", "f1", "rouge"),
    [
        ("The Seine!", "seine", 1, 2 / 3),
        ("gunman kill police", "police kill gunman", 1, 1 / 3),
        ("", "Paris", 0, 0),
        ("東京都", "東京", 4 / 5, 4 / 5),
        ("Lyon", ["Paris", "Lyon"], 1, 1),
        ("شكرا لك", "شكرا", 2 / 3, 2 / 3),
    ],
)
def test_known_scores(output, reference, f1, rouge):
    assert token_f1()(output, {"expected": reference}) == pytest.approx(f1)
    assert rouge_l()(output, {"expected": reference}) == pytest.approx(rouge)


def counted(texts):
    return np.array([[each.count(letter) for letter in "abc"] for each in texts], dtype=float)


def test_similar_texts_score_more_and_each_is_embedded_once():
    asked = []

    def embed(texts):
        asked.append(texts)
        return counted(texts)

    items = [{"expected": "abc"}, {"expected": ["a", "c"]}, {"expected": "abc"}]
    scores = similarity(embed).batch(["cba", "c", ""], items)
    assert [each.value for each in scores] == pytest.approx([1, 1, 0])
    assert len(asked) == 1
    assert len(asked[0]) == len(set(asked[0]))


def test_vectors_that_are_none_are_refused():
    with pytest.raises(PromptError, match="2 texts were embedded as"):
        similarity(lambda texts: np.zeros(3))("a", {"expected": "b"})
    with pytest.raises(PromptError, match="not finitely"):
        similarity(lambda texts: np.full((len(texts), 2), np.nan))("a", {"expected": "b"})
