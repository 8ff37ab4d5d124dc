import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.incident import rank_metrics
from aiopslab.incident.deviation import learn_normal, quantiles
from aiopslab.incident.metrics import SILENT
from tests.incident.worlds import METRICS, SERVICES, broken, calm, ranked


@pytest.mark.parametrize("service", SERVICES)
def test_the_broken_service_comes_first_with_its_metrics(service):
    metrics = broken(service, at=150)
    services = ranked(metrics, metrics.index[150])
    series = rank_metrics(metrics, metrics.index[150])
    assert services.loc[0, "service"] == service
    assert services.loc[0, "probability"] > 0.8
    assert series.loc[0, "service"] == service


def test_probability_leaves_room_for_none_of_these_and_scores_descend_within_their_intervals():
    metrics = broken("auth", at=150)
    services = ranked(metrics, metrics.index[150])
    assert 0 < services["probability"].sum() < 1
    assert services["score"].is_monotonic_decreasing
    assert (services["low"] <= services["score"]).all()
    assert (services["score"] <= services["high"]).all()


def test_two_services_that_break_alike_share_the_probability():
    metrics = broken("auth", at=150)
    for metric in METRICS:
        metrics[("database", metric)] = metrics[("auth", metric)]
    likely = ranked(metrics, metrics.index[150]).set_index("service")["probability"]
    assert likely["auth"] == pytest.approx(likely["database"], abs=0.1)
    assert likely["auth"] + likely["database"] > 0.9


def test_a_fall_counts_as_much_as_a_rise():
    metrics = calm(2)
    metrics.loc[metrics.index[150:], ("cache", "request_rate")] -= 4
    risen = calm(2)
    risen.loc[risen.index[150:], ("cache", "request_rate")] += 4
    falling, rising = (rank_metrics(each, each.index[150]).iloc[0] for each in (metrics, risen))
    assert falling["metric"] == rising["metric"] == "request_rate"
    assert (falling["direction"], rising["direction"]) == (-1, 1)
    assert falling["strength"] == pytest.approx(rising["strength"], rel=0.05)


def test_a_service_that_falls_silent_is_blamed():
    metrics = calm(4)
    metrics.loc[metrics.index[150:], "database"] = np.nan
    services = ranked(metrics, metrics.index[150])
    assert services.loc[0, ["service", "name"]].tolist() == ["database", SILENT]


def test_a_metric_that_begins_after_the_incident_is_not_blamed_for_beginning():
    metrics = calm(4)
    metrics.loc[metrics.index[:150], ("cache", "cpu")] = np.nan
    metrics.loc[metrics.index[150:], ("auth", "error_ratio")] = 0.5
    assert ranked(metrics, metrics.index[150]).loc[0, "service"] == "auth"


@settings(max_examples=15, deadline=None)
@given(factors=st.lists(st.floats(1e-6, 1e6), min_size=len(METRICS), max_size=len(METRICS)))
def test_units_do_not_matter(factors):
    metrics = broken("database", at=150)
    scaled = metrics * [
        factors[METRICS.index(metric)] for metric in metrics.columns.get_level_values(1)
    ]
    onset = metrics.index[150]
    pd.testing.assert_series_equal(
        rank_metrics(metrics, onset)["strength"], rank_metrics(scaled, onset)["strength"]
    )


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(len(SERVICES) * len(METRICS))))
def test_the_order_of_columns_does_not_matter(order):
    metrics = broken("llm", at=150)
    expected = ranked(metrics, metrics.index[150])
    got = ranked(metrics.iloc[:, list(order)], metrics.index[150])
    pd.testing.assert_frame_equal(expected[["service", "score"]], got[["service", "score"]])


def test_normal_is_robust_location_and_spread():
    sample = np.random.default_rng(0).normal(50, 4, size=20_001)
    sample[:2_000] = 10_000  # a tenth of it wild
    columns = pd.MultiIndex.from_tuples([("auth", "cpu")])
    frame = pd.DataFrame(sample[:, None], columns=columns)
    normal = learn_normal(frame.iloc[2_000:], frame)
    assert normal.centre.iloc[0] == pytest.approx(50, abs=0.2)
    assert normal.scale.iloc[0] == pytest.approx(4, rel=0.05)


def test_a_constant_series_has_a_floor_under_its_scale():
    columns = pd.MultiIndex.from_product([["auth", "cache"], ["up"]])
    frame = pd.DataFrame(np.ones((20, 2)), columns=columns)
    normal = learn_normal(frame, frame)
    assert (normal.scale > 0).all()
    assert (normal.deviations(frame) == 0).all(axis=None)


@settings(max_examples=50)
@given(seed=st.integers(0, 2**31), gaps=st.floats(0, 0.9), shares=st.lists(st.floats(0, 1)))
def test_quantiles_are_those_of_numpy(seed, gaps, shares):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rng.integers(1, 30), 4))
    values[rng.random(values.shape) < gaps] = np.nan
    values[0] = 1.0
    expected = np.nanquantile(values, shares, axis=0) if shares else np.empty((0, 4))
    np.testing.assert_allclose(quantiles(values, shares), expected, rtol=1e-9, atol=1e-12)


def test_without_a_row_before_the_onset_nothing_is_strange():
    metrics = calm(0)
    assert (rank_metrics(metrics, metrics.index[0])["strength"] == 0).all()
    late = metrics.index[-1] + pd.Timedelta("1s")
    assert (rank_metrics(metrics, late)["strength"] == 0).all()
