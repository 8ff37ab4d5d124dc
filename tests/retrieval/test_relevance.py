"""Relevance: answers are counted once, however the source is cut."""

import numpy as np
import pandas as pd
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.relevance import best_of_documents, judge

HITS = ["question", "rank", "document", "start", "end"]
ANSWERS = ["question", "document", "start", "end", "grade"]


def hits_of(*spans, question="q", document="d"):
    rows = [(question, rank, document, *span) for rank, span in enumerate(spans, 1)]
    return pd.DataFrame(rows, columns=HITS)


def answers_of(*spans, question="q", document="d", grade=1):
    return pd.DataFrame([(question, document, *span, grade) for span in spans], columns=ANSWERS)


def scores(hits, answers, k=5):
    return judge(hits, answers).scores(k).loc["q"]


def test_two_chunks_over_one_answer_find_it_once():
    found = scores(hits_of((0, 20), (5, 25)), answers_of((8, 18), (50, 60)))
    assert found["recall"] == 0.5 and found["precision"] == 2 / 5
    assert found["map"] == 0.5


def test_one_chunk_over_two_answers_finds_both():
    found = scores(hits_of((0, 40)), answers_of((8, 18), (20, 30)), k=1)
    assert found["recall"] == 1 and found["ndcg"] == 1
    later = scores(hits_of((90, 99), (0, 40)), answers_of((8, 18), (20, 30)))
    assert later["ndcg"] < 1 and later["mrr"] == 0.5


@pytest.mark.parametrize(
    ("hit", "holds"),
    [
        ((0, 15), True),  # half of the answer
        ((0, 14), False),
        ((20, 24), False),  # behind it, and touching
        ((12, 14), True),  # within it
        ((18, 22), True),  # half of the hit
        ((19, 23), False),
    ],
)
def test_a_hit_holds_an_answer_by_the_share_of_the_shorter(hit, holds):
    assert scores(hits_of(hit), answers_of((10, 20)))["hit_rate"] == holds


def test_same_positions_in_another_document_or_question_are_no_answer():
    assert scores(hits_of((0, 10), document="e"), answers_of((0, 10)))["recall"] == 0
    both = pd.concat([answers_of((0, 10)), answers_of((0, 10), question="r")])
    found = judge(hits_of((0, 10), question="r"), both.reset_index(drop=True)).scores(5)
    assert found["recall"].to_dict() == {"q": 0, "r": 1}


def test_the_better_answer_first_is_the_better_order():
    answers = pd.concat([answers_of((0, 10)), answers_of((20, 30), grade=3)], ignore_index=True)
    assert scores(hits_of((20, 30), (0, 10)), answers)["ndcg"] == 1
    assert scores(hits_of((0, 10), (20, 30)), answers)["ndcg"] == pytest.approx(
        (1 + 3 / np.log2(3)) / (3 + 1 / np.log2(3))
    )


def test_an_answer_given_twice_counts_once_with_its_better_grade():
    answers = pd.concat([answers_of((0, 10)), answers_of((0, 10), grade=4)], ignore_index=True)
    assert judge(hits_of((0, 10)), answers).ideal.tolist() == [[4]]


def test_hits_without_truth_are_left_out():
    found = judge(hits_of((0, 10), question="unjudged"), answers_of((0, 10)))
    assert found.questions.tolist() == ["q"] and found.scores(5).loc["q"].eq(0).all()


spans = st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda each: (each[0], sum(each)))
truth = st.dictionaries(spans, st.integers(1, 4), min_size=1, max_size=6)


@settings(max_examples=40)
@given(st.lists(spans, max_size=10), truth, st.sampled_from([0.1, 0.5, 1.0]), st.integers(1, 12))
def test_answers_are_found_where_looking_at_each_finds_them(hits, known, share, k):
    answers = pd.DataFrame(
        [("q", "d", *span, grade) for span, grade in known.items()], columns=ANSWERS
    )
    judged = judge(hits_of(*hits), answers, share)

    def holds(hit, answer):
        common = min(hit[1], answer[1]) - max(hit[0], answer[0])
        return common > 0 and common >= share * min(hit[1] - hit[0], answer[1] - answer[0])

    found = judged.scores(k).loc["q"]
    ranks = [next((at for at, hit in enumerate(hits) if holds(hit, each)), None) for each in known]
    within = sum(at is not None and at < k for at in ranks)
    assert found["recall"] == pytest.approx(within / len(known))
    relevant = [any(holds(hit, each) for each in known) for hit in hits]
    assert judged.relevant.tolist() == [relevant]
    assert found["precision"] == pytest.approx(sum(relevant[:k]) / k)
    assert (found >= 0).all() and (found <= 1 + 1e-12).all()
    assert sorted(judged.grades[judged.grades > 0]) == sorted(
        grade for grade, at in zip(known.values(), ranks, strict=True) if at is not None
    )


@settings(max_examples=40)
@given(truth, st.integers(1, 30), st.integers(1, 30))
def test_truth_survives_another_cut_of_the_text(known, one, two):
    """Whatever the size of the chunks, all of them together hold every answer of some length."""
    answers = pd.DataFrame(
        [("q", "d", *span, grade) for span, grade in known.items()], columns=ANSWERS
    )
    for size in (one, two):
        chunks = [(start, min(start + size, 80)) for start in range(0, 80, size)]
        # An answer that three chunks share is at least as long as the one in the middle.
        assert scores(hits_of(*chunks), answers, len(chunks))["recall"] == 1


documents = [f"d{number}" for number in range(8)]
ranked = st.lists(st.sampled_from(documents), max_size=20)
judged = st.dictionaries(st.sampled_from(documents), st.integers(1, 4), min_size=1)


@settings(max_examples=40)
@given(st.lists(st.tuples(ranked, judged), min_size=1, max_size=4), st.sampled_from([1, 3, 10]))
def test_documents_are_judged_as_trec_eval_does(asked, k):
    """Chunks of 10 of documents of 100; the best chunk of a document has its rank."""
    rng = np.random.default_rng(0)
    hits, answers, run, qrels = [], [], {}, {}
    for number, (row, known) in enumerate(asked):
        name = str(number)
        for rank, document in enumerate(row, 1):
            start = 10 * int(rng.integers(10))
            hits.append((name, rank, document, start, start + 10))
        answers += [(name, document, 0, 100, grade) for document, grade in known.items()]
        run[name] = {document: -float(row.index(document)) for document in row}
        qrels[name] = known
    told = pytrec_eval.RelevanceEvaluator(
        qrels, {f"{each}.{k}" for each in ("ndcg_cut", "recall", "map_cut", "P", "success")}
    ).evaluate(run)
    table = best_of_documents(pd.DataFrame(hits, columns=HITS))
    found = judge(table, pd.DataFrame(answers, columns=ANSWERS)).scores(k)
    pairs = {
        "ndcg": f"ndcg_cut_{k}",
        "recall": f"recall_{k}",
        "map": f"map_cut_{k}",
        "precision": f"P_{k}",
        "hit_rate": f"success_{k}",
    }
    for name in qrels:
        for ours, theirs in pairs.items():
            assert found.loc[name, ours] == pytest.approx(told[name][theirs], abs=1e-9), ours


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: judge(hits_of((0, 1)), answers_of((0, 1), grade=0)), "1 answers have a grade"),
        (lambda: judge(hits_of((0, 1)), answers_of((0, 1)), share=0), "the share is 0"),
        (lambda: judge(hits_of((0, 1)), answers_of().drop(columns="grade")), "no column 'grade'"),
    ],
)
def test_what_cannot_be_judged_is_told(call, says):
    with pytest.raises(RetrievalError, match=says):
        call()
