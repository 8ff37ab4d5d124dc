"""Grids, queries and tables: the parts that need no server."""

import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import SourceError
from aiopslab.frames import conform
from aiopslab.sources.prometheus.grid import MAX_POINTS, Grid, seconds
from aiopslab.sources.prometheus.progress import progress
from aiopslab.sources.prometheus.queries import plan, selector
from aiopslab.sources.prometheus.translate import alerts_table, metrics_table

START = pd.Timestamp("2026-03-01T12:00:00Z")


@settings(deadline=None)
@given(st.integers(0, 4_000_000_000_000), st.integers(1, 86_400_000), st.integers(1, 100_000))
def test_chunks_hold_each_point_once_and_none_too_many(first, step, points):
    grid = Grid(first, step, points)
    chunks = list(grid.chunks())
    assert len(chunks) == grid.chunk_count()
    assert max(each.points for each in chunks) <= MAX_POINTS
    assert sum(each.points for each in chunks) == points
    for one, following in pairwise(chunks):
        assert following.first == one.first + one.points * step


@settings(deadline=None)
@given(
    st.integers(0, 10**6),
    st.integers(1, 10**6),
    st.one_of(st.none(), st.integers(1, 500)),
    st.sampled_from([1.0, 15.0, 60.0]),
)
def test_a_grid_lies_within_its_window_on_whole_steps(offset, length, step, interval):
    start = START + pd.Timedelta(offset, unit="ms")
    end = start + pd.Timedelta(length, unit="s")
    try:
        grid = Grid.over(start, end, step, interval)
    except SourceError:
        assert length < max(step or 0, interval)
        return
    assert start <= grid.start
    assert grid.end <= end
    assert grid.first % grid.step == 0
    assert (start - grid.start) > -pd.Timedelta(grid.step, unit="ms")
    assert (end - grid.end) < pd.Timedelta(grid.step, unit="ms")
    if step is None:
        assert grid.points <= 2_001
        assert grid.step >= interval * 1000


@pytest.mark.parametrize("bad", ["soon", "", "-5s", 0, "nan", "0s"])
def test_durations_that_are_none(bad):
    with pytest.raises(SourceError, match="expected a duration above 0"):
        seconds(bad, "step")


@pytest.mark.parametrize(
    ("match", "name", "expected"),
    [
        (None, "up", '{__name__="up"}'),
        ("up", None, '{__name__="up"}'),
        ("up", "up", '{__name__="up"}'),
        ("{}", None, '{__name__!=""}'),
        ('{job="a}b{",}', "up", '{__name__="up",job="a}b{"}'),
        ('up{job="x"}', None, '{__name__="up",job="x"}'),
    ],
)
def test_selectors(match, name, expected):
    assert selector(match, name) == expected


@pytest.mark.parametrize("match", ["rate(up[5m])", "{a} or {b}x", "1 + 1"])
def test_what_is_no_selector(match):
    with pytest.raises(SourceError, match="expected a PromQL selector"):
        selector(match)


def shown(names: list[str], kinds: dict[str, str] | None = None) -> list[str]:
    return list(plan(names, kinds or {}, None, "60s"))


def test_kinds_are_told_by_metadata_then_by_suffix():
    assert shown(["a_total", "b", "a_created"]) == ["rate(a_total)", "b"]
    assert shown(["cpu_seconds"], {"cpu_seconds": "counter"}) == ["rate(cpu_seconds)"]
    assert shown(["cpu_total"], {"cpu": "counter"}) == ["rate(cpu_total)"]
    assert shown(["memory_total"], {"memory_total": "gauge"}) == ["memory_total"]
    assert shown(["x"], {"x": "unknown"}) == ["x"]


def test_histograms_and_summaries():
    histogram = ["h_bucket", "h_count", "h_sum", "h_created"]
    assert shown(histogram) == ["p50(h)", "p95(h)", "rate(h_count)"]
    assert shown(["s", "s_count", "s_sum"], {"s": "summary"}) == ["s", "rate(s_count)", "mean(s)"]
    assert shown(["page_count", "ice_bucket"]) == ["ice_bucket", "page_count"]


def test_alerts_and_scrape_bookkeeping_are_no_metrics():
    assert shown(["ALERTS", "ALERTS_FOR_STATE", "scrape_duration_seconds", "up"]) == ["up"]


GRID = Grid(60_000, 1000, 5)


def series(values: list[list], **labels: str) -> dict:
    return {"metric": {"__name__": "x", **labels}, "values": values}


def columns(*answers: dict, service_labels=("service", "job")) -> list[tuple[str, str]]:
    return metrics_table({"x": answers}, GRID, service_labels).columns.to_list()


def test_only_labels_that_tell_series_apart_are_named():
    point = [[60, "1"]]
    assert columns(series(point, service="a", pod="1"), series(point, service="b", pod="2")) == [
        ("a", "x"),
        ("b", "x"),
    ]
    assert columns(
        series(point, service="a", code="200", zone="z"),
        series(point, service="a", code="500", zone="z"),
        series(point, job="b", code="200"),
    ) == [("a", 'x{code="200"}'), ("a", 'x{code="500"}'), ("b", 'x{code="200"}')]
    assert columns(series(point)) == [("all", "x")]
    assert columns(series(point, service="", job="j")) == [("j", "x")]


def test_points_fall_into_their_place_and_gaps_stay_empty():
    answer = series([[60, "1"], [61.0, "NaN"], [63, "+Inf"], [64, "2.5"]], job="j")
    metrics = metrics_table({"x": [answer]}, GRID, ["job"])
    np.testing.assert_array_equal(metrics["j", "x"], [1, np.nan, np.nan, np.inf, 2.5])
    with pytest.warns(match="1 infinite"):
        assert conform("metrics", metrics).shape == (5, 1)


def test_series_that_only_differ_in_where_the_service_is_named_are_joined():
    one, other = series([[60, "1"]], service="a"), series([[61, "2"]], job="a")
    metrics = metrics_table({"x": [one, other]}, GRID, ["service", "job"])
    np.testing.assert_array_equal(metrics["a", "x"], [1, 2])


def test_no_answers_are_no_metrics():
    assert metrics_table({"x": []}, GRID, ["job"]).empty
    assert metrics_table({"x": [series([], job="j")]}, GRID, ["job"]).empty


def test_time_before_the_first_and_after_the_last_sample_is_left_out():
    answers = {"x": [series([[61, "1"], [63, "2"]], job="j")]}
    metrics = metrics_table(answers, GRID, ["job"])
    assert (metrics.index - GRID.start).total_seconds().tolist() == [1, 2, 3]


def test_alerts_that_flap_and_one_that_goes_on():
    flapping = series([[60, "1"], [62, "1"], [63, "1"]], alertname="A", service="s")
    steady = series([[each, "1"] for each in range(60, 65)], alertname="B", severity="page")
    alerts = conform("alerts", alerts_table([flapping, steady], GRID, ["service"]))
    seconds_later = (alerts["timestamp"] - GRID.start).dt.total_seconds().tolist()
    assert list(zip(alerts["name"], alerts["state"], seconds_later, strict=True)) == [
        ("A", "firing", 0),
        ("B", "firing", 0),
        ("A", "resolved", 1),
        ("A", "firing", 2),
        ("A", "resolved", 4),
    ]
    assert alerts["service"].tolist() == ["s", "all", "s", "s", "s"]
    assert alerts["labels"].iloc[1] == {"alertname": "B", "severity": "page"}


def test_progress_is_shown_only_to_somebody(capsys, monkeypatch):
    with progress("Prometheus", 3) as advance:
        advance()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress("Prometheus", 3) as advance:
        advance()
    assert "Prometheus" in capsys.readouterr().err


def test_no_alerts_are_an_empty_frame():
    assert conform("alerts", alerts_table([], GRID, ["service"])).empty
