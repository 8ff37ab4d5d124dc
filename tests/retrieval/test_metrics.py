"""Metrics of rankings: against trec_eval, and against definitions written out."""

import math

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval import metrics

CUTS = (1, 3, 5, 20)
MEASURES = {
    "ndcg_cut": metrics.ndcg,
    "recall": metrics.recall,
    "map_cut": metrics.average_precision,
    "P": lambda grades, ideal, k: metrics.precision(grades, k),
    "success": lambda grades, ideal, k: metrics.hit_rate(grades, k),
}

documents = st.sampled_from([f"d{number}" for number in range(12)])
# Few different scores, so that many are equal.
runs = st.dictionaries(documents, st.integers(0, 3).map(float), max_size=10)
judgements = st.dictionaries(documents, st.integers(-1, 4), min_size=1, max_size=8)
questions = st.lists(st.tuples(runs, judgements), min_size=1, max_size=6)


def padded(rows):
    """Return rows of any length as one array, filled up with 0."""
    width = max(map(len, rows), default=0)
    return np.array([[*row, *[0] * (width - len(row))] for row in rows], dtype=float)


def arrays(asked):
    """Return grades and ideals; of equal scores trec_eval ranks the later name first."""
    ranked = [sorted(run, key=lambda each: (run[each], each), reverse=True) for run, _ in asked]
    told = zip(ranked, asked, strict=True)
    grades = [[rel.get(each, 0) for each in row] for row, (_, rel) in told]
    return padded(grades), padded([list(rel.values()) for _, rel in asked])


@settings(max_examples=40)
@given(questions)
def test_figures_are_those_of_trec_eval(asked):
    qrels = {str(number): rel for number, (_, rel) in enumerate(asked)}
    # A question without a hit is left out of the run, as search engines do.
    run = {str(number): run for number, (run, _) in enumerate(asked) if run}
    names = {f"{each}.{','.join(map(str, CUTS))}" for each in MEASURES} | {"map", "recip_rank"}
    told = pytrec_eval.RelevanceEvaluator(qrels, names).evaluate(run)
    grades, ideal = arrays(asked)
    ours = {f"{name}_{k}": of(grades, ideal, k) for name, of in MEASURES.items() for k in CUTS} | {
        "map": metrics.average_precision(grades, ideal),
        "recip_rank": metrics.reciprocal_rank(grades),
    }
    for number in range(len(asked)):
        for name, figures in ours.items():
            expected = told[str(number)][name] if str(number) in told else 0.0
            assert figures[number] == pytest.approx(expected, abs=1e-9), name


@settings(max_examples=40)
@given(questions, st.integers(1, 12))
def test_exponential_gains_are_those_of_burges(asked, k):
    grades, ideal = arrays(asked)
    found = metrics.ndcg(metrics.exponential(grades), metrics.exponential(ideal), k)
    for row, best, figure in zip(grades, ideal, found, strict=True):
        gains, most = (
            sum(
                (2**grade - 1) / math.log2(at + 2)
                for at, grade in enumerate(order[:k])
                if grade > 0
            )
            for order in (row, sorted(best, reverse=True))
        )
        assert figure == pytest.approx(gains / most if most else 0.0, abs=1e-9)


@settings(max_examples=40)
@given(questions, st.integers(1, 12))
def test_the_reciprocal_rank_knows_no_hit_past_k(asked, k):
    grades, _ = arrays(asked)
    firsts = [next((at for at, each in enumerate(row[:k], 1) if each > 0), None) for row in grades]
    expected = [1 / each if each else 0.0 for each in firsts]
    assert metrics.reciprocal_rank(grades, k) == pytest.approx(expected)


@given(questions)
def test_the_best_order_has_all_of_it(asked):
    _, ideal = arrays(asked)
    best = -np.sort(-ideal, axis=1)
    has_any = (ideal > 0).any(axis=1)
    for measure in (metrics.ndcg, metrics.recall, metrics.average_precision):
        assert measure(best, ideal) == pytest.approx(has_any.astype(float))


def test_no_question_and_no_rank_are_figures_too():
    assert metrics.ndcg(np.empty((0, 5)), np.empty((0, 2)), 3).shape == (0,)
    nothing = np.empty((2, 0))
    for found in (
        metrics.ndcg(nothing, [[1], [2]], 3),
        metrics.recall(nothing, [[1], [2]], 3),
        metrics.average_precision(nothing, [[1], [2]], 3),
        metrics.precision(nothing, 3),
        metrics.hit_rate(nothing, 3),
        metrics.reciprocal_rank(nothing, 3),
    ):
        assert found.tolist() == [0, 0]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: metrics.recall([[1]], [[1]], k=0), "k is 0"),
        (lambda: metrics.precision([1, 0]), r"expected \(questions, ranks\)"),
        (lambda: metrics.ndcg([[1], [0]], [[1]]), "grades of 2 questions and ideals of 1"),
    ],
)
def test_what_cannot_be_measured_is_told(call, says):
    with pytest.raises(RetrievalError, match=says):
        call()
