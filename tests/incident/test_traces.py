import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.incident.operations import slowest_paths
from aiopslab.incident.topology import blast_radius, call_graph, callees
from aiopslab.incident.traces import attribute

START = pd.Timestamp("2026-03-01T12:00:00Z")


def span(name, parent, service, start, duration, status="OK", trace="t"):
    return {
        "trace_id": trace,
        "span_id": name,
        "parent_span_id": parent,
        "service": service,
        "operation": name,
        "start": START + pd.Timedelta(milliseconds=start),
        "duration_ms": float(duration),
        "status": status,
    }


def of(*rows):
    return attribute(pd.DataFrame(rows)).set_index("span_id")


def test_of_two_calls_side_by_side_only_the_longer_is_on_the_critical_path():
    own = of(
        span("root", None, "gateway", 0, 100),
        span("short", "root", "cache", 10, 20),
        span("long", "root", "auth", 10, 80),
    )["self_ms"]
    assert own.to_dict() == {"root": 20, "short": 0, "long": 80}


def test_the_time_of_a_call_beyond_its_server_is_blamed_on_the_one_called():
    table = of(
        span("root", None, "gateway", 0, 100),
        span("call", "root", "gateway", 10, 80),
        span("serve", "call", "auth", 40, 20),
    )
    assert table["blamed"].to_dict() == {"root": "gateway", "call": "auth", "serve": "auth"}
    assert table["self_ms"].to_dict() == {"root": 20, "call": 60, "serve": 20}
    assert table["is_entry"].to_dict() == {"root": True, "call": False, "serve": True}


def test_a_server_whose_clock_is_off_by_an_hour_keeps_its_durations():
    table = of(
        span("root", None, "gateway", 0, 100),
        span("serve", "root", "auth", 3_600_000, 60),
        span("query", "serve", "database", 3_600_010, 40),
    )
    assert table["self_ms"].to_dict() == {"root": 40, "serve": 20, "query": 40}


def test_only_the_deepest_failure_is_a_service_s_own():
    failed = of(
        span("root", None, "gateway", 0, 100, "ERROR"),
        span("serve", "root", "auth", 10, 60, "ERROR"),
    )["failed"]
    assert failed.to_dict() == {"root": False, "serve": True}


def test_repeated_ids_missing_parents_and_loops_do_no_harm():
    table = attribute(
        pd.DataFrame(
            [
                span("a", "b", "auth", 0, 10),
                span("b", "a", "auth", 0, 10),
                span("orphan", "nowhere", "cache", 0, 10),
                span("orphan", "nowhere", "cache", 5, 99),
                span("same", "same", "llm", 0, 10),
            ]
        )
    )
    assert len(table) == 4
    assert (table["self_ms"] == 10).all()


@settings(max_examples=60, deadline=None)
@given(
    parents=st.lists(st.integers(-1, 20), min_size=1, max_size=21),
    seed=st.integers(0, 2**31),
)
def test_self_times_add_up_to_the_roots_and_are_never_negative(parents, seed):
    rng = np.random.default_rng(seed)
    rows = []
    for number, parent in enumerate(parents):
        known = f"{parent % number}" if parent >= 0 and number else None
        service = f"s{rng.integers(4)}"
        rows.append(span(f"{number}", known, service, rng.integers(-50, 500), rng.integers(300)))
    table = attribute(pd.DataFrame(rows).sample(frac=1, random_state=seed))
    roots = table[table["parent_span_id"].isna()]
    assert (table["self_ms"] >= 0).all()
    assert table["self_ms"].sum() == pytest.approx(roots["duration_ms"].sum())


def test_the_call_graph_has_an_edge_for_every_call_between_services_and_no_other():
    spans = pd.DataFrame(
        [
            span("root", None, "gateway", 0, 100),
            span("inner", "root", "gateway", 0, 90),
            span("serve", "inner", "auth", 10, 60),
            span("elsewhere", "serve", "database", 0, 1, trace="another"),
        ]
    )
    assert call_graph(spans).to_numpy().tolist() == [["gateway", "auth"]]


def test_a_cycle_has_no_depth_but_has_a_blast_radius():
    edges = pd.DataFrame({"caller": ["a", "b", "c", "a"], "callee": ["b", "c", "b", "a"]})
    assert callees(edges) == {"a": ["b"]}
    assert blast_radius(edges, ["c"]) == ["a", "b"]
    assert blast_radius(edges, ["unknown"]) == []
    assert callees(edges.iloc[:0]) == {}


def requests(count, slow_ms=0):
    """Requests of two kinds, of which one waits for a query in the database."""
    rows = []
    for number in range(count):
        trace, kind = f"{slow_ms}-{number}", "GET /cart" if number % 2 else "GET /home"
        query = 10 + (slow_ms if kind == "GET /cart" else 0) + number / 100
        rows += [
            span("root", None, "gateway", 0, query + 20, trace=trace) | {"operation": kind},
            span("query", "root", "database", 5, query, trace=trace),
        ]
    return attribute(pd.DataFrame(rows))


def test_the_slowest_requests_are_compared_where_they_became_slower():
    path = slowest_paths(requests(100), requests(100, slow_ms=500))
    assert path["request"].unique().tolist() == ["GET /cart"]
    assert path.loc[0, ["service", "operation"]].tolist() == ["database", "query"]
    assert path.loc[0, "extra_ms"] == pytest.approx(500)
    assert slowest_paths(requests(10).iloc[:0], requests(10)).empty
