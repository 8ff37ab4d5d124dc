import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from aiopslab.rehearsal.measures import (
    MEASURES,
    Quantile,
    Rate,
    Ratio,
    Value,
    Window,
    increase,
    metric_names,
    parse,
    quantile,
)
from aiopslab.rehearsal.services import SERVICES

steps = st.lists(st.integers(0, 1000), max_size=30)


@given(steps)
def test_a_counter_that_only_rises_grew_from_its_first_value_to_its_last(growth):
    values = np.cumsum([5, *growth]).tolist()
    assert increase(values) == values[-1] - values[0]


@given(steps, steps)
def test_what_was_counted_before_and_after_a_reset_adds_up(before, after):
    first = np.cumsum([0, *before]).tolist()
    second = np.cumsum([0, *after]).tolist()
    # A process that counts past where the old one ended hides its restart: no scraper can tell.
    if second[0] < first[-1] or first[-1] == 0:
        assert increase(first + second) == first[-1] + second[-1]


@given(
    st.lists(st.floats(0.001, 9.9), min_size=1, max_size=200),
    st.floats(0.01, 0.99),
)
def test_a_quantile_lies_in_the_bucket_that_holds_the_true_one(values, share):
    bounds = [*np.linspace(0.1, 10, 100), math.inf]
    buckets = [(bound, float(sum(value <= bound for value in values))) for bound in bounds]
    true = float(np.quantile(values, share, method="inverted_cdf"))
    assert abs(quantile(share, buckets) - true) <= 0.1 + 1e-9


def test_a_quantile_of_many_values_is_close_to_numpys():
    values = np.random.default_rng(1).lognormal(-3, 0.8, 20_000)
    bounds = [*(0.001 * 1.6 ** np.arange(23)), math.inf]
    buckets = [(bound, float((values <= bound).sum())) for bound in bounds]
    for share in (0.5, 0.95):
        assert quantile(share, buckets) == pytest.approx(np.quantile(values, share), rel=0.15)


def test_a_quantile_without_observations_is_nan():
    assert math.isnan(quantile(0.5, []))
    assert math.isnan(quantile(0.5, [(1.0, 0.0), (math.inf, 0.0)]))


def test_a_quantile_above_all_bounds_is_the_highest_of_them():
    assert quantile(0.5, [(1.0, 0.0), (2.0, 0.0), (math.inf, 4.0)]) == 2.0


def test_parse_reads_what_the_client_library_exposes():
    registry = CollectorRegistry()
    requests = Counter("http_server_requests", "x", ["status"], registry=registry)
    requests.labels("2xx").inc(3)
    Histogram("wait_seconds", "x", buckets=(0.1, 1), registry=registry).observe(0.5)
    samples = parse(generate_latest(registry).decode())
    assert samples["http_server_requests_total", "2xx"] == 3
    assert samples["wait_seconds_bucket", "1.0"] == 1
    assert samples["wait_seconds_count", ""] == 1


def window(*scrapes):
    filled = Window()
    for time, samples in enumerate(scrapes):
        filled.add(float(time), samples)
    return filled


def test_a_rate_is_per_second_and_survives_a_restart():
    scrapes = [{("n_total", ""): value} for value in (10, 14, 18, 4, 8)]
    assert Rate("rate", "n_total").read(window(*scrapes)) == 4.0


def test_a_rate_needs_two_scrapes():
    assert math.isnan(Rate("rate", "n_total").read(window({("n_total", ""): 3.0})))


def test_a_ratio_counts_labels_that_appear_and_disappear():
    ratio = Ratio("errors", "n_total", ("n_total",), "5xx")
    read = ratio.read(
        window(
            {("n_total", "2xx"): 0.0},
            {("n_total", "2xx"): 6.0, ("n_total", "5xx"): 2.0},
            {("n_total", "2xx"): 1.0},  # a new process that has seen no error yet
            {("n_total", "2xx"): 2.0},
        )
    )
    assert read == 2 / 10


def test_a_ratio_of_nothing_is_nan():
    assert math.isnan(Ratio("errors", "n_total", ("n_total",), "5xx").read(window({}, {})))


def test_a_value_is_the_newest():
    gauges = [{("items", ""): 1.0}, {("items", ""): 2.0}]
    assert Value("items", "items", 10).read(window(*gauges)) == 20.0
    assert math.isnan(Value("items", "items").read(window({})))


def test_a_quantile_measure_is_in_milliseconds():
    empty = {("wait_bucket", "0.1"): 0.0, ("wait_bucket", "+Inf"): 0.0}
    later = {("wait_bucket", "0.1"): 8.0, ("wait_bucket", "+Inf"): 8.0}
    assert Quantile("p50", "wait", 0.5).read(window(empty, later)) == pytest.approx(50)


def test_a_window_forgets_what_is_too_old():
    filled = Window(seconds=3)
    for time in range(10):
        filled.add(float(time), {("n_total", ""): float(time)})
    assert filled.span_s == 3


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_eight_to_fourteen_metrics_under_names_of_their_own(service):
    names = metric_names(service)
    assert 8 <= len(names) <= 14
    assert len(set(names)) == len(names)
    assert MEASURES[service]
