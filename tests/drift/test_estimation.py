import numpy as np
import pandas as pd
import pytest

from aiopslab.drift.assumptions import calibration_assumption
from aiopslab.drift.calibration import Calibration, calibration_error
from aiopslab.drift.confidence import expect_classes
from aiopslab.drift.estimation import estimate_performance
from aiopslab.drift.likeness import likeness
from aiopslab.drift.metrics import Measured
from aiopslab.drift.observations import Roles
from aiopslab.drift.outcomes import read_outcomes
from aiopslab.drift.performance import measure_performance
from aiopslab.drift.prediction_powered import labels_for, shrunk
from aiopslab.drift.ranking import expected_ranking
from tests.drift.models import CLASSES, classified, of_classes, regressed, with_probabilities

COSTS = {(1, 0): 5.0, (0, 1): 1.0}


def bare(frame):
    return frame.drop(columns="target")


def partly(frame, share, seed=0):
    known = np.random.default_rng(seed).random(len(frame)) < share
    return frame.assign(target=frame["target"].where(known))


def holds(estimation):
    return {each.name: each.holds for each in estimation.assumptions}


def test_under_covariate_shift_every_metric_is_estimated():
    reference, current = classified(6_000), classified(6_000, seed=1, shift=0.7)
    estimation = estimate_performance(reference, bare(current), costs=COSTS, windows=2_000)
    realised = measure_performance(current, costs=COSTS).table()["value"]
    table = estimation.table()
    assert table["metric"].tolist()[-1] == "cost"
    assert table["value"].to_numpy() == pytest.approx(realised.to_numpy(), abs=0.04)
    assert ((table["low"] <= realised) & (realised <= table["high"])).all()
    assert holds(estimation) == {"calibration": True, "overlap": True, "relation": None}


def test_many_classes_are_estimated_from_the_score_of_the_prediction():
    reference, current = of_classes(5_000), of_classes(5_000, seed=1)
    table = estimate_performance(reference, bare(current), windows=5_000).table()
    realised = measure_performance(current, windows=5_000).table()["value"]
    assert table["value"].to_numpy() == pytest.approx(realised.to_numpy(), abs=0.03)


@pytest.mark.parametrize("overconfident", [1.0, 3.0])
def test_probabilities_of_all_classes_give_an_estimate_of_their_metrics(overconfident):
    roles = Roles(probabilities={name: f"p_{name}" for name in CLASSES})
    reference = with_probabilities(6_000, overconfident=overconfident)
    current = with_probabilities(6_000, 1, shift=0.8, overconfident=overconfident)
    estimation = estimate_performance(reference, bare(current), roles, windows=6_000)
    table = estimation.table().set_index("metric")
    realised = measure_performance(current, roles).table().set_index("metric")["value"]
    assert {"accuracy", "roc_auc", "log_loss", "brier"} <= set(table.index)
    assert table["value"].to_numpy() == pytest.approx(realised[table.index].to_numpy(), abs=0.08)
    assert ((table["low"] <= realised) & (realised <= table["high"])).all()
    assert table.loc["log_loss", "high"] - table.loc["log_loss", "low"] < 0.2


def test_the_other_classes_share_a_mistake_by_their_own_probabilities():
    roles = Roles(probabilities={name: f"p_{name}" for name in CLASSES})
    before, now = read_outcomes([with_probabilities(20_000), with_probabilities(2_000, 1)], roles)
    found = Calibration(before).fitted(np.ones(len(before))).truth(now)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert np.abs(found - now.given).mean() < 0.02  # which are the true ones here


def test_a_regression_is_estimated_where_its_noise_depends_on_features():
    reference, current = regressed(6_000, noisy=0.2), regressed(6_000, seed=1, noisy=0.6)
    estimation = estimate_performance(reference, bare(current), windows=2_000)
    table = estimation.table().set_index("metric")
    realised = measure_performance(current).table().set_index("metric")["value"]
    for metric in ("mae", "rmse"):
        assert table.loc[metric, "value"] == pytest.approx(realised[metric], rel=0.1)
        assert table.loc[metric, "reference"] < 0.7 * realised[metric]
    assert table.loc["mae", "low"] <= realised["mae"] <= table.loc["mae", "high"]


def test_no_result_is_without_its_assumptions_and_their_tests():
    words = estimate_performance(classified(2_000), bare(classified(2_000, seed=1))).words
    assert words.startswith("If its assumptions hold")
    for said in ("holds on the rest of it", "covers the current rows", "no concept drift"):
        assert said in words
    assert "cannot be tested with no labels" in words


def test_labels_that_agree_close_the_last_assumption():
    estimation = estimate_performance(
        classified(6_000), partly(classified(20_000, seed=1), 0.3), windows=20_000
    )
    assert holds(estimation)["relation"] is True
    assert estimation.words.startswith("Estimated without labels")


def test_labels_that_disagree_are_believed_rather_than_the_estimate():
    current = classified(10_000, seed=1, flipped=0.4)
    estimation = estimate_performance(classified(4_000), partly(current, 0.05), windows=2_500)
    assert holds(estimation)["relation"] is False
    assert "do not rely" in estimation.words
    realised = (current["prediction"] == current["target"]).mean()
    row = estimation.table().iloc[0]
    assert row["value"] > realised + 0.1
    assert row["combined_low"] <= realised <= row["combined_high"]


def test_drift_back_and_forth_is_not_missed_by_its_mean():
    rows = classified(6_000, seed=1)
    chance = 1 / (1 + np.exp(-(rows[["a", "b"]].to_numpy() @ [1.5, -1.0])))
    sure = (chance >= 0.5).astype(int)
    target = np.where(rows.index < 2_400, sure, rows["target"])  # better first
    worse = (rows.index >= 3_600) & (np.random.default_rng(0).random(6_000) < 0.45)
    current = rows.assign(target=np.where(worse, 1 - rows["prediction"], target))
    estimation = estimate_performance(classified(4_000), partly(current, 0.3), windows=6_000)
    assert holds(estimation)["relation"] is False


def test_too_few_labels_say_how_many_would_do():
    estimation = estimate_performance(classified(2_000), partly(classified(2_000, seed=1), 0.04))
    (relation,) = [each for each in estimation.assumptions if each.name == "relation"]
    assert relation.holds is None
    assert "labels would tell" in relation.evidence


def test_rows_that_the_reference_does_not_cover_are_told_with_the_feature():
    reference, current = classified(2_000), classified(2_000, seed=1)
    reference["city"], current["city"] = "Lyon", np.where(current.index < 600, "Nice", "Lyon")
    estimation = estimate_performance(reference, bare(current))
    (overlap,) = [each for each in estimation.assumptions if each.name == "overlap"]
    assert overlap.holds is False
    assert "30." in overlap.evidence
    assert "city" in overlap.evidence


def test_a_reference_that_changes_within_itself_is_not_calibrated():
    half = [classified(1_500), classified(1_500, seed=1, flipped=0.5)]
    estimation = estimate_performance(
        pd.concat(half, ignore_index=True), bare(classified(1_000, seed=2))
    )
    steady = estimate_performance(classified(3_000), bare(classified(1_000, seed=2)))
    assert holds(estimation)["calibration"] is False
    width = [
        each.table().iloc[0]["high"] - each.table().iloc[0]["low"] for each in (estimation, steady)
    ]
    assert width[0] > 2 * width[1]


def test_calibration_is_weighted_only_where_the_reference_shows_the_need():
    def grouped(rows, seed, share, gap):
        rng = np.random.default_rng(seed)
        group, x = rng.random(rows) < share, rng.normal(size=rows)
        score = 1 / (1 + np.exp(-2 * x))
        chance = 1 / (1 + np.exp(-(2 * x + gap * np.where(group, 1, -1) * np.sign(x))))
        return pd.DataFrame(
            {
                "x": x,
                "group": group,
                "score": score,
                "prediction": (score >= 0.5).astype(int),
                "target": (rng.random(rows) < chance).astype(int),
            }
        )

    for gap, weighted in ((0.8, True), (0.0, False)):
        reference, current = grouped(6_000, 0, 0.5, gap), grouped(6_000, 1, 0.9, gap)
        estimation = estimate_performance(reference, bare(current), windows=6_000)
        realised = (current["prediction"] == current["target"]).mean()
        assert ("weighted" in estimation.method) is weighted
        assert estimation.table().iloc[0]["value"] == pytest.approx(realised, abs=0.015)


def test_an_unneeded_correction_adds_no_noise_and_a_needed_one_is_made():
    rng = np.random.default_rng(0)
    expected = [Measured(0.8, 0.79, 0.81)] * 10
    noise = rng.normal(0, 0.05, 10)
    right = [Measured(0.8 + each, 0.7 + each, 0.9 + each) for each in noise]
    wrong = [Measured(0.5 + each, 0.4 + each, 0.6 + each) for each in noise]
    kept = np.array([each.value for each in shrunk(expected, right)])
    moved = np.array([each.value for each in shrunk(expected, wrong)])
    assert np.abs(kept - 0.8).mean() < 0.4 * np.abs(noise).mean()
    assert moved == pytest.approx(np.full(10, 0.5), abs=0.06)


def test_combined_intervals_hold_what_is_realised_with_and_without_concept_drift():
    for flipped in (0.0, 0.3):
        held = []
        for seed in range(4):
            current = classified(2_000, seed=50 + seed, flipped=flipped)
            found = estimate_performance(
                classified(1_000, seed=seed), partly(current, 0.1, seed), windows=500
            ).windows
            shown = found[found["metric"] == "accuracy"]
            right = (current["prediction"] == current["target"]).to_numpy().reshape(4, -1)
            realised = right.mean(axis=1)
            held += list((shown["combined_low"] <= realised) & (realised <= shown["combined_high"]))
        assert np.mean(held) >= 0.8  # of sixteen


def test_windows_with_few_labels_take_the_nearest_of_their_neighbours():
    labelled = np.arange(0, 1_000, 10)
    taken = labels_for(np.arange(400, 500), labelled)
    assert len(taken) == 30
    assert taken.min() >= 300 and taken.max() < 600
    assert len(labels_for(np.arange(400, 800), labelled)) == 40


def test_labels_that_are_no_fair_part_do_not_speak_for_all():
    current = classified(4_000, seed=1)
    chosen = current.assign(target=current["target"].where(current["a"] > 0))
    row = estimate_performance(classified(2_000), chosen, windows=4_000).table().iloc[0]
    assert np.isnan(row["combined"])


def test_expected_auc_of_known_truth_is_the_auc():
    from sklearn.metrics import roc_auc_score

    rows = classified(500).assign(score=lambda table: table["score"].round(1))
    truth, score = rows["target"].to_numpy(float), rows["score"].to_numpy()
    given, known = (np.column_stack([1 - each, each]) for each in (score, truth))
    assert expected_ranking(given, known) == pytest.approx(roc_auc_score(truth, score))
    weights = np.random.default_rng(0).random(500)
    weighted = roc_auc_score(truth, score, sample_weight=weights)
    assert expected_ranking(given, known * weights[:, None]) == pytest.approx(weighted)


def test_calibration_mends_an_overconfident_score():
    (outcomes,) = read_outcomes([classified(20_000, overconfident=3.0)], Roles())
    is_true = outcomes.truth == 1
    mended = Calibration(outcomes).fitted(np.ones(len(outcomes))).truth(outcomes)[:, 1]
    assert calibration_error(outcomes.score, is_true) > 0.05
    assert calibration_error(mended, is_true) < 0.005


def test_likeness_weighs_up_what_became_frequent():
    reference = pd.DataFrame({"city": ["Lyon"] * 900 + ["Nice"] * 100})
    current = pd.DataFrame({"city": ["Lyon"] * 500 + ["Nice"] * 500})
    weights = likeness(reference, current, Roles()).weights
    assert weights[-1] == pytest.approx(5, rel=0.15)
    assert weights[0] == pytest.approx(5 / 9, rel=0.15)


def test_misses_that_chance_explains_are_no_failure():
    chance = [{"accuracy": 0.01}] * 5
    small, large = ([{"accuracy": each}] * 5 for each in (0.01, 0.05))
    assert calibration_assumption(small, chance, "accuracy").holds is True
    assert calibration_assumption(large, chance, "accuracy").holds is False


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.drop(columns="score"),
        lambda rows: rows.assign(score=0.5),
        lambda rows: rows.assign(score=rows["score"].where(rows.index % 3 > 0)),
        lambda rows: rows.assign(
            prediction=rows["prediction"].map({0: "no", 1: "yes"}),
            target=rows["target"].map({0: "no", 1: "yes"}),
        ),
        lambda rows: rows.assign(target=rows["target"].astype(str)),
        lambda rows: rows.convert_dtypes(),
        lambda rows: rows.convert_dtypes(dtype_backend="pyarrow"),
        lambda rows: rows[["prediction", "score", "target"]],
    ],
)
def test_bad_scores_and_dtypes_still_give_an_estimate(change, recwarn):
    reference, current = change(classified(1_500)), change(classified(1_500, seed=1))
    row = estimate_performance(reference, bare(current), windows=1_500).table().iloc[0]
    realised = measure_performance(current, windows=1_500).table().iloc[0]["value"]
    assert row["value"] == pytest.approx(realised, abs=0.05)
    assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1
    assert not recwarn.list


def test_one_class_in_the_reference_is_estimated_with_what_there_is():
    reference = classified(500).assign(target=1)
    table = estimate_performance(reference, bare(classified(300, seed=1))).table()
    assert table["metric"].iloc[0] == "accuracy"
    assert np.isfinite(table["value"].iloc[0])


def test_a_reference_without_a_mistake_proves_no_model_perfect():
    reference, current = (classified(600, seed).assign(prediction=1, target=1) for seed in (0, 1))
    found = estimate_performance(reference, bare(current))
    row = found.table().iloc[0]
    assert row["value"] == 1
    assert 0.99 < row["low"] < 1
    assert holds(found)["calibration"] is None


def test_an_interval_of_an_error_holds_no_negative_one():
    reference, current = regressed(200, noisy=0.05), regressed(60, seed=1, noisy=0.05)
    table = estimate_performance(reference, partly(current, 0.5)).table().set_index("metric")
    assert (table.loc[["mae", "rmse"], ["low", "combined_low"]].dropna() >= 0).all(axis=None)
    assert table.loc["bias", "low"] < 0


def test_a_class_that_the_reference_never_saw_is_no_error():
    current = of_classes(900, seed=1)
    current.loc[current.index < 200, "prediction"] = "yak"
    table = estimate_performance(of_classes(2_000), bare(current), windows=900).table()
    assert 0 <= table["value"].iloc[0] <= 1


@pytest.mark.parametrize("rows", [1, 2])
def test_a_single_current_row_is_no_error(rows):
    found = estimate_performance(classified(500), bare(classified(rows, seed=1)))
    assert np.isfinite(found.table()["value"].iloc[0])


def test_too_small_a_reference_says_what_would_do():
    found = estimate_performance(classified(20), bare(classified(100)))
    assert found.problem == "20 rows of the reference have a label; 50 would do"
    assert "not estimated" in found.words
    assert found.holds is False


def test_the_figure_shows_estimated_corrected_and_realised():
    current = classified(3_000, seed=1)
    realised = measure_performance(current, windows=1_000).windows
    estimation = estimate_performance(classified(2_000), partly(current, 0.1), windows=1_000)
    figure = estimation.figure(realised=realised)
    lines = [each.name for each in figure.data if each.mode == "lines+markers"]
    assert lines == ["estimated", "combined", "realised"]
    assert len({each.line.dash for each in figure.data if each.mode == "lines+markers"}) == 3


def test_the_result_is_the_same_for_one_seed():
    reference, current = classified(800), bare(classified(800, seed=1))
    one, other = (estimate_performance(reference, current, seed=4).table() for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


def test_expectation_of_a_subset_is_that_of_its_rows():
    before, now = read_outcomes([classified(800), classified(600, seed=1)], Roles())
    expectation = expect_classes(before, now, np.ones(800))
    halves = [expectation.values(np.arange(at, at + 300))["accuracy"] for at in (0, 300)]
    assert np.mean(halves) == pytest.approx(expectation.values(np.arange(600))["accuracy"])
