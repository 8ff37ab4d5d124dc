"""Every run is logged to MLflow: to a server where one is set, else to an embedded store."""

import os
import re
from pathlib import Path

from aiopslab.reports.record import Record
from aiopslab.reports.render import state

EXPERIMENT = "aiopslab"
STORE = ".mlflow"
DIGEST_LENGTH = 36  # what MLflow keeps of a data set's digest
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "GIT_PYTHON_REFRESH": "quiet",
}
# A server that is out of reach must not hold up a report for the minutes that MLflow would wait.
PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def log(record: Record, folder: Path, tracking_uri: str | None = None) -> str:
    """Log a run, with its notebook and page.

    Parameters
    ----------
    record
        Of the run; its files are in ``FOLDER/ID``.
    folder
        The output folder of the runs; holds the embedded store.
    tracking_uri
        Of an MLflow server; without one ``MLFLOW_TRACKING_URI``, else the embedded store.

    Returns
    -------
    str
        Why the run could not be logged, in a sentence; empty when it was. A report is worth more
        than its log entry, so this never raises.
    """
    for name, value in (QUIET | PATIENCE).items():
        os.environ.setdefault(name, value)
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    try:
        if uri:
            _log(record, folder, uri)
        else:
            _log_to_store(record, folder)
    except Exception as error:
        place = _without_secrets(uri or str(folder / STORE))
        return f"This run is not in MLflow at {place}: {type(error).__name__}."
    return ""


def _log_to_store(record: Record, folder: Path) -> None:
    """Log to the embedded store; runs side by side take turns, lest two of them create it."""
    from filelock import FileLock

    store = (folder / STORE).resolve()
    store.mkdir(parents=True, exist_ok=True)
    with FileLock(store / "lock"):
        _log(record, folder, f"sqlite:///{store / 'mlflow.db'}", (store / "artifacts").as_uri())


def _log(record: Record, folder: Path, uri: str, artefacts: str | None = None) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, DatasetInput, Metric, Param, RunTag

    client = MlflowClient(tracking_uri=uri)
    found = client.get_experiment_by_name(EXPERIMENT)
    experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT, artefacts)
    stamp = _milliseconds(record.started)
    run = client.create_run(experiment, stamp, run_name=record.id)
    numbers = dict(record.verdict.metrics) if record.verdict else {}
    numbers["duration s"] = record.duration_s
    tags = {"template": record.template, "state": state(record)}
    if record.verdict:
        tags["headline"] = record.verdict.headline
    client.log_batch(
        run.info.run_id,
        metrics=[Metric(_key(name), value, stamp, 0) for name, value in numbers.items()],
        params=[Param(name, str(value)[:6000]) for name, value in record.parameters.items()],
        tags=[RunTag(name, value[:5000]) for name, value in tags.items()],
    )
    datasets = [
        Dataset("evidence", each["digest"][:DIGEST_LENGTH], "url", each["source"])
        for each in record.evidence
    ]
    client.log_inputs(run.info.run_id, [DatasetInput(each) for each in datasets])
    client.log_artifacts(run.info.run_id, str(folder / record.id))
    status = "FAILED" if record.failure else "FINISHED"
    client.set_terminated(run.info.run_id, status, _milliseconds(record.ended))


def _key(name: str) -> str:
    """Keep to the letters that MLflow allows in the name of a metric."""
    return re.sub(r"[^\w ./-]", "_", name)


def _milliseconds(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _without_secrets(uri: str) -> str:
    return re.sub(r"//[^/@]*@", "//", uri)
