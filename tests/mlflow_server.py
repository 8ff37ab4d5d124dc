"""A real MLflow server with a SQL store, on loopback."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from aiopslab.reports.tracking import _prepare
from tests.sources.prometheus.conftest import free_port


def empty_store(path):
    """Begin a store of a server with a copy of an empty one, which takes MLflow seconds to make."""
    _prepare(path)
    if path.exists():  # else MLflow makes it
        with closing(sqlite3.connect(path)) as store, store:
            store.execute("UPDATE experiments SET artifact_location = 'mlflow-artifacts:/0'")
    return f"sqlite:///{path}"


@contextmanager
def mlflow_server(folder):
    """Start one that keeps everything in a folder; yield its address."""
    address = f"http://127.0.0.1:{free_port()}"
    command = [str(Path(sys.executable).with_name("mlflow")), "server", "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", address.rpartition(":")[2]]
    command += ["--backend-store-uri", empty_store(folder / "mlflow.db")]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # else it starts more processes
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=quiet, stdout=log, stderr=log, cwd=folder)
    try:
        deadline = time.monotonic() + 200
        while not _is_up(address):
            said = (folder / "log").read_text()
            assert process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.3)
        yield address
    finally:
        process.terminate()
        process.wait(20)


def _is_up(address):
    try:
        return httpx.get(f"{address}/health", timeout=2).is_success
    except httpx.HTTPError:
        return False
