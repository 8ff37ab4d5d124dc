"""Power: against simulations, and there and back."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import ParameterError
from aiopslab.prompts.power import items_needed, least_effect, power_of
from aiopslab.statistics.mcnemar import mcnemar_p


@pytest.mark.parametrize(("items", "effect", "discordant"), [(40, 0.25, 0.4), (120, 0.1, 0.2)])
def test_power_is_how_often_the_test_shows_it(items, effect, discordant):
    rng = np.random.default_rng(0)
    told = rng.binomial(items, discordant, 2_000)
    wins = rng.binomial(told, 0.5 + effect / (2 * discordant))
    shown = np.mean([mcnemar_p(w, n - w) <= 0.05 for w, n in zip(wins, told, strict=True)])
    assert power_of(items, effect, discordant) == pytest.approx(shown, abs=0.035)


@settings(max_examples=30)
@given(st.floats(0.03, 0.2), st.floats(0.2, 0.6))
def test_the_items_needed_are_enough_and_no_more_than_that(effect, discordant):
    items = items_needed(effect, discordant)
    assert power_of(items, effect, discordant) >= 0.8
    assert power_of(max(items // 2, 1), effect, discordant) < 0.8


@settings(max_examples=30)
@given(st.integers(60, 1_500))
def test_the_least_effect_is_shown_as_often_as_asked(items):
    effect = least_effect(items, 0.3)
    assert power_of(items, effect, 0.3) == pytest.approx(0.8, abs=0.005)


def test_exact_and_approximate_power_meet():
    assert power_of(2_000, 0.03) == pytest.approx(power_of(2_001, 0.03), abs=0.015)


def test_too_few_items_show_nothing_however_large():
    assert math.isnan(least_effect(5, 0.2))


@pytest.mark.parametrize(
    "call",
    [
        lambda: power_of(100, 0.3, 0.2),
        lambda: power_of(100, 0, 0.2),
        lambda: power_of(0, 0.1),
        lambda: power_of(100, 0.1, alpha=1.5),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(ParameterError):
        call()
