"""Lines of very many points: what is kept looks the same."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.charts.sampling import POINTS, sampled


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(POINTS + 1, 30_000))
def test_extremes_and_ends_are_kept(seed, length):
    y = np.random.default_rng(seed).normal(size=length).cumsum()
    kept = sampled(go.Scatter(y=y, mode="lines"))
    assert len(kept["y"]) <= POINTS
    assert (min(kept["y"]), max(kept["y"])) == (y.min(), y.max())
    assert (kept["x"][0], kept["x"][-1]) == (0, length - 1)
    assert np.array_equal(y[np.asarray(kept["x"])], kept["y"]), "and every point is one of the line"


def test_a_gap_stays_a_gap():
    y = np.ones(50_000)
    y[20_000:30_000] = np.nan
    kept = sampled(go.Scatter(y=y, mode="lines"))
    gap = np.asarray(kept["x"])[np.isnan(kept["y"])]
    assert len(gap) and gap.min() >= 20_000 and gap.max() < 30_000
    assert not np.isnan(np.asarray(kept["y"])[np.asarray(kept["x"]) < 20_000]).any()


def test_all_nan_and_short_lines_pass():
    y = np.full(50_000, np.nan)
    assert len(sampled(go.Scatter(y=y, mode="lines"))["y"]) <= POINTS
    assert sampled(go.Scatter(y=[1, 2], mode="lines")) == {}


def test_a_window_of_times_has_its_own_points():
    times = pd.date_range("2026-03-01", periods=100_000, freq="s", tz="UTC")
    line = go.Scatter(x=times, y=np.arange(100_000.0), mode="lines")
    kept = sampled(line, (times[50_000], times[50_010]))
    assert list(kept["y"]) == list(range(49_999, 50_011))


@pytest.mark.parametrize("told", [{"mode": "markers"}, {"mode": "lines", "text": ["a"] * 9000}])
def test_what_is_clicked_or_read_keeps_its_numbers(told):
    assert sampled(go.Scatter(y=np.arange(9000.0), **told)) == {}
