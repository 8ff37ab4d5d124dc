"""What moved, since when, and what nobody can tell."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.overview.shift import find_shifts
from aiopslab.overview.shift_readings import without_load
from aiopslab.overview.shift_scan import scan
from tests.overview.assistant import ONSET, assistant


def by_measure(frames, **more):
    return {each.measure: each for each in find_shifts(frames, **more)}


def test_a_step_is_found_where_it_is_with_an_interval_that_holds_it():
    found = by_measure(assistant(wrong=0.5))["right predictions"]
    assert found.state == "moved"
    assert found.is_worse
    assert found.low <= ONSET <= found.high
    assert abs(found.since - ONSET) < pd.Timedelta("3min")
    assert found.effect.interval.low < -0.4 < found.effect.interval.high


def test_nothing_moves_in_most_quiet_assistants():
    loud = [
        each.measure
        for seed in range(6)
        for each in find_shifts(assistant(seed=seed))
        if each.state == "moved" and not each.is_small
    ]
    assert len(loud) <= 1


def test_a_change_for_the_better_is_a_shift_that_is_not_worse():
    found = by_measure(assistant(longer=0.5))["cost a query"]
    assert (found.state, found.is_worse) == ("moved", False)
    assert found.after < found.before


def test_too_few_rows_say_how_many_would_be_enough():
    found = by_measure(assistant(rows=60))["right predictions"]
    assert found.state == "not enough data"
    assert found.enough > 60
    assert f"{found.enough:,} rows would be enough" in found.sentence


def test_a_correction_covers_all_measures():
    found = find_shifts(assistant())
    assert all(each.q >= each.p for each in found)
    smallest = min(found, key=lambda each: each.p)
    assert smallest.q == pytest.approx(min(smallest.p * len(found), 1))


def test_the_scan_is_as_rarely_wrong_as_it_says():
    draw = np.random.default_rng(0)
    p = [scan(draw.normal(size=80), seed)[1] for seed in range(60)]
    # 3 of 60 are expected below 0.05; more than 9 would be once in a thousand.
    assert sum(each < 0.05 for each in p) <= 9


def test_values_that_never_vary_do_not_move():
    assert scan(np.ones(100))[1] == 1.0


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_hardly_any_rows_are_not_enough(rows):
    frames = assistant()
    few = {name: frames[name].head(rows) for name in ("calls", "observations")}
    assert all(each.state == "not enough data" for each in find_shifts(few))


def test_a_shift_is_not_taken_for_load():
    times = pd.date_range("2026-03-01", periods=200, freq="min", tz="UTC")
    load = pd.Series(10 + 5 * np.sin(np.arange(200) / 5), times)
    values = pd.Series(np.where(np.arange(200) < 100, 1.0, 2.0), times) * load**0.4
    told = without_load(values, load)
    assert told.iloc[:100].std() < 0.2 * values.iloc[:100].std()
    assert told.iloc[100:].mean() / told.iloc[:100].mean() == pytest.approx(2, rel=0.1)
