"""The round trip: what is said in a widget's store ends up in what is evaluated."""

import json

import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.incident.case import prepare
from aiopslab.incident.cause_labels import CauseLabels, cause_labels, held_against
from aiopslab.prompts.feedback import Feedback
from aiopslab.prompts.items import open_items
from aiopslab.prompts.measures import named_scores
from aiopslab.retrieval.documents import open_corpus
from aiopslab.retrieval.grading import Grading, Passage
from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.truth import open_questions

NOTHING = 4


@pytest.fixture
def export(aiopslab, tmp_path):
    """Call the command; return its exit code, output, errors and the folder of sets."""

    def call(*arguments):
        return *aiopslab(
            "feedback", "export", *arguments, "-o", tmp_path / "sets"
        ), tmp_path / "sets"

    return call


def test_the_output_that_people_prefer_is_what_is_expected(export, tmp_path):
    calls = pd.DataFrame(
        {
            "item": ["a"] * 3 + ["b"] * 2 + ["c"] * 2,
            "prompt": list("pqr") + list("pq") * 2,
            "output": ["Best", "Good", "Bad", "Left", "Right", "One", "Two"],
        }
    )
    order = {"Best": 2, "Good": 1, "Bad": 0, "Left": 0, "Right": 0, "One": 1, "Two": 0}
    with Feedback(tmp_path / "f.db") as feedback:
        feedback.add_pairs(calls, {"a": "What?", "b": "Which way?", "c": "How many?"})
        while (task := feedback.next_task("ann")) is not None:
            left, right = (order[each] for each in task.outputs)
            feedback.rate(task, "tie" if left == right else "left" if left > right else "right")
        while (task := feedback.next_task("judge", "judge")) is not None:
            feedback.rate(task, "left" if task.outputs[0] == "Two" else "right")
    code, out, _, sets = export("--ratings", tmp_path / "f.db")
    assert code == 0 and "2 rows, read by prompt_ab -p items=items.jsonl" in out
    table = open_items(str(sets / "items.jsonl"))
    assert dict(table[["item", "expected"]].to_numpy().tolist()) == {"a": "Best", "c": "One"}
    scorers, _ = named_scores(["exact"], table, 0.02)
    assert scorers and set(table["text"]) == {"What?", "How many?"}
    known = pd.DataFrame(
        {"item": list("abcd"), "style": "short", "expected": [None, None, "Three", "Four"]}
    )
    known.to_json(tmp_path / "items.jsonl", orient="records", lines=True)
    export("--ratings", tmp_path / "f.db", "--items", tmp_path / "items.jsonl")
    table = open_items(str(sets / "items.jsonl"))
    assert dict(table[["item", "expected"]].to_numpy().tolist()) == {
        **{"a": "Best", "c": "Three", "d": "Four"}
    }
    assert set(table["style"]) == {"short"}, "variables of the prompts stay"


def test_a_passage_that_was_graded_answers_its_question(export, tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("It is on Tuesday. Bring cake.")
    corpus = open_corpus(str(tmp_path / "docs"))
    with Labels(tmp_path / "labels.db") as store:
        grading = Grading(store, "ann", corpus)
        grading.grade("q", "When is it?", Passage("a.md", 0, 29), 2, quote="It is on Tuesday.")
    code, out, _, sets = export("--labels", tmp_path / "labels.db")
    assert code == 0 and "rag_tuning -p questions=questions.jsonl" in out
    truth = open_questions(str(sets / "questions.jsonl"), corpus)
    assert truth.questions["text"].tolist() == ["When is it?"]
    (answer,) = truth.answers.to_dict("records")
    assert (answer["document"], answer["start"], answer["end"], answer["grade"]) == (
        "a.md",
        0,
        17,
        2,
    )


@pytest.mark.slow
def test_a_cause_that_was_marked_is_held_against_the_analysis(export, tmp_path):
    evidence = sources.open("sample://retriever-latency")
    times = evidence.frames["metrics"].index
    with CauseLabels(tmp_path / "causes.db") as store:
        said = (evidence.source, evidence.digest, times[170], times[-1], "retriever", "ann")
        store.add(*said, "It was slow.")
    code, out, _, sets = export("--causes", tmp_path / "causes.db")
    assert code == 0 and "held_against" in out
    labels = cause_labels(sets / "incidents.jsonl")
    pd.testing.assert_frame_equal(
        labels, cause_labels(tmp_path / "causes.db"), check_dtype=False, check_exact=False
    )
    hits = held_against(labels, {evidence.digest: prepare(evidence.frames)})
    assert hits.ranks["service"].tolist() == ["retriever"] and not hits.absent
    (sets / "incidents.jsonl").write_text('{"evidence": 1}\n')
    with pytest.raises(Exception, match=r"has no digest"):
        cause_labels(sets / "incidents.jsonl")


def test_calls_whose_answers_were_good_become_items(export, tmp_path):
    calls = pd.DataFrame(
        {
            "timestamp": pd.Timestamp("2026-03-01T12:00Z"),
            "prompt_version": "v1",
            "model": "m",
            "input": ["Is it?", "Who?", "Is it?", "Why?"],
            "output": ["Yes.", "Nobody.", "Yes.", "So."],
            "input_tokens": 1,
            "output_tokens": 1,
            "latency_ms": 1.0,
            "cost_usd": 0.0,
            "feedback": [1.0, 0.0, 1.0, None],
        }
    )
    calls.to_parquet(tmp_path / "calls.parquet")
    code, out, err, sets = export("--calls", tmp_path / "calls.parquet")
    assert (code, err) == (0, "") and "1 rows" in out
    (item,) = map(json.loads, (sets / "calls.jsonl").read_text().splitlines())
    assert (item["text"], item["expected"]) == ("Is it?", "Yes.")


def test_nothing_said_is_told_apart_and_what_cannot_be_used_is_refused(export, tmp_path):
    Labels(tmp_path / "labels.db").close()
    assert export("--labels", tmp_path / "labels.db")[0] == NOTHING
    (tmp_path / "none.db").write_text("none")
    for arguments, says in (
        ([], "Give --ratings"),
        (["--labels", tmp_path / "none.db"], "none.db"),
        (["--causes", tmp_path / "labels.db"], "something else"),
        (["--labels", tmp_path / "gone.db"], "gone.db"),
    ):
        code, out, err, _ = export(*arguments)
        assert (code, out) == (2, "") and says in err and "Traceback" not in err
