import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.incident import find_onset
from tests.incident.worlds import broken, calm


@pytest.mark.parametrize("seed", range(8))
def test_a_step_is_found_within_three_rows_and_its_interval_holds_it(seed):
    metrics = broken("database", at=150, seed=seed)
    onset = find_onset(metrics)
    truth = metrics.index[150]
    assert abs((onset.time - truth).total_seconds()) <= 3
    assert onset.low <= truth <= onset.high
    assert (onset.high - onset.low).total_seconds() <= 30


def test_calm_weather_is_told_from_an_incident_by_strength():
    still = [find_onset(calm(seed)) for seed in range(20)]
    loudest = max((onset.strength for onset in still if onset is not None), default=0)
    faintest = min(find_onset(broken("cache", 120, seed)).strength for seed in range(20))
    assert loudest < faintest / 3


def test_a_fault_that_ends_is_dated_by_its_beginning():
    metrics = broken("auth", at=90)
    metrics.iloc[150:] = calm(0).iloc[150:]
    onset = find_onset(metrics)
    assert abs((onset.time - metrics.index[90]).total_seconds()) <= 3


def test_a_slow_leak_has_an_interval_that_reaches_back():
    metrics = calm(3)
    ramp = np.clip(np.arange(240) - 120, 0, None)
    for service in ("auth", "database"):
        metrics[(service, "memory_mb")] += 1.5 * ramp
    onset = find_onset(metrics)
    assert onset.low <= metrics.index[125]
    assert metrics.index[110] <= onset.time <= metrics.index[160]


def test_a_spike_of_one_row_is_weaker_than_any_incident():
    metrics = calm(1)
    metrics.iloc[100, 3] = 1e6
    onset = find_onset(metrics)
    assert onset is None or onset.strength < 1


@pytest.mark.parametrize("rows", [0, 1, 2, 12])
def test_too_few_rows_yield_nothing(rows):
    assert find_onset(calm(0).iloc[:rows]) is None


def test_missing_values_and_constant_series_do_not_matter():
    metrics = broken("llm", at=150, seed=5)
    metrics[("llm", "memory_mb")] = np.nan
    metrics[("auth", "cpu")] = 1.0
    metrics.iloc[40:60, 2] = np.nan
    onset = find_onset(metrics)
    assert abs((onset.time - metrics.index[150]).total_seconds()) <= 3


@settings(max_examples=15, deadline=None)
@given(shift=st.integers(-(10**6), 10**6), step=st.sampled_from([1, 15, 60, 300]))
def test_the_onset_moves_with_the_clock(shift, step):
    metrics = broken("cache", at=100)
    moved = metrics.set_axis(
        pd.date_range(
            metrics.index[0] + pd.Timedelta(seconds=shift), periods=len(metrics), freq=f"{step}s"
        )
    )
    row = metrics.index.get_loc(find_onset(metrics).time)
    assert find_onset(moved).time == moved.index[row]
