"""Spans: against the definitions counted out character by character."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import RetrievalError
from aiopslab.retrieval.spans import span_scores, union

spans = st.tuples(st.integers(0, 30), st.integers(0, 12)).map(lambda each: (each[0], sum(each)))
placed = st.tuples(st.sampled_from("qrs"), st.sampled_from("de"), spans)
tables = st.lists(placed, max_size=14)


def table(rows):
    """Return spans as a table, ranked as they come."""
    flat = [(question, document, *span) for question, document, span in rows]
    found = pd.DataFrame(flat, columns=["question", "document", "start", "end"])
    return found.assign(rank=found.groupby("question").cumcount() + 1)


def characters(rows):
    return {(document, at) for _, document, span in rows for at in range(*span)}


def lengths(rows):
    return sum(end - start for _, _, (start, end) in rows)


@given(st.lists(spans, max_size=10), st.lists(spans, max_size=5))
def test_a_union_covers_what_its_spans_cover(several, others):
    starts, ends = (np.array([each[at] for each in several], dtype=np.intp) for at in (0, 1))
    found = union(starts, ends)
    covered = {at for each in several for at in range(*each)}
    assert (found.ends - found.starts).sum() == len(covered)
    assert (found.starts[1:] > found.ends[:-1]).all()
    at = [np.array([each[side] for each in others], dtype=np.intp) for side in (0, 1)]
    expected = [len(covered & set(range(*each))) for each in others]
    assert found.covered(*at).tolist() == expected


@settings(max_examples=40)
@given(tables, tables, st.integers(1, 5))
def test_scores_are_what_counting_gives(hits, answers, k):
    found = span_scores(table(hits), table(answers), k)
    assert found.index.tolist() == list(dict.fromkeys(question for question, *_ in answers))
    for question, row in found.iterrows():
        wanted = [each for each in answers if each[0] == question]
        got = [each for each in hits if each[0] == question][:k]
        both = len(characters(wanted) & characters(got))
        missed = sum(len(characters([each]) - characters(got)) for each in wanted)
        for name, whole in (
            ("recall", lengths(wanted)),
            ("precision", lengths(got)),
            ("iou", lengths(got) + missed),
        ):
            assert row[name] == pytest.approx(both / whole if whole else 0.0), name


def test_overlap_of_chunks_is_paid_for():
    answers = table([("q", "d", (10, 20))])
    apart = span_scores(table([("q", "d", (0, 20)), ("q", "d", (20, 40))]), answers)
    lapped = span_scores(table([("q", "d", (0, 20)), ("q", "d", (10, 30))]), answers)
    assert apart.loc["q"].tolist() == [1, 0.25, 0.25]
    assert lapped.loc["q"].tolist() == [1, 0.25, 0.25]  # 10 of 40, though 30 are covered


def test_hits_in_other_documents_are_paid_for():
    found = span_scores(
        table([("q", "x", (0, 30)), ("q", "d", (0, 10))]), table([("q", "d", (0, 10))])
    )
    assert found.loc["q"].tolist() == [1, 0.25, 0.25]


def test_a_missing_column_is_named():
    with pytest.raises(RetrievalError, match="the hits have no column 'rank'"):
        span_scores(table([]).drop(columns="rank"), table([]))
