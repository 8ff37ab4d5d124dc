"""What people said, as coverage: how many, who, how recently, with what agreement, what is bare."""

import json
import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import FrameError
from aiopslab.incident.cause_labels import CauseLabels
from aiopslab.overview import EvaluationSet, coverage
from aiopslab.overview.feedback_sets import (
    incidents,
    production_calls,
    prompt_items,
    questions,
)
from aiopslab.prompts.feedback import Feedback
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.grading import Grading, Passage
from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.truth import Truth

NOW = pd.Timestamp("2026-03-31T12:00Z")
ITEMS = pd.DataFrame({"item": ["a", "b", "c"], "topic": ["refunds", "refunds", "delivery"]})


def labels(*rows):
    """Return labels: item, rater, value, days ago."""
    table = pd.DataFrame(rows, columns=["item", "rater", "value", "days"])
    rated = NOW - pd.to_timedelta(table["days"], unit="D")
    return table.assign(unit=table["item"], rated=rated).drop(columns="days")


def row(each):
    (found,) = coverage([each], NOW).table().to_dict("records")
    return found


def test_a_set_says_how_much_who_when_and_what_is_bare():
    said = labels(("a", "ann", 1, 3), ("a", "bob", 1, 40), ("b", "ann", -1, 50))
    each = EvaluationSet("questions", ITEMS, said)
    found = row(each)
    assert (found["items"], found["labelled"], found["labels"], found["raters"]) == (3, 2, 3, 2)
    assert found["share"] == pytest.approx(2 / 3) and found["recent"] == 1
    assert found["latest"] == NOW - pd.Timedelta("3D") and found["without"] == ["delivery"]
    assert found["compared"] == 1
    made = coverage([each], NOW)
    assert made.gaps()[["topic", "labelled", "items"]].to_numpy().tolist() == [
        ["delivery", 0, 1],
        ["refunds", 2, 2],
    ]
    assert made.raters()[["rater", "labels"]].to_numpy().tolist() == [["ann", 2], ["bob", 1]]
    drawn = made.figure().data[0]
    assert dict(zip(drawn.y, drawn.x, strict=True)) == pytest.approx(
        {"questions": 200 / 3, "questions: delivery": 0, "questions: refunds": 100}
    )
    assert made.verdict().level == "watch" and "delivery" in made.verdict().headline


def test_labels_of_all_topics_that_agree_are_in_order():
    said = [(item, rater, number % 2, 1) for number, item in enumerate("abc") for rater in "xyz"]
    made = coverage([EvaluationSet("questions", ITEMS, labels(*said))], NOW)
    assert made.verdict().level == "ok"
    assert made.table()["agreement"].tolist() == [1.0]


def test_people_who_disagree_and_labels_that_are_old_are_told():
    many = pd.DataFrame({"item": range(60), "topic": "x"})
    said = [
        (item, rater, (item + (rater == "bob")) % 2, 90)
        for item in range(60)
        for rater in ("ann", "bob")
    ]
    claims = [
        each.claim
        for each in coverage([EvaluationSet("questions", many, labels(*said))], NOW)
        .verdict()
        .findings
    ]
    assert any("last label" in each for each in claims)
    assert any("surely disagree" in each for each in claims)


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy"), st.integers(0, 2))))
def test_counts_hold_whatever_is_said(said):
    each = EvaluationSet("questions", ITEMS, labels(*((*told, 1) for told in said)))
    found = row(each)
    known = {item for item, *_ in said} & set("abc")
    assert found["labelled"] == len(known) and found["labels"] == len(said)
    assert set(found["without"]) == {"refunds", "delivery"} - {
        topic for item, topic in zip("abc", ITEMS["topic"], strict=True) if item in known
    }
    assert math.isnan(found["agreement"]) or found["low"] <= found["high"]


def test_a_table_that_lacks_a_column_is_refused():
    with pytest.raises(FrameError, match="labels of questions have no unit"):
        EvaluationSet("questions", ITEMS, labels().drop(columns="unit"))


def test_names_of_others_are_escaped():
    items = ITEMS.assign(topic="<script>alert(1)</script>")
    shown = coverage([EvaluationSet("questions", items, labels())], NOW)._repr_html_()
    assert "<script>" not in shown and "&lt;script&gt;" in shown


# ---- from the stores that the widgets write ------------------------------------------------------


@pytest.fixture
def ratings(tmp_path):
    """Ratings of two people and a judge, of two of three items."""
    calls = pd.DataFrame(
        {"item": list("aabb"), "prompt": list("pqpq"), "output": ["Yes", "No", "Left", "Right"]}
    )
    with Feedback(tmp_path / "f.db") as feedback:
        feedback.add_pairs(calls, {"a": "Is it?", "b": "Which way?"})
        for rater, kind in (("ann", "human"), ("bob", "human"), ("judge", "judge")):
            while (task := feedback.next_task(rater, kind)) is not None:
                good = "Yes" if "Yes" in task.outputs else "Right"
                feedback.rate(task, "left" if task.outputs[0] == good else "right")
    return tmp_path / "f.db"


@pytest.fixture
def graded(tmp_path):
    """A corpus, its questions, and the grades of one person."""
    corpus = Corpus.of_texts({"a.md": "It is on Tuesday. Bring cake."})
    with Labels(tmp_path / "labels.db") as store:
        grading = Grading(store, "ann", corpus)
        grading.grade("q", "When is it?", Passage("a.md", 0, 29), 2, quote="It is on Tuesday.")
    asked = pd.DataFrame({"question": ["q", "r"], "text": ["When is it?", "Who?"]})
    truth = Truth(asked.assign(topic=["time", "people"]), pd.DataFrame())
    return corpus, truth, tmp_path / "labels.db"


@pytest.fixture
def causes(tmp_path):
    """What two people say was the cause of a recording."""
    start = pd.Timestamp("2026-03-01T12:00Z")
    with CauseLabels(tmp_path / "causes.db") as store:
        for rater in ("ann", "bob"):
            window = (start, start + pd.Timedelta("5min"))
            store.add("sample://llm-cpu", "ab12", *window, "llm", rater)
    return tmp_path / "causes.db"


def test_ratings_of_outputs_cover_items(ratings):
    each = prompt_items(ITEMS, ratings)
    found = row(each)
    assert (found["labelled"], found["labels"], found["raters"]) == (2, 4, 2)
    assert found["without"] == ["delivery"] and found["agreement"] == 1
    assert "2 ratings of judges" in each.about
    assert row(prompt_items(ITEMS, None))["labels"] == 0


def test_grades_of_passages_cover_questions(graded):
    _, truth, store = graded
    found = row(questions(truth, store))
    assert (found["labelled"], found["without"]) == (1, ["people"])
    assert math.isnan(found["agreement"])


def test_causes_cover_incidents_and_name_the_faults_without(causes):
    recordings = ["sample://llm-cpu", "sample://cache-crash", "sample://no-fault"]
    found = row(incidents(recordings, causes))
    assert (found["items"], found["labelled"], found["compared"]) == (2, 1, 1)
    assert math.isnan(found["agreement"]), "one incident tells nothing of how far they agree"
    assert found["without"] == ["crash of cache"]


def test_feedback_of_calls_covers_them_by_route():
    calls = pd.DataFrame({"feedback": [1.0, None, 0.0], "route": ["faq", "faq", "support"]})
    calls["timestamp"] = NOW
    each = production_calls(calls)
    found = row(each)
    assert (found["labelled"], found["without"]) == (2, []) and "not recorded" in each.about
    assert row(production_calls(calls.drop(columns="feedback")))["labels"] == 0


def test_the_command_shows_all_sets(aiopslab, ratings, graded, causes, tmp_path):
    corpus, truth, store = graded
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text(dict(corpus.texts)["a.md"])
    truth.questions.to_json(tmp_path / "q.jsonl", orient="records", lines=True)
    ITEMS.to_csv(tmp_path / "items.csv", index=False)
    told = tmp_path / "coverage.json"
    code, out, err = aiopslab(
        *("feedback", "coverage", "--items", tmp_path / "items.csv", "--ratings", ratings),
        *("--corpus", tmp_path / "docs", "--questions", tmp_path / "q.jsonl", "--labels", store),
        *("--incident", "sample://llm-cpu", "--causes", causes, "--json", told),
    )
    assert (code, err) == (0, "")
    assert "items of prompts" in out and "delivery" in out and "judges are not counted" in out
    said = {each["set"]: each for each in json.loads(told.read_text())}
    assert said["questions of retrieval"]["without"] == ["people"]
    assert said["incidents"]["labelled"] == 1
    (tmp_path / "taken").write_text("")
    unwritable = ["--items", tmp_path / "items.csv", "--json", tmp_path / "taken" / "x.json"]
    code, _, err = aiopslab("feedback", "coverage", *unwritable)
    assert code == 2 and "cannot be written" in err and "Traceback" not in err
    for arguments, says in (
        ([], "Give --items"),
        (["--questions", "q.jsonl"], "belong together"),
        (["--items", tmp_path / "items.csv", "--recent", "soon"], "expected e.g. 30D"),
        (["--incident", "sample://none"], "no sample"),
        (["--ratings", "nowhere.db"], "nowhere.db"),
    ):
        code, out, err = aiopslab("feedback", "coverage", *arguments)
        assert (code, out) == (2, "") and says in err and "Traceback" not in err
