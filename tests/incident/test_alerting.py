"""What alerts say by themselves, and beside other evidence."""

import numpy as np
import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.frames import conform
from aiopslab.incident import analyse
from aiopslab.incident.alerting import FIRED, firing, rank_alerts
from tests.incident.worlds import calm

START = pd.Timestamp("2026-03-01T12:00Z")
EDGES = pd.DataFrame({"caller": ["gateway", "auth"], "callee": ["auth", "database"]})
END = START + pd.Timedelta("10min")


def alerts(*rows):
    """Make an alerts frame of (minute, name, service, state)."""
    table = pd.DataFrame(rows, columns=["minute", "name", "service", "state"])
    times = START + pd.to_timedelta(table.pop("minute"), unit="min")
    fingerprint = table["name"] + "/" + table["service"].fillna("")
    table = table.assign(timestamp=times, severity="page", fingerprint=fingerprint)
    return conform("alerts", table)


def strength(ranked):
    return ranked.set_index("service")["strength"].to_dict()


def test_a_symptom_is_explained_by_the_alert_of_a_service_that_is_called():
    told = alerts(
        (5, "HighLatency", "gateway", "firing"), (5, "PoolExhausted", "database", "firing")
    )
    ranked = rank_alerts(told, START, END, EDGES)
    assert strength(ranked) == {"database": FIRED, "gateway": 0.0}
    assert strength(rank_alerts(told, START, END)) == {"database": FIRED, "gateway": FIRED}


def test_a_cause_is_not_explained_by_what_it_calls():
    told = alerts((5, "CpuThrottled", "auth", "firing"), (5, "HighLatency", "database", "firing"))
    assert strength(rank_alerts(told, START, END, EDGES))["auth"] == FIRED


def test_an_alert_that_often_fires_says_less_and_one_that_fired_before_says_nothing():
    often = [(minute, "Flaky", "auth", state) for minute in (0, 30) for state in ("firing",)]
    often += [(4, "Flaky", "auth", "resolved"), (34, "Flaky", "auth", "resolved")]
    told = alerts(*often, (60, "Flaky", "auth", "firing"), (10, "Old", "cache", "firing"))
    until, end = START + pd.Timedelta("50min"), START + pd.Timedelta("70min")
    assert strength(rank_alerts(told, until, end)) == {"auth": pytest.approx(FIRED / 3)}


def test_before_and_after_are_shares_of_the_time():
    told = alerts((6, "Slow", "auth", "firing"), (8, "Slow", "auth", "resolved"))
    ranked = rank_alerts(told, START + pd.Timedelta("4min"), END - pd.Timedelta("2min"))
    assert ranked.loc[0, ["before", "after"]].tolist() == [0.0, 0.5]


def test_alerts_without_a_service_speak_against_none():
    told = alerts((5, "Watchdog", None, "firing"))
    assert rank_alerts(told, START, END).empty
    assert firing(told)["name"].tolist() == ["Watchdog"]


@pytest.mark.parametrize("name", ["llm-costly-prompt", "cache-crash", "auth-errors"])
def test_alerts_alone_name_the_service_of_a_recorded_fault(name):
    evidence = sources.open(f"sample://{name}")
    analysis = analyse({each: evidence.frames[each] for each in ("alerts", "topology")})
    assert analysis.services.loc[0, "service"] == evidence.truth["root_cause_service"]
    assert analysis.verdict().level != "ok"


def test_an_alert_that_fires_keeps_a_calm_system_from_being_ok():
    told = alerts((3, "CertificateExpiresSoon", "edge", "firing"))
    verdict = analyse({"metrics": calm(3), "alerts": told}).verdict()
    assert verdict.level == "watch"
    assert "CertificateExpiresSoon" in verdict.headline + verdict.findings[0].claim
    assert verdict.actions


def test_a_resolved_alert_and_an_empty_frame_leave_a_calm_system_ok():
    over = alerts((1, "Slow", "auth", "firing"), (3, "Slow", "auth", "resolved"))
    for told in (over, over.iloc[:0]):
        assert analyse({"metrics": calm(3), "alerts": told}).verdict().level == "ok"


def test_an_alert_of_a_metric_that_moved_is_no_second_piece_of_evidence():
    metrics = calm(1)
    metrics.loc[metrics.index[150:], ("auth", "duration_p95_ms")] *= 50
    onset = metrics.index[150]
    minute = (onset - START).total_seconds() / 60
    told = alerts((minute, "LatencyHigh", "auth", "firing"))
    with_it = analyse({"metrics": metrics, "alerts": told}, onset).services
    without = analyse({"metrics": metrics}, onset).services
    assert with_it.loc[0, "score"] == pytest.approx(without.loc[0, "score"], abs=1e-9)
    assert np.isfinite(with_it["score"]).all()
