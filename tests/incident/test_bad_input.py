"""What everyday evidence is like: an analysis of it ends in a verdict, never in a traceback."""

import warnings

import numpy as np
import pandas as pd
import pytest

from aiopslab import sources
from aiopslab.frames import FrameWarning, conform
from aiopslab.incident import analyse
from tests.incident.test_behaviour import START, traces
from tests.incident.worlds import analysed, broken, calm

ONSET = START + pd.Timedelta(seconds=80)


def test_a_service_without_a_metric_is_found_by_its_spans():
    frames = {"metrics": calm(0, rows=120)[["cache", "database"]], **traces(120, fails_from=80)}
    assert analyse(frames).named[:1] == ["auth"]


def test_an_error_counter_that_starts_with_the_first_error_is_blamed():
    metrics = calm(1)
    metrics["auth", "http_errors_rate"] = np.where(np.arange(240) < 150, np.nan, 3.0)
    ranked = analysed(metrics, onset=metrics.index[150]).services
    assert ranked.loc[0, ["service", "name"]].tolist() == ["auth", "http_errors_rate"]


def test_a_counter_that_resets_is_no_reason_to_fail():
    metrics = calm(2)
    metrics["cache", "requests_total"] = np.arange(240) % 97
    assert analysed(metrics).verdict().level in {"ok", "watch"}


def test_metrics_that_begin_long_after_the_spans_leave_the_moments_before_them_to_the_spans():
    frames = traces(120, fails_from=80)
    late = calm(0, rows=120)
    late = late[late.index >= START + pd.Timedelta(seconds=75)]
    assert analyse({"metrics": late, **frames}, ONSET).named[:1] == ["auth"]


def test_a_known_onset_needs_few_rows_and_none_where_spans_tell():
    frames = traces(120, fails_from=80)
    few = calm(0, rows=120).iloc[::20]
    assert len(few) < 13
    assert analyse({"metrics": few, **frames}, ONSET).named[:1] == ["auth"]


def test_a_short_window_is_held_against_its_baseline():
    window = broken("auth", at=0).iloc[:5]
    analysis = analyse({"metrics": window}, baseline={"metrics": calm(2)})
    assert analysis.services.loc[0, "service"] == "auth"


def test_a_cyclic_call_graph_is_walked():
    edges = pd.DataFrame(
        {"caller": ["gateway", "auth", "auth"], "callee": ["auth", "gateway", "auth"]}
    )
    analysis = analyse({"metrics": broken("auth", at=150), "topology": edges})
    assert analysis.named == ["auth"]
    assert analysis.blast_radius == ["gateway"]
    analysis.service_map()


@pytest.mark.parametrize("kept", [["metrics"], ["spans"], ["logs"], ["spans", "logs"]])
def test_any_of_the_frames_alone_and_empty_ones_beside_it(kept):
    evidence = sources.open("sample://auth-errors")
    frames = {name: evidence.frames[name] for name in kept}
    for name in ("metrics", "spans", "logs"):
        if name not in frames:
            frames[name] = evidence.frames[name].iloc[:0]
    analysis = analyse(frames, evidence.truth["started"])
    assert analysis.verdict().headline
    analysis.timeline(evidence.get("alerts"), evidence.get("changes"))
    analysis.service_map()
    analysis.templates_table()
    assert analysis.hypotheses()["probability"].sum() == pytest.approx(1, abs=0.2)


def test_hundreds_of_thousands_of_lines_some_of_a_megabyte_some_broken():
    count = 200_000
    times = pd.date_range(START, periods=count, freq="ms")
    body = np.where(np.arange(count) % 2 == 0, "served", "asked").astype(object)
    body[7], body[11], body[13] = "x" * 1_000_000, "broken \udcff byte", "<b onclick=x>bold</b>"
    body[150_000:] = "cannot open /var/lib/store.db"
    logs = pd.DataFrame(
        {
            "timestamp": times,
            "service": "store",
            "severity": "INFO",
            "body": pd.Series(body, dtype=object),
            "trace_id": None,
        }
    )
    analysis = analyse({"logs": conform("logs", logs)}, times[150_000])
    assert analysis.templates()["change"].tolist()[0] == "new"
    assert "<b onclick" not in analysis.templates_table().to_html()


def test_an_incident_somebody_noticed_that_no_service_shows_began_elsewhere():
    verdict = analysed(calm(3), onset="2026-03-01T12:02:30Z").verdict()
    assert verdict.level == "watch"
    assert "did not begin in these" in verdict.headline


def test_logs_an_hour_ahead_do_not_hide_the_cause():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FrameWarning)
        skewed = analyse(traces(120, offset_s=3600, fails_from=80), ONSET)
    assert skewed.named[:1] == ["auth"]


def test_html_in_names_and_lines_stays_text_everywhere():
    frames = traces(120, fails_from=80)
    for table in frames.values():
        table["service"] = table["service"].replace("auth", "<i>auth</i>")
    analysis = analyse(frames, ONSET)
    for shown in (
        analysis._repr_html_(),
        analysis.suspects_table().to_html(),
        analysis.hypotheses().to_html(),
        analysis.templates_table().to_html(),
    ):
        assert "<i>" not in shown
        assert "<script" not in shown
    for figure in (analysis.timeline(), analysis.service_map(), analysis.ranking_figure()):
        drawn = figure.update_layout(meta=None)  # the page escapes the text alternative
        assert "<i>" not in drawn.to_json().replace("\\u003c", "<").replace("\\u003e", ">")
