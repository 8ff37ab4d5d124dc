"""Many resources at once, of which it is known which fill."""

import numpy as np
import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.errors import AIOpsLabError
from aiopslab.incident.forecast import time_to_exhaustion
from aiopslab.incident.resources import forecast_resources, heading_for
from tests.incident.test_forecast import NOW, ROWS, STEPS, noise, series, share


def frame(**columns):
    data = {tuple(name.split("__")): series(values) for name, values in columns.items()}
    return pd.DataFrame(data).rename_axis(index="timestamp")


def test_many_resources_come_with_the_most_urgent_first():
    metrics = frame(
        db__disk=0.4 * STEPS + noise(1),
        db__pool=noise(2),
        api__queue=np.minimum(STEPS, 100),
        api__memory=300 - STEPS + noise(3),
    )
    limits = {
        ("db", "disk"): 120.0,
        ("db", "pool"): 50.0,
        ("api", "queue"): 100.0,
        ("api", "memory"): 400.0,
    }
    table = forecast_resources(metrics, limits, "2h")
    assert table["outlook"].tolist() == [
        "reached",
        "expected",
        "not heading there",
        "not heading there",
    ]
    assert table["metric"].tolist()[:2] == ["queue", "disk"]
    assert heading_for(metrics, limits, "2h") == [("db", "disk"), ("api", "queue")]


def test_the_screen_leaves_out_nothing_that_would_be_expected():
    missed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        start = rng.integers(0, 150)
        values = rng.uniform(0.02, 0.5) * np.maximum(STEPS - start, 0) + noise(seed)
        limit = values.max() + rng.uniform(0.5, 20)
        metrics = frame(db__disk=values)
        told = time_to_exhaustion(metrics["db", "disk"], limit, "1h")
        heads = heading_for(metrics, {("db", "disk"): limit}, "1h")
        missed += told.outlook == "expected" and not heads
    assert missed == 0


def test_natural_limits_are_taken_where_none_are_given():
    metrics = frame(db__cpu_utilization=0.5 + noise() / 100, db__hit_ratio=STEPS / ROWS)
    assert forecast_resources(metrics, horizon="2h")["metric"].tolist() == ["cpu_utilization"]


def test_no_limits_make_an_empty_table_and_unknown_series_are_named():
    metrics = frame(db__rows=STEPS)
    assert forecast_resources(metrics).empty
    assert "outlook" in forecast_resources(metrics).columns
    with pytest.raises(AIOpsLabError, match="db · row"):
        forecast_resources(metrics, {("db", "row"): 1.0})


def test_those_that_fill_are_found_among_many():
    rng = np.random.default_rng(0)
    slopes = np.where(np.arange(1_000) < 20, 0.4, 0.0)
    values = 0.3 + slopes * np.linspace(0, 1, 600)[:, None] + rng.normal(0, 0.02, (600, 1_000))
    columns = pd.MultiIndex.from_product([map(str, range(1_000)), ["disk.utilization"]])
    times = pd.date_range(end=NOW, periods=600, freq="min", name="timestamp")
    table = forecast_resources(pd.DataFrame(values, times, columns), horizon="5h")
    filling = table[table["service"].astype(int) < 20]
    assert share(filling["outlook"], "not heading there") == 0
    assert share(table["outlook"], "not heading there") >= 0.95


def test_a_calm_recording_heads_nowhere():
    metrics = sources.open("sample://no-fault").metrics
    limits = {each: 1_000.0 for each in metrics.columns if each[1] == "process.memory.usage_mb"}
    table = forecast_resources(metrics, limits, "2min")
    assert set(table["outlook"]) == {"not heading there"}
