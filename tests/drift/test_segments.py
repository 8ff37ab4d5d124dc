"""Segments: planted ones are found and described, none is made up, bad input is met."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aiopslab.drift.conditions import Condition, cut, met
from aiopslab.drift.contrast import MeanContrast, ShareContrast
from aiopslab.drift.encoding import encoded
from aiopslab.drift.observations import Roles
from aiopslab.drift.segments import find_segments
from aiopslab.errors import FrameError


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def people(rows, rng):
    frame = pd.DataFrame(
        {
            "age": rng.integers(18, 80, rows),
            "income": np.exp(rng.normal(10, 0.5, rows)),
            "country": rng.choice(["FR", "DE", "BE", "IT"], rows),
            "is_new": rng.random(rows) < 0.4,
            "target": rng.integers(0, 2, rows),
        }
    )
    frame.loc[rng.random(rows) < 0.1, "income"] = np.nan
    frame["prediction"] = frame["target"] ^ (rng.random(rows) < 0.1)
    return frame


def with_errors(frame, inside, rng, rate=0.5):
    wrong = rng.random(len(frame)) < np.where(inside, rate, 0.1)
    return frame.assign(prediction=frame["target"] ^ wrong)


def test_a_planted_loss_is_found_and_said_in_plain_words(rng):
    reference, current = people(8000, rng), people(8000, rng)
    inside = (current["age"] <= 30) & (current["country"] == "FR")
    result = find_segments(reference, with_errors(current, inside, rng), of="loss")
    (first, *_) = result.found
    assert {each.feature for each in first.conditions} == {"age", "country"}
    assert "country = FR" in str(first) and " and " in str(first)
    assert first.rows_current == pytest.approx(inside.sum(), rel=0.2)
    assert first.estimate.low <= 0.4 <= first.estimate.high
    assert abs(first.estimate.elsewhere) < 0.03
    assert first.q <= 0.05


def test_the_rows_counted_meet_the_words(rng):
    reference, current = people(8000, rng), people(8000, rng)
    inside = current["income"].isna()
    result = find_segments(reference, with_errors(current, inside, rng), of="loss")
    assert str(result.found[0]) == "income is missing"
    assert result.found[0].rows_current == inside.sum()
    assert result.found[0].share_reference == pytest.approx(reference["income"].isna().mean())


def test_a_segment_that_grew_and_one_that_is_new(rng):
    reference, current = people(6000, rng), people(6000, rng)
    more = people(20_000, rng).query("age > 70 and is_new").head(600)
    strange = people(300, rng).assign(country="XX")
    result = find_segments(reference, pd.concat([current, more, strange]))
    said = {str(each) for each in result.found[:3] if each.what == "share of rows"}
    assert "country = XX" in said
    assert any("age" in each and "is_new is true" in each for each in said)


def test_a_segment_that_shrank_has_a_negative_effect(rng):
    reference, current = people(6000, rng), people(6000, rng)
    result = find_segments(reference, current[current["country"] != "DE"])
    assert str(result.found[0]) == "country = DE"
    assert result.found[0].estimate.high < 0
    assert result.found[0].rows_current == 0


def test_targets_that_moved_inside_are_drift(rng):
    reference, current = people(8000, rng), people(8000, rng)
    inside = current["country"].isin(["FR", "BE"]).to_numpy()
    current["target"] = np.where(inside & (rng.random(8000) < 0.5), 1, current["target"])
    found = find_segments(reference, current.drop(columns="prediction")).found
    assert found[0].what == "share of target 1"
    assert set(found[0].conditions[0].values) == {"FR", "BE"}


def test_a_regression_is_judged_by_its_absolute_error(rng):
    reference, current = people(6000, rng), people(6000, rng)
    for frame in (reference, current):
        frame["target"] = rng.normal(100, 20, len(frame))
        frame["prediction"] = frame["target"] + rng.normal(0, 1, len(frame))
    old = current["age"] > 65
    current.loc[old, "prediction"] += rng.normal(0, 3, old.sum())
    result = find_segments(reference, current, of="loss")
    assert result.found[0].what == "mean absolute error"
    assert [each.feature for each in result.found[0].conditions] == ["age"]
    assert result.found[0].conditions[0].low == pytest.approx(65, abs=3)


def test_without_targets_of_the_reference_the_rest_stands_in_its_place(rng):
    reference, current = people(6000, rng), people(6000, rng)
    current = with_errors(current, current["age"] > 70, rng)
    result = find_segments(reference.drop(columns="target"), current, of="loss")
    assert result.found[0].conditions[0].feature == "age"
    assert result.found[0].estimate.reference == pytest.approx(0.1, abs=0.02)


def test_labels_for_part_of_the_rows_and_classes_in_another_spelling(rng):
    reference, current = people(6000, rng), people(6000, rng)
    current = with_errors(current, current["age"] > 60, rng)
    current["target"] = current["target"].where(rng.random(6000) < 0.5).astype("Int64")
    current["prediction"] = current["prediction"].astype(str)
    result = find_segments(reference, current, of="loss")
    assert result.found[0].conditions[0].feature == "age"
    assert result.found[0].estimate.reference == pytest.approx(0.1, abs=0.03)


def test_hardly_any_segment_is_named_where_there_is_none(rng):
    named = [
        bool(find_segments(people(1000, rng), people(1000, rng), of=of, seed=seed).found)
        for seed in range(12)
        for of in ("loss", "drift")
    ]
    # At a rate of .05 more than this many come once in 300 runs.
    assert sum(named) <= stats.binom.isf(0.003, 24, 0.05)


def test_a_loss_that_is_the_same_everywhere_is_no_segment(rng):
    reference, current = people(6000, rng), people(6000, rng)
    everywhere = with_errors(current, np.ones(6000, bool), rng, rate=0.3)
    assert find_segments(reference, everywhere, of="loss").found == ()


def test_where_all_but_a_segment_moved_the_segment_is_not_named(rng):
    reference, current = people(8000, rng), people(8000, rng)
    moved = (current["country"] != "FR").to_numpy()
    current["target"] = np.where(moved & (rng.random(8000) < 0.5), 1, current["target"])
    found = find_segments(reference, current.drop(columns="prediction")).found
    assert found
    for each in found:
        assert each.what == "share of target 1"
        assert abs(each.estimate.effect) > abs(each.estimate.elsewhere)
        assert not any(condition.values == ("FR",) for condition in each.conditions)


def test_too_few_rows_say_so(rng):
    result = find_segments(people(1, rng), people(3000, rng))
    assert not result.enough and result.found == ()
    assert "at least 200" in str(result)
    assert result.table().empty


@pytest.mark.parametrize("of", ["drift", "loss"])
def test_awkward_columns_are_met_without_a_warning(rng, of):
    frames = [people(1500, rng) for _ in range(2)]
    for side, frame in enumerate(frames):
        frame["nothing"] = None
        frame["same"] = 3.0
        frame["many"] = [f"u{each}" for each in rng.integers(0, 10**5, len(frame))]
        frame["mixed"] = rng.choice(np.array([1, "1", 2.5, None, True], dtype=object), len(frame))
        frame["nullable"] = pd.array(rng.integers(0, 3, len(frame)), dtype="Int64")
        frame["arrow"] = pd.array(frame["country"], dtype="string[pyarrow]")
        frame["category"] = pd.Categorical(frame["country"])
        frame["infinite"] = np.where(
            rng.random(len(frame)) < 0.1, np.inf, rng.normal(size=len(frame))
        )
        frame["text_number"] = frame["age"].astype(str) if side else frame["age"]
        frame["vector"] = list(rng.normal(size=(len(frame), 3)))
        frame["when"] = pd.date_range("2026-01-01", periods=len(frame), freq="min")
        frame["id"] = np.arange(len(frame)) + side * len(frame)
    frames[1]["extra"] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = find_segments(*frames, of=of)
    assert {"nothing", "same", "when", "id", "vector"} <= result.left_out.keys()
    assert "text_number" not in result.left_out
    assert not {"extra", "nothing"} & {c.feature for s in result.found for c in s.conditions}


def test_what_cannot_be_answered_is_refused(rng):
    frame = people(500, rng)
    with pytest.raises(FrameError, match="'drift' or 'loss'"):
        find_segments(frame, frame, of="cost")
    with pytest.raises(FrameError, match="no 'target'"):
        find_segments(frame, frame.drop(columns="target"), of="loss")


def test_one_seed_one_answer_and_its_figure(rng):
    reference, current = people(4000, rng), people(4000, rng)
    current = with_errors(current, current["age"] > 60, rng)
    first, second = (find_segments(reference, current, of="loss", seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.table(), second.table())
    figure = first.figure()
    assert sorted(figure.data[0].x) == sorted(first.table()["effect"])


def test_names_of_categories_are_escaped_in_the_figure(rng):
    reference, current = people(3000, rng), people(3000, rng)
    bad = people(400, rng).assign(country="<script>alert(1)</script>")
    figure = find_segments(reference, pd.concat([current, bad])).figure()
    assert not any("<script" in str(each) for each in figure.data[0].y)


@given(st.lists(st.integers(-5, 60), min_size=40, max_size=200), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_bins_and_values_agree_on_who_meets_a_condition(numbers, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"n": numbers, "c": rng.choice(["a", "b", "c"], len(numbers))})
    frame["n"] = frame["n"].where(rng.random(len(numbers)) > 0.1)
    frame["c"] = frame["c"].where(rng.random(len(numbers)) > 0.1)
    encoding = encoded(frame, frame, Roles())
    rows = np.arange(2 * len(frame))
    grid = cut(encoding, np.ones(len(rows), bool))
    for place, name in enumerate(encoding.features):
        conditions = [grid.missing(place)]
        if name == "n":
            last = len(grid.edges[place])
            conditions += [
                grid.interval(place, 0, last // 2),
                grid.interval(place, last // 2, last),
            ]
        else:
            conditions.append(grid.one_of(place, [0, 1][: len(encoding.categories[0])]))
        for condition in conditions:
            by_bin = grid.meeting((condition,), rows)
            assert by_bin.tolist() == np.flatnonzero(met((condition,), encoding)).tolist()


def test_the_share_score_is_the_likelihood_ratio_of_scipy():
    contrast = ShareContrast(np.repeat([False, True], [1000, 1200]))
    score = contrast.score(np.array([[100.0, 200.0]]), np.array([1000.0, 1200.0]))
    table = [[100, 200], [900, 1000]]
    oracle = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
    assert score[0] == pytest.approx(oracle)
    swapped = contrast.score(np.array([[200.0, 100.0]]), np.array([1200.0, 1000.0]))
    assert swapped[0] == pytest.approx(-oracle)


def test_the_mean_contrast_is_that_of_four_means(rng):
    outcome = rng.normal(size=4000)
    is_current, inside = rng.random((2, 4000)) < [[0.5], [0.3]]
    outcome[inside & is_current] += 0.5
    contrast = MeanContrast(is_current, outcome, "mean", "SD", 1.0, False)
    seen = contrast.estimate(inside, np.ones(4000, bool))
    groups = [outcome[a & b] for a in (inside, ~inside) for b in (is_current, ~is_current)]
    means = [each.mean() for each in groups]
    spread = sum(each.var() / len(each) for each in groups) ** 0.5
    assert seen.effect == pytest.approx(means[0] - means[1])
    assert seen.elsewhere == pytest.approx(means[2] - means[3])
    deviate = (means[0] - means[1] - means[2] + means[3]) / spread
    assert seen.deviate == pytest.approx(deviate, rel=0.02)


def test_intervals_of_segments_cover_their_truth(rng):
    hits = []
    for seed in range(25):
        reference, current = people(2000, rng), people(2000, rng)
        current = with_errors(current, current["country"] == "FR", rng, rate=0.35)
        found = find_segments(reference, current, of="loss", seed=seed).found
        named = [each for each in found if str(each) == "country = FR"]
        hits += [each.estimate.low <= 0.25 <= each.estimate.high for each in named]
    assert len(hits) >= 20
    # At .95 more misses than this come once in a thousand runs.
    assert sum(hits) >= stats.binom.ppf(0.001, len(hits), 0.95)


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (Condition("age", 20, 30), "20 < age ≤ 30"),
        (Condition("age", low=30), "age > 30"),
        (Condition("new", low=0, is_truth=True), "new is true"),
        (Condition("new", high=0, is_truth=True), "new is false"),
        (Condition("c", is_missing=True), "c is missing"),
    ],
)
def test_words(condition, said):
    assert str(condition) == said
