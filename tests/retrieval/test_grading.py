"""Grades given in any order: written, replaced and undone."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.grading import Grading, Passage
from aiopslab.retrieval.labels import Labels

TEXT = "The handover is on Tuesday. It takes a quarter of an hour. Bring cake."
CORPUS = Corpus.of_texts({"a.md": TEXT, "b.md": "Something else."})
PASSAGES = [Passage("a.md", 0, 58), Passage("a.md", 28, 70), Passage("b.md", 0, 15)]


@pytest.fixture
def labels(tmp_path):
    with Labels(tmp_path / "labels.db") as labels:
        yield labels


def test_a_grade_is_written_at_once_and_a_second_one_takes_its_place(labels):
    grading = Grading(labels, "ann", CORPUS)
    grading.grade("q", "When is it?", PASSAGES[0], 0)
    with Labels(labels.path) as other:
        assert other.table()["grade"].tolist() == [0]
    grading.grade("q", "When is it?", PASSAGES[0], 2, quote="on  Tuesday")
    assert labels.table()[["grade", "start", "end"]].values.tolist() == [[2, 16, 26]]
    assert grading.grades("q") == {PASSAGES[0]: 2} and grading.grades("r") == {}


def test_what_is_undone_is_as_it_was_the_quote_too(labels):
    grading = Grading(labels, "ann", CORPUS)
    grading.grade("q", "When is it?", PASSAGES[0], 2, quote="on Tuesday")
    before = labels.table().drop(columns="labelled")
    grading.grade("q", "When is it?", PASSAGES[0], 1)
    assert grading.undo() == PASSAGES[0]
    pd.testing.assert_frame_equal(labels.table().drop(columns="labelled"), before)
    assert grading.undo() == PASSAGES[0] and labels.table().empty
    assert grading.undo() is None and not grading.can_undo


def test_a_grade_that_cannot_be_written_leaves_the_one_before(labels):
    grading = Grading(labels, "ann", CORPUS)
    grading.grade("q", "When is it?", PASSAGES[0], 1, quote="on Tuesday")
    before = labels.table().drop(columns="labelled")
    for grade, quote in ((2, "on Monday"), (3, None)):
        with pytest.raises(RetrievalError):
            grading.grade("q", "When is it?", PASSAGES[0], grade, quote)
        pd.testing.assert_frame_equal(labels.table().drop(columns="labelled"), before)
    grading.undo()
    assert labels.table().empty, "what failed is nothing to undo"


def test_what_others_said_stays(labels):
    ann, bob = (Grading(labels, each, CORPUS) for each in ("ann", "bob"))
    bob.grade("q", "When is it?", PASSAGES[0], 2)
    ann.grade("q", "When is it?", PASSAGES[0], 0)
    ann.grade("q", "When is it?", PASSAGES[0], 1)
    ann.undo()
    ann.undo()
    assert labels.table()["rater"].tolist() == ["bob"] and not ann.grades("q")


@pytest.mark.parametrize("rater", ["", " "])
def test_a_rater_has_a_name(labels, rater):
    with pytest.raises(RetrievalError, match="no name"):
        Grading(labels, rater, CORPUS)


def test_a_passage_is_one_of_the_corpus(labels):
    with pytest.raises(RetrievalError, match="no such question or passage"):
        Grading(labels, "ann", CORPUS).grade("q", "When?", Passage("c.md", 0, 5), 1)


STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0, 1, 2, None])), max_size=12)


@settings(max_examples=25, deadline=None)  # each opens a file
@given(steps=STEPS)
def test_any_grades_and_undos_end_where_a_stack_of_them_does(tmp_path_factory, steps):
    states = [{}]
    with Labels(tmp_path_factory.mktemp("labels") / "labels.db") as labels:
        grading = Grading(labels, "ann", CORPUS)
        for at, grade in steps:
            if grade is None:
                grading.undo()
                states = states[:-1] or [{}]
            else:
                grading.grade("q", "When?", PASSAGES[at], grade)
                states.append({**states[-1], PASSAGES[at]: grade})
            assert grading.grades("q") == states[-1]
            assert grading.can_undo == (len(states) > 1)
