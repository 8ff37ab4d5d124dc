import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiopslab.frames import FRAME_NAMES, conform
from aiopslab.rehearsal import corpus
from aiopslab.rehearsal.recorder import Recorder, rounded, tables, write
from aiopslab.rehearsal.traces import edges, sampled_logs, sampled_traces, whole_traces

BEGAN = pd.Timestamp("2026-03-01T12:00:00Z")
ENDED = BEGAN + pd.Timedelta(minutes=5)


def spans(traces, length=10, errors=()):
    draw = np.random.default_rng(1)
    ids = [draw.bytes(16).hex() for _ in range(traces)]
    return pd.DataFrame(
        [
            {
                "trace_id": trace,
                "span_id": f"{trace[:12]}{place:04}",
                "parent_span_id": f"{trace[:12]}{place - 1:04}" if place else None,
                "service": "gateway" if place % 2 else "auth",
                "operation": "GET /",
                "start": BEGAN + pd.Timedelta(seconds=1 + number * 0.01),
                "duration_ms": 5.0,
                "status": "ERROR" if number in errors and place == 0 else "UNSET",
            }
            for number, trace in enumerate(ids)
            for place in range(length)
        ]
    )


def test_few_traces_are_all_kept():
    few = spans(20)
    assert sampled_traces(few) == set(few["trace_id"])


def test_of_many_traces_about_so_many_remain_and_errors_among_them():
    many = spans(2000, errors=range(100, 160))
    kept = sampled_traces(many)
    assert 6500 < 10 * len(kept) < 9500
    failed = set(many.loc[many["status"] == "ERROR", "trace_id"])
    assert len(failed & kept) >= 30


def test_errors_without_end_do_not_crowd_out_the_rest():
    many = spans(2000, errors=range(2000))
    assert len(sampled_traces(many)) < 950


def test_no_spans_are_no_trouble():
    assert sampled_traces(spans(0).reindex(columns=spans(1).columns)) == set()


def test_a_trace_that_was_cut_is_left_out():
    three = spans(3)
    three.loc[3, "start"] = BEGAN - pd.Timedelta(seconds=1)
    three.loc[15, "duration_ms"] = 1e6
    assert whole_traces(three, BEGAN, ENDED)["trace_id"].nunique() == 1


def test_calls_between_services_are_the_topology():
    assert edges(spans(3)).to_dict("list") == {
        "caller": ["auth", "gateway"],
        "callee": ["gateway", "auth"],
    }


def test_lines_of_kept_traces_and_notable_ones_are_kept():
    logs = pd.DataFrame(
        {
            "severity": ["INFO", "INFO", "ERROR", "INFO"],
            "trace_id": ["kept", "other", "other", None],
        }
    )
    assert sampled_logs(logs, {"kept"}).index.size == 3
    flood = pd.DataFrame({"severity": ["ERROR"] * 50_000, "trace_id": ["other"] * 50_000})
    assert 1000 <= len(sampled_logs(flood, set())) <= 1500


@given(st.floats(-1e300, 1e300, allow_subnormal=False) | st.just(math.nan))
def test_rounding_keeps_four_digits(value):
    if math.isnan(value):
        assert math.isnan(rounded(value))
    else:
        assert rounded(value) == pytest.approx(value, rel=5.1e-4)


def log_line(**changes):
    line = {
        "timestamp": (BEGAN + pd.Timedelta(seconds=2)).isoformat(),
        "service": "auth",
        "severity": "INFO",
        "body": "grüezi <b>",
        "trace_id": None,
        "attributes": {},
    }
    return json.dumps({**line, **changes})


def test_an_empty_rehearsal_gives_frames_that_conform(tmp_path):
    made = tables(Recorder(), tmp_path, {}, BEGAN, ENDED)
    write(made, {"complete": False}, tmp_path)
    for name in FRAME_NAMES:
        assert conform(name, pd.read_parquet(tmp_path / f"{name}.parquet")).empty


def test_lines_that_are_cut_or_are_no_json_are_passed_over(tmp_path):
    (tmp_path / "logs").mkdir()
    lines = [log_line(), "Traceback (most recent call last):", log_line()[:40], "17", ""]
    (tmp_path / "logs" / "auth.jsonl").write_text("\n".join(lines), encoding="utf-8")
    logs = tables(Recorder(), tmp_path, {}, BEGAN, ENDED)["logs"]
    assert logs["body"].tolist() == ["grüezi <b>"]


def test_the_warm_up_and_the_stopping_are_left_out(tmp_path):
    (tmp_path / "logs").mkdir()
    early, late = BEGAN - pd.Timedelta(seconds=1), ENDED + pd.Timedelta(seconds=1)
    lines = [log_line(timestamp=time.isoformat()) for time in (early, BEGAN, ENDED, late)]
    (tmp_path / "logs" / "auth.jsonl").write_text("\n".join(lines))
    logs = tables(Recorder(), tmp_path, {}, BEGAN, ENDED)["logs"]
    assert logs["timestamp"].tolist() == [BEGAN, ENDED]


def test_metrics_are_long_and_come_back_wide(tmp_path):
    row = {("auth", "up"): 1.0, ("auth", "http.server.request.rate"): math.nan}
    gathered = Recorder(scrapes=[(BEGAN, row), (BEGAN + pd.Timedelta(seconds=1), row)])
    made = tables(gathered, tmp_path, {}, BEGAN, ENDED)["metrics"]
    assert list(made.columns) == ["timestamp", "service", "metric", "value"]
    wide = conform("metrics", made)
    assert wide["auth", "up"].tolist() == [1.0, 1.0]
    assert wide["auth", "http.server.request.rate"].isna().all()


def test_calls_keep_their_trace_and_predictions_their_topic_even_of_hard_questions(tmp_path):
    hard = corpus.hard_questions()[0]
    time = (BEGAN + pd.Timedelta(seconds=1)).timestamp()
    call = dict.fromkeys(["input_tokens", "output_tokens", "latency_ms", "cost_usd"], 1.0)
    call |= {"id": "ab12", "timestamp": time, "prompt_version": "v", "model": "m"}
    call |= {"input": hard.text, "output": "Yes.", "retrieved_ids": []}
    (tmp_path / "calls.jsonl").write_text(json.dumps(call))
    seen = {"timestamp": time, "text": hard.text, "prediction": "hr", "score": 0.4}
    (tmp_path / "observations.jsonl").write_text(json.dumps(seen))
    made = tables(Recorder(), tmp_path, {"ab12": 1.0}, BEGAN, ENDED)
    assert made["calls"].loc[0, ["trace_id", "feedback"]].tolist() == ["ab12", 1.0]
    assert made["observations"]["target"].tolist() == [hard.topic]
