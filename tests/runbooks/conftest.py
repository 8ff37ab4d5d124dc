"""A real Alertmanager, a real MLflow server and one that notes what it is asked."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import httpx
import pytest

from aiopslab.runbooks import Step, built_in
from tests.sources.test_alertmanager import alert, alertmanager

MODELS = (f"topics-{number}" for number in count())


def silence_step(address, name="Slow", service="auth", **values):
    """Return the step that silences an alert for an hour."""
    told = {"alert": name, "alertmanager": address, **values}
    return Step.of(built_in()["silence-alert"], service, told, "It tells nothing new.", "none")


def alias_step(address, model, version="2", current="3"):
    """Return the step that points the champion of a model at another version."""
    values = {"model": model, "version": version, "current": current, "mlflow": address}
    return Step.of(built_in()["rollback-model"], "classifier", values, "It was promoted.", "high")


@pytest.fixture(scope="session")
def alerts_at(tmp_path_factory):
    """The address of an Alertmanager."""
    with alertmanager(tmp_path_factory.mktemp("alertmanager")) as address:
        yield address


@pytest.fixture
def firing(alerts_at, request):
    """The name of an alert that fires there for auth, and was never silenced."""
    name = f"Slow-{request.node.name}"
    alerts = [alert(name, service="auth")]
    httpx.post(f"{alerts_at}/api/v2/alerts", json=alerts).raise_for_status()
    return name


@pytest.fixture
def registry(mlflow_at, monkeypatch):
    """A client of the MLflow server."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow import MlflowClient

    return MlflowClient(mlflow_at, mlflow_at)


@pytest.fixture
def model(registry):
    """The name of a model with three versions, whose champion is the third."""
    name = next(MODELS)
    registry.create_registered_model(name)
    for _ in range(3):
        registry.create_model_version(name, source="s3://nowhere/model")
    registry.set_registered_model_alias(name, "champion", "3")
    return name


class Noted(ThreadingHTTPServer):
    """A server that notes every request, and answers that nothing is there."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append((self.command, self.path))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def do_POST(self):
        self.do_GET()

    def do_DELETE(self):
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def noted():
    """A server that notes what it is asked."""
    with Noted() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
