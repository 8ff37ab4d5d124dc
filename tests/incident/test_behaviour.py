import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from aiopslab.incident.behaviour import rank_behaviour
from aiopslab.incident.case import prepare
from aiopslab.incident.operations import rank_operations
from aiopslab.incident.suspects import find_suspects

START = pd.Timestamp("2026-03-01T12:00:00Z")


def runs(count, **shares):
    """As many executions, each with an event in a share of them."""
    rows = [(f"{n}", "auth", "login", "entry", "") for n in range(count)]
    for event, share in shares.items():
        rows += [(f"{n}", "auth", "login", "span", event) for n in range(round(count * share))]
    return pd.DataFrame(rows, columns=["trace_id", "service", "entry", "kind", "event"])


def test_the_event_that_changed_most_comes_first_whatever_the_traffic():
    ranked = rank_behaviour(runs(1000, hash=0.9, audit=0.5), runs(50, hash=0.1, audit=0.5))
    assert ranked["event"].tolist() == ["hash", "audit"]
    assert ranked.loc[1, "strength"] == 0


@settings(max_examples=30, deadline=None)
@given(n=st.integers(5, 400), m=st.integers(5, 400), p=st.floats(0, 1), q=st.floats(0, 1))
def test_the_interval_is_newcombe_s(n, m, p, q):
    row = rank_behaviour(runs(n, hash=p), runs(m, hash=q))
    if row.empty:
        return
    low, high = confint_proportions_2indep(
        round(m * q), m, round(n * p), n, method="newcomb", compare="diff"
    )
    assert row.loc[0, "low"] == pytest.approx(low, abs=1e-3)
    assert row.loc[0, "high"] == pytest.approx(high, abs=1e-3)


def test_too_few_executions_say_nothing():
    assert rank_behaviour(runs(2, hash=1.0), runs(2, hash=0.0)).empty
    assert rank_behaviour(runs(0), runs(0)).empty


def operation(values):
    return pd.DataFrame(
        {"blamed": "auth", "service": "gateway", "operation": "login", "self_ms": values}
    )


def test_a_slower_call_is_blamed_with_a_ratio_and_its_interval():
    rng = np.random.default_rng(0)
    quiet, slow = rng.lognormal(2, 0.3, 500), rng.lognormal(2, 0.3, 200) * 3
    row = rank_operations(operation(quiet), operation(slow)).iloc[0]
    assert row["name"] == "gateway → login"
    assert row["low"] < 3 < row["high"]
    assert row["strength"] > 1


def test_no_shift_has_no_strength():
    rng = np.random.default_rng(0)
    row = rank_operations(
        operation(rng.lognormal(2, 0.3, 500)), operation(rng.lognormal(2, 0.3, 200))
    ).iloc[0]
    assert row["strength"] == 0


def traces(count, offset_s=0.0, fails_from=None):
    """Requests a second: gateway asks auth, which logs one line, and another when it fails."""
    spans, logs = [], []
    for number in range(count):
        begun = START + pd.Timedelta(seconds=number)
        fails = fails_from is not None and number >= fails_from
        for name, parent, service in (("a", None, "gateway"), ("b", "a", "auth")):
            spans.append(
                {
                    "trace_id": f"t{number}", "span_id": name, "parent_span_id": parent,
                    "service": service, "operation": f"{service} login", "start": begun,
                    "duration_ms": 20.0, "status": "ERROR" if fails and service == "auth" else "OK",
                }
            )  # fmt: skip
        logs.append(
            {
                "timestamp": begun + pd.Timedelta(seconds=offset_s),
                "service": "auth",
                "severity": "ERROR" if fails else "INFO",
                "body": "<script>alert(1)</script> denied" if fails else "welcome",
                "trace_id": f"t{number}",
            }
        )
    return {"spans": pd.DataFrame(spans), "logs": pd.DataFrame(logs)}


def test_a_failing_service_is_told_by_its_steps_and_its_lines():
    suspects = find_suspects(prepare(traces(120, fails_from=80)), START + pd.Timedelta(seconds=80))
    assert set(suspects[suspects["strength"] > 0]["service"]) == {"auth"}
    assert {"error", "log"} <= set(suspects[suspects["strength"] > 0]["kind"])


def test_logs_on_another_clock_are_moved_onto_that_of_the_spans():
    with pytest.warns(UserWarning, match=r"\+3600 s"):
        skewed = prepare(traces(120, offset_s=3600, fails_from=80))
    straight = prepare(traces(120, fails_from=80))
    onset = START + pd.Timedelta(seconds=80)
    pd.testing.assert_frame_equal(find_suspects(skewed, onset), find_suspects(straight, onset))


def test_a_line_that_names_a_callee_speaks_against_the_callee():
    frames = traces(120)
    frames["logs"]["service"] = "gateway"
    late = frames["logs"].index >= 80
    frames["logs"].loc[late, "body"] = "cannot reach auth: refused"
    suspects = find_suspects(prepare(frames), START + pd.Timedelta(seconds=80))
    named = suspects[suspects["name"].str.contains("cannot reach")]
    assert set(named["service"]) == {"auth"}


def test_where_nothing_was_logged_silence_is_no_evidence():
    frames = traces(120)
    frames["logs"] = frames["logs"].iloc[:60]  # the log store holds the first minute only
    suspects = find_suspects(prepare(frames), START + pd.Timedelta(seconds=80))
    assert (suspects.loc[suspects["kind"] == "log", "strength"] == 0).all()
