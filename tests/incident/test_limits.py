"""Which series fill up, and to what."""

import numpy as np
import pandas as pd
import pytest

from aiopslab.incident.limits import named_limits, natural_limits


def frame(values):
    labels = pd.MultiIndex.from_tuples([("db", name) for name in values])
    return pd.DataFrame([list(values.values())] * 3, columns=labels)


@pytest.mark.parametrize(
    ("metric", "limit"),
    [
        ("system.memory.utilization", 1.0),
        ("process.cpu.utilization", 1.0),
        ("cpu_utilisation", 1.0),
        ("memory_used_ratio", 1.0),
        ("disk.usage_ratio", 1.0),
        ("heapUsageRatio", 1.0),
        ("pool.used.fraction", 1.0),
        ("disk_used_percent", 100.0),
        ("cpu_percent", 100.0),
        ("memory.utilization_pct", 100.0),
        ("disk.percent_used", 100.0),
        ("cache.hit_ratio", None),
        ("app.rating.helpful_ratio", None),
        ("http.server.request.error_ratio", None),
        ("disk_free_percent", None),
        ("memory.available_ratio", None),
        ("success_percent", None),
        ("memory_hit_ratio", None),
        ("process.memory.usage_mb", None),
        ("rows", None),
    ],
)
def test_only_what_fills_up_has_a_limit_by_its_name(metric, limit):
    assert natural_limits(frame({metric: 0.5})).get(("db", metric)) == limit


@pytest.mark.parametrize(
    ("usage", "limit"),
    [
        ("container.memory.usage", "container.memory.limit"),
        ("jvm.memory.used", "jvm.memory.limit"),
        ("memory.usage_bytes", "memory.limit_bytes"),
    ],
)
def test_a_limit_beside_a_usage_is_its_limit(usage, limit):
    assert natural_limits(frame({usage: 3.0, limit: 8.0})) == {("db", usage): 8.0}
    changed = frame({usage: 3.0, limit: 8.0})
    changed.loc[2, ("db", limit)] = 16.0
    assert natural_limits(changed) == {("db", usage): 16.0}, "the last one holds"


@pytest.mark.parametrize("unlimited", [0.0, -1.0, np.nan])
def test_no_limit_is_none(unlimited):
    assert natural_limits(frame({"memory.usage": 3.0, "memory.limit": unlimited})) == {}


def test_a_limit_of_another_service_is_not_meant():
    metrics = frame({"memory.usage": 3.0})
    metrics["api", "memory.limit"] = 8.0
    assert natural_limits(metrics) == {}


def test_what_was_seen_above_a_limit_is_not_limited_there():
    assert natural_limits(frame({"cpu.utilization": 2.5})) == {}
    assert natural_limits(frame({"cpu.utilization": 1.0})) == {("db", "cpu.utilization"): 1.0}


def test_a_name_means_every_service_and_one_with_a_service_counts_more():
    columns = pd.MultiIndex.from_product([["api", "db"], ["memory_mb", "disk/data"]])
    metrics = pd.DataFrame(columns=columns)
    limits, unknown = named_limits(metrics, {"db/memory_mb": 9, "memory_mb": 5, "disk/data": 7})
    assert limits == {
        ("api", "memory_mb"): 5,
        ("db", "memory_mb"): 9,
        ("api", "disk/data"): 7,
        ("db", "disk/data"): 7,
    }
    assert unknown == {}


def test_an_unknown_name_comes_with_the_nearest():
    columns = pd.MultiIndex.from_product([["db"], ["memory_mb"]])
    limits, unknown = named_limits(pd.DataFrame(columns=columns), {"memry_mb": 5})
    assert limits == {} and "memory_mb" in unknown["memry_mb"]
    assert named_limits(pd.DataFrame(columns=columns[:0]), {"x": 1})[1] == {"x": ""}
