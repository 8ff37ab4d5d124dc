"""The retrieval inspector, used as a browser uses it: what is found, shown, graded and told."""

import json
import warnings

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup

from aiopslab.errors import RetrievalError
from aiopslab.models.embedder import warn_of_truncation
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.labels import Labels
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.truth import Truth, open_questions
from aiopslab.widgets import RetrievalInspector
from aiopslab.widgets.panel import Pick
from tests.retrieval.worlds import Words, world

CORPUS, TRUTH = world()
A = Configuration(search="lexical", size=60, k=3)
B = Configuration(search="hybrid", size=120, k=4)
ASKED = "What is the timeout of the gateway?"


class Short(Words):
    """Reads no more than twenty words, and says so."""

    def embed(self, texts):
        lost = np.array([max(0, len(each.split()) - 20) for each in texts])
        warn_of_truncation(self.name, lost)
        return super().embed(texts)


@pytest.fixture
def labels(tmp_path):
    with Labels(tmp_path / "labels.db") as labels:
        yield labels


@pytest.fixture(scope="module")
def retriever():
    return Retriever(CORPUS, {"minilm": Words()})


@pytest.fixture
def inspector(retriever, labels):
    return RetrievalInspector(retriever, [A, B], TRUTH, labels, "ann")


def leaves(widget):
    children = getattr(widget, "children", ())
    return [leaf for child in children for leaf in leaves(child)] if children else [widget]


def shown(inspector):
    """Return all the HTML that a browser is sent."""
    html = (each.value for each in leaves(inspector.box) if type(each) is widgets.HTML)
    return "\n".join(html)


def alert(inspector):
    found = BeautifulSoup(shown(inspector), "html.parser").select("[role=alert]")
    return " ".join(each.get_text() for each in found)


def found(inspector, side):
    return [
        inspector.retriever.search(inspector.question.value, each.configuration)
        for each in inspector.knobs
    ][side]


def test_both_lists_are_what_a_search_finds(inspector):
    inspector.question.value = ASKED
    for side, results in enumerate(inspector.results):
        expected = found(inspector, side)
        assert len(results.rows) == len(expected) > 0
        for row, hit in zip(results.rows, expected.to_dict("records"), strict=True):
            told = BeautifulSoup(row.html, "html.parser")
            assert told.get_text().startswith(f"{hit['rank']} · {hit['document']}")
            assert told.select_one("[role=region]").get_text().startswith(hit["text"][:20])
    assert "lexical" in inspector.results[0].rows[0].html
    for stage in ("lexical", "dense", "fused"):
        assert f"{stage} " in inspector.results[1].rows[0].html


def test_answers_are_marked_and_told_in_words(inspector):
    inspector.question.value = ASKED
    marks = BeautifulSoup(shown(inspector), "html.parser").select("mark")
    assert {each.get_text() for each in marks} == {"The timeout of the gateway is 72."}
    row = inspector.results[0].rows[0].html
    assert row.count("✓ answers") == 2, "beside the passage, and behind the marked part"
    assert "<mark" not in inspector.results[0].rows[1].html


def test_metrics_are_told_where_the_answers_are_known(inspector):
    inspector.question.value = ASKED
    html = inspector._metrics.value
    assert "recall" in html and "ndcg" in html and "By 1 answer of the truth." in html
    inspector.question.value = "something nobody wrote down"
    html = inspector._metrics.value
    assert "No labels for this question." in html and "recall" not in html and "tokens" in html


def test_a_knob_that_is_turned_asks_again(inspector):
    inspector.question.value = ASKED
    knobs = inspector.knobs[1]
    for name, value in (("k", 7), ("weight", 0.1), ("search", "dense"), ("rerank", "diverse")):
        getattr(knobs, name).value = value
        assert getattr(knobs.configuration, name) == value
        assert inspector.selection["b"][name] == value and inspector.selection["a"]["k"] == 3
        told = inspector.inspection.b.hits["chunk"].tolist()
        assert told == found(inspector, 1)["chunk"].tolist()
        assert len(inspector.results[1].rows) == len(told)
    assert inspector.knobs[0].configuration == A


def test_chunks_that_are_not_made_are_made_and_kept():
    inspector = RetrievalInspector(Retriever(CORPUS, {"minilm": Words()}), [A, B])
    inspector.question.value = ASKED
    knobs, embedder = inspector.knobs[1], inspector.retriever.embedder(B)

    def is_made(cut):
        return "not made" not in dict(map(reversed, knobs.cut.options))[cut]

    assert is_made(("recursive", 120)) and not is_made(("headings", 100))
    knobs.cut.value = ("headings", 100)
    assert is_made(("headings", 100)) and knobs.cut.value == ("headings", 100)
    assert inspector.inspection.b.configuration.chunking == "headings"
    before = len(embedder.embedded)
    knobs.cut.value = ("recursive", 120)
    knobs.cut.value = ("headings", 100)
    assert len(embedder.embedded) == before
    assert "Making" not in shown(inspector)


def test_the_weight_is_off_where_it_makes_no_difference(inspector):
    knobs = inspector.knobs[1]
    assert not knobs.weight.disabled and inspector.knobs[0].weight.disabled
    knobs.weight.value = 0.2
    knobs.search.value = "lexical"
    assert knobs.weight.disabled
    knobs.search.value = "hybrid"
    assert knobs.configuration.weight == 0.2


def test_a_grade_is_stored_shown_at_both_and_undone(inspector, labels):
    inspector.knobs[1].cut.value = ("recursive", 60)
    inspector.question.value = ASKED
    row = inspector.results[0].rows[0]
    row.buttons[2].click()
    told = labels.table()
    assert told[["rater", "grade", "text"]].values.tolist() == [["ann", 2, ASKED]]
    assert told["question"].tolist() == ["gateway-timeout"], "by the id that the truth has"
    assert inspector.selection["grade"] == 2 and inspector.selection["document"] == "gateway.md"
    chosen = [
        each.description
        for results in inspector.results
        for each in results.rows[0].buttons
        if each.button_style
    ]
    assert chosen == ["✓ 2: answers"] * 2
    row.buttons[0].click()
    assert labels.table()["grade"].tolist() == [0]
    undo = inspector._grader.undo
    undo.click()
    assert labels.table()["grade"].tolist() == [2] and inspector.selection["grade"] == 2
    inspector.page.press("u")
    assert labels.table().empty and undo.disabled and inspector.selection["grade"] is None
    undo.click()  # a browser may send it although the button is off by then


def test_grades_tell_what_answers_where_nothing_else_does(inspector):
    inspector.question.value = "  gateway   timeout please"
    inspector.results[0].rows[0].buttons[2].click()
    assert "1 answer that was graded here" in inspector._metrics.value
    assert "recall" in inspector._metrics.value and "<mark" in inspector.results[0].rows[0].html


def test_a_quote_narrows_the_answer_and_a_wrong_one_can_be_mended(inspector, labels):
    inspector.question.value = "gateway timeout please"
    quote = inspector._grader.quote
    quote.value = "<b>not there"
    inspector.results[0].rows[0].buttons[2].click()
    assert labels.table().empty and "not in the passage" in alert(inspector)
    assert quote.value == "<b>not there" and "<b>not there" not in shown(inspector)
    quote.value = "The timeout of the gateway is 72."
    inspector.results[0].rows[0].buttons[2].click()
    marks = BeautifulSoup(shown(inspector), "html.parser").select("mark")
    assert {each.get_text() for each in marks} == {"The timeout of the gateway is 72."}
    assert quote.value == "" and not alert(inspector)


def test_what_is_explored_is_what_the_report_runs(inspector, labels, tmp_path):
    inspector.question.value = "gateway timeout please"
    inspector.results[0].rows[0].buttons[2].click()
    told = inspector.to_parameters(tmp_path / "out")
    assert told["space"] == {"size": [120], "search": ["hybrid"], "k": [4]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = open_questions(told["questions"], CORPUS)
    assert len(read.questions) == len(TRUTH.questions) + 1
    inspector.rerun.button.click()
    assert "aiopslab run rag_tuning" in inspector.rerun.command.value
    assert "template: rag_tuning" in inspector.rerun.entry.value
    assert (labels.path.parent / "explored-questions.jsonl").exists()


def test_what_cannot_be_run_is_told_in_the_widget(retriever):
    inspector = RetrievalInspector(retriever, [A, A], TRUTH)
    inspector.rerun.button.click()
    assert "same configuration" in alert(inspector) and not inspector.rerun.command.value


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_question_is_told_and_clears_what_was_found(inspector, text):
    inspector.question.value = ASKED
    inspector.question.value = text
    inspector.ask.click()
    assert "The question is empty".casefold() in alert(inspector).casefold()
    assert inspector.inspection is None and inspector.selection["question"] is None
    assert not inspector._metrics.value and "No question" in inspector.summary()


def test_markup_is_text_wherever_it_is_shown(labels):
    evil = "<script>alert('x')</script>"
    corpus = Corpus.of_texts({f"{evil}.md": f"# {evil}\nQueues {evil} fill.", "b": "Wings."})
    truth = Truth(
        pd.DataFrame({"question": ["q"], "text": [evil]}),
        pd.DataFrame(
            {"question": ["q"], "document": f"{evil}.md", "start": [0], "end": 60, "grade": 1}
        ),
    )
    inspector = RetrievalInspector(Retriever(corpus, {}), [A, A.with_(k=1)], truth, labels, evil)
    inspector.question.value = evil
    inspector.results[0].rows[0].buttons[1].click()
    for html in (shown(inspector), inspector.summary()):
        assert "<script" not in html and "&lt;script" in html


def test_a_question_longer_than_the_embedder_reads_is_said():
    retriever = Retriever(CORPUS, {"minilm": Short()})
    inspector = RetrievalInspector(retriever, [A, B.with_(search="dense")], TRUTH)
    inspector.question.value = "timeout of the gateway " * 40
    assert "not in the vectors" in shown(inspector)
    inspector.knobs[0].k.value = 5
    assert "not in the vectors" in shown(inspector), "it holds for every knob"
    inspector.question.value = ASKED
    assert "not in the vectors" not in shown(inspector)


def test_an_error_of_one_knob_goes_when_it_is_turned_back(retriever):
    inspector = RetrievalInspector(retriever, [A, B], TRUTH)
    inspector.question.value = ASKED
    inspector.knobs[1].rerank.value = "late"
    assert "no vectors of tokens" in alert(inspector) and inspector.question.value == ASKED
    inspector.knobs[1].rerank.value = "none"
    assert not alert(inspector) and inspector.inspection.question == ASKED


@pytest.mark.parametrize("text", ["где шлюз?", "検索の上限", "🦊", "\u202egateway"])
def test_any_script_is_asked(inspector, text):
    inspector.question.value = text
    assert inspector.inspection.question == text and json.dumps(inspector.selection)


def test_an_empty_corpus_is_told():
    empty = Corpus(CORPUS.documents.iloc[:0], CORPUS.sections.iloc[:0])
    inspector = RetrievalInspector(empty, [A, A.with_(k=1)])
    inspector.question.value = ASKED
    assert "no text to be searched" in alert(inspector)


def test_what_finds_nothing_says_so(retriever):
    inspector = RetrievalInspector(retriever, [A, A.with_(k=1)])
    inspector.question.value = "zzz qqq"
    assert shown(inspector).count("Nothing was found.") == 2
    inspector.question.value = ASKED
    assert "Nothing was found." not in shown(inspector)


def test_two_configurations_and_a_rater_are_needed(labels):
    with pytest.raises(RetrievalError, match="expected two"):
        RetrievalInspector(CORPUS, [A])
    with pytest.raises(RetrievalError, match="no name"):
        RetrievalInspector(CORPUS, [A, B], labels=labels)


def test_what_is_seen_without_a_kernel(inspector):
    assert "No question" in inspector.summary() and inspector.pictures() == []
    inspector.question.value = ASKED
    told = BeautifulSoup(inspector.summary(), "html.parser")
    assert told.select_one("p").get_text() == ASKED
    lists = [each.select("tbody tr") for each in told.select("table")[1:]]
    assert [len(each) for each in lists] == [3, 4]
    (figure,) = inspector.pictures()
    assert "stage by stage" in figure.layout.meta["description"]
    assert json.loads(json.dumps(inspector.selection)) == inspector.selection
    bundle = inspector._repr_mimebundle_()
    assert ASKED in bundle["text/plain"] and 'alt="Scores of the hits' in bundle["text/html"]


def test_scores_are_drawn_while_they_are_open_and_a_bar_chooses_its_document(inspector):
    inspector.question.value = ASKED
    assert inspector._panel is None
    inspector.scores.selected_index = 0
    assert inspector._panel.figure.data[0].name == "A lexical"
    inspector.knobs[0].search.value = "dense"
    bars = inspector._panel.figure.data[0]
    assert bars.name == "A dense"
    pick = Pick(bars.name, bars.x[1], bars.y[1], None, bars.customdata[1])
    for callback in inspector._panel._picks:
        callback(pick)
    assert inspector.selection["document"] == inspector.inspection.a.hits["document"][1]


def test_every_control_says_what_it_is(inspector):
    inspector.question.value = ASKED
    for each in leaves(inspector.box):
        if isinstance(each, widgets.Button | widgets.Dropdown | widgets.Text | widgets.Combobox):
            assert each.description and each.tooltip
        if isinstance(each, widgets.IntSlider | widgets.FloatSlider):
            assert each.description and each.tooltip
