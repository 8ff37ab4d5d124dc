"""Every run is logged to MLflow: to a server where one is set, else to an embedded store."""

import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from aiopslab.errors import SourceError
from aiopslab.mlflow_server import configure, connect, without_credentials
from aiopslab.reports.record import PAGE, Record
from aiopslab.reports.render import self_contained, state

if TYPE_CHECKING:
    from mlflow.entities import Metric

SWITCH = "AIOPSLAB_TRACKING"  # off: runs are not logged, as where nobody would keep the store
EXPERIMENT = "aiopslab"
STORE = ".mlflow"
_STORE_MODULE = "mlflow.store.tracking.sqlalchemy_store"
MODELS = "models:/"  # of the evidence that is a version of a registered model
DIGEST_LENGTH = 36  # what MLflow keeps of a data set's digest


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
        Why the run could not be logged, or linked to the version of a model that it looked at, in
        a sentence each; empty when it was. A report is worth more than its log entry, so this
        never raises.
    """
    if os.environ.get(SWITCH) == "off":
        return ""
    configure()
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    try:
        if not uri:
            _log_to_store(record, folder)
            return ""
        run_id = _log(record, folder, uri)
    except Exception as error:
        place = without_credentials(uri or str(folder / STORE))
        return f"This run is not in MLflow at {place}: {type(error).__name__}."
    return " ".join(_unlinked(record, run_id, uri))


def warm_up() -> None:
    """Import MLflow, which takes seconds, in a thread while a kernel works."""
    if os.environ.get(SWITCH) == "off" or "mlflow" in sys.modules:
        return
    configure()
    needed = "mlflow" if os.environ.get("MLFLOW_TRACKING_URI") else _STORE_MODULE
    threading.Thread(target=import_module, args=[needed], daemon=True).start()


def _log_to_store(record: Record, folder: Path) -> None:
    """Log to the embedded store; runs side by side take turns, lest two of them create it."""
    from filelock import FileLock

    store = (folder / STORE).resolve()
    store.mkdir(parents=True, exist_ok=True)
    with FileLock(store / "lock"):
        if not (store / "mlflow.db").exists():
            _prepare(store / "mlflow.db")
        _log(record, folder, f"sqlite:///{store / 'mlflow.db'}", (store / "artifacts").as_uri())


def _prepare(path: Path) -> None:
    """Begin a store with a copy of an empty one, which takes MLflow seconds to make.

    It is made once for each version of MLflow; where it cannot be kept, MLflow makes its own.
    """
    from filelock import FileLock
    from platformdirs import user_cache_path

    empty = user_cache_path("aiopslab") / f"mlflow-{version('mlflow')}.db"
    with suppress(OSError):
        empty.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{empty}.lock"):
            if not empty.exists():
                part = empty.with_suffix(f".{os.getpid()}")
                connect(f"sqlite:///{part}").search_experiments()
                part.replace(empty)
        copy = path.with_suffix(".part")
        shutil.copyfile(empty, copy)
        copy.replace(path)


def _log(record: Record, folder: Path, uri: str, artefacts: str | None = None) -> str:
    """Log a run, and return the id that MLflow gave it."""
    from mlflow.entities import Dataset, DatasetInput, Param

    client = connect(uri)
    found = client.get_experiment_by_name(EXPERIMENT)
    experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT, artefacts)
    stamp = _milliseconds(record.started)
    tags = {"template": record.template, "state": state(record)}
    if record.verdict:
        tags["headline"] = record.verdict.headline[:5000]
    run = client.create_run(experiment, stamp, tags, record.id)
    client.log_batch(
        run.info.run_id,
        metrics=_metrics(record),
        params=[Param(name, str(value)[:6000]) for name, value in record.parameters.items()],
    )
    datasets = [
        Dataset("evidence", each["digest"][:DIGEST_LENGTH], "url", each["source"])
        for each in record.evidence
        if not each["source"].startswith(MODELS)
    ]
    if datasets:
        client.log_inputs(run.info.run_id, [DatasetInput(each) for each in datasets])
    for path in sorted((folder / record.id).iterdir()):
        if path.name == PAGE:  # there is no plotly.js beside it there
            client.log_text(run.info.run_id, self_contained(path.read_text("utf-8")), PAGE)
        else:
            client.log_artifact(run.info.run_id, str(path))
    status = "FAILED" if record.failure else "FINISHED"
    client.set_terminated(run.info.run_id, status, _milliseconds(record.ended))
    return str(run.info.run_id)


def _unlinked(record: Record, run_id: str, uri: str) -> Iterator[str]:
    """Link a run to the versions of models that it looked at; yield why one could not be."""
    models = {
        each["source"]: each["digest"]
        for each in record.evidence
        if each["source"].startswith(MODELS)
    }
    for model, digest in models.items():
        try:
            _link(record, run_id, uri, model, digest)
        except Exception as error:
            reason = error.problem if isinstance(error, SourceError) else type(error).__name__
            yield f"This report is not linked to {model} in MLflow: {without_credentials(reason)}."


def _link(record: Record, run_id: str, uri: str, model: str, digest: str) -> None:
    from mlflow.entities import LoggedModelInput

    from aiopslab.drift.registry import read_lineage

    lineage = read_lineage(model, uri)
    if lineage.digest != digest:
        raise SourceError(f"{without_credentials(uri)} has another model under this name")
    client = connect(uri)
    if lineage.model_id:
        client.log_inputs(run_id, models=[LoggedModelInput(lineage.model_id)])
        client.log_batch(run_id, metrics=_metrics(record, lineage.model_id))
    if record.verdict is None:
        return  # a report that failed leaves what the last one said of the version
    said = {
        "report": run_id,
        "verdict": record.verdict.level,
        "headline": record.verdict.headline[:5000],
    }
    for name, value in said.items():
        client.set_model_version_tag(lineage.name, lineage.version, f"aiopslab.{name}", value)


def _metrics(record: Record, model_id: str | None = None) -> "list[Metric]":
    """Return the numbers of a run; with a model, those of its verdict, as numbers of the model."""
    from mlflow.entities import Metric

    numbers = dict(record.verdict.metrics) if record.verdict else {}
    if model_id is None:
        numbers["duration s"] = record.duration_s
    stamp = _milliseconds(record.started)
    return [
        Metric(_key(name), value, stamp, 0, model_id=model_id) for name, value in numbers.items()
    ]


def _key(name: str) -> str:
    """Keep to the letters that MLflow allows in the name of a metric."""
    return re.sub(r"[^\w ./-]", "_", name)


def _milliseconds(text: str) -> int:
    from datetime import datetime

    return int(datetime.fromisoformat(text).timestamp() * 1000)
