import numpy as np
import pandas as pd
import pytest

from aiopslab.drift.costs import cost_matrix
from aiopslab.drift.observations import Roles, read_observations
from aiopslab.drift.outcomes import read_outcomes
from aiopslab.errors import FrameError, ParameterError
from aiopslab.frames.schemas import FrameWarning


@pytest.mark.parametrize(
    ("said", "true"),
    [
        ([0, 1, 1], ["0", "1", "0"]),
        ([False, True, True], [0, 1, 0]),
        ([0.0, 1.0, 1.0], [0, 1, 0]),
        (["no", "yes", "yes"], pd.Categorical(["no", "yes", "no"])),
        (pd.array([0, 1, 1], "Int64"), pd.array([False, True, False], "boolean")),
    ],
)
def test_a_class_is_the_same_however_it_is_written(said, true):
    (outcomes,) = read_outcomes([pd.DataFrame({"prediction": said, "target": true})], Roles())
    assert outcomes.predicted.tolist() == [0, 1, 1]
    assert outcomes.truth.tolist() == [0, 1, 0]


def test_predictions_and_targets_of_other_names_are_refused():
    frame = pd.DataFrame({"prediction": ["yes", "no"], "target": [1, 0]})
    with pytest.raises(FrameError, match="same names"):
        read_outcomes([frame], Roles())


def test_without_predictions_the_remedy_says_so():
    with pytest.raises(FrameError, match="no column 'prediction'"):
        read_outcomes([pd.DataFrame({"age": [1]})], Roles())


def test_a_score_of_the_prediction_becomes_one_of_the_positive_class():
    frame = pd.DataFrame({"prediction": [0, 1, 0], "score": [0.9, 0.8, 0.7]})
    (outcomes,) = read_outcomes([frame], Roles())
    assert outcomes.score == pytest.approx([0.1, 0.8, 0.3])


def test_missing_targets_predictions_and_scores_are_known_as_such():
    frame = pd.DataFrame(
        {"prediction": [0, None, 1], "score": [0.1, 0.2, None], "target": [None, 1, 1]}
    )
    (outcomes,) = read_outcomes([frame], Roles())
    assert outcomes.labelled.tolist() == [False, False, True]
    assert np.isnan(outcomes.score[2])


def test_classes_of_all_tables_are_coded_alike():
    before = pd.DataFrame({"prediction": ["a", "b"], "target": ["a", "b"]})
    now = pd.DataFrame({"prediction": ["b", "c"]})
    one, other = read_outcomes([before, now], Roles())
    assert one.classes == other.classes == ("a", "b", "c")
    assert (one.predicted[1], other.predicted[0]) == (1, 1)


def test_one_class_only_still_has_two_codes():
    (outcomes,) = read_outcomes([pd.DataFrame({"prediction": [1, 1], "target": [1, 1]})], Roles())
    assert outcomes.classes == (0, 1)
    assert outcomes.predicted.tolist() == [1, 1]


@pytest.mark.parametrize("target", [[True, False, True], ["bad", "good", "bad"], [0, 1, 0]])
def test_a_probability_taken_for_the_prediction_is_refused(target):
    frame = pd.DataFrame({"prediction": [0.73, 0.2, 0.4], "target": target})
    with pytest.raises(FrameError, match=r"numbers such as 0\.73[\s\S]*probability as the score"):
        read_outcomes([frame], Roles())


def test_rows_with_infinite_numbers_are_left_out_and_told():
    frame = pd.DataFrame({"prediction": [1.5, np.inf, 2.5], "target": [1.0, 2.0, -np.inf]})
    with pytest.warns(FrameWarning, match="prediction is infinite in 1 rows"):
        (outcomes,) = read_outcomes([frame], Roles())
    assert outcomes.labelled.tolist() == [True, False, False]


def test_numbers_written_as_words_are_a_regression():
    frame = pd.DataFrame({"prediction": [1.5, 2.5], "target": ["1.25", None]})
    (outcomes,) = read_outcomes([frame], Roles())
    assert outcomes.task == "regression"
    assert outcomes.truth[0] == 1.25


def test_costs_are_laid_out_by_truth_and_prediction():
    matrix = cost_matrix({(True, 0): 5, ("0", 1.0): 2}, (0, 1))
    assert matrix.tolist() == [[0, 2], [5, 0]]


@pytest.mark.parametrize("costs", [{("maybe", 1): 1}, {(0, 1): float("nan")}])
def test_costs_of_unknown_classes_or_of_no_number_are_refused(costs):
    with pytest.raises(ParameterError):
        cost_matrix(costs, (0, 1))


def test_probabilities_of_classes_stand_in_for_a_score():
    frame = pd.DataFrame({"prediction": ["a", "c"], "p_a": [0.7, 0.2], "p_b": [0.1, 0.1]})
    frame["p_c"] = 1 - frame["p_a"] - frame["p_b"]
    roles = Roles(probabilities={"a": "p_a", "b": "p_b", "c": "p_c"})
    frame["target"] = ["b", "c"]
    assert roles.features(frame) == []
    (outcomes,) = read_outcomes([read_observations(frame, roles)], roles)
    assert outcomes.score == pytest.approx([0.7, 0.7])
    two = pd.DataFrame({"prediction": [0, 1], "no": [0.9, 0.2], "yes": [0.1, 0.8]})
    (binary,) = read_outcomes([two], Roles(probabilities={False: "no", True: "yes"}))
    assert binary.score == pytest.approx([0.1, 0.8])


def test_probabilities_that_do_not_sum_to_one_are_refused():
    frame = pd.DataFrame({"prediction": [0, 1], "no": [0.9, 0.5], "yes": [0.1, 0.8]})
    with pytest.raises(FrameError, match=r"sum to 1\.3 in a row \(1 of 2 rows\)"):
        read_observations(frame, Roles(probabilities={0: "no", 1: "yes"}))
    with pytest.raises(FrameError, match="'maybe'"):
        read_observations(frame, Roles(probabilities={0: "no", 1: "maybe"}))


def test_a_probability_column_is_named_as_the_role_of_its_class():
    roles = Roles.of({"target": "paid", "probability of 0": "no", "probability of 1": "yes"})
    frame = pd.DataFrame({"prediction": [False, True], "no": [0.9, 0.2], "yes": [0.1, 0.8]})
    frame["paid"] = [0, 1]
    assert roles.features(frame) == []
    (outcomes,) = read_outcomes([read_observations(frame, roles)], roles)
    assert outcomes.classes == (0, 1)
    assert outcomes.score.tolist() == [0.1, 0.8]
    with pytest.raises(ParameterError, match="probabilities of cat"):
        Roles.of({"probabilities of cat": "p_cat"})


def test_a_class_without_a_column_has_a_probability_of_nought():
    frame = pd.DataFrame(
        {"prediction": ["a", "b", "b"], "target": ["a", "yak", "b"], "p_a": [0.7, 0.4, None]}
    ).assign(p_b=lambda table: 1 - table["p_a"])
    roles = Roles.of({"probability of a": "p_a", "probability of b": "p_b"})
    (outcomes,) = read_outcomes([read_observations(frame, roles)], roles)
    assert outcomes.classes == ("a", "b", "yak")
    np.testing.assert_allclose(outcomes.given[:2], [[0.7, 0.3, 0.0], [0.4, 0.6, 0.0]])
    assert np.isnan(outcomes.given[2]).all()


def test_probabilities_of_other_classes_than_those_predicted_are_refused():
    frame = pd.DataFrame({"prediction": ["a", "b"], "no": [0.9, 0.2], "yes": [0.1, 0.8]})
    roles = Roles(probabilities={"no": "no", "yes": "yes"})
    with pytest.raises(FrameError, match="of the classes 'no', 'yes', predictions and targets"):
        read_outcomes([frame], roles)
