"""Tracking: the trials of a sweep as runs of MLflow, two requests each."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from aiopslab.errors import RetrievalError
from aiopslab.mlflow_server import connect, without_credentials
from aiopslab.retrieval.sweep import METRICS, Sweep
from aiopslab.retrieval.trial import Trial

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARENT = "mlflow.parentRunId"


def log_trials(sweep: Sweep, experiment: str, tracking_uri: str | None = None) -> str:
    """Log every trial of a sweep as a run below one of the whole sweep.

    Parameters
    ----------
    sweep
        To be logged.
    experiment
        Its name; made where it is not there.
    tracking_uri
        Of the MLflow server; without one ``MLFLOW_TRACKING_URI``.

    Returns
    -------
    str
        The id of the run above.

    Raises
    ------
    RetrievalError
        If the server refuses, or is not there.
    """
    from mlflow.exceptions import MlflowException

    try:
        client = connect(tracking_uri)
        found = client.get_experiment_by_name(experiment)
        home = client.create_experiment(experiment) if found is None else found.experiment_id
        tags = {"aiopslab.best": sweep.best, "aiopslab.metric": sweep.metric}
        above = client.create_run(home, tags=tags, run_name="retrieval sweep").info.run_id
        _log(client, above, sweep.confirmed, "held_out_" if sweep.held_out else "")
        for each in sweep.trials:
            run = client.create_run(home, tags={PARENT: above}, run_name=each.name).info.run_id
            _log(client, run, each)
            client.set_terminated(run)
        client.set_terminated(above)
    except MlflowException as error:
        raise RetrievalError(
            f"the trials cannot be logged to MLflow: {without_credentials(str(error))[:300]}",
            "Check MLFLOW_TRACKING_URI, or leave the experiment out.",
        ) from None
    return str(above)


def _log(client: "MlflowClient", run: str, trial: Trial, prefix: str = "") -> None:
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1_000)
    figures = {name: trial.mean(name) for name in (*METRICS, "tokens")}
    figures |= {"latency_ms": trial.latency_ms, "index_mb": trial.index_bytes / 1e6}
    client.log_batch(
        run,
        metrics=[Metric(f"{prefix}{name}", value, now, 0) for name, value in figures.items()],
        params=[
            Param(name, str(value)[:500]) for name, value in asdict(trial.configuration).items()
        ],
    )
