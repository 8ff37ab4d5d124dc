"""Runs in MLflow: in a real server, in the embedded store, and nowhere when it is down."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from aiopslab.findings import Verdict
from aiopslab.reports import record as records
from aiopslab.reports import tracking

EVIDENCE = {"source": "recording/", "digest": "d" * 64, "frames": {"metrics": 3}, "notes": []}


@pytest.fixture
def finished(tmp_path):
    begun = records.begin("incident", "Incident", "0" * 64, {"evidence": "x", "confidence": 0.95})
    verdict = Verdict("act", "Do it", {"top score (σ)": 2.5, "none": float("nan")})
    record = replace(
        begun, status="finished", ended=records.now(), verdict=verdict, evidence=(EVIDENCE,)
    )
    records.write(record, tmp_path)
    records.write_atomically(tmp_path / record.id / "report.html", "<p>page</p>")
    records.write_atomically(tmp_path / record.id / "notebook.ipynb", "{}")
    return record


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A real MLflow server with a SQL store, on loopback."""
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("mlflow")), "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # else it starts more processes
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=quiet, stdout=log, stderr=log, cwd=folder)
    try:
        uri = f"http://127.0.0.1:{port}"
        _await(uri + "/health", process, folder / "log")
        yield uri
    finally:
        process.terminate()
        process.wait(20)


def _await(url, process, log):
    import httpx

    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url, timeout=2).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    raise TimeoutError(log.read_text())


def _assert_logged(uri, record):
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT)
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == record.id
    assert run.info.status == "FINISHED"
    assert run.data.params == {"evidence": "x", "confidence": "0.95"}
    assert run.data.metrics["top score _σ_"] == 2.5
    assert run.data.tags["state"] == "act"
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.source, used.dataset.digest) == ("recording/", "d" * 36)
    files = {each.path for each in client.list_artifacts(run.info.run_id)}
    assert files == {"report.html", "notebook.ipynb", "run.json"}


def test_without_a_server_runs_go_to_the_embedded_store(tmp_path, finished, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking.log(finished, tmp_path) == ""
    _assert_logged(f"sqlite:///{tmp_path}/.mlflow/mlflow.db", finished)


@pytest.mark.server
@pytest.mark.slow
def test_a_run_is_logged_to_the_server_that_is_set(tmp_path, finished, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    assert tracking.log(finished, tmp_path) == ""
    _assert_logged(server, finished)
    assert not (tmp_path / ".mlflow").exists()


def test_a_server_that_is_down_is_a_note_and_never_a_lost_report(tmp_path, finished):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    problem = tracking.log(finished, tmp_path, f"http://me:secret@127.0.0.1:{port}")
    assert "not in MLflow" in problem and str(port) in problem
    assert "secret" not in problem
    assert (tmp_path / finished.id / "report.html").exists()


def test_telemetry_is_off(tmp_path, finished):
    tracking.log(finished, tmp_path, f"sqlite:///{tmp_path}/other.db")
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
