"""Units: a factor between two is told whatever the distribution, and growth is not one."""

import numpy as np
import pytest

from aiopslab.drift.units import unit_change

SHAPES = {
    "about zero": lambda rng, rows: rng.normal(-1, 9, rows),
    "far from zero": lambda rng, rows: rng.normal(80, 5, rows),
    "long tail": lambda rng, rows: rng.lognormal(0, 0.6, rows),
    "longer tail": lambda rng, rows: rng.lognormal(2, 1, rows),
}


def told(shape, factor, rows=3_000, seeds=10):
    """Return how often the factor is told."""
    found = []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        old, new = (SHAPES[shape](rng, rows) for _ in range(2))
        change = unit_change(old, new * factor)
        found.append(change is not None and change[0] == pytest.approx(factor, rel=0.03))
    return np.mean(found)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("factor", [1 / 60, 100])
def test_a_factor_that_is_not_natural_is_always_told(shape, factor):
    assert told(shape, factor) == 1


@pytest.mark.parametrize("factor", [0.3048, 1.609])
def test_one_that_may_be_natural_has_to_be_near(factor):
    """Of so many rows with a long tail the factor is known to some 3 % only."""
    assert np.mean([told(shape, factor) for shape in SHAPES]) >= 0.8


def test_the_more_rows_there_are_the_nearer_it_has_to_be():
    few, many = (
        [SHAPES["long tail"](np.random.default_rng(seed), rows) for seed in (0, 1)]
        for rows in (2_000, 100_000)
    )
    grown = 1.585  # 1.5 % off miles in kilometres
    assert unit_change(few[0], few[1] * grown) is not None
    assert unit_change(many[0], many[1] * grown) is None


def test_growth_and_a_shift_are_no_change_of_unit():
    rng = np.random.default_rng(0)
    for make in SHAPES.values():
        old, new = make(rng, 2_000), make(rng, 2_000)
        assert unit_change(old, new) is None
        assert unit_change(old, 1.3 * new) is None
        assert unit_change(old, new + 0.6 * old.std()) is None
