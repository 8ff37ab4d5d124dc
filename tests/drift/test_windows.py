import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.drift.windows import LIMIT, MOST, ROWS, cut_windows
from aiopslab.errors import FrameError


def hourly(rows):
    return pd.Series(pd.date_range("2026-03-02", periods=rows, freq="h", tz="UTC"))


@given(st.integers(1, 200_000))
def test_windows_of_rows_are_few_and_hold_enough(rows):
    table = cut_windows(None, rows).table
    assert table["rows"].sum() == rows
    assert len(table) <= MOST
    assert rows < ROWS or table["rows"].min() >= ROWS / 2


@given(st.integers(1, 20_000), st.integers(1, 10_000))
def test_windows_of_time_are_few_and_hold_enough_on_average(rows, seconds):
    seconds_in = pd.to_timedelta(np.arange(rows) * seconds, unit="s")
    times = pd.Series(pd.Timestamp("2026-03-02", tz="UTC") + seconds_in)
    cut = cut_windows(times, rows)
    assert cut.table["rows"].sum() == rows
    assert len(cut.table) <= MOST + 1
    assert rows < 2 * ROWS or cut.table["rows"].mean() >= ROWS / 2


def test_a_window_begins_where_its_first_row_is():
    cut = cut_windows(hourly(24 * 30), 24 * 30, "1D")
    assert cut.table["rows"].tolist() == [24] * 30
    assert cut.table["first_row"].tolist() == list(range(0, 720, 24))
    assert cut.labels[:2] == ["2026-03-02", "2026-03-03"]


def test_the_first_hours_of_a_week_are_no_week():
    assert cut_windows(hourly(24 * 7 * 4 + 30), 24 * 7 * 4 + 30, "7D").table["rows"].tolist() == [
        *[168] * 3,
        198,
    ]


def test_time_without_rows_makes_no_window():
    times = pd.concat([hourly(48), hourly(48) + pd.Timedelta("10D")], ignore_index=True)
    cut = cut_windows(times, 96, "1D")
    assert cut.table["rows"].tolist() == [24] * 4
    assert np.diff(cut.table["start"])[1] == pd.Timedelta("9D")


def test_a_row_without_a_time_is_in_no_window():
    times = hourly(48).reindex(range(49))
    assert cut_windows(times, 49, "1D").number[-1] == -1


@pytest.mark.parametrize("windows", ["soon", "-1h", 0, -5, 2.5, True])
def test_what_is_no_window_is_refused(windows):
    with pytest.raises(FrameError, match="windows are"):
        cut_windows(hourly(100), 100, windows)


def test_windows_of_time_need_times():
    with pytest.raises(FrameError, match="no times"):
        cut_windows(None, 1_000, "1D")


def test_too_many_windows_are_refused():
    with pytest.raises(FrameError, match=f"at most {LIMIT}"):
        cut_windows(None, 100_000, 1)
