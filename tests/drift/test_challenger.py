import math

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as oracle
from statsmodels.stats.contingency_tables import mcnemar

from aiopslab.drift.challenger import compare_models
from aiopslab.drift.gate import Gate
from aiopslab.drift.observations import Roles
from aiopslab.errors import AIOpsLabError, FrameError, ParameterError
from tests.drift.models import CLASSES, with_probabilities

OLD, NEW = Roles("old", "old_score"), Roles("new", "new_score")
BARE_OLD, BARE_NEW = Roles("old"), Roles("new")


def rivals(rows, gain=0.0, seed=0, harmed=0.0):
    """Two models; `harmed` is the loss of the challenger in one segment of five."""
    rng = np.random.default_rng(seed)
    truth, segment = rng.integers(2, size=rows), rng.choice(list("abcde"), rows)
    wrong = rng.random(rows) < 0.15
    here = np.where(segment == "e", -harmed, gain)
    lost = np.where(wrong, rng.random(rows) < 0.7, rng.random(rows) < (0.045 - here) / 0.85)
    said = {"old": np.where(wrong, 1 - truth, truth), "new": np.where(lost, 1 - truth, truth)}
    table = pd.DataFrame({"segment": segment, "target": truth, **said})
    for model in ("old", "new"):
        sure = 0.5 + rng.beta(4, 2, rows) / 2
        table[f"{model}_score"] = np.where(table[model] == 1, sure, 1 - sure)
    return table


def test_gains_are_the_differences_of_sklearn_and_errors_count_the_other_way():
    rows = rivals(1_500, 0.03)
    table = compare_models(rows, OLD, NEW).table().set_index("metric")
    truth = rows["target"]
    accuracies = [oracle.accuracy_score(truth, rows[each]) for each in ("old", "new")]
    losses = [oracle.log_loss(truth, rows[f"{each}_score"]) for each in ("old", "new")]
    areas = [oracle.roc_auc_score(truth, rows[f"{each}_score"]) for each in ("old", "new")]
    assert table.loc["accuracy", "gain"] == pytest.approx(accuracies[1] - accuracies[0])
    assert table.loc["roc_auc", "gain"] == pytest.approx(areas[1] - areas[0])
    assert table.loc["log_loss", "gain"] == pytest.approx(losses[0] - losses[1])
    assert ((table["low"] <= table["gain"]) & (table["gain"] <= table["high"])).all()


def test_probabilities_of_all_classes_are_compared():
    rows = with_probabilities(800)
    noise = np.random.default_rng(0).dirichlet([3, 3, 3], 800)
    names = {model: {each: f"{model}_{each}" for each in CLASSES} for model in ("old", "new")}
    given = rows[[f"p_{each}" for each in CLASSES]].to_numpy()
    for place, each in enumerate(CLASSES):
        rows[f"new_{each}"] = given[:, place]
        rows[f"old_{each}"] = (given[:, place] + noise[:, place]) / 2
    rows = rows.drop(columns=[f"p_{each}" for each in CLASSES]).rename(
        columns={"prediction": "new"}
    )
    rows["old"] = rows["new"]
    old, new = (Roles(model, probabilities=names[model]) for model in ("old", "new"))
    table = compare_models(rows, old, new, segments=[]).table().set_index("metric")
    areas, losses = (
        [score(rows["target"], rows[list(names[each].values())], **more) for each in names]
        for score, more in ((oracle.roc_auc_score, {"multi_class": "ovr"}), (oracle.log_loss, {}))
    )
    assert table.loc["roc_auc", "gain"] == pytest.approx(areas[1] - areas[0])
    assert table.loc["log_loss", "gain"] == pytest.approx(losses[0] - losses[1])
    assert table.loc["log_loss", "low"] > 0
    assert table.loc["roc_auc", "low"] < table.loc["roc_auc", "gain"]


@pytest.mark.parametrize("seed", range(4))
def test_p_is_that_of_statsmodels(seed):
    rows = rivals(400, 0.02, seed)
    right = [rows[each] == rows["target"] for each in ("old", "new")]
    expected = mcnemar(pd.crosstab(*right).to_numpy(), exact=True).pvalue
    table = compare_models(rows, OLD, NEW).table().set_index("metric")
    assert table.loc["accuracy", "p"] == pytest.approx(expected)
    assert math.isnan(table.loc["f1", "p"])


def test_intervals_of_equal_models_hold_nought():
    tables = [
        compare_models(rivals(500, 0.0, seed), OLD, NEW, segments=[]).table() for seed in range(40)
    ]
    held = pd.concat(tables).eval("low <= 0 <= high").groupby(pd.concat(tables)["metric"]).mean()
    assert len(held) == 6
    assert held.min() >= 0.85


def test_a_paired_interval_is_narrower_than_that_of_two_samples():
    challenge = compare_models(rivals(4_000), BARE_OLD, BARE_NEW)
    share = 0.15 * 0.85 / 4_000
    assert challenge.gain.high - challenge.gain.low < 0.8 * 2 * 1.96 * math.sqrt(2 * share)


def test_a_better_challenger_is_promoted_and_a_worse_one_is_not():
    better = Gate().decide(compare_models(rivals(6_000, 0.03), OLD, NEW))
    worse = Gate().decide(compare_models(rivals(6_000, -0.03), OLD, NEW))
    assert (better.outcome, better.exit_code) == ("promote", 0)
    assert (worse.outcome, worse.exit_code) == ("keep", 3)
    assert "accuracy gains +0.0" in str(better)


def test_a_gain_of_all_does_not_buy_the_loss_of_a_segment():
    challenge = compare_models(rivals(8_000, 0.04, harmed=0.1), OLD, NEW)
    assert challenge.gain.low > 0
    decision = Gate().decide(challenge)
    assert decision.outcome == "keep"
    assert "segment = e loses" in decision.reasons[0]
    assert Gate(max_loss=0.2).decide(challenge).outcome == "promote"


def test_a_gain_of_all_does_not_buy_the_loss_of_a_class():
    rng = np.random.default_rng(0)
    truth = (rng.random(5_000) < 0.1).astype(int)
    rows = pd.DataFrame({"x": rng.normal(size=5_000), "target": truth})
    rows["old"] = np.where(rng.random(5_000) < 0.12, 1 - truth, truth)
    rows["new"] = 0  # never the rare class
    challenge = compare_models(rows.assign(old=rows["old"]), BARE_OLD, BARE_NEW)
    decision = Gate().decide(challenge)
    assert challenge.gain.low > 0
    assert decision.outcome == "keep"
    assert any("class 1 loses" in each for each in decision.reasons)


def test_a_worse_calibration_is_not_promoted():
    rows = rivals(6_000, 0.03)
    rows["old_score"] = np.where(rows["old"] == 1, 0.85, 0.15)
    rows["new_score"] = np.where(rows["new"] == 1, 0.999, 0.001)
    decision = Gate().decide(compare_models(rows, OLD, NEW))
    assert decision.outcome == "keep"
    assert decision.reasons[0].startswith("Calibration loses")


def test_few_labels_say_how_many_would_tell():
    challenge = compare_models(rivals(150), BARE_OLD, BARE_NEW)
    decision = Gate().decide(challenge)
    assert (decision.outcome, decision.exit_code) == ("not enough data", 4)
    assert f"about {challenge.needed:,} would show" in decision.reasons[0]
    # What would be needed is what a test of pairs needs: 7.85 variances over the gain squared.
    assert challenge.needed == pytest.approx(7.85 * 0.09 / 0.01**2, rel=0.4)


def test_with_enough_labels_and_no_gain_the_champion_stays():
    decisions = [
        Gate().decide(compare_models(rivals(10_000, seed=seed), BARE_OLD, BARE_NEW)).outcome
        for seed in range(10)
    ]
    assert decisions.count("keep") >= 9


def test_an_improvement_that_is_asked_for_has_to_be_sure():
    challenge = compare_models(rivals(6_000, 0.03), BARE_OLD, BARE_NEW)
    assert Gate(min_improvement=0.01).decide(challenge).outcome == "promote"
    assert Gate(min_improvement=0.06).decide(challenge).outcome == "keep"


def test_a_model_against_itself_gains_nothing():
    rows = rivals(3_000)
    challenge = compare_models(rows, OLD, OLD)
    assert challenge.gain.value == challenge.gain.low == challenge.gain.high == 0
    assert Gate().decide(challenge).outcome == "keep"


def test_regressions_are_judged_by_their_absolute_error():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({"x": rng.normal(size=2_000), "target": rng.normal(size=2_000) * 100})
    rows["old"] = rows["target"] + rng.normal(size=2_000) * 10
    rows["new"] = rows["target"] + rng.normal(size=2_000) * 8
    challenge = compare_models(rows, BARE_OLD, BARE_NEW)
    assert challenge.metric == "mae"
    errors = [oracle.mean_absolute_error(rows["target"], rows[each]) for each in ("old", "new")]
    assert challenge.gain.value == pytest.approx(errors[0] - errors[1])
    assert Gate(min_improvement=0.1).decide(challenge).outcome == "promote"
    assert Gate(min_improvement=0.5).decide(challenge).outcome == "keep"
    assert Gate().decide(compare_models(rows, BARE_NEW, BARE_OLD)).outcome == "keep"


def test_with_costs_the_cheaper_model_wins_though_it_is_wrong_more_often():
    rng = np.random.default_rng(0)
    truth = rng.integers(2, size=4_000)
    rows = pd.DataFrame({"x": rng.normal(size=4_000), "target": truth})
    rows["old"] = np.where((truth == 1) & (rng.random(4_000) < 0.2), 0, truth)
    rows["new"] = np.where((truth == 0) & (rng.random(4_000) < 0.3), 1, truth)
    challenge = compare_models(rows, BARE_OLD, BARE_NEW, costs={(1, 0): 10, (0, 1): 1})
    table = challenge.table().set_index("metric")
    assert table.loc["accuracy", "high"] < 0
    assert challenge.metric == "cost"
    assert challenge.gain.low > 0


def test_rows_without_a_label_or_one_of_the_predictions_are_no_pairs():
    rows = rivals(900).convert_dtypes()
    rows.loc[:99, "target"] = None
    rows.loc[100:149, "new"] = None
    assert compare_models(rows, OLD, NEW).labels == 750


@pytest.mark.parametrize("rows", [1, 2, 40])
def test_a_handful_of_rows_is_not_enough_data(rows):
    assert Gate().decide(compare_models(rivals(rows), OLD, NEW)).exit_code == 4


def test_no_labels_are_not_enough_data():
    rows = rivals(300).assign(target=None)
    assert Gate().decide(compare_models(rows, OLD, NEW)).exit_code == 4


def test_a_metric_that_cannot_be_told_is_not_enough_data():
    challenge = compare_models(rivals(300).assign(target=1), OLD, NEW, metric="roc_auc")
    assert Gate().decide(challenge).exit_code == 4


def test_labels_as_words_and_numbers_are_compared_and_one_score_is_of_nobody():
    rows = rivals(500).assign(target=lambda table: table["target"].astype(str), score=0.7)
    challenge = compare_models(rows, BARE_OLD, BARE_NEW)
    assert challenge.labels == 500
    assert "roc_auc" not in challenge.table()["metric"].tolist()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: compare_models(rivals(200), OLD, NEW, metric="speed"),
        lambda: compare_models(rivals(200), OLD, Roles("newer")),
        lambda: compare_models(rivals(200), OLD, NEW, segments=["country"]),
        lambda: Gate(max_loss=-1),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_remedy(wrong):
    with pytest.raises(AIOpsLabError) as caught:
        wrong()
    assert caught.value.remedy


def test_a_score_of_the_challenger_that_is_no_probability_is_refused():
    rows = rivals(300).assign(new_score=lambda table: 9 * table["new_score"])
    with pytest.raises(FrameError, match=r"new_score of observations holds \d"):
        compare_models(rows, OLD, NEW)


def test_a_score_taken_for_the_prediction_is_named():
    with pytest.raises(FrameError, match="while new_score holds numbers"):
        compare_models(rivals(300), BARE_OLD, Roles("new_score"))


def test_predictions_rounded_to_whole_numbers_are_compared_with_those_that_are_not():
    truth = np.random.default_rng(0).normal(10, 3, 300)
    rows = pd.DataFrame({"target": truth, "old": truth.round(), "new": truth + 0.01})
    found = compare_models(rows, BARE_OLD, BARE_NEW)
    assert (found.task, found.metric) == ("regression", "mae")
    assert found.gain.low > 0


def test_segments_too_small_to_judge_are_left_out():
    rows = rivals(2_000)
    rows.loc[:9, "segment"] = "tiny"
    names = compare_models(rows, OLD, NEW).guards["name"].tolist()
    assert "segment = a" in names
    assert "segment = tiny" not in names


def test_the_figure_ranks_the_gains():
    figure = compare_models(rivals(800), OLD, NEW).figure()
    assert "accuracy" in figure.data[0].y


def test_an_unknown_metric_names_those_that_are_measured():
    with pytest.raises(ParameterError, match="accuracy, balanced_accuracy, f1"):
        compare_models(rivals(200), OLD, NEW, metric="speed")
