"""The recordings that ship with the library."""

import json
import re

import pandas as pd
import pytest

from aiopslab.frames import FRAME_NAMES, conform
from aiopslab.rehearsal.faults import parse
from aiopslab.rehearsal.measures import metric_names
from aiopslab.rehearsal.services import SERVICES
from aiopslab.sources import samples

NAMES = samples.names()
ROW = r"^\| `{name}` \| `(?P<command>[^`]+)` \| (?P<layer>[^|]+) \| (?P<outcomes>[^|]+) \|"


def truth(name):
    return json.loads((samples.path(name) / "truth.json").read_text())


def frame(name, kind):
    return conform(kind, pd.read_parquet(samples.path(name) / f"{kind}.parquet"))


GOOD_DAYS = [
    name for name in NAMES if truth(name)["fault"] is None and not truth(name).get("layer")
]
FELT = [name for name in NAMES if truth(name).get("outcomes")]


def test_six_faults_and_a_good_day_ship():
    kinds = {truth(name)["fault"]["kind"] for name in NAMES if truth(name)["fault"]}
    assert len(kinds) >= 6
    assert GOOD_DAYS


def test_they_are_small():
    files = [file for name in NAMES for file in samples.path(name).iterdir()]
    assert sum(file.stat().st_size for file in files) <= 6e6


@pytest.mark.parametrize("name", NAMES)
def test_every_frame_conforms_and_holds_something(name):
    for kind in FRAME_NAMES:
        read = frame(name, kind)
        assert len(read) or kind == "alerts"
        if "timestamp" in read:
            assert (
                read["timestamp"]
                .between(
                    pd.Timestamp(truth(name)["run_started"]), pd.Timestamp(truth(name)["run_ended"])
                )
                .all()
            )
    metrics = frame(name, "metrics")
    assert set(metrics.columns) == {
        (service, metric) for service in SERVICES for metric in metric_names(service)
    }
    assert metrics.index.to_series().diff().median() == pd.Timedelta(seconds=1)
    assert len(metrics) > 270


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_is_complete(name):
    told = truth(name)
    assert told["complete"] is True
    assert told["minutes"] >= 5
    assert set(told["decoys"]) <= set(frame(name, "changes")["ref"])
    assert "-o" not in told["command"]
    if told["fault"] is None:
        assert told["root_cause_service"] is None
        assert told.get("layer") in {None, "questions"}
        assert (told["started"] is None) == (told.get("layer") is None)
        return
    fault = parse(f"{told['fault']['service']}:{told['fault']['kind']}")
    assert told["root_cause_service"] == fault.service
    assert told["root_cause_metrics"] == fault.metrics
    assert told.get("layer", fault.kind.layer) == fault.kind.layer
    assert set(told.get("outcomes", ())) <= set(fault.kind.outcomes)
    assert told["run_started"] < told["started"] < told["ended"] <= told["run_ended"]
    assert (told["culprit_change"] is None) == (fault.kind.change is None)
    changes = frame(name, "changes").set_index("ref")
    if told["culprit_change"] is not None:
        cause = changes.loc[told["culprit_change"]]
        assert cause["service"] == fault.service
        assert abs(cause["timestamp"] - pd.Timestamp(told["started"])) < pd.Timedelta(seconds=1)


@pytest.mark.parametrize("name", [name for name in NAMES if truth(name)["fault"]])
def test_the_fault_shows_where_the_truth_says(name):
    told = truth(name)
    metrics = frame(name, "metrics")[told["root_cause_service"]][told["root_cause_metrics"]]
    began, ended = pd.Timestamp(told["started"]), pd.Timestamp(told["ended"])
    before = metrics[metrics.index < began]
    during = metrics[(metrics.index > began + pd.Timedelta(seconds=15)) & (metrics.index < ended)]
    far = (during.median() < before.quantile(0.02)) | (during.median() > before.quantile(0.98))
    lost = during.isna().mean() > before.isna().mean() + 0.2
    down = during["up"].mean() < 0.9 if "up" in during else False
    assert (far | lost | down).any()


def felt(name):
    """Return what people felt before it began and after: by outcome, a larger number is worse."""
    began = pd.Timestamp(truth(name)["started"])
    settled = began + pd.Timedelta(seconds=15)
    calls, metrics = frame(name, "calls"), frame(name, "metrics")["gateway"]
    found = []
    for of_calls, of_metrics in (
        (calls["timestamp"] < began, metrics.index < began),
        (calls["timestamp"] >= settled, metrics.index >= settled),
    ):
        errors = metrics.loc[of_metrics, "http.server.request.error_ratio"].mean()
        latency = metrics.loc[of_metrics, "http.server.request.duration_p95_ms"].mean()
        found.append(
            {
                "quality": 1 - calls.loc[of_calls, "feedback"].mean(),
                "cost": calls.loc[of_calls, "cost_usd"].mean(),
                "service": errors + latency / 10_000,
            }
        )
    return found


@pytest.mark.parametrize("name", FELT)
def test_people_feel_what_the_truth_says(name):
    before, after = felt(name)
    for outcome in truth(name)["outcomes"]:
        if outcome == "cost" and truth(name)["layer"] == "language model":
            assert after["cost"] < 0.5 * before["cost"]  # it was bought for that
        else:
            assert after[outcome] > 1.3 * before[outcome], outcome


@pytest.mark.parametrize("name", GOOD_DAYS)
def test_nothing_fires_on_a_good_day(name):
    assert frame(name, "alerts").empty
    metrics = frame(name, "metrics")
    assert (metrics.xs("up", axis=1, level="metric") == 1).all(axis=None)
    assert metrics.xs("http.server.request.error_ratio", axis=1, level="metric").max().max() == 0


def test_the_readme_tells_of_each():
    text = (samples.path(NAMES[0]).parent / "README.md").read_text()
    for name in NAMES:
        row = re.search(ROW.format(name=name), text, re.MULTILINE)
        assert row, name
        told = truth(name)
        assert row["command"] == told["command"].removeprefix("aiopslab rehearse ")
        if told["fault"] is not None:
            fault = parse(f"{told['fault']['service']}:{told['fault']['kind']}")
            assert row["layer"] == fault.kind.layer
            assert set(row["outcomes"].split(", ")) <= {*fault.kind.outcomes, "—"}
        else:
            assert row["layer"] == (told.get("layer") or "—")
