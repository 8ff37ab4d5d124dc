import numpy as np
import pandas as pd
import pytest

from aiopslab.incident.golden import is_waiting, own_excess, signal_of
from aiopslab.incident.metrics import rank_metrics

EDGES = pd.DataFrame({"caller": ["shop", "search", "shop"], "callee": ["search", "store", "pay"]})
NAMES = ("shop", "search", "store", "pay")
TIMES = pd.date_range("2026-03-01", periods=60, freq="min", tz="UTC")


def quiet(seed=0):
    rng = np.random.default_rng(seed)
    series = {}
    for service in NAMES:
        series[service, "requests_sum"] = 1000 + rng.normal(size=60) * 20
        series[service, "latency_mean"] = 0.1 + rng.normal(size=60) * 0.002
        series[service, "availability"] = 100 - rng.exponential(size=60) * 0.02
    return pd.DataFrame(series, TIMES)


def shares(metrics, onset=50):
    before, after = metrics.iloc[:onset], metrics.iloc[onset:]
    return own_excess(before, before, after, EDGES)["share"]


def test_slowness_is_shared_out_to_the_deepest_service_that_explains_it():
    metrics = quiet()
    for service in ("shop", "search", "store"):
        metrics.loc[TIMES[50:], (service, "latency_mean")] += 0.2
    assert shares(metrics).xs("latency", level="signal").round(1)[["store", "search"]].tolist() == [
        1.0,
        0.0,
    ]


def test_a_callee_that_explains_a_tenth_is_not_the_cause():
    metrics = quiet()
    metrics.loc[TIMES[50:], ("shop", "latency_mean")] += 0.2
    metrics.loc[TIMES[50:], ("search", "latency_mean")] += 0.02
    found = shares(metrics).xs("latency", level="signal")
    assert found["shop"] > 0.8 > 0.2 > found["search"]


def test_errors_count_whichever_way_round_they_are_measured():
    metrics = quiet()
    for service in ("shop", "search"):
        metrics.loc[TIMES[50:], (service, "availability")] -= 5
    assert shares(metrics).xs("errors", level="signal")["search"] == pytest.approx(1, abs=0.1)
    turned = metrics.rename(columns={"availability": "error_ratio"})
    for service in NAMES:
        turned[service, "error_ratio"] = 1 - turned[service, "error_ratio"] / 100
    assert shares(turned).xs("errors", level="signal")["search"] == pytest.approx(1, abs=0.1)


def test_nothing_is_shared_out_on_a_quiet_day_or_where_requests_are_not_measured():
    assert shares(quiet())[:].max() <= 1
    assert own_excess(*[quiet().iloc[:50]] * 2, quiet().iloc[50:], EDGES)["z"].max() == 0
    unmeasured = quiet().drop(columns="requests_sum", level=1)
    assert shares(unmeasured).empty


def test_who_waits_and_who_is_asked_more_often_is_not_blamed():
    metrics = quiet()
    metrics["shop", "http.client.duration"] = 1.0 + np.random.default_rng(1).normal(size=60) * 0.01
    metrics.loc[TIMES[50:], ("shop", "http.client.duration")] = 50
    metrics.loc[TIMES[50:], ("search", "requests_sum")] *= 3
    ranked = rank_metrics(metrics, TIMES[50], topology=EDGES).set_index(["service", "metric"])
    assert ranked.loc[("shop", "http.client.duration"), "strength"] == 0
    assert ranked.loc[("search", "requests_sum"), "strength"] == 0


def test_a_change_from_last_week_that_is_not_new_is_not_blamed():
    recent = quiet(1)
    recent["store", "latency_mean"] += 1.0  # slower than last week, but since before
    ranked = rank_metrics(recent, TIMES[50], baseline=quiet(0), topology=EDGES)
    assert ranked.set_index("service").loc["store", "strength"].max() < 0.5


@pytest.mark.parametrize(
    ("metric", "signal"),
    [
        ("PodSuccessRate(%)", "errors"),
        ("PodWorkload(Ops)", "requests"),
        ("PodServerLatencyP99(s)", "latency"),
        ("http.server.active_requests", None),
        ("db.client.connection.pending_requests", None),
        ("default_threads", None),
    ],
)
def test_signals_are_told_by_their_names(metric, signal):
    assert signal_of(metric) == signal


def test_only_the_client_s_side_of_latency_is_waiting():
    assert is_waiting("PodClientLatencyP90(s)")
    assert not is_waiting("gen_ai.client.token.input_rate")
