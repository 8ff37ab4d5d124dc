"""Faults are made in real kernels, by the hundred: none of them is logged to MLflow."""

import pytest


@pytest.fixture(autouse=True)
def without_mlflow(monkeypatch, tmp_path):
    monkeypatch.setattr("aiopslab.reports.tracking.log", lambda *_: "")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path}/none")  # of other processes
