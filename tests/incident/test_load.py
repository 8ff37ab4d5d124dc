import numpy as np
import pandas as pd
import pytest

from aiopslab.incident.load import without_load
from tests.incident.worlds import LEVELS, analysed, calm


def busy(seed, surge_at=150):
    """A healthy system whose demand doubles: rates, CPU and latency follow it everywhere."""
    metrics = calm(seed)
    rng = np.random.default_rng(seed)
    demand = 1 + 0.2 * np.sin(np.arange(len(metrics)) / 15) + 0.02 * rng.normal(size=len(metrics))
    demand[surge_at:] += 1
    for service, metric in metrics.columns:
        if metric in {"request_rate", "cpu"}:
            metrics[(service, metric)] *= demand
        if metric == "duration_p95_ms":
            metrics[(service, metric)] *= np.sqrt(demand)
    return metrics


@pytest.mark.parametrize("seed", range(5))
def test_a_surge_of_demand_is_not_an_incident(seed):
    assert analysed(busy(seed)).level == "ok"


@pytest.mark.parametrize("seed", range(5))
def test_a_fault_under_a_surge_of_demand_is_found(seed):
    metrics = busy(seed)
    metrics.loc[metrics.index[150:], ("cache", "duration_p95_ms")] *= 8
    metrics.loc[metrics.index[150:], ("cache", "error_ratio")] = 0.2
    assert analysed(metrics).named == ["cache"]


def test_what_follows_no_common_factor_is_left_alone():
    rng = np.random.default_rng(0)
    columns = pd.MultiIndex.from_product([["auth", "cache"], sorted(LEVELS)])
    distance = pd.DataFrame(rng.normal(size=(400, len(columns))), columns=columns)
    assert (distance - without_load(distance, 300)).std().max() < 0.5


def test_few_rows_teach_nothing():
    distance = busy(0) * 1.0
    pd.testing.assert_frame_equal(without_load(distance, 20), distance)
