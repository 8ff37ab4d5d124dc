"""Runs in MLflow: in a real server, in the embedded store, and nowhere when it is down."""

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from aiopslab.drift import read_lineage
from aiopslab.findings import Verdict
from aiopslab.reports import record as records
from aiopslab.reports import tracking
from aiopslab.reports.cells import PLOTLY_MIME
from aiopslab.reports.render import page
from aiopslab.sources.evidence import EVIDENCE_MIME
from tests.notebooks import code

EVIDENCE = {"source": "recording/", "digest": "d" * 64, "frames": {"metrics": 3}, "notes": []}


@pytest.fixture
def finished(tmp_path):
    begun = records.begin("incident", "Incident", "0" * 64, {"evidence": "x", "confidence": 0.95})
    verdict = Verdict("act", "Do it", {"top score (σ)": 2.5, "none": float("nan")})
    record = replace(
        begun, status="finished", ended=records.now(), verdict=verdict, evidence=(EVIDENCE,)
    )
    records.write(record, tmp_path)
    figure = {"output_type": "display_data", "metadata": {}, "data": {PLOTLY_MIME: {"data": []}}}
    html = page({"cells": [code("x") | {"outputs": [figure]}]}, record)
    records.write_atomically(tmp_path / record.id / "report.html", html)
    records.write_atomically(tmp_path / record.id / "notebook.ipynb", "{}")
    return record


def _assert_logged(uri, record):
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT)
    named = f"attributes.run_name = '{record.id}'"
    (run,) = client.search_runs([experiment.experiment_id], named)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"evidence": "x", "confidence": "0.95"}
    assert run.data.metrics["top score _σ_"] == 2.5
    assert run.data.tags["state"] == "act"
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.source, used.dataset.digest) == ("recording/", "d" * 36)
    files = {each.path for each in client.list_artifacts(run.info.run_id)}
    assert files == {"report.html", "notebook.ipynb", "run.json"}
    html = Path(client.download_artifacts(run.info.run_id, "report.html")).read_text("utf-8")
    assert '"packed": "' in html, "there is no plotly.js beside it"


def test_without_a_server_runs_go_to_the_embedded_store(tmp_path, finished, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking.log(finished, tmp_path) == ""
    _assert_logged(f"sqlite:///{tmp_path}/.mlflow/mlflow.db", finished)


@pytest.mark.server
@pytest.mark.slow
def test_a_run_is_logged_to_the_server_that_is_set(tmp_path, finished, mlflow_at, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_at)
    assert tracking.log(finished, tmp_path) == ""
    _assert_logged(mlflow_at, finished)
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


@pytest.fixture
def version(mlflow_at, monkeypatch):
    """The lineage of a new version of a model, and a client of the server that has it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_at)
    from mlflow import MlflowClient

    client = MlflowClient(mlflow_at, mlflow_at)
    if not client.search_registered_models("name = 'judged'"):
        client.create_registered_model("judged")
    logged = client.create_logged_model("0")
    source = f"models:/{logged.model_id}"
    made = client.create_model_version("judged", source, model_id=logged.model_id)
    return read_lineage(f"models:/judged/{made.version}"), client


def _about(record, lineage):
    """Return the record of a report that opened a version of a model too."""
    model = lineage._repr_mimebundle_()[EVIDENCE_MIME]
    return replace(record, evidence=(EVIDENCE, model))


def _tags(client, lineage):
    return client.get_model_version(lineage.name, lineage.version).tags


@pytest.mark.server
@pytest.mark.slow
def test_a_report_and_its_metrics_are_logged_to_the_version_of_the_model(
    tmp_path, finished, version, mlflow_at
):
    lineage, client = version
    assert tracking.log(_about(finished, lineage), tmp_path) == ""
    _assert_logged(mlflow_at, finished)
    experiment = client.get_experiment_by_name(tracking.EXPERIMENT).experiment_id
    (found,) = client.search_runs([experiment], f"attributes.run_name = '{finished.id}'")
    run = client.get_run(found.info.run_id)  # a search leaves out the models
    assert [each.model_id for each in run.inputs.model_inputs] == [lineage.model_id]
    measured = {each.key: each for each in client.get_logged_model(lineage.model_id).metrics}
    assert measured["top score _σ_"].value == 2.5
    assert measured["top score _σ_"].run_id == run.info.run_id
    assert "duration s" not in measured, "the report took that long, not the model"
    assert _tags(client, lineage) == {
        "aiopslab.report": run.info.run_id,
        "aiopslab.verdict": "act",
        "aiopslab.headline": "Do it",
    }


@pytest.mark.server
@pytest.mark.slow
def test_the_last_verdict_of_a_version_outlives_a_report_that_failed(tmp_path, finished, version):
    lineage, client = version
    tracking.log(_about(finished, lineage), tmp_path)
    before = _tags(client, lineage)
    failure = records.Failure("KeyError", "x", 3)
    failed = replace(finished, status="failed", failure=failure, verdict=None)
    assert tracking.log(_about(failed, lineage), tmp_path) == ""
    assert _tags(client, lineage) == before


@pytest.mark.server
@pytest.mark.slow
def test_a_model_of_another_server_is_a_note(tmp_path, finished, version):
    lineage, client = version
    elsewhere = replace(lineage, run_id="of another server")
    note = tracking.log(_about(finished, elsewhere), tmp_path)
    assert f"not linked to {lineage.uri}" in note and "another model" in note
    assert _tags(client, lineage) == {}
    missing = replace(lineage, version="99")
    assert "not linked to models:/judged/99" in tracking.log(_about(finished, missing), tmp_path)


@pytest.mark.server
@pytest.mark.slow
def test_a_link_that_fails_is_a_note_and_never_a_lost_run(
    tmp_path, finished, version, mlflow_at, monkeypatch
):
    from mlflow import MlflowClient

    def refused(*_, **__):
        raise PermissionError

    lineage, _ = version
    monkeypatch.setattr(MlflowClient, "set_model_version_tag", refused)
    note = tracking.log(_about(finished, lineage), tmp_path)
    assert note == f"This report is not linked to {lineage.uri} in MLflow: PermissionError."
    _assert_logged(mlflow_at, finished)
