import tempfile
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from aiopslab.kernels import NAME, availability, client


def notebook(*cells):
    made = new_notebook(cells=[new_code_cell(each) for each in cells])
    made.metadata.kernelspec = {"name": NAME, "display_name": NAME, "language": "python"}
    return made


def printed(made):
    """Return what each cell printed."""
    return [
        "".join(output.get("text", "") for output in cell.outputs).strip() for cell in made.cells
    ]


@pytest.fixture(autouse=True)
def runtime(monkeypatch):
    """A folder of sockets of the test's own, and parents that import little and go in the end."""
    # A socket's path may not be longer than 107 bytes, which pytest's own folders may come to.
    with tempfile.TemporaryDirectory(prefix="k-") as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        monkeypatch.setenv("AIOPSLAB_KERNEL_PRELOAD", "numpy")
        monkeypatch.delenv("AIOPSLAB_COLD_KERNELS", raising=False)
        monkeypatch.setattr(client, "_failed", {})
        availability.say_cold.cache_clear()
        yield Path(folder) / "aiopslab"
        parents = [psutil.Process(each["pid"]) for each in client.known()]
        for each in parents:
            each.kill()
        psutil.wait_procs(parents, timeout=5)


@pytest.fixture
def execute(tmp_path):
    """Run cells by nbclient, with arguments of `start_new_kernel`; return what each printed."""

    def call(*cells, **more):
        made = notebook(*cells)
        NotebookClient(made, kernel_name=NAME, timeout=60).execute(**{"cwd": str(tmp_path)} | more)
        return printed(made)

    return call


@pytest.fixture
def written(tmp_path):
    """Write a notebook of cells, and return its path."""

    def call(*cells):
        path = tmp_path / "notebook.ipynb"
        nbformat.write(notebook(*cells), path)
        return path

    return call


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def descendants_of_parents():
    return [each["pid"] for told in client.known() for each in told["kernels"]]


def until(condition, timeout_s=20):
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "did not happen"
        time.sleep(0.02)
    return found
