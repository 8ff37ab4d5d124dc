"""The labelling widget, pressed as a browser presses it: what is stored and what is shown."""

import json
import random

import ipywidgets as widgets
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.truth import open_questions
from aiopslab.widgets import Labelling

TEXT = "The handover is on Tuesday. It takes a quarter of an hour. Bring cake."
EVIL = "<script>alert('p')</script> & more"
CORPUS = Corpus.of_texts({"a.md": TEXT, "<i>b.md": EVIL})
QUESTIONS = pd.DataFrame(
    {"question": ["q", "r"], "text": ["When is it?", "Is it <script>alert('q')</script>?"]}
)
SPANS = pd.DataFrame(
    [("q", "a.md", 0, 58), ("q", "a.md", 59, 70), ("r", "<i>b.md", 0, len(EVIL))],
    columns=["question", "document", "start", "end"],
)


@pytest.fixture
def labels(tmp_path):
    with Labels(tmp_path / "labels.db") as labels:
        labels.add(QUESTIONS, SPANS, CORPUS)
        yield labels


def leaves(widget):
    children = getattr(widget, "children", ())
    return [leaf for child in children for leaf in leaves(child)] if children else [widget]


def shown(labelling):
    """Return all the HTML that a browser is sent."""
    return "\n".join(each.value for each in leaves(labelling.box) if isinstance(each, widgets.HTML))


def stored(labels):
    return labels.table()[["task", "rater", "start", "end", "grade"]].values.tolist()


def test_what_is_clicked_is_stored_before_the_next_is_shown(labels):
    labelling = Labelling(labels, "ann")
    assert "When is it?" in shown(labelling) and TEXT[:58] in shown(labelling)
    labelling.buttons[2].click()
    assert stored(labels) == [[1, "ann", 0, 58, 2]]
    assert "Bring cake." in shown(labelling) and TEXT[:58] not in shown(labelling)
    labelling.buttons[0].click()
    labelling.buttons[1].click()
    assert labels.table()["grade"].tolist() == [2, 0, 1]


def test_each_button_says_what_it_does_and_can_be_pressed(labels):
    labelling = Labelling(labels, "ann")
    buttons = [each for each in leaves(labelling.box) if isinstance(each, widgets.Button)]
    assert [each.description for each in buttons] == [
        "0: does not help",
        "1: helps",
        "2: answers",
        "Undo the last",
    ]
    assert all(each.tooltip for each in buttons)
    # Nothing but undo can be pressed when all is done, and before the first label all but undo.
    assert [each.disabled for each in buttons] == [False, False, False, True]
    for _ in range(3):
        labelling.buttons[0].click()
    assert [each.disabled for each in buttons] == [True, True, True, False]


def test_a_part_is_quoted_and_a_wrong_quote_can_be_mended(labels):
    labelling = Labelling(labels, "ann")
    labelling.quote.value = "on <b>Monday"
    labelling.buttons[2].click()
    assert not stored(labels) and labelling.task.number == 1
    assert "on &lt;b&gt;Monday" in shown(labelling) and "not in the passage" in shown(labelling)
    assert labelling.quote.value == "on <b>Monday"
    labelling.quote.value = " on Tuesday "
    labelling.buttons[2].click()
    assert stored(labels) == [[1, "ann", 16, 26, 2]]
    assert labelling.quote.value == "" and "not in the passage" not in shown(labelling)


def test_the_last_label_is_taken_back_and_given_again(labels):
    labelling = Labelling(labels, "ann")
    labelling.buttons[2].click()
    labelling.buttons[2].click()
    labelling.undo.click()
    assert stored(labels) == [[1, "ann", 0, 58, 2]] and labelling.task.number == 2
    labelling.buttons[0].click()
    assert labels.table()["grade"].tolist() == [2, 0]
    labelling.undo.click()
    labelling.undo.click()
    labelling.undo.click()  # a browser may send it although the button is off by then
    assert not stored(labels) and "no label to take back" in shown(labelling)
    assert labelling.task.number == 1 and labelling.undo.disabled


def test_what_others_said_is_not_taken_back(labels):
    bob, ann = Labelling(labels, "bob"), Labelling(labels, "ann")
    bob.buttons[1].click()
    ann.undo.click()
    assert stored(labels) == [[1, "bob", 0, 58, 1]] and ann.task.number == 1
    assert ann.selection == {}


def test_a_second_widget_goes_on_where_the_first_was(labels, tmp_path):
    Labelling(labels, "ann").buttons[2].click()
    with Labels(tmp_path / "labels.db") as again:
        second = Labelling(again, "ann")
        assert second.task.number == 2 and second.progress.value == 1
        assert second.selection["grade"] == 2
        second.undo.click()
        assert second.task.number == 1 and not stored(labels)


def test_what_was_labelled_in_another_window_is_passed_over(labels):
    one, other = Labelling(labels, "ann"), Labelling(labels, "ann")
    one.buttons[2].click()
    other.buttons[0].click()
    assert stored(labels) == [[1, "ann", 0, 58, 2]]
    assert "labelled task 1 before" in shown(other) and other.task.number == 2
    other.buttons[0].click()
    assert labels.table()["grade"].tolist() == [2, 0] and "before" not in shown(other)


def test_selection_is_the_last_label_and_is_observed(labels):
    labelling, seen = Labelling(labels, "ann"), []
    assert labelling.selection == {}
    labelling.observe(lambda change: seen.append(change["new"]), "selection")
    labelling.quote.value = "on Tuesday"
    labelling.buttons[2].click()
    labelling.buttons[0].click()
    labelling.undo.click()
    columns = ("task", "question", "document", "start", "end", "grade")
    first = dict(zip(columns, (1, "q", "a.md", 16, 26, 2), strict=True))
    second = dict(zip(columns, (2, "q", "a.md", 59, 70, 0), strict=True))
    assert seen == [first, second, first] and labelling.selection == first
    assert json.loads(json.dumps(first)) == labelling.selection


def test_progress_is_counted_by_rater(labels):
    ann, bob = Labelling(labels, "ann"), Labelling(labels, "bob")
    assert "0 labelled by ann" in shown(ann)
    for done in (1, 2, 3):
        ann.buttons[0].click()
        assert (ann.progress.value, ann.progress.max) == (done, 3)
        assert f"{done} of 3 labelled by ann" in shown(ann)
    assert "Every passage is labelled" in shown(ann) and ann.task is None
    ann._rate(2)  # a late click
    assert labels.table()["grade"].tolist() == [0, 0, 0]
    bob.buttons[0].click()
    assert "1 of 3 labelled by bob" in shown(bob) and (bob.progress.value, bob.progress.max) == (
        1,
        3,
    )


def test_agreement_is_told_once_there_are_several_raters(labels):
    ann = Labelling(labels, "ann")
    ann.buttons[2].click()
    ann.buttons[0].click()
    assert "Agreement" not in shown(ann)
    bob = Labelling(labels, "bob")
    bob.buttons[2].click()
    assert "not enough data" in shown(bob)
    bob.buttons[0].click()
    assert "1.00 (weighted kappa of 1 pairs, 2 passages)" in shown(bob)


@pytest.mark.parametrize(
    "text",
    [
        "<u>x",
        "\"><img src=x onerror='alert(1)'>",
        "</blockquote></b></p><u>",
        "&lt;u&gt; & &amp;",
        "a < b\n<u>",
    ],
)
def test_a_browser_reads_back_the_text_and_no_tag_of_it(text):
    corpus = Corpus.of_texts({text: text})
    spans = pd.DataFrame({"question": ["q"], "document": [text], "start": 0, "end": len(text)})
    with Labels(":memory:") as labels:
        labels.add(pd.DataFrame({"question": ["q"], "text": [text]}), spans, corpus)
        labelling = Labelling(labels, text)
        for html in (shown(labelling), labelling._repr_mimebundle_()["text/html"]):
            read = BeautifulSoup(html.replace("<br>", "\n"), "html.parser")
            assert {each.name for each in read.find_all()} == {"p", "b", "blockquote", "small"}
            parts = [read.b, read.blockquote]
            assert [each.get_text() for each in parts] == [text, text]
            assert read.small.get_text().startswith(f"{text}, characters 0 to {len(text)}")
            assert f"labelled by {text}" in read.get_text()


def test_scripts_are_escaped_wherever_they_are_shown(labels):
    labelling = Labelling(labels, "<script>ann")
    labelling.buttons[0].click()
    labelling.buttons[0].click()
    static = labelling._repr_mimebundle_()["text/html"]
    for html in (shown(labelling), static):
        assert "<script" not in html and "<i>" not in html
        assert html.count("&lt;script&gt;") >= 3  # question, passage and rater


def test_an_empty_store_is_told(tmp_path):
    with Labels(tmp_path / "empty.db") as labels:
        labelling = Labelling(labels, "ann")
        assert "nothing to label" in shown(labelling) and "nothing to label" in repr(labelling)
        assert all(each.disabled for each in (*labelling.buttons, labelling.undo))
        labelling.buttons[2].click()
        labelling.undo.click()
        assert labels.table().empty and labelling.selection == {}
        with pytest.raises(RetrievalError, match="nothing is labelled"):
            labelling.to_parameters()
        # What is added later is shown at the next press, without a new widget.
        labels.add(QUESTIONS, SPANS, CORPUS)
        labelling.undo.click()
        assert labelling.task.number == 1 and not labelling.buttons[0].disabled


@pytest.mark.parametrize("rater", ["", " "])
def test_nobody_labels_nothing(labels, rater):
    with pytest.raises(RetrievalError, match="no name"):
        Labelling(labels, rater)


def test_without_a_kernel_the_task_and_the_count_are_seen(labels):
    labelling = Labelling(labels, "ann")
    labelling.buttons[2].click()
    told = labelling._repr_mimebundle_()
    assert "Bring cake." in told["text/html"] and "1 of 3 labelled by ann" in told["text/html"]
    assert told["text/plain"] == "Labelling('ann': 1 of 3 labelled, next \"When is it?\")"
    assert told["application/vnd.jupyter.widget-view+json"]["model_id"] == labelling.box.model_id


def test_labels_become_the_questions_of_a_report(labels, tmp_path):
    labelling = Labelling(labels, "ann")
    labelling.quote.value = "on Tuesday"
    labelling.buttons[2].click()
    parameters = labelling.to_parameters()
    assert parameters == {"questions": str(tmp_path / "labels.questions.jsonl")}
    truth = open_questions(parameters["questions"], CORPUS)
    assert truth.answers[["question", "document", "start", "end", "grade"]].values.tolist() == [
        ["q", "a.md", 16, 26, 2]
    ]
    labelling.buttons[1].click()
    pooled = labelling.to_parameters(tmp_path / "pooled.jsonl", kind="pooled")
    truth = open_questions(pooled["questions"], CORPUS)
    assert len(truth.answers) == 2 and set(truth.questions["kind"]) == {"pooled"}


def test_any_sequence_of_clicks_leaves_the_store_as_a_list_would_be(tmp_path):
    rng = random.Random(0)
    for run in range(20):
        with Labels(tmp_path / f"{run}.db") as labels:
            labels.add(QUESTIONS, SPANS, CORPUS)
            labelling, expected = Labelling(labels, "ann"), []
            for _ in range(12):
                choice = rng.randrange(4)
                if choice == 3:
                    labelling.undo.click()
                    expected = expected[:-1]
                else:
                    labelling.buttons[choice].click()
                    expected = [*expected, choice][:3]
                assert labels.table()["grade"].tolist() == expected
                assert labelling.progress.value == len(expected)
                assert labelling.selection.get("grade") == (expected or [None])[-1]
