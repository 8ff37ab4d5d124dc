"""What is known to answer a question: by the truth, else by grades."""

import pandas as pd
import pytest

from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.grading import Grading, Passage
from aiopslab.retrieval.known import known_of
from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.truth import Truth

CORPUS = Corpus.of_texts({"a.md": "The handover is on Tuesday. Bring cake."})
QUESTIONS = pd.DataFrame({"question": ["q", "r"], "text": ["When  is it?", "Who?"]})
ANSWERS = pd.DataFrame(
    {"question": ["q", "q"], "document": "a.md", "start": [0, 28], "end": [27, 39], "grade": 1}
)
TRUTH = Truth(QUESTIONS, ANSWERS)


@pytest.fixture
def grading(tmp_path):
    with Labels(tmp_path / "labels.db") as labels:
        yield Grading(labels, "ann", CORPUS)


def test_the_truth_goes_before_what_was_graded(grading):
    grading.grade("q", "When is it?", Passage("a.md", 5, 20), 2)
    known = known_of(" When is it?\n", TRUTH, grading.labels)
    assert known.question == "q" and known.standing == "By 2 answers of the truth."
    assert known.answers["start"].tolist() == [0, 28]


@pytest.mark.parametrize("text", ["Who?", "Where?", "<b>где</b> 検索"])
def test_a_question_without_answers_is_known_by_its_grades(grading, text):
    before = known_of(text, TRUTH, grading.labels)
    assert before.answers.empty and before.standing == "No labels for this question."
    grading.grade(before.question, before.text, Passage("a.md", 0, 27), 0)
    assert known_of(text, TRUTH, grading.labels).answers.empty
    grading.grade(before.question, before.text, Passage("a.md", 0, 27), 2)
    after = known_of(f" {text} ", None if text != "Who?" else TRUTH, grading.labels)
    assert after.question == before.question and "graded here" in after.standing
    assert after.answers.values.tolist() == [["a.md", 0, 27, 2]]


def test_other_questions_have_other_ids():
    ids = {known_of(each).question for each in ("a b", "ab", "a  b", "A b", "\ud83d")}
    assert len(ids) == 4
