import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as oracle

from aiopslab.drift.metrics import Measured, measure
from aiopslab.drift.observations import Roles
from aiopslab.drift.outcomes import read_outcomes
from aiopslab.drift.performance import measure_performance
from tests.drift.models import CLASSES, classified, of_classes, regressed, with_probabilities

ALL = Roles(probabilities={name: f"p_{name}" for name in CLASSES})


def values(performance):
    return performance.table().set_index("metric")["value"].to_dict()


def test_metrics_of_a_classifier_are_those_of_sklearn():
    rows = classified(800)
    found = values(measure_performance(rows, costs={(1, 0): 5, (0, 1): 1}))
    truth, said, score = rows["target"], rows["prediction"], rows["score"]
    missed, alarms = (truth > said).mean(), (truth < said).mean()
    assert found == pytest.approx(
        {
            "accuracy": oracle.accuracy_score(truth, said),
            "balanced_accuracy": oracle.balanced_accuracy_score(truth, said),
            "f1": oracle.f1_score(truth, said),
            "roc_auc": oracle.roc_auc_score(truth, score),
            "log_loss": oracle.log_loss(truth, score),
            "brier": oracle.brier_score_loss(truth, score),
            "cost": 5 * missed + alarms,
        }
    )


def test_metrics_of_many_classes_are_those_of_sklearn():
    rows = of_classes(600)
    found = values(measure_performance(rows))
    truth, said = rows["target"], rows["prediction"]
    assert found["f1"] == pytest.approx(oracle.f1_score(truth, said, average="macro"))
    assert found["balanced_accuracy"] == pytest.approx(oracle.balanced_accuracy_score(truth, said))


def test_probabilities_of_all_classes_are_scored_as_sklearn_does():
    rows = with_probabilities(600)
    found = values(measure_performance(rows, ALL))
    truth, given = rows["target"], rows[list(ALL.probabilities.values())].to_numpy()
    assert list(found) == ["accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss", "brier"]
    area = oracle.roc_auc_score(truth, given, multi_class="ovr", average="macro")
    assert found["roc_auc"] == pytest.approx(area)
    assert found["log_loss"] == pytest.approx(oracle.log_loss(truth, given))
    brier = oracle.brier_score_loss(truth, given, scale_by_half=True)
    assert found["brier"] == pytest.approx(brier)


def test_classes_that_are_numbers_are_found_whatever_type_the_targets_have():
    code = dict(zip(CLASSES, range(3), strict=True))
    rows = with_probabilities(300)
    numbers = rows.assign(
        prediction=rows["prediction"].map(code), target=rows["target"].map(code).astype(float)
    )
    roles = Roles.of({f"probability of {code[name]}": f"p_{name}" for name in CLASSES})
    found, expected = measure_performance(numbers, roles), measure_performance(rows, ALL)
    assert values(found) == pytest.approx(values(expected))


def test_a_class_that_the_model_does_not_know_costs_log_loss_and_has_no_area():
    rows = with_probabilities(300)
    rows.loc[rows.index < 3, "target"] = "yak"
    found = measure_performance(rows, ALL).table().set_index("metric")["value"]
    assert found["log_loss"] > 3 / 300 * 30
    assert 0.4 < found["roc_auc"] < 0.95
    assert np.isfinite(found).all()


def test_a_metric_of_scores_needs_them_of_labelled_rows_only():
    rows = with_probabilities(200)
    rows.loc[rows.index % 2 == 0, "p_cat"] = np.nan
    half = rows[rows.index % 2 == 1]
    for metric in ("roc_auc", "log_loss"):
        assert values(measure_performance(rows, ALL))[metric] == pytest.approx(
            values(measure_performance(half, ALL))[metric]
        )


def test_metrics_of_a_regression_are_those_of_sklearn():
    rows = regressed(700, offset=0.5)
    found = values(measure_performance(rows))
    truth, said = rows["target"], rows["prediction"]
    assert found["mae"] == pytest.approx(oracle.mean_absolute_error(truth, said))
    assert found["rmse"] == pytest.approx(oracle.root_mean_squared_error(truth, said))
    assert found["bias"] == pytest.approx((said - truth).mean())


@pytest.mark.parametrize(
    ("model", "roles"), [(classified, Roles()), (regressed, Roles()), (with_probabilities, ALL)]
)
def test_intervals_hold_the_truth_about_as_often_as_they_say(model, roles):
    def measured(rows, seed):
        return measure(read_outcomes([model(rows, seed)], roles)[0], seed=seed)

    truth = measured(200_000, 99)
    drawn = [measured(300, seed) for seed in range(150)]
    for metric, true in truth.items():
        held = np.mean([each[metric].low <= true.value <= each[metric].high for each in drawn])
        assert 0.89 <= held <= 0.99, metric


def test_a_change_is_for_the_worse_only_where_that_is_sure():
    good, bad = classified(2_000), classified(2_000, seed=1, flipped=0.3)
    table = measure_performance(bad, reference=good).table().set_index("metric")
    assert not table.loc["accuracy", "better"]
    assert table.loc["accuracy", "change_high"] < 0
    same = measure_performance(classified(2_000, seed=2), reference=good).table()
    assert same.set_index("metric").loc["accuracy", "better"] is None


def test_a_difference_is_as_wide_as_both_its_parts():
    difference = Measured(0.8, 0.7, 0.9).minus(Measured(0.5, 0.5, 0.5))
    assert (difference.low, difference.high) == pytest.approx((0.2, 0.4))
    wider = Measured(0.8, 0.7, 0.9).minus(Measured(0.5, 0.4, 0.6))
    assert wider.high - wider.low == pytest.approx(0.2 * np.sqrt(2))


def test_late_labels_are_dated_and_later_windows_not_judged():
    rows = classified(2_000).assign(
        timestamp=pd.date_range("2026-03-01", periods=2_000, freq="h", tz="UTC")
    )
    rows["target"] = rows["target"].where(rows.index < 1_500)
    found = measure_performance(rows, windows=200)
    assert abs(found.labels.complete_rows - 1_500) <= 40
    assert found.labels.complete_until <= rows["timestamp"][1_500]
    accuracy = found.windows[found.windows["metric"] == "accuracy"]
    assert accuracy["enough"].tolist() == [True] * 8 + [False] * 2
    assert accuracy["value"].isna().tolist() == (~accuracy["enough"]).tolist()
    assert "have not arrived" in found.words


def test_labels_of_a_part_of_the_rows_are_fair_unless_they_differ():
    rows = classified(4_000)
    rng = np.random.default_rng(0)
    fair = rows.assign(target=rows["target"].where(rng.random(4_000) < 0.3))
    assert measure_performance(fair).labels.fair is True
    chosen = rows.assign(target=rows["target"].where((rows["a"] > 0) & (rng.random(4_000) < 0.6)))
    found = measure_performance(chosen)
    assert found.labels.fair is False
    assert "'a'" in found.words
    assert measure_performance(rows).labels.fair is None


def test_fair_labels_are_seldom_called_unfair():
    rng = np.random.default_rng(5)
    rows = classified(1_500)
    found = [
        measure_performance(
            rows.assign(target=rows["target"].where(rng.random(1_500) < 0.2)), windows=1_500
        ).labels.fair
        for _ in range(10)
    ]
    assert found.count(False) <= 1


def test_no_label_at_all_is_no_error():
    found = measure_performance(classified(100).drop(columns="target"))
    assert "not measured" in found.words
    assert found.table()["value"].isna().all()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_handful_of_rows_has_wide_intervals(rows):
    row = measure_performance(classified(rows)).table().iloc[0]
    assert 0 <= row["low"] <= row["value"] <= row["high"] <= 1
    assert row["high"] - row["low"] > 0.3


def test_one_class_has_no_auc_and_the_rest_is_measured():
    rows = classified(200).assign(target=1)
    found = values(measure_performance(rows))
    assert np.isnan(found["roc_auc"])
    assert found["accuracy"] == pytest.approx((rows["prediction"] == 1).mean())


def test_missing_scores_leave_metrics_of_scores_to_the_others():
    rows = classified(500)
    partly = rows.assign(score=rows["score"].where(rows.index % 2 == 0))
    half = rows[::2]
    found = values(measure_performance(partly))
    assert found["roc_auc"] == pytest.approx(oracle.roc_auc_score(half["target"], half["score"]))
    assert found["accuracy"] == pytest.approx((rows["target"] == rows["prediction"]).mean())


def test_the_figure_has_a_line_and_a_band_and_escapes_what_it_shows():
    figure = measure_performance(classified(900), windows=300).figure("roc_auc")
    (line,) = [each for each in figure.data if each.mode == "lines+markers"]
    assert len(line.y) == 3
    assert "ROC AUC" in figure.layout.meta["description"]


def test_the_table_is_the_same_for_one_seed():
    rows = classified(500)
    one, other = (measure_performance(rows, Roles(), seed=3).table() for _ in range(2))
    pd.testing.assert_frame_equal(one, other)
