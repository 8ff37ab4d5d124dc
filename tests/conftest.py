"""What all tests share."""

import gc
import os
import sys
from collections import Counter

import pytest
from hypothesis import settings

from aiopslab.cli import main
from tests.mlflow_server import mlflow_server

# Machines that run tests are slow now and then; how long an example takes is not what is tested.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

# Workers share the processors, kernels and servers that tests start do too: threads of linear
# algebra and of trees on top of that would only wait for each other. Read as numpy is imported.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


def pytest_configure(config):
    """Leave the order of groups as it is below; by itself pytest-xdist sorts them by size."""
    config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)  # after those of folders have named groups of their own
def pytest_collection_modifyitems(config, items):
    """Keep together what shares a file or a server, which is then started once; long ones first."""
    if config.getoption("dist", "no") == "no" and not hasattr(config, "workerinput"):
        return
    seconds = Counter()
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            file = f"{item.path.parent.name}/{item.path.stem}"
            group = "mlflow" if "mlflow_at" in item.fixturenames else file
            item.add_marker(pytest.mark.xdist_group(group))
        marks = {mark.name for mark in item.iter_markers()}
        seconds[_group(item)] += 20 if "browser" in marks else 10 if "slow" in marks else 0.2
    items.sort(key=lambda item: (-seconds[_group(item)], _group(item)))


def _group(item):
    return item.get_closest_marker("xdist_group").args[0]


def pytest_collection_finish():
    """Leave all that was imported out of every later collection of garbage, which took longer."""
    gc.collect()
    gc.freeze()


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
