"""The sequential test: an honest error however often it is looked at, and early stops."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.prompts import sequential
from aiopslab.prompts.comparison import Contrast, Metric
from aiopslab.prompts.differences import Difference
from aiopslab.prompts.looks import schedule
from aiopslab.prompts.pairs import Pairs
from aiopslab.prompts.sequential import difference_so_far, peek, peek_amounts


def answers(rng, items, discordant, gain):
    """Return wins, losses and ties of a candidate that is better by `gain`."""
    drawn = rng.random(items)
    won = (discordant + gain) / 2
    return np.where(drawn < won, 1.0, np.where(drawn < discordant, -1.0, 0.0))


@pytest.fixture
def without_bounds(monkeypatch):
    """Follow the evidence alone, which bounds take no part in and are most of the time."""

    def unknown(values, *_):
        return np.full((2, len(values)), np.nan)

    monkeypatch.setattr(sequential, "_bounds", unknown)


@pytest.mark.usefixtures("without_bounds")
@pytest.mark.parametrize("discordant", [0.1, 0.3, 0.8])
def test_looking_after_every_item_of_equal_prompts_is_rarely_certain(discordant):
    """The rate is .05 at most; 300 runs stay below .093 with a chance of .999."""
    rng = np.random.default_rng(0)
    runs = [answers(rng, 100, discordant, 0) for _ in range(300)]
    assert np.mean([peek(each).stop is not None for each in runs]) <= 0.093


@pytest.mark.usefixtures("without_bounds")
def test_other_scores_are_rarely_certain_too():
    rng = np.random.default_rng(1)
    runs = [rng.beta(2, 1, 100) - rng.beta(2, 1, 100) for _ in range(300)]
    assert np.mean([peek(each).stop is not None for each in runs]) <= 0.093


@pytest.mark.usefixtures("without_bounds")
def test_eight_points_are_seen_in_five_hundred_items():
    rng = np.random.default_rng(2)
    stops = [peek(answers(rng, 500, 0.2, 0.08)).stop for _ in range(100)]
    seen = [each for each in stops if each is not None]
    assert len(seen) / 100 >= 0.8
    assert np.median(seen) < 400, "what is certain early is stopped early"


def test_bounds_hold_the_truth_at_all_times_together():
    rng = np.random.default_rng(3)
    held = []
    for _ in range(100):
        peeks = peek(answers(rng, 100, 0.3, 0.1))
        held.append(bool(((peeks.low <= 0.1) & (peeks.high >= 0.1)).all()))
    assert np.mean(held) >= 0.9


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=60))
def test_what_was_certain_stays_certain_and_sides_are_alike(values):
    peeks, mirrored = peek(values), peek([-each for each in values])
    assert (np.diff(peeks.p) <= 0).all()
    assert np.allclose(peeks.evidence, mirrored.evidence)
    assert (peeks.low <= peeks.high).all() and (np.diff(peeks.high) <= 0).all()


def test_ties_tell_nothing():
    assert peek([0.0] * 100).evidence.tolist() == [1.0] * 100


LOOKS = schedule(pd.DataFrame({"item": range(500)}), calls_each=2, at_once=8)


def ended(values, margin=0.02):
    """Return after how many items a run ends, and what it comes to, by the rule of a contrast."""
    peeks = peek(values)
    for end in LOOKS:
        at = end - 1
        told = (values[:end].mean(), peeks.low[at], peeks.high[at], peeks.p[at], 0.95)
        found = Difference(*told, 0.5, 0.5, end, end, 1, 1, "sequential")
        contrast = Contrast(Metric("correct", margin=margin), "b", found, found.p, 0)
        if contrast.outcome != "not enough data":
            break
    return end, contrast.outcome, found.low, found.high


def test_runs_of_equal_prompts_rarely_end_in_a_difference_and_bounds_hold_when_they_do():
    """Of 1,000 runs; the rate is .05 at most whatever the looks, and far less at so few items."""
    rng = np.random.default_rng(4)
    found = [ended(answers(rng, 500, rng.choice([0.1, 0.2, 0.4]), 0)) for _ in range(1_000)]
    assert np.mean([outcome in ("better", "worse") for _, outcome, _, _ in found]) <= 0.05
    assert np.mean([low <= 0 <= high for *_, low, high in found]) >= 0.95


def test_a_difference_of_eight_points_ends_most_runs_early_and_bounds_hold_it():
    rng = np.random.default_rng(5)
    found = [ended(answers(rng, 500, 0.2, 0.08)) for _ in range(300)]
    outcomes = [outcome for _, outcome, _, _ in found]
    assert outcomes.count("better") / 300 >= 0.8 and "worse" not in outcomes
    assert np.mean([end for end, *_ in found]) < 350
    assert np.mean([low <= 0.08 <= high for *_, low, high in found]) >= 0.95


def test_equal_prompts_end_early_as_good_where_little_would_not_matter():
    rng = np.random.default_rng(6)
    found = [ended(answers(rng, 500, 0.1, 0), margin=0.1) for _ in range(50)]
    assert [outcome for _, outcome, _, _ in found].count("equivalent") >= 45
    assert np.mean([end for end, *_ in found]) < 350


@pytest.mark.parametrize("draw", ["lognormal", "normal", "choice"])
def test_amounts_of_equal_prompts_are_rarely_different_at_any_time(draw):
    """Latency, cost and tokens: 300 runs of a rate of .05 stay below .093 with a chance of .999."""
    rng = np.random.default_rng(7)
    make = {
        "lognormal": lambda: rng.lognormal(6, 0.8, (2, 400)),
        "normal": lambda: rng.normal(size=(2, 400)),
        "choice": lambda: rng.choice([0.0, 0.0, 0.0, 7.0], (2, 400)),
    }[draw]
    followed = [peek_amounts(np.subtract(*make())) for _ in range(300)]
    assert np.mean([each.stop is not None for each in followed]) <= 0.093
    held = [((each.low <= 0) & (each.high >= 0)).all() for each in followed]
    assert np.mean(held) >= 0.907


@given(
    st.lists(st.floats(-1e3, 1e3).map(lambda each: round(each, 3)), max_size=60),
    st.floats(1e-6, 1e6),
)
def test_amounts_have_no_unit_of_their_own_and_no_side(values, unit):
    peeks = peek_amounts(values)
    scaled, mirrored = peek_amounts(np.multiply(values, unit)), peek_amounts(np.negative(values))
    assert np.allclose(peeks.evidence, scaled.evidence, rtol=1e-6)
    assert np.allclose(peeks.low, -mirrored.high) and (peeks.low <= peeks.high).all()


def test_a_difference_that_never_varies_is_certain_and_not_at_once():
    peeks = peek_amounts([3.0] * 60)
    assert 10 < peeks.stop < 20 and peeks.low[-1] == pytest.approx(3)
    assert not np.isfinite(peeks.low[5])


def pairs_of(candidate, groups=None):
    places = np.arange(len(candidate))
    sides = np.zeros(len(candidate)), np.asarray(candidate, dtype=float)
    return Pairs(places.astype(object), *sides, places if groups is None else groups)


def test_a_group_is_one_observation_in_the_order_in_which_it_came():
    groups = np.repeat(np.arange(40), [1, 3] * 20)
    scores = np.where(groups % 2 == 0, 1.0, 0.5)
    found = difference_so_far(pairs_of(scores, groups))
    alone = difference_so_far(pairs_of([1.0, 0.5] * 20))
    assert (found.value, found.low, found.p) == (alone.value, alone.low, alone.p)
    assert (found.items, found.groups, found.method) == (80, 40, "sequential")
    assert found.value == 0.75, "groups of three count no more than those of one"


@given(st.lists(st.sampled_from([0.0, 0.25, 1.0]), max_size=50))
def test_a_difference_so_far_holds_what_was_seen(scores):
    found = difference_so_far(pairs_of(scores))
    if len(scores) < 5:
        assert found.method == "none" and found.p == 1 and np.isnan(found.low)
    else:
        assert found.low <= found.value <= found.high


def test_a_mean_that_drifts_out_of_its_bounds_is_told_as_it_is():
    found = difference_so_far(pairs_of([1.0] * 200 + [0.0] * 1_800))
    assert found.low <= found.value == 0.1 < found.high


def test_few_amounts_have_no_bounds():
    few = difference_so_far(pairs_of([300.0, 250.0] * 4), peeking=peek_amounts)
    assert few.method == "none" and str(few) == "not enough data: 8 independent items"


def test_amounts_have_to_be_numbers():
    with pytest.raises(ParameterError, match="not finite"):
        peek_amounts([1.0, np.nan])


@pytest.mark.parametrize(
    ("values", "alpha", "says"),
    [
        ([2.0], 0.05, "-1 to 1"),
        ([np.nan], 0.05, "-1 to 1"),
        ([0.5], 0, "alpha is 0"),
        (np.zeros(20_001), 0.05, "too many"),
    ],
)
def test_what_cannot_be_followed_is_refused(values, alpha, says):
    with pytest.raises(ParameterError, match=says):
        peek(values, alpha)
