import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.drift.pattern import LEAST, fit_shapes, name_pattern

PAST, NOW = 30, 45
NOISE = 0.05


def shifted(shape, seed=0, past=None):
    """A reference that is steady (or `past`), then the shape over 45 windows, with noise."""
    rng = np.random.default_rng(seed)
    place = np.arange(-PAST, NOW, dtype=float)
    truth = np.where(place < 0, past(place) if past else 0.0, shape(np.maximum(place, 0)))
    return truth + rng.normal(size=PAST + NOW) * NOISE, place


def best(shift, place, period=None):
    precision = np.full(len(shift), NOISE**-2)
    shapes = fit_shapes(shift, precision, PAST, place, period)
    return name_pattern(shapes, PAST), shapes[0]


def step(at):
    return lambda place: (place >= at).astype(float)


def rise(start, end):
    return lambda place: np.clip((place - start) / (end - start), 0, 1)


def wave(period):
    return lambda place: np.sin(2 * np.pi * place / period)


def episodes(*cuts):
    return lambda place: (np.searchsorted(cuts, place, side="right") % 2).astype(float)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    ("shape", "pattern"),
    [
        (step(17), "sudden"),
        (rise(8, 35), "gradual"),
        (rise(20, 60), "gradual"),
        (wave(11), "seasonal"),
        (episodes(6, 12, 20, 29, 37), "recurring"),
    ],
)
def test_a_pattern_is_told_from_the_others(shape, pattern, seed):
    assert best(*shifted(shape, seed))[0] == pattern


def test_noise_has_no_pattern():
    named = [best(*shifted(np.zeros_like, seed))[1].pattern for seed in range(40)]
    assert named.count("none") >= 36


def test_a_season_in_the_reference_counts():
    shift, place = shifted(wave(36), past=wave(36))
    assert best(shift, place)[0] == "seasonal"


def test_a_known_period_needs_less_time():
    shift, place = shifted(wave(55), past=wave(55))
    assert best(shift, place)[0] != "seasonal"
    assert best(shift, place, period=55)[0] == "seasonal"


def test_a_step_within_a_window_is_sudden():
    for share in (0.2, 0.5, 0.8):
        shift, place = shifted(lambda at, share=share: np.clip(at - 20 + share, 0, 1))
        pattern, shape = best(shift, place)
        assert pattern == "sudden"
        assert abs(shape.start - PAST - 20) <= 1


@given(st.integers(3, 40))
@settings(max_examples=20, deadline=None)
def test_a_step_is_where_it_was_put(at):
    assert best(*shifted(step(at)))[1].start == PAST + at


@given(st.floats(-5, 5), st.floats(0.1, 100))
@settings(max_examples=20, deadline=None)
def test_place_and_unit_of_time_change_nothing(start, unit):
    shift, place = shifted(wave(11))
    assert best(shift, (place + start) * unit)[0] == "seasonal"


def test_the_sign_of_the_shift_changes_nothing():
    shift, place = shifted(rise(8, 35))
    assert best(-shift, place)[0] == best(shift, place)[0]


def test_few_windows_do_not_tell():
    shift, place = shifted(step(3))
    assert best(shift[: PAST + LEAST - 1], place[: PAST + LEAST - 1])[0].startswith("not enough")


def test_a_step_at_the_very_end_may_be_the_start_of_anything():
    assert best(*shifted(step(NOW - 2)))[0] == "not enough windows to tell"


def test_windows_without_rows_are_passed_over():
    shift, place = shifted(step(20))
    precision = np.full(len(shift), NOISE**-2)
    precision[[PAST + 5, PAST + 30]] = 0
    shift[[PAST + 5, PAST + 30]] = 1e6
    found = fit_shapes(shift, precision, PAST, place)[0]
    assert (found.pattern, found.start) == ("sudden", PAST + 20)
