"""Failures: every cause provoked in a small world, and held against ranks written out."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.asked import Asked
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.documents import Corpus
from aiopslab.retrieval.explorer import side_by_side
from aiopslab.retrieval.failures import CAUSES, failures, summary
from aiopslab.retrieval.lexical import Lexical
from aiopslab.retrieval.library import embedded_corpus, embedded_questions
from aiopslab.retrieval.retriever import Retriever
from aiopslab.retrieval.trial import run_trial
from aiopslab.retrieval.truth import Truth

WORDS = Configuration(search="lexical", k=1)


class Letters:
    """Embeds a text as how often it has each letter."""

    name = "letters"
    dimensions = 27

    def embed(self, texts):
        counts = [[1, *(text.lower().count(chr(97 + at)) for at in range(26))] for text in texts]
        vectors = np.array(counts, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def truth_of(corpus, asked):
    """Return questions by id, each its text and the quotes that answer it by document."""
    texts = dict(corpus.texts)
    questions = [(name, text) for name, (text, _) in asked.items()]
    answers = []
    for name, (_, quotes) in asked.items():
        for document, quote in quotes:
            text = texts.get(document, quote)
            start = text.find(quote)
            start = len(text) if start < 0 else start
            answers.append((name, document, start, start + len(quote), 1))
    columns = ["question", "document", "start", "end", "grade"]
    return Truth(
        pd.DataFrame(questions, columns=["question", "text"]),
        pd.DataFrame(answers, columns=columns),
    )


def failed(corpus, asked, configuration=WORDS):
    """Return the failures of questions by id, and the trial."""
    retriever = Retriever(corpus, {"minilm": Letters()})
    truth = truth_of(corpus, asked)
    trial = run_trial(retriever, truth, configuration)
    return failures(retriever, truth, trial).set_index("question"), trial


@pytest.fixture(scope="module")
def handbook():
    corpus = embedded_corpus("embedded:handbook")
    return Retriever(corpus, {}), Truth(*embedded_questions("embedded:questions", corpus.documents))


def test_each_cause_is_told_from_the_others():
    corpus = Corpus.of_texts(
        {
            "queues.md": "Queues fill when consumers are slow.",
            "wings.md": "Wings lift because air is slow below.",
            "ships.md": "Hulls float.",
        }
    )
    corpus.documents["area"] = corpus.documents["document"].map(
        {"queues.md": "land", "wings.md": "air", "ships.md": "sea"}
    )
    found, _ = failed(
        corpus,
        {
            "found": ("why do wings lift", [("wings.md", "Wings lift")]),
            "nowhere": ("who pays", []),
            "unknown": ("what burns", [("fires.md", "Wood")]),
            "behind": ("what ends", [("wings.md", "not in it")]),
            "filtered": ("why do queues fill", [("queues.md", "Queues fill")]),
            "wordless": ("why lift boats", [("ships.md", "Hulls float.")]),
            "low": ("wings air below hulls", [("ships.md", "Hulls float.")]),
        },
        WORDS.with_(where={"area": ["air", "sea"]}),
    )
    assert found["cause"].to_dict() == {
        "nowhere": "not in the corpus",
        "unknown": "not in the corpus",
        "behind": "not in the corpus",
        "filtered": "filtered",
        "wordless": "shares no word",
        "low": "ranked low",
    }
    assert found.loc["nowhere", "detail"] == "no answer is known"
    assert found.loc["unknown", "detail"] == "there is no document fires.md"
    assert found.loc["behind", "detail"] == "wings.md ends before the answer begins"
    assert found.loc["filtered", "detail"] == "the document has area land"
    assert found.loc["low", "detail"] == "wings.md stood first"
    assert found.loc["low", "rank"] == 2
    assert found.loc["low", "quote"] == "Hulls float."
    assert found["rank"].drop("low").isna().all()


def test_an_answer_that_is_cut_is_told_where_a_hit_has_a_part_of_it():
    corpus = Corpus.of_texts({"d.md": "alpha beta gamma delta epsilon zeta eta theta"})
    asked = {"q": ("what of beta", [("d.md", "beta gamma delta epsilon zeta eta")])}
    cut = WORDS.with_(chunking="fixed", size=2)
    found, trial = failed(corpus, asked, cut)
    assert trial.hits["document"].tolist() == ["d.md"]
    row = found.loc["q"]
    # "alpha beta" holds four letters of the answer and has six others.
    assert row["cause"] == "cut apart"
    assert row["detail"].startswith("hit 1 holds 12% of it, and no chunk more than ")
    assert row["held"] < 0.5
    # Uncut it is found.
    assert failed(corpus, asked, cut.with_(size=20))[0].empty


def test_an_answer_of_which_every_chunk_holds_too_little_is_cut_apart():
    # White space is in no chunk.
    text = "alpha" + " " * 40 + "beta"
    found, _ = failed(
        Corpus.of_texts({"d.md": text, "e.md": "gamma"}),
        {"q": ("gamma alpha", [("d.md", text[3:46])])},
        WORDS.with_(chunking="fixed", size=1),
    )
    assert found.loc["q", "cause"] == "cut apart"
    assert pd.isna(found.loc["q", "rank"])


def test_ranks_by_words_and_by_meaning_are_those_of_either_search_alone(handbook):
    retriever = Retriever(handbook[0].corpus, {"minilm": Letters()})
    truth = Truth(handbook[1].questions.iloc[:25], handbook[1].answers)
    hybrid = Configuration(search="hybrid", depth=20)
    rows = failures(retriever, truth, run_trial(retriever, truth, hybrid))
    low = rows[rows["cause"] == "ranked low"]
    assert len(low) > 5
    for name, search in (("by_words", "lexical"), ("by_meaning", "dense")):
        alone = hybrid.with_(search=search, k=1_000)
        trial = run_trial(retriever, truth, alone)
        for row in low.itertuples():
            told = first_that_holds(trial.hits, row), getattr(row, name)
            assert told[0] is told[1] or told[0] == told[1]
    # What neither list reaches comes behind all that is fused, however good it is in one of them.
    asked = truth.questions[truth.questions["question"].isin(truth.answers["question"])]
    ranked = retriever.rank(Asked(asked["text"].tolist()), hybrid, 40)
    reached = ranked.table(asked["question"].tolist(), retriever.chunks(hybrid))
    kinds = set()
    for row in low.itertuples():
        rank = first_that_holds(reached, row)
        kinds.add(rank is pd.NA)
        own = (reached["question"] == row.question).sum()
        assert row.rank == rank if rank is not pd.NA else row.rank > own
    assert kinds == {True, False}


def first_that_holds(hits, row):
    """Return the rank of the first hit with half of the answer, or all of it in the answer."""
    for hit in hits[hits["question"] == row.question].itertuples():
        common = min(hit.end, row.end) - max(hit.start, row.start)
        shorter = min(hit.end - hit.start, row.end - row.start)
        if hit.document == row.document and common >= shorter / 2:
            return hit.rank
    return pd.NA


@pytest.mark.parametrize(
    "configuration",
    [
        Configuration(search="lexical"),
        Configuration(search="lexical", chunking="fixed", size=50, k=3),
    ],
)
def test_every_answer_of_the_handbook_is_found_or_has_a_cause(handbook, configuration):
    retriever, truth = handbook
    trial = run_trial(retriever, truth, configuration)
    rows = failures(retriever, truth, trial)
    answers = truth.answers.groupby("question").size()
    missed = rows[rows["document"].notna()].groupby("question").size()
    recall = 1 - missed.reindex(trial.scores.index, fill_value=0) / answers[trial.scores.index]
    assert recall.tolist() == pytest.approx(trial.scores["recall"].tolist())
    assert rows["cause"].isin(CAUSES).all()
    assert set(rows.loc[rows["cause"] == "not in the corpus", "question"]) == set(
        truth.questions["question"]
    ) - set(answers.index)
    low = rows[rows["cause"] == "ranked low"]
    assert (low["rank"] > configuration.k).all()
    # Asked for as many hits as that, each is found.
    deepest = Lexical(retriever.chunks(configuration)["text"].tolist())
    chunks = retriever.chunks(configuration)
    for row in low.sample(15, random_state=0).itertuples():
        places = deepest.search([row.text], int(row.rank)).places[0]
        hits = chunks.iloc[places].assign(question=row.question, rank=np.arange(1, len(places) + 1))
        assert first_that_holds(hits, row) == row.rank


def test_documents_as_a_whole_stand_where_their_best_chunk_does():
    # All chunks of the first document but one stand before the second.
    one = "\n\n".join(f"Wings of kind {at} lift wings." for at in range(8))
    corpus = Corpus.of_texts({"a.md": one, "b.md": "Wings and hulls.", "c.md": "Hulls float."})
    retriever = Retriever(corpus, {})
    truth = truth_of(corpus, {"q": ("wings", [("b.md", "Wings and hulls.")])})
    trial = run_trial(retriever, truth, WORDS.with_(size=8))
    row = failures(retriever, truth, trial).iloc[0]
    assert (row["cause"], row["rank"], row["first"]) == ("ranked low", 2, "a.md")


@settings(max_examples=10)
@given(st.permutations(range(12)), st.integers(1, 11))
def test_the_rank_of_a_single_word_is_that_of_its_frequency(order, k):
    texts = {
        f"{at:02}.md": " ".join(["wing"] * (times + 1) + ["pad"] * (12 - times))
        for at, times in enumerate(order)
    }
    corpus = Corpus.of_texts(texts)
    asked = {f"q{at}": ("wing", [(f"{at:02}.md", texts[f"{at:02}.md"])]) for at in range(12)}
    found, _ = failed(corpus, asked, WORDS.with_(k=k))
    ranks = {f"q{at}": 12 - times for at, times in enumerate(order)}
    assert found["rank"].to_dict() == {name: rank for name, rank in ranks.items() if rank > k}
    assert (found["cause"] == "ranked low").all()


def test_the_summary_counts_each_failure_once_and_says_what_to_change(handbook):
    retriever, truth = handbook
    configuration = Configuration(search="lexical", where={"environment": "production"})
    rows = failures(retriever, truth, run_trial(retriever, truth, configuration))
    told = summary(rows)
    assert told["answers"].sum() == len(rows)
    assert told["share"].sum() == pytest.approx(1)
    assert told["answers"].is_monotonic_decreasing
    advice = told.set_index("cause")["advice"]
    assert "filter" in advice["filtered"]
    low = rows.loc[rows["cause"] == "ranked low", "rank"].sort_values().tolist()
    half = (len(low) + 1) // 2
    assert f"{half} of {len(low)} stand among the first {low[half - 1]}" in advice["ranked low"]


def test_nothing_that_failed_is_an_empty_table():
    corpus = Corpus.of_texts({"a.md": "Wings lift."})
    rows, _ = failed(corpus, {"q": ("wings", [("a.md", "Wings lift.")])})
    assert rows.empty and summary(rows.reset_index()).empty


def test_a_search_without_a_single_hit_fails_in_words():
    corpus = Corpus.of_texts({"a.md": "Wings lift."})
    answer = [("a.md", "Wings lift.")]
    rows, _ = failed(corpus, {"q": ("hulls", answer), "r": ("wings", answer)})
    assert rows.index.tolist() == ["q"]
    assert rows.loc["q", ["cause", "detail"]].tolist() == ["shares no word", "there was no hit"]


def test_what_the_other_loses_comes_first_and_what_it_wins_last(handbook):
    retriever, truth = handbook
    one, other = (
        run_trial(retriever, truth, Configuration(search="lexical", k=k, size=size))
        for k, size in ((5, 200), (3, 100))
    )
    table = side_by_side(one, other, truth, retriever.corpus)
    assert sorted(table["question"]) == sorted(one.scores.index)
    gain = (table["recall_other"] - table["recall_one"]).round(9)
    assert (gain[table["better"] == "one"] <= 0).all()
    assert (gain[table["better"] == "other"] >= 0).all()
    places = table["better"].map({"one": 0, "same": 1, "other": 2})
    assert places.is_monotonic_increasing and set(places) == {0, 1, 2}
    assert gain[places == 0].is_monotonic_increasing and gain[places == 2].is_monotonic_increasing
    swapped = side_by_side(other, one, truth, retriever.corpus).set_index("question")["better"]
    names = {"one": "other", "other": "one", "same": "same"}
    assert table.set_index("question")["better"].map(names).to_dict() == swapped.to_dict()


def test_the_first_hit_is_shown_with_its_section():
    corpus = Corpus.of_texts(
        {"a.md": "# Wings\n\nThey lift.\n\n## Swept\n\nSlow air.", "b.md": "Hulls"}
    )
    retriever = Retriever(corpus, {})
    truth = truth_of(
        corpus,
        {"q": ("slow air", [("a.md", "Slow air.")]), "r": ("oars", [("b.md", "Hulls")])},
    )
    cut = Configuration(search="lexical", chunking="headings", size=6)
    one = run_trial(retriever, truth, cut)
    table = side_by_side(one, one, truth, corpus).set_index("question")
    shown = ["document_one", "section_one", "rank_one"]
    assert table.loc["q", shown].tolist() == ["a.md", "Wings > Swept", 1]
    assert "Slow air." in table.loc["q", "snippet_other"]
    assert table.loc["r", ["document_one", "snippet_other"]].tolist() == ["", ""]
    assert pd.isna(table.loc["r", "rank_one"])
    assert (table["better"] == "same").all()


def test_trials_of_other_questions_are_refused(handbook):
    retriever, truth = handbook
    some = Truth(truth.questions.iloc[:30], truth.answers)
    one, other = (run_trial(retriever, each, WORDS) for each in (truth, some))
    with pytest.raises(RetrievalError, match="not all of them the same"):
        side_by_side(one, other, truth, retriever.corpus)
    with pytest.raises(RetrievalError, match="not among these"):
        side_by_side(one, one, some, retriever.corpus)
