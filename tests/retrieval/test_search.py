"""Search: by meaning, by words, fused and reranked, against each written out."""

import math
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval import exact
from aiopslab.retrieval.exact import Ranked, search
from aiopslab.retrieval.fusion import min_max, reciprocal_rank_fusion, weighted, z_scores
from aiopslab.retrieval.lexical import Lexical, stems, words
from aiopslab.retrieval.reranking import late_interaction, maximal_marginal_relevance, rerank


def units(rows, seed=0, dimensions=24):
    """Return unit vectors in any direction."""
    drawn = np.random.default_rng(seed).normal(size=(rows, dimensions))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def ranked(*rows):
    """Return ranked lists of places with falling scores."""
    width = max(map(len, rows))
    places = np.array([[*row, *[-1] * (width - len(row))] for row in rows], dtype=np.intp)
    return Ranked(places, np.where(places < 0, np.nan, np.arange(width, 0, -1.0)))


def hits(found):
    """Return the places of each question, without those that hold no hit."""
    return [[int(place) for place in row if place >= 0] for row in found.places]


@given(st.integers(0, 40), st.integers(1, 50), st.integers(0, 5), st.randoms())
def test_the_nearest_are_found_and_equal_ones_in_their_order(size, k, seed, random):
    some = units(size, seed)
    # Texts that come again and again have the same vector, and may be at the end of the list.
    vectors = some[[random.randrange(size) for _ in range(2 * size)]]
    queries = units(7, seed + 10)
    found = search(queries, vectors, k)
    alike = queries.astype(np.float64) @ vectors.T.astype(np.float64)
    order = np.argsort(-alike.round(9), axis=1, kind="stable")[:, :k]
    assert hits(found) == order.tolist()
    assert found.scores[found.known] == pytest.approx(np.take_along_axis(alike, order, 1).ravel())


def test_a_question_has_the_same_hits_alone_and_in_blocks(monkeypatch):
    queries, vectors = units(20), units(300, 1)[np.arange(600) % 300]
    together = search(queries, vectors, 9)
    monkeypatch.setattr(exact, "BLOCK", 1_000)
    for found in (
        search(queries, vectors, 9),
        Ranked(
            *(
                np.concatenate(each)
                for each in zip(
                    *(
                        (one.places, one.scores)
                        for one in (search(query, vectors, 9) for query in queries[:, None])
                    ),
                    strict=True,
                )
            )
        ),
    ):
        assert (found.places == together.places).all() and (found.scores == together.scores).all()


def test_a_filter_lets_only_some_be_found():
    vectors, queries = units(50), units(3, 1)
    among = np.arange(50) % 7 == 0
    found = search(queries, vectors, 20, among)
    assert [sorted(row) for row in hits(found)] == [list(range(0, 50, 7))] * 3
    assert hits(search(queries, vectors, 5, np.zeros(50, bool))) == [[], [], []]


def test_hits_become_the_table_of_the_contract():
    chunks = pd.DataFrame(
        {"chunk": list("xyz"), "document": ["d", "d", "e"], "start": [0, 5, 0], "end": [5, 9, 4]}
    )
    table = ranked([2, 0], [1]).table(["q", "r"], chunks)
    assert table.columns.tolist() == [
        "question", "rank", "chunk", "document", "start", "end", "score"
    ]  # fmt: skip
    assert table["question"].tolist() == ["q", "q", "r"] and table["rank"].tolist() == [1, 2, 1]
    assert table["chunk"].tolist() == ["z", "x", "y"] and table["score"].tolist() == [2, 1, 2]
    assert list(table.index) == [0, 1, 2]


alphabet = st.sampled_from(["wing", "flow", "heat", "body", "shock", "wave", "layer"])
texts = st.lists(st.lists(alphabet, max_size=8).map(" ".join), max_size=12)


@given(texts, st.lists(alphabet, max_size=4).map(" ".join), st.sampled_from([0.0, 1.2, 2.0]))
def test_words_are_scored_by_the_formula_of_bm25(corpus, question, k1):
    found = Lexical(corpus, k1=k1, b=0.6).search([question, "unknown", ""], 20)
    counts = [Counter(text.split()) for text in corpus]
    mean = np.mean([each.total() for each in counts]) if any(counts) else 1

    def score(count):
        told = 0.0
        for word in question.split():
            holding = sum(word in each for each in counts)
            rare = math.log(1 + (len(corpus) - holding + 0.5) / (holding + 0.5))
            length = 1 - 0.6 + 0.6 * count.total() / mean
            told += rare * count[word] / (count[word] + k1 * length) if count[word] else 0
        return round(told, 9)

    scores = [score(each) for each in counts]
    order = sorted((at for at, each in enumerate(scores) if each), key=lambda at: -scores[at])
    assert hits(found) == [order, [], []]
    assert found.scores[0, : len(order)] == pytest.approx([scores[at] for at in order])


def test_words_of_any_script_are_found():
    corpus = [
        "Die Größe der Flügel",
        "翼の境界層",
        "wings of birds",
        "",
        "ﬁne ＡＢＣ",
        "тепло и поток",
    ]
    found = Lexical(corpus).search(["GRÖSSE", "境界", "a bird's wing", "FINE abc", "ПОТОК"], 1)
    assert found.places.ravel().tolist() == [0, 1, 2, 4, 5]
    assert words("境") == ["境"] and words("ab境界cd") == ["ab", "境界", "cd"] and words(" .") == []


def test_marks_belong_to_the_letter_before():
    assert words("हिन्दी में ⚠️ ok") == ["हिन्दी", "में", "ok"]
    assert words("नमस्ते") != words("नमस्त")


def test_forms_of_a_word_are_one_and_codes_stay_what_they_are():
    corpus = [
        "policies of retrieval",
        "RET-4012",
        "max_retries",
        "gpt4s",
        "élèves",
        "retry",
        "news",
    ]
    questions = ["retrieved policy", "ret 401", "max_retry", "gpt4", "élève", "retries", "new"]
    assert hits(Lexical(corpus).search(questions, 9)) == [[0], [1], [], [], [], [5], []]
    asked = ["retrieval", "retrieved", "retries"]
    assert hits(Lexical(corpus, stemmer=None).search(asked, 9)) == [[0], [], []]


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=12)))
def test_stems_are_one_a_word_and_none_without_a_stemmer(several):
    assert stems(several, None) == several
    told = stems(several)
    assert len(told) == len(several)
    for word, stem in zip(several, told, strict=True):
        assert stem == word or (word.isascii() and not any(each in "_0123456789" for each in word))


def test_other_languages_have_stemmers_of_their_own():
    corpus = ["die Häuser", "фирменными", "कपड़ों"]
    for place, (question, language) in enumerate(
        [("Haus", "german"), ("фирменный", "russian"), ("कपड़ा", "hindi")]
    ):
        assert hits(Lexical(corpus, stemmer=language).search([question], 1)) == [[place]]
        assert hits(Lexical(corpus).search([question], 1)) == [[]]


def test_a_tokenizer_of_ones_own_is_used_for_both():
    found = Lexical(["running", "heat"], tokenize=lambda text: [text[:3]]).search(["runs"], 1)
    assert hits(found) == [[0]]


def test_words_can_be_filtered_too():
    corpus = ["wing"] * 6
    assert hits(Lexical(corpus).search(["wing"], 3, np.arange(6) % 2 == 1)) == [[1, 3, 5]]
    assert hits(Lexical(corpus).search(["wing"], 2)) == [[0, 1]]


@given(st.lists(st.tuples(*[st.permutations(range(8))] * 3), min_size=1, max_size=4), st.data())
def test_fusion_adds_up_one_over_the_ranks(orders, data):
    depths = [data.draw(st.integers(1, 8)) for _ in range(3)]
    runs = [ranked(*(row[at][:depth] for row in orders)) for at, depth in enumerate(depths)]
    weights = [1.0, 0.5, 2.0]
    found = reciprocal_rank_fusion(runs, 6, weights)
    for row, order in enumerate(orders):
        told = Counter()
        for several, depth, weight in zip(order, depths, weights, strict=True):
            for at, place in enumerate(several[:depth], 1):
                told[place] += weight / (60 + at)
        best = sorted(told, key=lambda place: (-round(told[place], 12), place))[:6]
        assert hits(found)[row] == best
        assert found.scores[row, : len(best)] == pytest.approx([told[each] for each in best])


def test_a_list_without_hits_leaves_the_other_as_it_is():
    one, none = ranked([3, 1], [2]), Ranked(np.full((2, 4), -1), np.full((2, 4), np.nan))
    for fuse in (reciprocal_rank_fusion, weighted):
        assert hits(fuse([one, none], 5)) == [[3, 1], [2]]
        assert hits(fuse([none, none], 5)) == [[], []]


def test_scores_are_weighted_once_they_are_comparable():
    words_, meaning = (
        Ranked(np.array([[0, 1, 2]]), np.array([[30.0, 20.0, 10.0]])),
        Ranked(np.array([[2, 3, 0]]), np.array([[0.9, 0.8, 0.5]])),
    )
    found = weighted([words_, meaning], 4, [0.25, 0.75])
    assert hits(found) == [[2, 3, 0, 1]]
    assert found.scores[0] == pytest.approx([0.75, 0.75 * 0.75, 0.25, 0.125])
    assert hits(weighted([words_, meaning], 4, [1, 0])) == [[0, 1, 2, 3]]
    equal = np.array([[0.3, 0.3, np.nan]])
    assert min_max(equal)[0, :2].tolist() == z_scores(equal)[0, :2].tolist() == [1, 1]
    spread = z_scores(np.array([[4.0, 1.0, 3.0]]))
    assert spread.std() == pytest.approx(1) and spread.min() == 0


@given(st.integers(0, 20), st.sampled_from([0.0, 0.3, 0.7, 1.0]))
def test_diversity_is_chosen_as_one_would_by_hand(seed, balance):
    queries, vectors = units(4, seed, 3), units(12, seed + 50, 3)
    near = search(queries, vectors, 9)
    found = maximal_marginal_relevance(near, queries, vectors, 6, balance)
    both = vectors.astype(np.float64)
    for row, query in enumerate(queries.astype(np.float64)):
        chosen, left = [], hits(near)[row]
        for at in range(6):
            worth = {
                each: balance * (query @ both[each])
                - (1 - balance) * max([0, *(both[each] @ both[old] for old in chosen)])
                for each in left
            }
            best = max(left, key=worth.get)
            assert found.scores[row, at] == pytest.approx(worth[best])
            chosen.append(best)
            left.remove(best)
        assert hits(found)[row] == chosen
        assert (np.diff(found.scores[row]) <= 1e-9).all()


def test_relevance_alone_leaves_the_order_and_lists_may_be_short(monkeypatch):
    queries, vectors = units(5), units(30, 1)
    near = search(queries, vectors, 8)
    near.places[1, 2:] = -1
    monkeypatch.setattr("aiopslab.retrieval.reranking.BLOCK", 1)
    found = maximal_marginal_relevance(near, queries, vectors, 20, 1.0)
    assert hits(found) == hits(near)
    nothing = Ranked(np.empty((0, 4), dtype=np.intp), np.empty((0, 4)))
    assert len(maximal_marginal_relevance(nothing, queries[:0], vectors, 3)) == 0


def test_a_reranker_of_ones_own_orders_the_candidates():
    asked = []

    def length(question, several):
        asked.append((question, list(several)))
        return [len(each) for each in several]

    corpus = ["aa", "a", "aaaa", "aaa"]
    found = rerank(ranked([1, 0, 3], [], [2]), ["q", "r", "s"], corpus, length, 2)
    assert hits(found) == [[3, 0], [], [2]]
    assert asked == [("q", ["a", "aa", "aaa"]), ("s", ["aaaa"])]


def test_late_interaction_takes_the_nearest_token_of_each():
    vectors = {"q": units(3), "one": units(5, 1), "two": units(2, 2), "none": np.empty((0, 24))}
    calls = Counter()

    class Embedder:
        def token_vectors(self, text):
            calls[text] += 1
            return vectors[text]

    found = rerank(
        ranked([0, 1, 2]), ["q"], ["one", "two", "none"], late_interaction(Embedder()), 3
    )
    expected = [(vectors["q"] @ vectors[each].T).max(axis=1).sum() for each in ("one", "two")]
    assert found.scores[0] == pytest.approx([*sorted(expected, reverse=True), -3])
    assert set(calls.values()) == {1}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: search(units(1), 2 * units(3), 1), "3 of 3 chunk vectors are not of unit length"),
        (lambda: search(units(1), units(3) * np.nan, 1), "not of unit length"),
        (lambda: search(units(1, dimensions=8), units(3), 1), "queries have 8 dimensions"),
        (lambda: search(units(1)[0], units(3), 1), r"query vectors have the shape \(24,\)"),
        (lambda: search(units(1), units(3), 0), "k is 0"),
        (lambda: Lexical(["a"]).search(["a"], 0), "k is 0"),
        (lambda: Lexical(["a"], b=2), "b 2"),
        (lambda: Lexical(["a"], stemmer="englsh"), "(?s)no stemmer of 'englsh'.*'english'"),
        (lambda: reciprocal_rank_fusion([], 3), "of .* questions"),
        (lambda: weighted([ranked([1]), ranked([1], [2])], 3), r"of \[1, 2\] questions"),
        (lambda: weighted([ranked([1])], 3, [1, 2]), "the weights are"),
        (lambda: weighted([ranked([1])], 3, [0]), "the weights are"),
        (lambda: late_interaction(object()), "gives no vectors of tokens"),
        (lambda: rerank(ranked([0]), ["q"], ["a"], lambda *_: [1, 2], 1), "for 1 texts"),
        (lambda: rerank(ranked([0]), ["q"], ["a"], lambda *_: [np.nan], 1), "not finite"),
        (lambda: maximal_marginal_relevance(ranked([0]), units(1), units(1), 1, 2), "balance is 2"),
    ],
)
def test_what_cannot_be_searched_is_told(call, says):
    with pytest.raises(RetrievalError, match=says):
        call()
