"""All features together: what no feature shows alone is found, and nothing else."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from aiopslab.drift.auc import auc_with_variance, cross_validated_auc, folds_of
from aiopslab.drift.classifier import classify
from aiopslab.drift.dependence import compare_correlations
from aiopslab.drift.encoding import encoded
from aiopslab.drift.multivariate import compare_jointly
from aiopslab.drift.observations import Roles
from aiopslab.drift.reconstruction import reconstruct


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def numbers(rows, correlation, rng, features=5):
    table = rng.normal(size=(rows, features))
    table[:, 1] = correlation * table[:, 0] + (1 - correlation**2) ** 0.5 * table[:, 1]
    return pd.DataFrame(table, columns=[f"f{each}" for each in range(features)])


def quietly(function, *arguments, **named):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return function(*arguments, **named)


@given(st.lists(st.integers(0, 5), min_size=4, max_size=60), st.integers(2, 10))
@settings(deadline=None)
def test_the_auc_is_that_of_scikit_learn(scores, current):
    current = min(current, len(scores) - 2)
    values = np.array(scores, dtype=float)
    truth = np.arange(len(values)) < current
    auc, _ = auc_with_variance(values[truth], values[~truth])
    assert auc == pytest.approx(roc_auc_score(truth, values))


def test_the_variance_is_that_of_repeated_samples(rng):
    draws = [auc_with_variance(rng.normal(0.7, 1, 80), rng.normal(size=120)) for _ in range(2000)]
    aucs, variances = map(np.array, zip(*draws, strict=True))
    assert variances.mean() == pytest.approx(aucs.var(), rel=0.1)


def test_p_values_of_folds_that_share_rows_are_level(rng):
    """Folds taken for independent would reject near .12 of these at .05."""
    p = []
    for _ in range(300):
        table, side = rng.normal(size=(400, 10)), np.repeat([0, 1], 200)
        fold_of = np.concatenate([folds_of(200, 5, rng) for _ in range(2)])
        folds = []
        for fold in range(5):
            held = fold_of == fold
            direction = table[~held].T @ (side[~held] - 0.5)
            scores = table[held] @ direction
            folds.append((scores[side[held] == 1], scores[side[held] == 0]))
        p.append(cross_validated_auc("auc", folds, (200, 200), 100).p)
    assert sum(np.array(p) <= 0.05) <= stats.binom.isf(0.001, 300, 0.05)
    assert sum(np.array(p) <= 0.25) >= stats.binom.ppf(0.001, 300, 0.15)


def test_neighbours_share_a_fold(rng):
    folds = folds_of(1000, 5, rng)
    assert (np.diff(folds) != 0).sum() < 50
    assert np.bincount(folds).tolist() == [200] * 5


def test_rows_that_are_alike_in_time_are_no_drift(rng):
    """Machines that send 20 rows each, none of which is in both samples."""
    found = []
    for seed in range(4):
        machines = rng.normal(size=(100, 4))
        frame = pd.DataFrame(np.repeat(machines, 20, axis=0) + rng.normal(0, 0.01, (2000, 4)))
        frame.columns = list("abcd")
        found.append(classify(frame[:1000], frame[1000:], seed=seed).measure.value)
    # Rows dealt out one by one are told apart with an AUC near 1.
    assert np.mean(found) < 0.6


def test_correlation_alone_is_found_and_its_features_are_named(rng):
    result = quietly(compare_jointly, numbers(6000, 0, rng), numbers(6000, 0.4, rng))
    assert result.drifted
    assert {row[0] for row in result.classifier.importances[:2]} == {"f0", "f1"}
    first = result.dependence.table().iloc[0]
    assert {first["first"], first["second"]} == {"f0", "f1"}
    assert first["low"] <= 0.4 <= first["high"]
    assert len(result.table()) == 3
    assert result.classifier.figure().data[0].y[-1] in {"f0", "f1"}


def test_the_three_together_hardly_cry_wolf(rng):
    alarms = [
        compare_jointly(numbers(300, 0.5, rng), numbers(300, 0.5, rng), seed=seed).drifted
        for seed in range(8)
    ]
    assert sum(alarms) <= stats.binom.isf(0.002, 8, 0.05)


def test_correlations_hold_their_level_where_tails_are_heavy_and_values_missing(rng):
    def sample(rows):
        frame = numbers(rows, 0.5, rng, features=6)
        frame["f2"] = np.exp(2 * frame["f2"])
        frame["f3"] *= rng.standard_t(2, rows)
        frame["f4"] = frame["f0"] ** 2
        frame.loc[rng.random(rows) < 0.2, "f1"] = np.nan
        return frame

    p = [
        compare_correlations(encoded(sample(800), sample(800), Roles())).measure.p
        for _ in range(200)
    ]
    assert sum(np.array(p) <= 0.05) <= stats.binom.isf(0.001, 200, 0.05)


def test_the_correlation_is_that_of_normal_scores(rng):
    frame = numbers(500, 0.6, rng, features=2)
    pairs = compare_correlations(encoded(frame, frame.iloc[::-1], Roles())).pairs
    scores = [stats.norm.ppf((stats.rankdata(frame[each]) - 0.5) / 500) for each in frame]
    assert pairs["reference"][0] == pytest.approx(stats.pearsonr(*scores).statistic)
    assert pairs["change"][0] == pytest.approx(0, abs=1e-9)


def test_correlations_of_constants_and_of_one_feature_are_none(rng):
    frame = numbers(300, 0, rng, features=2).assign(f1=1.0)
    other = frame.assign(f1=2.0)
    assert not quietly(compare_correlations, encoded(frame, other, Roles())).measure.enough


def test_reconstruction_is_level_and_finds_a_broken_relation(rng):
    same = [
        reconstruct(encoded(numbers(400, 0.8, rng), numbers(400, 0.8, rng), Roles())).measure.p
        for _ in range(200)
    ]
    assert stats.binom.ppf(0.001, 200, 0.05) <= sum(np.array(same) <= 0.05)
    assert sum(np.array(same) <= 0.05) <= stats.binom.isf(0.001, 200, 0.05)

    def tied(rows, noise):
        common = rng.normal(size=(rows, 1))
        return pd.DataFrame(common + noise * rng.normal(size=(rows, 4)), columns=list("abcd"))

    broken = tied(1000, 0.1)
    broken["b"] = rng.permutation(broken["b"])
    result = quietly(reconstruct, encoded(tied(1000, 0.1), broken, Roles()))
    assert result.measure.drifted and result.measure.low > 0.5
    assert result.table()["feature"][0] == "b"


def test_what_gives_rows_away_is_left_out(rng):
    frame = numbers(600, 0, rng)
    frame["id"] = rng.permutation(600)
    frame["uuid"] = [f"{each:032x}" for each in rng.integers(0, 2**60, 600)]
    frame["at"] = pd.date_range("2026-01-01", periods=600, freq="h").strftime("%Y-%m-%d %H:%M")
    frame["epoch"] = np.sort(rng.random(600)) + 1.7e9
    frame["year"] = 2025
    frame["order_id"] = rng.choice(10**9, 600, replace=False)
    frame["reading"] = rng.integers(0, 10**6, 600)  # whole and hardly twice, but no identifier
    later = numbers(600, 0, rng).assign(
        id=frame["id"] + 600,
        uuid=frame["uuid"] + "0",
        at=pd.date_range("2026-06-01", periods=600, freq="h").strftime("%Y-%m-%d %H:%M"),
        epoch=frame["epoch"] + 9e6,
        year=2026,
        order_id=rng.choice(10**9, 600, replace=False) + 10**9,
        reading=rng.integers(0, 10**6, 600),
    )
    result = quietly(classify, frame, later)
    assert set(result.left_out) == {"id", "uuid", "at", "epoch", "year", "order_id"}
    assert not result.measure.drifted
    assert result.importances == ()


def test_categories_and_missing_values_are_drift_like_any_other(rng):
    frame, missing, unseen = (
        numbers(1500, 0, rng).assign(c=rng.choice(["a", "b"], 1500)) for _ in range(3)
    )
    missing.loc[rng.random(1500) < 0.3, "f3"] = np.nan
    unseen["c"] = np.where(rng.random(1500) < 0.3, "z", unseen["c"])
    for moved, feature in ((missing, "f3"), (unseen, "c")):
        result = quietly(classify, frame, moved)
        assert result.measure.drifted
        assert result.importances[0][0] == feature


def test_a_hundred_thousand_categories_are_no_drift(rng):
    frames = [
        pd.DataFrame({"a": rng.normal(size=2000), "c": rng.zipf(1.2, 2000).astype(str)})
        for _ in range(2)
    ]
    assert not quietly(classify, *frames).measure.drifted


def test_too_little_data_is_said(rng):
    few = quietly(compare_jointly, numbers(1, 0, rng), numbers(5000, 0, rng))
    assert not few.drifted
    assert all("not enough data" in str(each) for each in few.measures)
    assert few.table()["p"].tolist() == [1.0, 1.0, 1.0]
    empty = pd.DataFrame({"a": [None] * 500})
    assert not quietly(compare_jointly, empty, empty).drifted


def test_dtypes_may_differ_between_the_samples(rng):
    frame = numbers(800, 0, rng).round(3).assign(c=rng.integers(0, 5, 800), t=rng.random(800) < 0.5)
    other = frame.astype({"f0": "Float64", "f1": "double[pyarrow]", "f2": str, "c": "Int64"})
    encoding = quietly(encoded, frame, other, Roles())
    assert encoding.left_out == {}
    np.testing.assert_allclose(encoding.values[:800], encoding.values[800:])
    mixed = pd.DataFrame({"c": np.array([1, "1", 1.0, None], dtype=object)})
    assert encoded(mixed, mixed, Roles()).left_out == {}


def test_long_names_of_a_few_categories_are_no_text(rng):
    names = np.array(["from 20k to 40k a year", "from 40k to 60k a year", "more than 60k a year"])
    frame = numbers(800, 0, rng).assign(salary=rng.choice(names, 800))
    assert "salary" in encoded(frame, frame, Roles()).categorical
    prose = frame.assign(salary=[f"mail {each} of this long day" for each in range(800)])
    assert "salary" in encoded(prose, prose, Roles()).left_out
