"""What was explored by hand, run again: the same corpus, questions and configurations."""

import json

import pytest

from aiopslab.errors import RetrievalError
from aiopslab.reports import catalogue
from aiopslab.reports.parameters import validate
from aiopslab.reports.run import run
from aiopslab.retrieval import open_corpus, open_questions, read_configuration
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.explored import as_parameters, space_between
from aiopslab.retrieval.grading import Grading, Passage
from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.space import grid
from aiopslab.retrieval.truth_kinds import truth_kinds
from tests.retrieval.worlds import world

A = Configuration(search="lexical", size=60, k=3)
CHANGES = [
    {"k": 4},
    {"search": "hybrid", "weight": 0.2, "rerank": "diverse", "depth": 30},
    {"chunking": "headings", "size": 400},
    {"where": {"owner": ["ann", "bob"]}, "b": 0.3},
]


@pytest.mark.parametrize("changes", CHANGES, ids=str)
def test_the_space_between_two_holds_the_other_and_nothing_else(changes):
    b = A.with_(**changes)
    assert grid(space_between(A, b), A) == [b]
    assert grid(space_between(b, A), b) == [A]


def test_questions_and_answers_of_truth_and_labels_are_read_back(tmp_path):
    corpus, truth = world()
    document, text = corpus.texts[0]
    new = 'What <b>"is"</b> 検索?'
    with Labels(tmp_path / "labels.db") as labels:
        grading = Grading(labels, "ann", corpus)
        first = truth.questions["question"].iloc[0]
        words = truth.questions["text"].iloc[0]
        grading.grade(first, words, Passage(document, 0, 90), 1)
        grading.grade("new", new, Passage(document, 10, 200), 2, text[20:60])
        grading.grade("nothing", "Who?", Passage(document, 10, 200), 0)
        told = as_parameters(tmp_path / "out", corpus, A, A.with_(k=5), truth, labels)
    again = open_corpus(told["corpus"])
    assert again.texts == corpus.texts
    read = open_questions(told["questions"], again)
    assert read.questions["text"].tolist() == [
        *truth.questions["text"],
        'What <b>"is"</b> 検索?',
        "Who?",
    ]
    assert read.questions["topic"].tolist()[:64] == truth.questions["topic"].tolist()
    places = ["question", "document", "start", "end", "grade"]
    expected = {*map(tuple, truth.answers[places].values.tolist())}
    expected |= {(first, document, 0, 90, 1), ("new", document, 20, 60, 2)}
    assert {*map(tuple, read.answers[places].values.tolist())} == expected
    assert truth_kinds(read.questions, read.answers)["new"] == "pooled"
    assert read_configuration(told["current"]) == A
    validate(catalogue.find("rag_tuning").parameters, told)


def test_what_has_an_address_and_no_label_is_not_written(tmp_path):
    with Labels(tmp_path / "labels.db") as labels:
        corpus, questions = "embedded:handbook", "embedded:questions"
        truth = open_questions(questions, open_corpus(corpus))
        told = as_parameters(tmp_path, corpus, A, A.with_(k=5), truth, labels, questions)
    assert (told["corpus"], told["questions"]) == (corpus, questions)
    assert sorted(each.name for each in tmp_path.glob("explored*")) == ["explored-now.yaml"]
    json.dumps(told)


def test_what_cannot_be_run_is_refused(tmp_path):
    corpus, truth = world()
    with Labels(tmp_path / "labels.db") as labels:
        for a, b, known, message in (
            (A, A, truth, "same configuration"),
            (A, A.with_(k=5), None, "no question has an answer"),
            (A, A.with_(search="dense", embedder="mine"), truth, "no embedder 'mine'"),
        ):
            with pytest.raises(RetrievalError, match=message):
                as_parameters(tmp_path, corpus, a, b, known, labels)


def test_ids_that_look_like_numbers_stay_text(tmp_path):
    corpus = Corpus.of_texts({"007": "Wings lift.", "1e5": "Queues\r\nfill.", "x": "\ud83d half"})
    with Labels(tmp_path / "labels.db") as labels:
        Grading(labels, "ann", corpus).grade("1", "Why?", Passage("007", 0, 5), 2)
        told = as_parameters(tmp_path, corpus, A, A.with_(k=5), None, labels)
    assert open_corpus(told["corpus"]).texts == corpus.texts
    read = open_questions(told["questions"], open_corpus(told["corpus"]))
    assert read.answers[["question", "document", "end"]].values.tolist() == [["1", "007", 5]]


@pytest.mark.slow
def test_the_report_runs_what_was_explored(tmp_path, monkeypatch):
    monkeypatch.setattr("aiopslab.reports.tracking.log", lambda *_: "")
    corpus, truth = world()
    b = A.with_(size=120, k=5)
    told = as_parameters(tmp_path / "explored", corpus, A, b, truth)
    record = run(catalogue.find("rag_tuning"), told, tmp_path / "out")
    assert record.failure is None, record.failure
    assert record.verdict.metrics["configurations"] == 2
    assert record.verdict.metrics["recall of the best"] > 0.9
