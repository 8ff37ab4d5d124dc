"""Judges: what they are asked, how they are read, and whether they may decide."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from aiopslab.errors import FrameError, ParameterError, PromptError
from aiopslab.prompts.scorers import Judge, judge_pairs, trust_in_pairs, trust_in_scores
from aiopslab.prompts.scorers.curve import area, area_interval
from benchmarks.prompts import labelled, stubs
from tests.prompts.scorers.data import needed

RUBRIC = "The better answer is right."


def pairs(count=80, seed=0):
    """Return pairs of which the longer one is the better one half of the time."""
    rng = np.random.default_rng(seed)
    texts = [["x" * int(size) + f" {at}" for size in rng.integers(1, 90, 2)] for at in range(count)]
    table = pd.DataFrame(texts, columns=["first", "second"]).assign(item=range(count))
    return table.assign(label=rng.choice(["first", "second"], count))


def trusted(ask, table):
    return trust_in_pairs(judge_pairs(ask, RUBRIC, table), table)


def test_a_judge_that_knows_may_be_a_gate():
    table = pairs()
    trust = trusted(stubs.perfect(table), table)
    assert trust.may_gate
    assert (trust.value, trust.kappa.value, trust.consistency[0]) == (1, pytest.approx(1), 1)
    assert trust.low < 1


@pytest.mark.parametrize("judge", [stubs.by_chance, stubs.always_first, stubs.longer_wins])
def test_a_judge_that_knows_nothing_is_refused(judge):
    table = pairs()
    trust = trusted(judge(), table)
    assert not trust.may_gate
    assert "no gate" in str(trust)


def test_a_judge_of_the_place_turns_with_the_order_every_time():
    table = judge_pairs(stubs.always_first(), RUBRIC, pairs())
    assert (table["winner"] == "tie").all()
    assert not table["consistent"].any()


def test_a_judge_of_length_is_refused_where_length_is_right():
    table = pairs()
    is_longer = table["first"].str.len() > table["second"].str.len()
    table["label"] = np.where(is_longer, "first", "second")
    trust = trusted(stubs.longer_wins(), table)
    assert trust.low > 0.5
    assert len(trust.reasons) == 1
    assert "length" in trust.reasons[0]


def test_a_judge_of_shortness_is_refused_where_the_shorter_is_right():
    table = pairs()
    is_longer = table["first"].str.len() > table["second"].str.len()
    table["label"] = np.where(is_longer, "second", "first")
    trust = trusted(stubs.perfect(table), table)
    assert trust.value == trust.length == 1
    assert not trust.may_gate


def test_few_labels_are_no_ground_for_trust():
    table = pairs(12)
    assert any("labels" in each for each in trusted(stubs.perfect(table), table).reasons)


def test_a_judge_that_is_mostly_not_read_is_refused_and_counted():
    table = pairs()
    knows = stubs.perfect(table)

    def mumbles(asked):
        return [each if at % 3 else "Well…" for at, each in enumerate(knows(asked))]

    verdicts = judge_pairs(mumbles, RUBRIC, table)
    trust = trust_in_pairs(verdicts, table)
    assert trust.unread == (verdicts["status"] == "unparsed").sum() > 20
    assert trust.value == 1
    assert "could not be read" in str(trust)


def test_nothing_to_compare_on_is_said():
    table = pairs(3)
    trust = trusted(lambda asked: [""] * len(asked), table)
    assert not trust.may_gate
    assert "nothing to compare" in trust.reasons[0]


@needed
def test_public_pairs_tell_judges_apart():
    table = labelled.preferences()
    assert trusted(stubs.perfect(table), table).may_gate
    for each in (stubs.by_chance(), stubs.always_first(), stubs.longer_wins()):
        assert not trusted(each, table).may_gate


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"score": 5}', 1),
        ('```json\n{"reason": "Bad.", "score": "1"}\n```', 0),
        ('I say {"score": 3}.', 0.5),
        ('{"score": 6}', None),
        ('{"score": true}', None),
        ('{"score": NaN}', None),
        ("[5]", None),
        ("5 of 5", None),
        ("", None),
    ],
)
def test_marks_are_read_or_said_not_to_be(answer, value):
    score = Judge(lambda asked: [answer] * len(asked), RUBRIC)("Yes", {"input": "Is it?"})
    assert score.value == value
    assert score.status == ("unparsed" if value is None else "scored")


@given(st.text(max_size=200))
def test_what_is_judged_cannot_end_its_own_mark(output):
    asked = Judge(lambda asked: [], RUBRIC).messages(output, {"input": "?"})[1]["content"]
    mark = asked.split("]", 1)[0].rsplit(" ", 1)[1]
    assert mark not in output
    assert asked.endswith(f"\n{output}\n[end {mark}]")


def test_a_judge_is_asked_about_all_at_once():
    sizes = []

    def ask(asked):
        sizes.append(len(asked))
        return ['{"score": 2}'] * len(asked)

    Judge(ask, RUBRIC).batch(["a", "b", "c"], [{"input": "?"}] * 3)
    judge_pairs(lambda asked: sizes.append(len(asked)) or [""] * len(asked), RUBRIC, pairs(4))
    assert sizes == [3, 8]


def test_bad_input_is_said():
    with pytest.raises(ParameterError, match="rubric is empty"):
        judge_pairs(lambda asked: [], " ", pairs(2))
    with pytest.raises(ParameterError, match="scale runs"):
        Judge(lambda asked: [], RUBRIC, (5, 1))
    with pytest.raises(PromptError, match="8 questions were asked, and 0 answered"):
        judge_pairs(lambda asked: [], RUBRIC, pairs(4))
    with pytest.raises(FrameError, match="no column 'second'"):
        judge_pairs(lambda asked: [], RUBRIC, pairs(4).drop(columns="second"))
    with pytest.raises(FrameError, match="label of the pairs is 'both'"):
        table = pairs(4)
        trust_in_pairs(judge_pairs(stubs.always_first(), RUBRIC, table), table.assign(label="both"))


def test_answers_in_other_words_are_read():
    table = pairs(2)
    told = [f'{{"winner": "{winner}"}}' for winner in ("answer a", "TIE", "b", "Tie")]
    verdicts = judge_pairs(lambda asked: told, RUBRIC, table)
    assert verdicts["winner"].tolist() == ["first", "tie"]
    assert verdicts["consistent"].tolist() == [True, True]


@given(st.lists(st.tuples(st.integers(0, 4), st.booleans()), min_size=2, max_size=40))
def test_the_area_is_that_of_scikit_learn(rows):
    scores, labels = zip(*rows, strict=True)
    if len(set(labels)) == 1:
        assert np.isnan(area(scores, labels))
    else:
        assert area(scores, labels) == pytest.approx(roc_auc_score(labels, scores))


def test_the_interval_of_an_area_holds_it_about_as_often_as_it_says():
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    for shift in (0.0, 1.0, 2.5):
        truth, held = norm.cdf(shift / 2**0.5), 0
        for _ in range(400):
            scores = np.concatenate([rng.normal(shift, 1, 20), rng.normal(0, 1, 30)])
            found = area(scores, [True] * 20 + [False] * 30)
            low, high = area_interval(found, 20, 30)
            held += low <= truth <= high
        assert held >= 0.92 * 400


def test_scores_are_trusted_for_what_length_does_not_tell():
    rng = np.random.default_rng(0)
    good = rng.random(200) < 0.5
    labelled = pd.DataFrame({"item": range(200), "label": good})
    labelled["output"] = ["x" * int(each) for each in rng.integers(1, 50, 200) + 20 * good]
    lengths = labelled["output"].str.len().astype(float)
    told = pd.DataFrame({"item": range(200), "status": "scored", "score": lengths})
    assert "length" in str(trust_in_scores(told, labelled).reasons)
    turned = labelled.assign(label=~good)
    assert "length" in str(trust_in_scores(told.assign(score=-lengths), turned).reasons)
    assert trust_in_scores(told.assign(score=good + rng.normal(0, 0.5, 200)), labelled).may_gate
