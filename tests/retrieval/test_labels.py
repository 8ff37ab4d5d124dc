"""Labels: written at once, blind to others, and brought together."""

import signal
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.pooling import pooled_scores
from aiopslab.retrieval.truth import open_questions

TEXT = "The handover is on Tuesday. It takes a quarter of an hour. Bring cake. Nobody eats it."
CORPUS = Corpus.of_texts({"a.md": TEXT, "b.md": "Something else."})
QUESTIONS = pd.DataFrame({"question": ["q", "r"], "text": ["When is it?", "What is it like?"]})
SPANS = pd.DataFrame(
    [("q", "a.md", 0, 58), ("q", "a.md", 59, 70), ("r", "a.md", 28, 86), ("r", "b.md", 0, 15)],
    columns=["question", "document", "start", "end"],
)


@pytest.fixture
def labels(tmp_path):
    with Labels(tmp_path / "labels.db") as labels:
        labels.add(QUESTIONS, SPANS, CORPUS)
        yield labels


def rate_all(labels, rater, grades):
    for grade in grades:
        labels.rate(labels.next_task(rater), rater, grade)


def test_each_rater_is_shown_every_passage_once_and_goes_on_where_they_were(labels):
    seen = []
    while task := labels.next_task("ann"):
        assert TEXT[task.start : task.end] == task.passage or task.document == "b.md"
        seen.append((task.question, task.document, task.start, task.end))
        labels.rate(task, "ann", 0)
        with Labels(labels.path) as other:
            assert len(other.table()) == len(seen)  # written before the next is shown
    texts = dict(QUESTIONS.values)
    assert seen == [(texts[row.question], *row[2:]) for row in SPANS.itertuples()]
    assert labels.next_task("bob").number == 1
    assert labels.progress().values.tolist() == [["ann", 4, 4]]


def test_what_was_added_before_is_no_new_task(labels):
    assert labels.add(QUESTIONS, SPANS, CORPUS) == 0
    assert labels.add(QUESTIONS, SPANS.assign(end=5, start=1), CORPUS) == 3
    outside = pd.concat([SPANS.assign(start=3), SPANS.assign(end=500)])
    with pytest.raises(RetrievalError, match="characters 0 to 500"):
        labels.add(QUESTIONS, outside, CORPUS)
    rate_all(labels, "ann", [0] * 7)
    assert labels.next_task("ann") is None  # of what failed, nothing was added


def test_a_label_is_taken_back_and_given_again(labels):
    assert not labels.undo("ann")
    rate_all(labels, "bob", [1])
    rate_all(labels, "ann", [2, 0])
    task = labels.next_task("bob")
    assert labels.undo("ann") and labels.table()["rater"].tolist() == ["bob", "ann"]
    assert labels.next_task("ann") == task
    labels.rate(task, "ann", 1)
    assert labels.table()["grade"].tolist() == [1, 2, 1]


def test_the_part_that_answers_is_marked_and_the_rest_does_not(labels):
    labels.rate(labels.next_task("ann"), "ann", 2, quote="on Tuesday")
    assert labels.answers().values.tolist() == [["q", "a.md", 16, 26, 2]]
    assert labels.judgements()[["start", "end", "grade"]].values.tolist() == [
        [0, 16, 0],
        [16, 26, 2],
        [26, 58, 0],
    ]
    # So nothing of what was shown is unknown to a search that finds it.
    hits = pd.DataFrame({"question": "q", "rank": [1], "document": "a.md", "start": 28, "end": 58})
    assert pooled_scores(hits, labels.judgements()).unjudged == 0


@settings(max_examples=40)
@given(st.lists(st.integers(0, 2), min_size=1, max_size=6))
def test_the_grade_is_one_that_more_than_half_gave_or_went_past(tmp_path_factory, grades):
    with Labels(tmp_path_factory.mktemp("labels") / "l.db") as labels:
        labels.add(QUESTIONS, SPANS.iloc[:1], CORPUS)
        for rater, grade in enumerate(grades):
            labels.rate(labels.next_task(str(rater)), str(rater), grade)
        expected = max(
            each for each in range(3) if sum(grade >= each for grade in grades) * 2 > len(grades)
        )
        assert labels.judgements()["grade"].tolist() == [expected]
        assert len(labels.answers()) == (expected > 0)


def test_only_those_who_found_an_answer_say_where_it_is(labels):
    for rater, grade, quote in (
        ("ann", 2, "on Tuesday"),
        ("bob", 1, "handover is on"),
        ("cem", 0, None),
    ):
        labels.rate(labels.next_task(rater), rater, grade, quote)
    (answer,) = labels.answers().itertuples()
    assert TEXT[answer.start : answer.end] == "handover is on Tuesday" and answer.grade == 1


def weighted_kappa(one, two):
    """Cohen's kappa with linear weights, as it is defined."""
    apart = np.abs(np.subtract.outer(range(3), range(3)))
    seen = np.zeros((3, 3))
    np.add.at(seen, (one, two), 1)
    chance = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / seen.sum()
    return 1 - (apart * seen).sum() / (apart * chance).sum()


def test_agreement_is_the_mean_of_all_pairs(labels):
    given_grades = {"ann": [2, 0, 1, 0], "bob": [2, 1, 1, 0], "cem": [0, 0, 2]}
    for rater, grades in given_grades.items():
        rate_all(labels, rater, grades)
    found = labels.agreement()
    for row in found.pairs.itertuples():
        one, two = (given_grades[each][: row.tasks] for each in (row.rater, row.other))
        assert row.kappa == pytest.approx(weighted_kappa(one, two))
        assert row.same == np.mean(np.equal(one, two))
    assert found.pairs["tasks"].tolist() == [4, 3, 3]
    assert found.kappa == pytest.approx(found.pairs["kappa"].mean())


def test_there_is_no_agreement_to_speak_of_where_nothing_differs(labels):
    assert np.isnan(labels.agreement().kappa)
    rate_all(labels, "ann", [1, 1])
    rate_all(labels, "bob", [1, 1])
    assert "not enough data" in str(labels.agreement())
    rate_all(labels, "ann", [0])
    rate_all(labels, "bob", [0])
    assert labels.agreement().kappa == 1


def test_what_is_no_label_is_refused(labels):
    task = labels.next_task("ann")
    for grade, rater in ((3, "ann"), (-1, "ann"), (True, "ann"), (1, " ")):
        with pytest.raises(RetrievalError, match="expected 0, 1 or 2"):
            labels.rate(task, rater, grade)
    with pytest.raises(RetrievalError, match="is not in the passage"):
        labels.rate(task, "ann", 2, quote="on Wednesday")
    assert labels.table().empty
    labels.rate(task, "ann", 1)
    with pytest.raises(RetrievalError, match="labelled task 1 before"):
        labels.rate(task, "ann", 2)
    assert labels.table()["grade"].tolist() == [1]


def test_a_task_of_another_file_is_refused(labels, tmp_path):
    with Labels(tmp_path / "other.db") as other:
        other.add(QUESTIONS, SPANS.iloc[1:], CORPUS)
        with pytest.raises(RetrievalError, match="task 1 is not of"):
            other.rate(labels.next_task("ann"), "ann", 1)


def test_another_file_is_left_as_it_is(tmp_path):
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE tasks (task INTEGER)")
    connection.close()
    (tmp_path / "text.db").write_text("This is a text, and a long one. " * 9)
    for name, problem in (("other.db", "something else"), ("text.db", "cannot be used")):
        before = (tmp_path / name).read_bytes()
        with pytest.raises(RetrievalError, match=problem):
            Labels(tmp_path / name)
        assert (tmp_path / name).read_bytes() == before
    with pytest.raises(RetrievalError, match="cannot be used"):
        Labels(tmp_path)


def test_what_is_exported_is_opened_as_truth(labels, tmp_path):
    labels.rate(labels.next_task("ann"), "ann", 2, quote="on Tuesday")
    rate_all(labels, "ann", [0, 1])
    path = tmp_path / "questions.jsonl"
    assert labels.export(path, "pooled") == 2
    truth = open_questions(str(path), CORPUS)
    assert truth.questions[["question", "text"]].values.tolist() == QUESTIONS.values.tolist()
    assert set(truth.questions["kind"]) == {"pooled"}
    pd.testing.assert_frame_equal(truth.answers, labels.answers(), check_dtype=False)


_RATING = """
import os, signal, sys
from aiopslab.retrieval.labels import Labels
labels = Labels(sys.argv[1])
labels.rate(labels.next_task("ann"), "ann", 2)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_label_survives_the_process(labels):
    ended = subprocess.run([sys.executable, "-c", _RATING, str(labels.path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert labels.table()["grade"].tolist() == [2]


def test_raters_at_the_same_time_lose_nothing(labels):
    def rate(rater):
        with Labels(labels.path) as own:
            while task := own.next_task(rater):
                own.rate(task, rater, 1)

    threads = [threading.Thread(target=rate, args=(name,)) for name in "abcdef"]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(labels.table()) == 6 * len(SPANS)
    assert labels.table().groupby("rater")["task"].nunique().eq(len(SPANS)).all()
