"""The sequential test: an honest error however often it is looked at, and early stops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.prompts.sequential import peek


def answers(rng, items, discordant, gain):
    """Return wins, losses and ties of a candidate that is better by `gain`."""
    drawn = rng.random(items)
    won = (discordant + gain) / 2
    return np.where(drawn < won, 1.0, np.where(drawn < discordant, -1.0, 0.0))


@pytest.mark.parametrize("discordant", [0.1, 0.3, 0.8])
def test_looking_after_every_item_of_equal_prompts_is_rarely_certain(discordant):
    """The rate is .05 at most; 300 runs stay below .093 with a chance of .999."""
    rng = np.random.default_rng(0)
    runs = [answers(rng, 100, discordant, 0) for _ in range(300)]
    assert np.mean([peek(each).stop is not None for each in runs]) <= 0.093


def test_other_scores_are_rarely_certain_too():
    rng = np.random.default_rng(1)
    runs = [rng.beta(2, 1, 100) - rng.beta(2, 1, 100) for _ in range(300)]
    assert np.mean([peek(each).stop is not None for each in runs]) <= 0.093


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
