"""One question under two configurations: held against the search and the trial of a sweep."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.inspection import METRICS, answering_parts, counterparts, inspect
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.stages import Question, by_stage
from aiopslab.retrieval.trial import run_trial
from tests.retrieval.worlds import Words, world

BY_WORDS = Configuration(search="lexical", size=60, k=4)
HOWS = [
    BY_WORDS,
    Configuration(size=60, k=3),
    Configuration(search="hybrid", size=60, weight=0.3, k=7),
    Configuration(search="hybrid", fusion="weighted", size=120, depth=12),
    Configuration(search="hybrid", rerank="diverse", size=60),
    Configuration(rerank="late", size=60, depth=9),
    Configuration(search="lexical", rerank="late", size=60, where={"owner": "ann"}),
]


class Tokens(Words):
    """As the embedder of the world, with a vector for each word."""

    def token_vectors(self, text):
        return self.embed(text.split() or [""])


@pytest.fixture(scope="module")
def known():
    corpus, truth = world()
    owners = ["ann" if each < "i" else "bob" for each in corpus.documents["document"]]
    corpus = Corpus(corpus.documents.assign(owner=owners), corpus.sections)
    return Retriever(corpus, {"minilm": Tokens()}), truth


def asked_of(truth, at):
    row = truth.questions.iloc[at]
    return Question(row["text"]), truth.answers[truth.answers["question"] == row["question"]]


@pytest.mark.parametrize("how", HOWS, ids=lambda each: each.name)
def test_the_last_stage_is_what_a_search_finds(known, how):
    retriever, truth = known
    question, _ = asked_of(truth, 11)
    hits, stages = by_stage(retriever, question, how)
    found = retriever.search(question.text, how)
    pd.testing.assert_frame_equal(hits[found.columns], found)
    assert len(hits) and hits[f"rank_{stages[-1]}"].tolist() == hits["rank"].tolist()
    assert hits[stages[-1]].tolist() == hits["score"].tolist()


@pytest.mark.parametrize("how", HOWS, ids=lambda each: each.name)
def test_each_stage_is_a_search_of_its_own(known, how):
    retriever, truth = known
    question, _ = asked_of(truth, 30)
    hits, stages = by_stage(retriever, question, how)
    expected = {"lexical": ("lexical",), "dense": ("dense",)}
    expected = expected.get(how.search, ("lexical", "dense", "fused"))
    assert stages == expected + (() if how.rerank == "none" else ("reranked",))
    for stage in stages[: 2 if how.search == "hybrid" else 1]:
        alone = retriever.search(question.text, how.with_(search=stage, rerank="none"), how.depth)
        scores = dict(zip(alone["chunk"], alone["score"], strict=True))
        ranks = dict(zip(alone["chunk"], alone["rank"], strict=True))
        assert hits[stage].tolist() == pytest.approx(
            [scores.get(each, np.nan) for each in hits["chunk"]], nan_ok=True
        )
        told = hits[f"rank_{stage}"].astype(object).where(hits[f"rank_{stage}"].notna(), None)
        assert told.tolist() == [ranks.get(each) for each in hits["chunk"]]


def test_metrics_are_those_of_a_trial(known):
    retriever, truth = known
    one, other = HOWS[0], HOWS[2]
    trials = [run_trial(retriever, truth, each).scores for each in (one, other)]
    for at in (0, 17, 63):
        question, answers = asked_of(truth, at)
        told = inspect(retriever, question, one, other, answers).metrics()
        ident = truth.questions["question"].iloc[at]
        for name, scores in zip("ab", trials, strict=True):
            expected = scores.loc[ident, [*METRICS, "tokens"]]
            assert told.loc[expected.index, name].tolist() == pytest.approx(expected.tolist())
        assert (told["difference"] == told["b"] - told["a"]).all()


def test_documents_as_answers_count_once_however_many_of_their_chunks_are_found(known):
    retriever, _ = known
    length = len(dict(retriever.corpus.texts)["queue.md"])
    answers = pd.DataFrame({"document": ["queue.md"], "start": 0, "end": length, "grade": 1})
    question = Question("queue queue owner timeout backup")
    by_meaning = HOWS[1].with_(k=BY_WORDS.k)
    told = inspect(retriever, question, by_meaning, by_meaning, answers, is_whole=True)
    assert told.a.hits["document"].iloc[0] == "queue.md"
    assert told.a.hits["document"].tolist().count("queue.md") > 1
    assert told.metrics().loc["recall", "a"] == told.metrics().loc["ndcg", "a"] == 1
    assert told.metrics().loc["precision", "a"] == 1 / BY_WORDS.k


def test_without_answers_only_what_is_read_is_known(known):
    retriever, _ = known
    told = inspect(retriever, Question("the limit of the queue"), *HOWS[:2])
    assert told.metrics().index.tolist() == ["tokens"] and (told.metrics()["a"] > 0).all()
    assert not told.a.hits["answers"].any()


def test_what_finds_nothing_has_no_hits_and_scores_0(known):
    retriever, truth = known
    _, answers = asked_of(truth, 3)
    told = inspect(retriever, Question("zzz qqq 検索"), BY_WORDS, BY_WORDS, answers)
    assert told.a.hits.empty and told.table().empty and (told.metrics()["a"] == 0).all()
    assert "nothing found" in told.figure().layout.meta["description"]


def test_what_was_made_for_a_question_is_not_made_again(known):
    retriever, truth = known
    question, _ = asked_of(truth, 5)
    late = Configuration(search="hybrid", rerank="late", size=60)
    inspect(retriever, question, late, HOWS[2])
    embedder = retriever.embedder(late)
    before = len(embedder.embedded)
    inspect(retriever, question, late.with_(k=9), HOWS[2].with_(weight=0.9, k=2))
    assert len(embedder.embedded) == before


@pytest.mark.parametrize("text", ["", "  \n", "\u3000"])
def test_an_empty_question_is_refused(text):
    with pytest.raises(RetrievalError, match="question is empty"):
        Question(text)


def test_a_retriever_knows_what_it_has_made(known):
    for how in HOWS:
        fresh = Retriever(known[0].corpus, {"minilm": Tokens()})
        assert not fresh.is_ready(how)
        fresh.search("the limit of the queue", how)
        assert fresh.is_ready(how) and fresh.is_ready(how.with_(k=9))
        assert not fresh.is_ready(how.with_(size=how.size + 1))


def test_an_empty_corpus_is_told():
    corpus = Corpus.of_texts({"a.md": "One."})
    empty = Corpus(corpus.documents.iloc[:0], corpus.sections.iloc[:0])
    with pytest.raises(RetrievalError, match="no text to be searched"):
        inspect(Retriever(empty, {}), Question("one?"), BY_WORDS, BY_WORDS)


SPAN = st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 12))


def hits_of(spans):
    rows = [(at, name, start, start + size) for at, (name, start, size) in enumerate(spans, 1)]
    columns = {"rank": "int64", "document": "str", "start": "int64", "end": "int64"}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


@settings(max_examples=40)
@given(st.lists(SPAN, max_size=6), st.lists(SPAN, max_size=6))
def test_counterparts_are_the_first_with_half_in_common(one, other):
    hits, others = hits_of(one), hits_of(other)

    def is_same(hit, each):
        common = {*range(hit.start, hit.end)} & {*range(each.start, each.end)}
        shorter = min(hit.end - hit.start, each.end - each.start)
        return hit.document == each.document and len(common) >= max(1, shorter / 2)

    for hit, told in zip(hits.itertuples(), counterparts(hits, others), strict=True):
        ranks = [each.rank for each in others.itertuples() if is_same(hit, each)]
        assert (None if told is pd.NA else told) == min(ranks, default=None)


@settings(max_examples=40)
@given(SPAN, st.lists(SPAN, max_size=6))
def test_parts_that_answer_are_the_characters_in_any_answer(one, several):
    hit = hits_of([one]).iloc[0]
    parts = answering_parts(hit, hits_of(several))
    covered = [at for start, end in parts for at in range(start, end)]
    assert covered == [
        at
        for at in range(hit["end"] - hit["start"])
        if any(
            name == hit["document"] and start <= at + hit["start"] < start + size
            for name, start, size in several
        )
    ]
    assert all(before[1] < after[0] for before, after in pairwise(parts))


def test_the_figure_has_a_panel_a_stage_and_tells_what_answers_in_words(known):
    retriever, truth = known
    question, answers = asked_of(truth, 8)
    told = inspect(retriever, question, HOWS[0], HOWS[2], answers)
    figure = told.figure()
    assert [each.name for each in figure.data] == ["A lexical", "B lexical", "B dense", "B fused"]
    for bars in figure.data:
        look = told.a if bars.name[0] == "A" else told.b
        stage = bars.name[2:]
        assert list(bars.x) == pytest.approx(look.hits[stage].tolist(), nan_ok=True)
        ticked = [each.startswith("✓ ") for each in bars.y]
        assert ticked == look.hits["answers"].tolist() and any(ticked)
    assert "answers" in figure.layout.meta["description"]


def test_markup_in_names_is_text_in_the_figure():
    corpus = Corpus.of_texts({"<b onload=x>.md": "Queues fill up.", "b.md": "Wings lift."})
    look = Configuration(search="lexical", k=2)
    told = inspect(Retriever(corpus, {}), Question("<i>queues</i> wings"), look, look)
    for bars in told.figure().data:
        shown = [*bars.y, *(each[0] for each in bars.customdata)]
        assert not any("<b" in each for each in shown) and "&lt;b onload" in " ".join(shown)
        assert {each[2] for each in bars.customdata} == {"<b onload=x>.md", "b.md"}
