"""The analysis of a sweep: what is recommended, how sure that is, and what is still missed."""

import json

import pandas as pd
import pytest

from aiopslab.retrieval.analysis import analyse
from aiopslab.retrieval.configuration import Configuration, read_configuration
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.sweep import tune
from aiopslab.retrieval.truth import Truth
from tests.retrieval.worlds import Words, world

CORPUS, TRUTH = world()
POOR = Configuration(size=400, k=1)
GOOD = Configuration(size=60, search="lexical", k=3)


def analysed(space, current, truth=TRUTH, **more):
    retriever = Retriever(CORPUS, {"minilm": Words()})
    return analyse(tune(retriever, truth, space, current, **more), retriever, truth)


@pytest.fixture(scope="module")
def better():
    return analysed({"size": [60, 400], "search": ["lexical", "dense"], "k": [1, 3]}, POOR)


def test_what_is_surely_better_on_held_out_questions_is_to_be_used(better):
    verdict = better.verdict()
    assert better.decision.choice == "change" and better.decision.is_confirmed
    assert verdict.level == "act" and verdict.headline.startswith(f"Use {better.sweep.best}")
    assert "on 21 questions" in verdict.headline and "tokens a question" in verdict.headline
    assert json.dumps(verdict.to_json())


def test_every_table_and_figure_is_there(better):
    assert len(better.table()) == len(better.shown()) == 8
    assert better.shown()[""].tolist().count("best") == 1
    assert better.confirmation_table()["metric"].tolist() == ["ndcg", "tokens"]
    assert len(better.knobs().table()) >= 3
    assert better.explorer_table()["better"].isin(["best", "now"]).all()
    for figure in (better.figure(), better.topics_figure(), better.knobs().figure()):
        assert figure.layout.meta["description"]
    assert "Use recursive" in better._repr_html_()


def test_the_configuration_to_use_is_a_file_that_is_read_back(better, tmp_path):
    path = better.used.configuration.save(tmp_path / "retrieval.yaml")
    assert read_configuration(path) == better.used.configuration


def test_what_is_as_good_and_no_cheaper_is_kept():
    found = analysed({"k1": [1.2, 1.3]}, GOOD)
    assert found.level == "ok" and found.verdict().headline.startswith("Keep ")


def test_the_best_of_the_sweep_may_be_what_is_in_use():
    found = analysed({"k": [1], "search": ["dense"], "size": [400]}, GOOD)
    assert found.decision.choice == "keep" and found.decision.configuration == GOOD.name
    assert found.confirmation_table().empty


def test_what_cannot_be_confirmed_is_only_watched():
    few = Truth(TRUTH.questions.head(30), TRUTH.answers[TRUTH.answers["question"].isin(
        TRUTH.questions["question"].head(30))])  # fmt: skip
    found = analysed({"size": [60, 400], "search": ["lexical"], "k": [3]}, POOR, few)
    assert found.sweep.held_out == 0 and found.level == "watch"
    assert "No question was held out" in found.verdict().headline


def test_questions_that_nothing_answers_are_told_as_failures():
    lost = pd.DataFrame({"question": ["lost"], "text": ["Who is the owner of the moon?"]})
    truth = Truth(pd.concat([TRUTH.questions, lost], ignore_index=True), TRUTH.answers)
    found = analysed({"k": [1, 3]}, GOOD, truth)
    causes = found.causes().set_index("cause")
    assert causes.loc["not in the corpus", "questions"] == 1


def test_what_a_question_costs_is_told_where_the_price_is_known(better):
    retriever = Retriever(CORPUS, {"minilm": Words()})
    priced = analyse(better.sweep, retriever, TRUTH, price=2.0)
    tokens = better.sweep.current.mean("tokens")
    told = priced.verdict().metrics["USD for 1,000 questions, now"]
    assert told == pytest.approx(2.0 * tokens * 1_000 / 1e6)
    assert "USD for 1,000 questions" in priced.shown() and "USD" not in str(better.shown().columns)


def test_topics_are_no_must():
    truth = Truth(TRUTH.questions.drop(columns="topic"), TRUTH.answers)
    assert analysed({"k": [1, 3]}, GOOD, truth).by_topic.empty
