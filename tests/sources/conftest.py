"""A small recording with every frame, and a folder that holds it."""

import json

import numpy as np
import pandas as pd
import pytest

START = pd.Timestamp("2026-03-01T12:00:00", tz="UTC")


@pytest.fixture(scope="session")
def tables() -> dict[str, pd.DataFrame]:
    """Tables by frame name, of a kind that every format can hold."""
    time = pd.date_range(START, periods=60, freq="s")
    series = pd.MultiIndex.from_product([["gateway", "auth"], ["latency_ms", "errors"]])
    values = np.random.default_rng(7).normal(10, 2, (60, 4)).round(6)
    metrics = pd.DataFrame(values, index=time, columns=series)
    long = (
        metrics.rename_axis("timestamp")
        .rename_axis(["service", "metric"], axis="columns")
        .stack(["service", "metric"])
        .rename("value")
        .reset_index()
    )
    return {
        "metrics": long,
        "logs": pd.DataFrame(
            {
                "timestamp": time,
                "service": "gateway",
                "severity": ["INFO", "WARN", "ERROR"] * 20,
                "body": [f"line {each}: naïve, „quoted“ <b>" for each in range(60)],
                "trace_id": [f"{each:04d}" for each in range(60)],
            }
        ),
        "spans": pd.DataFrame(
            {
                "trace_id": [f"{each:04d}" for each in range(60)],
                "span_id": [f"s{each}" for each in range(60)],
                "parent_span_id": None,
                "service": "auth",
                "operation": "GET /",
                "start": time,
                "duration_ms": 1.5,
                "status": "OK",
            }
        ).astype({"parent_span_id": "str"}),
        "topology": pd.DataFrame({"caller": ["gateway"], "callee": ["auth"]}),
    }


@pytest.fixture
def folder(tables, tmp_path):
    """The recording on disk, each frame in another format."""
    path = tmp_path / "recording"
    path.mkdir()
    tables["metrics"].to_parquet(path / "metrics.parquet")
    tables["logs"].to_json(path / "logs.jsonl.gz", orient="records", lines=True, date_format="iso")
    tables["spans"].to_csv(path / "spans.csv", index=False)
    tables["topology"].to_csv(path / "topology.csv.gz", index=False)
    (path / "truth.json").write_text(json.dumps({"service": "auth", "fault": "latency"}))
    return path
