import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiopslab.errors import FrameError
from aiopslab.findings import Verdict
from aiopslab.incident import recent_changes
from tests.incident.worlds import METRICS, SERVICES, analysed, broken, calm


@pytest.mark.parametrize("service", SERVICES)
def test_an_incident_ends_in_act_with_its_service_and_time(service):
    metrics = broken(service, at=150)
    analysis = analysed(metrics)
    verdict = analysis.verdict()
    assert verdict.level == "act"
    assert analysis.named == [service]
    assert service in verdict.headline and "12:02:" in verdict.headline
    assert verdict.findings[0].subject == service
    assert verdict.findings[0].effect.interval is not None
    assert verdict.actions


def test_calm_weather_is_ok_for_every_seed():
    levels = [analysed(calm(seed)).verdict().level for seed in range(30)]
    assert levels == ["ok"] * 30


def test_two_equal_suspects_are_not_told_apart():
    metrics = broken("auth", at=150)
    for metric in METRICS:
        metrics[("database", metric)] = metrics[("auth", metric)]
    analysis = analysed(metrics)
    assert set(analysis.named) == {"auth", "database"}
    assert "cannot be told apart" in analysis.verdict().headline
    assert "To tell" in analysis.verdict().actions[0]


def test_a_given_onset_is_taken_and_bounded_by_the_data():
    metrics = broken("auth", at=150)
    assert analysed(metrics, onset="2026-03-01T12:02:30Z").named == ["auth"]
    with pytest.raises(FrameError, match="evidence runs from"):
        analysed(metrics, onset="2020-01-01T00:00:00Z")
    with pytest.raises(FrameError, match="not a time"):
        analysed(metrics, onset="noon")


@pytest.mark.parametrize(
    ("metrics", "why"),
    [
        (calm(0).iloc[:1], "1 rows"),
        (calm(0).iloc[:0], "a single value|0 rows"),
        (calm(0) * np.nan, "has a single value"),
        (calm(0).iloc[:, :0], "no metric, span, log line or alert"),
    ],
)
def test_too_little_data_is_said_and_what_would_be_enough(metrics, why):
    verdict = analysed(metrics).verdict()
    assert verdict.level == "watch"
    assert "Not enough data to tell" in verdict.headline
    assert pd.Series([verdict.headline]).str.contains(why).all()
    assert verdict.actions


def test_one_service_only_and_one_metric_only_are_fine():
    metrics = broken("auth", at=150)
    assert analysed(metrics[["auth"]]).named == ["auth"]
    assert analysed(metrics[[("auth", "duration_p95_ms")]]).named == ["auth"]


def test_the_figures_carry_a_text_alternative_and_the_suspect_first():
    analysis = analysed(broken("cache", at=150))
    figure = analysis.figure()
    assert figure.data[0].name.startswith("cache")
    assert "cache" in figure.layout.meta["description"]
    assert "cache" in analysis.ranking_figure().layout.meta["description"]
    assert analysis.table().loc[1, "service"] == "cache"


def test_figures_of_nothing_do_not_fail():
    for metrics in (calm(0), calm(0).iloc[:1]):
        analysis = analysed(metrics)
        analysis.figure()
        analysis.ranking_figure()
        analysis.table()
        analysis._repr_html_()


def test_names_from_the_outside_are_escaped():
    metrics = broken("auth", at=150).rename(columns={"auth": "<img src=x onerror=alert(1)>"})
    analysis = analysed(metrics)
    assert "<img" not in analysis._repr_html_()
    assert "<img" not in analysis.figure().to_json().replace("\\u003c", "<")


def test_equal_seeds_give_equal_results():
    metrics = broken("auth", at=150)
    assert analysed(metrics, seed=3).verdict() == analysed(metrics, seed=3).verdict()


@settings(max_examples=25, deadline=None)
@given(
    rows=st.integers(0, 60),
    columns=st.integers(0, 6),
    seed=st.integers(0, 2**31),
    gaps=st.floats(0, 1),
    size=st.sampled_from([0.0, 1.0, 1e-300, 1e300]),
)
def test_any_frame_ends_in_a_verdict(rows, columns, seed, gaps, size):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, columns)) * size
    values[rng.random(values.shape) < gaps] = np.nan
    frame = pd.DataFrame(
        values,
        pd.date_range("2026-03-01", periods=rows, freq="min", tz="UTC"),
        pd.MultiIndex.from_arrays(
            [[f"s{i % 2}" for i in range(columns)], [f"m{i}" for i in range(columns)]]
        ),
        dtype=float,
    )
    verdict = analysed(frame).verdict()
    assert Verdict.from_json(verdict.to_json()).level == verdict.level


def test_recent_changes_are_those_before_the_onset():
    onset = pd.Timestamp("2026-03-01T12:00:00Z")
    changes = pd.DataFrame(
        {
            "timestamp": [onset + pd.Timedelta(minutes=m) for m in (-90, -5, 0, 3)],
            "kind": "deploy",
            "service": list("abcd"),
            "ref": "",
            "description": "",
        }
    )
    assert recent_changes(changes, onset, 30)["service"].tolist() == ["c", "b"]
    assert recent_changes(None, onset).empty
    assert len(recent_changes(changes, None)) == 4
