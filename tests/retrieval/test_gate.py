"""The gate: what passes, what fails, and what so few questions cannot tell."""

import math

import numpy as np
import pandas as pd
import pytest

from aiopslab.errors import ParameterError, RetrievalError
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.gate import Bound, Held, _interval, gate
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.selection import only
from aiopslab.statistics.intervals import wilson
from tests.retrieval.worlds import world

SCORES = (0, 0.5, 1)
CORPUS, TRUTH = world()
WORDS = Configuration(search="lexical", k=5)
# A filter that lets through one document in eight finds one answer in eight.
BLIND = WORDS.with_(where={"document": "queue.md"})


@pytest.fixture(scope="module")
def retriever():
    return Retriever(CORPUS, {})


def asked(count):
    return only(TRUTH, TRUTH.questions.iloc[:count])


def test_a_candidate_that_finds_more_passes(retriever):
    told = gate(retriever, TRUTH, WORDS, BLIND)
    assert told.state == "passed" and "it is better" in told.headline()
    recall = told.table().set_index("which")["recall"]
    assert recall["baseline"] == 1 / 8 and recall["candidate"] == 1
    assert told.contrast.gain[1] > 0


def test_a_candidate_that_finds_less_fails_whatever_else_it_keeps(retriever):
    told = gate(retriever, TRUTH, BLIND, WORDS, bounds=[Bound("tokens", 10_000)])
    assert (told.compared, told.held[0].state, told.state) == ("failed", "passed", "failed")


def test_as_good_but_for_the_margin_passes(retriever):
    # Paragraphs are of about the same length, so that what length counts for changes no rank.
    told = gate(retriever, TRUTH, WORDS.with_(b=0.74), WORDS)
    assert told.state == "passed" and "not worse by the margin of 0.02" in told.headline()


def test_the_configuration_in_use_is_compared_with_nothing(retriever):
    told = gate(retriever, TRUTH, WORDS, WORDS)
    assert (told.state, told.contrast, told.baseline) == ("passed", None, None)
    assert gate(retriever, TRUTH, WORDS, WORDS, bounds=[Bound("tokens", 1)]).state == "failed"


def test_too_few_questions_are_no_decision(retriever):
    told = gate(retriever, asked(4), WORDS, BLIND)
    assert told.state == "not enough data" and told.headline().endswith("take more.")


def test_as_many_questions_as_are_told_would_do(retriever):
    mixed = only(TRUTH, TRUTH.questions.iloc[4:12])
    told = gate(retriever, mixed, BLIND, bounds=[Bound("hit_rate", 0.3)])
    assert (told.state, told.held[0].mean) == ("not enough data", 0.5)
    assert told.headline() == f"Not enough questions to tell: about {told.needed:,} would do."
    low, _ = wilson(told.needed / 2, told.needed, 0.95)
    assert low > 0.3 > wilson(4, 8, 0.95)[0], "so many would tell, those that there are do not"


@pytest.mark.parametrize(
    ("bound", "state"),
    [
        (Bound("recall", 0.1), "passed"),
        (Bound("recall", 0.5), "failed"),
        (Bound("recall", 0.13), "not enough data"),
        (Bound("tokens", 1), "failed"),
        (Bound("tokens", 100_000), "passed"),
    ],
)
def test_a_bound_is_on_one_side_of_the_whole_interval(bound, state):
    mean = 0.125 if bound.score == "recall" else 500.0
    held = Held(bound, mean, mean * 0.9, mean * 1.1, 64, 0)
    assert held.state == state


def test_nothing_is_shown_by_an_interval_that_is_not_there():
    assert Held(Bound("recall", 0.5), 1.0, math.nan, math.nan, 3, 0).state == "not enough data"


def test_a_few_questions_that_all_succeed_prove_little(retriever):
    every = gate(retriever, TRUTH, WORDS, bounds=[Bound("hit_rate", 0.9)]).held[0]
    few = gate(retriever, asked(8), WORDS, bounds=[Bound("hit_rate", 0.9)]).held[0]
    assert every.mean == few.mean == 1.0
    assert (every.state, few.state) == ("passed", "not enough data")


@pytest.mark.parametrize("chances", [(0.2, 0.2, 0.6), (0.05, 0.05, 0.9), (0.02, 0.03, 0.95)])
def test_what_just_misses_a_bound_seldom_passes(chances):
    """Scores of three values, as recall has them, often nearly all the same."""
    truth = np.dot(SCORES, chances)
    drawn = np.random.default_rng(3).choice(SCORES, p=chances, size=(300, 60))
    found = np.array([_interval(row, 0.95, 0) for row in drawn])
    assert np.mean(found[:, 0] > truth) < 0.06 and np.mean(found[:, 1] < truth) < 0.06


@pytest.mark.parametrize(
    ("score", "value"),
    [("recal", 0.5), ("recall", 0), ("recall", 1.5), ("tokens", -1), ("tokens", math.inf)],
)
def test_a_bound_that_cannot_be_is_refused(score, value):
    with pytest.raises(RetrievalError):
        Bound(score, value)


def test_what_cannot_be_compared_is_refused(retriever):
    with pytest.raises(RetrievalError, match="no metric 'ndgc'"):
        gate(retriever, TRUTH, WORDS, BLIND, metric="ndgc")
    with pytest.raises(ParameterError, match="margin"):
        gate(retriever, TRUTH, WORDS, BLIND, margin=0)
    nothing = only(TRUTH, pd.DataFrame({"question": [], "text": []}))
    with pytest.raises(RetrievalError, match="has an answer"):
        gate(retriever, nothing, WORDS, BLIND)
