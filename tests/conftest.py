"""What all tests share."""

import sys

import pytest
from hypothesis import settings

from aiopslab.cli import main
from tests.mlflow_server import mlflow_server

# Machines that run tests are slow now and then; how long an example takes is not what is tested.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


@pytest.fixture(scope="session")
def mlflow_at(tmp_path_factory):
    """The address of an MLflow server with a SQL store."""
    with mlflow_server(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


@pytest.fixture
def aiopslab(monkeypatch, capsys):
    """Call the command in this process; return its exit code, output and errors."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["aiopslab", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        return ended.value.code or 0, output.out, output.err

    return call
