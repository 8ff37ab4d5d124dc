"""Text and embeddings: what moved is found, named and escaped."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from aiopslab.drift.embedding_drift import compare_embeddings
from aiopslab.drift.mmd import mean_discrepancy
from aiopslab.drift.text_drift import compare_texts, words_of
from aiopslab.errors import FrameError

WORDS = [f"word{each}" for each in range(200)]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


def texts(count, rng, extra="", share=0.0):
    lines = [" ".join(rng.choice(WORDS, rng.integers(5, 15))) for _ in range(count)]
    return pd.Series([f"{each} {extra}" if rng.random() < share else each for each in lines])


def quietly(function, *arguments, **named):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return function(*arguments, **named)


def test_a_word_that_came_up_is_named_with_its_shares(rng):
    result = quietly(compare_texts, texts(500, rng), texts(500, rng, "refund", 0.3))
    assert result.classifier.drifted
    first = result.words.iloc[0]
    assert first["word"] == "refund" and first["reference"] == 0
    assert first["low"] <= 0.3 <= first["high"]
    assert len(result.table()) == 3
    assert result.figure().data[0].y[-1] == "refund"


def test_what_people_wrote_is_escaped(rng):
    result = compare_texts(texts(300, rng), texts(300, rng, "x&<script>alert(1)</script>", 0.5))
    assert "<script" not in result._repr_html_()
    hostile = result.words.assign(word="<img src=x>")
    shown = replace(result, words=hostile)
    assert "<img" not in shown._repr_html_() and "&lt;img" in shown._repr_html_()
    assert not any("<img" in each for each in shown.figure().data[0].y)


def test_texts_of_one_source_hardly_raise_an_alarm(rng):
    drifted = [
        compare_texts(texts(150, rng), texts(150, rng), seed=seed).drifted for seed in range(20)
    ]
    assert sum(drifted) <= stats.binom.isf(0.002, 20, 0.05)


def test_longer_texts_of_the_same_words_are_told_by_their_length(rng):
    reference, current = texts(400, rng), texts(400, rng)
    result = compare_texts(reference, current + " " + current)
    before, after = (np.log1p(each.str.split().str.len()) for each in (reference, current))
    longer = np.log1p(2 * current.str.split().str.len())
    assert after.mean() == pytest.approx(before.mean(), abs=0.1)
    assert result.length.value == pytest.approx((longer.mean() - before.mean()) / before.std())
    assert result.length.drifted


def test_topics_that_are_mixed_otherwise_are_told_where_no_word_is_new(rng):
    def mixed(share):
        topic = np.where(rng.random(600) < share, 100, 0)
        return pd.Series([" ".join(rng.choice(WORDS[at : at + 100], 8)) for at in topic])

    result = quietly(compare_texts, mixed(0.1), mixed(0.25))
    assert result.discrepancy.drifted and result.drifted
    assert "more of 'word1" in result.direction


def test_what_moved_is_said_in_words(rng):
    newer = texts(500, rng, "refund my fare", 0.5)
    direction = compare_texts(texts(500, rng), newer).direction
    assert direction.startswith("more of ") and "'refund'" in direction
    assert "longer by" in direction
    back = compare_texts(newer, texts(500, rng)).direction
    assert "less of 'fare'" in back and "shorter by" in back


def test_the_most_risen_word_is_on_top_and_what_fell_below(rng):
    before = texts(500, rng, "cheap", 0.4)
    bars = compare_texts(before, texts(500, rng, "dear", 0.3)).figure("<b>mail</b> $x$").data[0]
    assert (bars.y[-1], bars.y[0]) == ("dear", "cheap")
    assert list(bars.x) == sorted(bars.x)
    title = compare_texts(before, before).figure("<b>mail</b> $x$").layout.title.text
    assert "<b>" not in title and "$" not in title


def test_a_language_without_spaces_has_words():
    assert words_of("返金してください now") == [*"返金してください", "now"]


@pytest.mark.parametrize(
    "column",
    [[], [None] * 200, ["one text"] * 10],
)
def test_too_little_text_is_said(column, rng):
    result = quietly(compare_texts, texts(200, rng), pd.Series(column, dtype=object))
    assert not result.drifted and "not enough data" in str(result.classifier)
    assert result.words.empty


@pytest.mark.parametrize("cell", ["", "!!!", "same words here", 5])
def test_texts_that_tell_nothing_are_no_drift(cell):
    column = pd.Series([cell] * 200, dtype=object)
    assert not quietly(compare_texts, column, column).drifted


def test_text_of_any_dtype_is_the_same_text(rng):
    reference, current = texts(100, rng), texts(100, rng, "new", 0.3)
    plain = compare_texts(reference, current)
    arrow = compare_texts(reference.astype("string[pyarrow]"), current.astype("category"))
    assert plain.classifier == arrow.classifier


def vectors(rows, rng, shift=0.0, spread=1.0, dimensions=16):
    table = rng.normal(0, spread, (rows, dimensions))
    table[:, 0] += shift
    return pd.Series(list(table))


def test_a_mean_that_moved_is_seen_by_the_classifier(rng):
    result = quietly(compare_embeddings, vectors(800, rng), vectors(800, rng, shift=0.5))
    truth = stats.norm.cdf(0.5 / 2**0.5)
    assert result.classifier.low <= truth <= result.classifier.high
    assert result.drifted and len(result.table()) == 2


def test_a_spread_that_changed_is_seen_by_the_discrepancy_only(rng):
    result = compare_embeddings(vectors(800, rng), vectors(800, rng, spread=1.3))
    assert not result.classifier.drifted
    assert result.discrepancy.drifted and result.drifted


def test_embeddings_of_one_source_hardly_raise_an_alarm(rng):
    drifted = [
        compare_embeddings(vectors(120, rng), vectors(120, rng), seed=seed).drifted
        for seed in range(60)
    ]
    assert sum(drifted) <= stats.binom.isf(0.002, 60, 0.05)


def test_the_discrepancy_is_that_of_the_exact_kernel(rng):
    first, second = (np.stack(list(vectors(600, rng, shift))) for shift in (0, 1))
    both = np.vstack([first, second])
    distances = cdist(both, both)
    kernel = np.exp(-(distances**2) / (2 * np.median(distances[distances > 0]) ** 2))
    np.fill_diagonal(kernel, 0)
    within = [kernel[:600, :600].sum() / (600 * 599), kernel[600:, 600:].sum() / (600 * 599)]
    exact = (sum(within) - 2 * kernel[:600, 600:].mean()) ** 0.5
    seen = mean_discrepancy(first, second)
    assert seen.value == pytest.approx(exact, rel=0.15)
    assert seen.low <= exact <= seen.high


def test_p_values_of_the_discrepancy_are_level(rng):
    p = [
        mean_discrepancy(rng.normal(size=(60, 4)), rng.normal(size=(80, 4)), seed).p
        for seed in range(80)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_vectors_of_another_length_are_refused(rng):
    with pytest.raises(FrameError, match="'v' have 16 numbers in the reference and 8"):
        compare_embeddings(vectors(100, rng).rename("v"), vectors(100, rng, dimensions=8))
    ragged = pd.Series([[1.0, 2.0], [1.0]] * 50)
    with pytest.raises(FrameError, match="'v' have 1 to 2 numbers"):
        compare_embeddings(ragged.rename("v"), ragged)
    with pytest.raises(FrameError, match="not all embeddings in 'v' are lists of numbers"):
        compare_embeddings(pd.Series([[1.0, 2.0], "none"] * 50, name="v"), ragged)


def test_vectors_that_are_few_broken_or_all_alike(rng):
    few = quietly(compare_embeddings, vectors(3, rng), vectors(500, rng))
    assert not few.drifted and "not enough data" in str(few.classifier)
    assert "3 reference" in str(few.discrepancy)
    none = quietly(compare_embeddings, vectors(100, rng), pd.Series([None] * 100, dtype=object))
    assert not none.drifted and "not enough data" in str(none.classifier)
    alike = pd.Series([[1.0, 2.0]] * 100)
    assert not quietly(compare_embeddings, alike, alike).drifted
    broken = pd.concat([vectors(100, rng), pd.Series([[np.nan] * 16] * 50)])
    assert quietly(compare_embeddings, broken, vectors(100, rng)).classifier.rows_reference == 100
