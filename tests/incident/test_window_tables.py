"""Tables of a window: the rows that a scan of the evidence would find."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab import sources
from aiopslab.incident.case import prepare
from aiopslab.incident.window_tables import WindowTables, extremes

START = pd.Timestamp("2026-11-23T22:44:30Z")
SECOND = pd.Timedelta("1s")


@pytest.fixture(scope="module")
def frames():
    return sources.open("sample://database-pool").frames


@pytest.fixture(scope="module")
def tables(frames):
    return WindowTables(frames, prepare(frames))


@given(st.integers(-200, 200), st.integers(0, 200), st.sampled_from([None, "gateway", "nobody"]))
def test_log_lines_and_changes_are_those_that_a_scan_finds(tables, frames, low, length, service):
    start, end = START + low * SECOND, START + (low + length) * SECOND
    for name, since in (("logs", start), ("changes", start - 1800 * SECOND)):
        frame = frames[name]
        expected = frame[frame["timestamp"].between(since, end)]
        expected = expected if service is None else expected[expected["service"] == service]
        found = getattr(tables, name)(start, end, service)
        assert sorted(found["timestamp"]) == sorted(expected["timestamp"])
        assert service is None or set(found["service"]) <= {service}


def test_an_alert_is_there_while_it_fires(frames, tables):
    fired = tables.alerts(START - 3600 * SECOND, START + 3600 * SECOND)
    first = fired[fired["ended"].notna()].iloc[0]
    within = first["start"] + SECOND, first["start"] + 2 * SECOND
    assert first["name"] in set(tables.alerts(*within)["name"])
    assert tables.alerts(START - 3600 * SECOND, START - 3599 * SECOND).empty
    assert set(tables.alerts(*within, "gateway")["service"]) <= {"gateway"}


def test_the_slowest_paths_lead_to_the_service_that_was_slow(tables):
    paths = tables.paths(START + 30 * SECOND, START + 90 * SECOND)
    assert paths["service"].iloc[0] == "database" and paths["difference (ms)"].iloc[0] > 100
    assert tables.paths(START - 3600 * SECOND, START - 3599 * SECOND).empty


def test_without_frames_the_tables_are_empty():
    times = pd.date_range("2026-03-01", periods=60, freq="s", tz="UTC")
    columns = pd.MultiIndex.from_tuples([("auth", "cpu")])
    metrics = {"metrics": pd.DataFrame(np.ones((60, 1)), times, columns)}
    tables = WindowTables(metrics, prepare(metrics))
    for name in ("logs", "paths", "alerts", "changes"):
        assert getattr(tables, name)(times[5], times[9]).empty
        assert getattr(tables, name)(times[5], times[9], "auth").empty


@given(st.integers(0, 3_000), st.integers(0, 5))
def test_a_series_keeps_its_extremes_when_it_is_thinned(rows, seed):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((rows, 2)) < 0.1, np.nan, rng.normal(size=(rows, 2)))
    series = pd.DataFrame(values, pd.RangeIndex(rows))
    kept = extremes(series)
    assert len(kept) <= 1_000 and kept.index.is_monotonic_increasing
    pd.testing.assert_series_equal(kept.min(), series.min())
    pd.testing.assert_series_equal(kept.max(), series.max())
