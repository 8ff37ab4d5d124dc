"""Sweeps: each text embedded once, the best found by every method, and confirmed apart from it."""

import pandas as pd
import pytest

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.asked import Asked
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.loading import load
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.selection import choose, split
from aiopslab.retrieval.space import drawn, grid, suggested
from aiopslab.retrieval.sweep import tune
from aiopslab.retrieval.trial import run_trial
from aiopslab.retrieval.truth import Truth
from tests.retrieval.worlds import Words, world

CORPUS, TRUTH = world()
SPACE = {
    "chunking": ["recursive", "headings"],
    "size": [60, 120, 400],
    "search": ["lexical", "dense", "hybrid"],
    "k": [1, 3],
}
POOR = Configuration(size=400, k=1, search="dense")


def tuned(method="grid", **more):
    retriever = Retriever(CORPUS, {"minilm": Words()})
    return tune(retriever, TRUTH, SPACE, POOR, method=method, **{"trials": 12, **more})


@pytest.mark.parametrize("method", ["grid", "random", "optuna"])
def test_every_method_finds_something_better_than_a_poor_configuration(method):
    found = tuned(method)
    assert found.held_out == 21
    assert found.confirmed.mean("ndcg") > found.current.mean("ndcg") + 0.2
    assert found.table()["configuration"].is_unique
    assert found.trial(found.best).mean("ndcg") >= found.table()["ndcg"].median()
    if method == "grid":
        assert len(found.trials) == 36


def test_halving_drops_the_worst_on_few_questions():
    found = tuned("halving", held_out=0.0)
    assert (found.held_out, len(found.trials), len(found.dropped)) == (0, 13, 24)
    assert found.confirmed.mean("ndcg") > found.current.mean("ndcg") + 0.2
    kept = min(each.mean("ndcg") for each in found.trials if each.name != POOR.name)
    assert kept > sum(worth for _, worth in found.dropped) / 24


def test_each_distinct_text_is_embedded_once_and_new_ranking_embeds_nothing():
    embedder = Words()
    retriever = Retriever(CORPUS, {"minilm": embedder})
    asked = Asked(TRUTH.questions["text"].tolist())
    for each in grid(SPACE, POOR):
        retriever.rank(asked, each)
    assert len(embedder.embedded) - len(asked) <= len(
        pd.concat(
            [retriever.chunks(each)["text"] for each in grid({"size": [60, 120, 400]}, POOR)]
            + [
                retriever.chunks(each)["text"]
                for each in grid({"size": [60, 120, 400]}, POOR.with_(chunking="headings"))
            ]
        )
    )
    before = len(embedder.embedded)
    again = {**SPACE, "k": [2, 5], "fusion": ["rrf", "weighted"], "rerank": ["none", "diverse"]}
    for each in grid(again, POOR):
        retriever.rank(asked, each)
    assert len(embedder.embedded) == before


def test_what_was_known_before_changes_no_hit():
    """A configuration alone, and after all the others, on questions that were asked before."""
    known = Retriever(CORPUS, {"minilm": Words()})
    asked = Asked(TRUTH.questions["text"].tolist())
    space = {**SPACE, "fusion": ["rrf", "weighted"], "rerank": ["none", "diverse"]}
    for each in grid(space, POOR):
        fresh = Retriever(CORPUS, {"minilm": Words()}).rank(Asked(asked.texts), each)
        again = known.rank(asked, each)
        assert (fresh.places == again.places).all(), each.name


def test_the_cheapest_of_those_that_are_as_good_is_chosen():
    retriever = Retriever(CORPUS, {"minilm": Words()})
    one, many = (
        run_trial(retriever, TRUTH, Configuration(size=60, search="lexical", k=k)) for k in (1, 20)
    )
    assert one.mean("recall") == many.mean("recall") == 1.0
    assert choose([many, one], "recall") == one.name


def test_a_budget_of_tokens_is_kept_or_refused():
    assert tuned(most_tokens=150).confirmed.mean("tokens") < 200
    with pytest.raises(RetrievalError, match="every configuration returns more than 3 tokens"):
        tuned(most_tokens=3)


def test_held_out_questions_are_no_part_of_the_tuning():
    tuning, apart = split(TRUTH, 1 / 3, seed=4)
    assert not set(tuning.questions["question"]) & set(apart.questions["question"])
    assert len(tuning.questions) + len(apart.questions) == 64
    assert set(apart.answers["question"]) == set(apart.questions["question"])
    few = Truth(TRUTH.questions.head(30), TRUTH.answers)
    assert split(few, 1 / 3)[0] is split(few, 1 / 3)[1] is few or split(few, 1 / 3)[0] is few


def test_a_filter_lets_only_its_documents_through():
    documents = CORPUS.documents.assign(area=["a", "b"] * 4)
    corpus = type(CORPUS)(documents, CORPUS.sections)
    retriever = Retriever(corpus, {"minilm": Words()})
    only_a = Configuration(size=60, search="hybrid", where={"area": "a"}, k=10)
    hits = retriever.search("What is the limit of the queue?", only_a)
    inside = set(documents.loc[documents["area"] == "a", "document"])
    assert len(hits) == 10 and set(hits["document"]) <= inside
    with pytest.raises(RetrievalError, match="no 'aera'"):
        retriever.search("?", only_a.with_(where={"aera": "a"}))


def test_a_saved_configuration_is_loaded_into_a_retriever(tmp_path):
    path = Configuration(size=60, search="hybrid", k=2).save(tmp_path / "retrieval.yaml")
    search = load(path, CORPUS, {"minilm": Words()})
    found = search("What is the quota of the broker?")
    assert len(found) == 2 and found["document"][0] == "broker.md"
    assert "quota of the broker" in found["text"][0]
    assert len(search("quota", k=5)) == 5


def test_whole_documents_as_answers_are_ranked_as_documents():
    ends = CORPUS.documents.set_index("document")["text"].str.len()
    answers = TRUTH.answers.assign(start=0)
    answers["end"] = answers["document"].map(ends)
    truth = Truth(TRUTH.questions, answers)
    found = run_trial(
        Retriever(CORPUS, {}), truth, Configuration(size=60, search="lexical", k=3, depth=50)
    )
    assert found.mean("recall") == 1.0
    assert not found.hits.duplicated(["question", "document"]).any()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"metric": "ndgc"}, "no score is called 'ndgc'"),
        ({"held_out": 1.0}, "held_out is 1.0"),
    ],
)
def test_a_wrong_sweep_is_told(more, says):
    with pytest.raises(RetrievalError, match=says):
        tuned(**more)


@pytest.mark.parametrize(
    ("space", "says"),
    [
        ({"sizes": [1]}, "has no 'sizes'"),
        ({"size": 200}, "expected a list of values"),
        ({"size": []}, "expected a list of values"),
        ({"search": "dense"}, "expected a list of values"),
        ({"size": [100], "search": ["dens"]}, "expected one of"),
        ({"size": [*range(1, 1000)], "k": [*range(1, 1000)]}, "a grid takes up to"),
    ],
)
def test_a_wrong_space_is_told(space, says):
    with pytest.raises(RetrievalError, match=says):
        grid(space, Configuration())


def test_questions_without_any_answer_are_no_truth():
    nothing = Truth(TRUTH.questions, TRUTH.answers.head(0))
    with pytest.raises(RetrievalError, match="none of 64 questions has an answer"):
        tune(Retriever(CORPUS, {}), nothing, SPACE, POOR)


def test_draws_repeat_with_their_seed_and_are_distinct():
    one, same, other = (drawn(SPACE, POOR, 10, seed) for seed in (1, 1, 2))
    assert [each.name for each in one] == [each.name for each in same]
    assert [each.name for each in one] != [each.name for each in other]
    assert len({each.name for each in one}) == 10
    assert len(drawn({"k": [1, 2]}, POOR, 10)) == 2


def test_optuna_finds_the_peak_of_a_space():
    space = {"size": [*range(100, 1000, 50)], "k": [*range(1, 11)]}
    tried = suggested(space, POOR, 60, lambda each: -abs(each.size - 600) / 100 - abs(each.k - 7))
    best = max(tried, key=lambda each: -abs(each.size - 600) / 100 - abs(each.k - 7))
    assert abs(best.size - 600) <= 100 and abs(best.k - 7) <= 1
