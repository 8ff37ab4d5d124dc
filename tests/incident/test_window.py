"""A window taken as the incident: the first reading, the analysis of it, and what is picked."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab import incident, sources
from aiopslab.errors import FrameError
from aiopslab.incident.case import prepare
from aiopslab.incident.sampling import Sides, spread
from aiopslab.incident.suspects import find_suspects
from aiopslab.incident.window import (
    WindowReader,
    analyse_window,
    likely_window,
    point_ranking,
    until,
)
from tests.incident.worlds import broken, calm

SAMPLES = ["auth-errors", "cache-crash", "database-pool", "llm-cpu", "retriever-latency"]


@pytest.fixture(scope="module", params=SAMPLES)
def sample(request):
    evidence = sources.open(f"sample://{request.param}")
    fault = evidence.truth
    window = pd.Timestamp(fault["started"]), pd.Timestamp(fault["ended"])
    return prepare(evidence.frames), fault["root_cause_service"], window


def test_the_service_that_was_broken_comes_first_in_a_first_reading(sample):
    case, cause, window = sample
    services, suspects = WindowReader(case).read(*window)
    assert services["service"].iloc[0] == cause
    assert set(services["service"]) == set(suspects["service"])


def test_of_little_evidence_the_first_reading_is_that_of_all_of_it():
    case = prepare(sources.open("sample://cache-crash").frames)
    start, end = case.series.index[180], case.series.index[-1] + pd.Timedelta("1h")
    reader = WindowReader(case)
    reader._most_spans = reader._most_executions = len(case.events)
    _, suspects = reader.read(start, end)
    pd.testing.assert_frame_equal(
        _sorted(suspects), _sorted(find_suspects(case, start)), check_dtype=False
    )


@settings(max_examples=10)
@given(st.integers(1, 290), st.integers(1, 120))
def test_a_window_of_little_evidence_is_read_as_all_of_it_until_its_end(crash, first, rows):
    case, reader = crash
    times = case.series.index
    start, end = times[first], times[min(first + rows, len(times) - 1)]
    services, suspects = reader.read(start, end)
    expected = find_suspects(until(case, end), start)
    found, whole = (_sorted(each).set_index(_NAMED) for each in (suspects, expected))
    assert found["strength"].to_dict() == pytest.approx(whole["strength"].to_dict())
    speaks = found["strength"] > 0  # of what says nothing any may stand for its like
    for column in ("before", "after"):
        told = whole.loc[found.index[speaks], column]
        assert found.loc[speaks, column].to_numpy() == pytest.approx(told.to_numpy(), nan_ok=True)
    assert services["score"].is_monotonic_decreasing


_NAMED = ["service", "kind", "name"]


@pytest.fixture(scope="module")
def crash():
    case = prepare(sources.open("sample://cache-crash").frames)
    reader = WindowReader(case)
    reader._most_spans = reader._most_executions = len(case.events)
    return case, reader


def _sorted(suspects):
    kept = suspects[suspects["kind"] != "alert"]  # those before the window are left out
    return kept.sort_values(["service", "kind", "name"], ignore_index=True)


def test_points_are_those_of_the_full_ranking():
    case = prepare({"metrics": broken("auth", 180)})
    suspects = find_suspects(case, case.metrics.index[180])
    full, points = incident.rank_services(suspects, 2.0), point_ranking(suspects)
    assert points["service"].tolist() == full["service"].tolist()
    assert points["score"].to_numpy() == pytest.approx(full["score"].to_numpy())


def test_what_comes_after_the_window_does_not_count():
    metrics = broken("auth", 100)
    later = broken("cache", 200)
    metrics.loc[metrics.index[200] :] = later.loc[metrics.index[200] :]
    case, times = prepare({"metrics": metrics}), metrics.index
    reader = WindowReader(case)
    assert reader.read(times[100], times[160])[0]["service"].iloc[0] == "auth"
    cut = prepare({"metrics": metrics.iloc[:161]})
    whole = incident.study(cut, times[100])
    window = analyse_window(case, times[100], times[160])
    assert window.named == whole.named == ["auth"]
    assert window.table().equals(whole.table())


def test_a_case_is_cut_after_its_end_in_every_signal():
    evidence = sources.open("sample://auth-errors")
    case = prepare(evidence.frames)
    end = case.series.index[200]
    cut = until(case, end)
    assert cut.series.index[-1] == end and cut.metrics.index[-1] == end
    assert cut.logs["timestamp"].max() <= end < case.logs["timestamp"].max()
    assert cut.spans["begun"].max() <= end and cut.alerts["timestamp"].max() <= end


def test_the_window_to_begin_with_holds_the_fault(sample):
    case, _, (started, ended) = sample
    start, end = likely_window(case)
    assert abs(start - started) < pd.Timedelta("40s") and end >= ended - pd.Timedelta("10s")


def test_where_nothing_began_the_window_is_the_last_fifth():
    metrics = calm().assign().iloc[:8]
    start, end = likely_window(prepare({"metrics": metrics}))
    assert (start, end) == (metrics.index[6], metrics.index[-1])


@pytest.mark.parametrize("rows", [0, 1])
def test_without_two_times_there_is_no_window(rows):
    with pytest.raises(FrameError, match="no evidence at two times"):
        likely_window(prepare({"metrics": calm().iloc[:rows]}))
    with pytest.raises(FrameError, match="no evidence at two times"):
        likely_window(prepare({"metrics": calm() * np.nan}))


def test_a_window_needs_evidence_before_it_and_in_it():
    metrics = calm()
    case, times = prepare({"metrics": metrics}), metrics.index
    day = pd.Timedelta("1D")
    for start, end in (
        (times[0], times[50]),
        (times[50], times[50]),
        (times[60], times[50]),
        (times[-1] + day, times[-1] + 2 * day),
    ):
        for read in (WindowReader(case).read, lambda *window: analyse_window(case, *window)):
            with pytest.raises(FrameError, match="the window runs from"):
                read(start, end)


@pytest.mark.parametrize("kind", ["metrics", "logs", "spans", "alerts"])
def test_one_kind_of_evidence_is_enough(kind):
    evidence = sources.open("sample://database-pool")
    case = prepare({kind: evidence.frames[kind]})
    start, end = likely_window(case)
    services, _ = WindowReader(case).read(start, end)
    assert len(services) and services["score"].is_monotonic_decreasing


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=40),
    st.integers(-5, 45),
    st.integers(0, 30),
    st.integers(1, 6),
)
def test_each_side_of_each_group_is_picked_evenly_and_no_more_than_asked(rows, start, length, most):
    zero = pd.Timestamp("2026-03-01", tz="UTC")
    second = pd.Timedelta("1s")
    groups = np.array([group for group, _ in rows], dtype=int)
    seconds = np.array([at for _, at in rows], dtype=int)
    times = pd.Series(zero + pd.to_timedelta(seconds, unit="s"), dtype="datetime64[us, UTC]")
    picked = Sides(groups, times).pick(
        zero + start * second, zero + (start + length) * second, most
    )
    assert len(set(picked)) == len(picked)
    for group in range(4):
        before = (groups == group) & (seconds < start)
        within = (groups == group) & (seconds >= start) & (seconds <= start + length)
        assert before[picked].sum() == min(before.sum(), most)
        assert within[picked].sum() == min(within.sum(), most)
    assert (seconds[picked] <= start + length).all()


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 20))
def test_a_range_is_picked_in_order_from_its_first_on(first, end, most):
    numbers = spread(first, end, most)
    assert len(numbers) == min(max(end - first, 0), most)
    assert (np.diff(numbers) >= 1).all() and set(numbers) <= set(range(first, end))
    assert not len(numbers) or numbers[0] == first
