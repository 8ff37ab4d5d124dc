"""Runs that something goes wrong in."""

import time
from pathlib import Path

import psutil

from aiopslab.reports import catalogue
from aiopslab.reports import record as records
from aiopslab.reports.run import run
from tests.notebooks import template

PATIENCE_S = 120


def result(folder: Path, *sources, **more):
    """Run cells after one that prints; return record, page and notebook, which agree on disk."""
    made = template(folder / "made.ipynb", "print('so far')", *sources)
    record = run(catalogue.load(made), {}, folder / "reports", **more)
    home = folder / "reports" / record.id
    assert records.read(home / "run.json") == record
    page = (home / "report.html").read_text()
    assert "so far" in page
    return record, page, (home / "notebook.ipynb").read_text()


def until(condition):
    """Return what a condition comes to."""
    end = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < end, condition
        time.sleep(0.02)
    return found


def number_in(path: Path):
    """Return the number that somebody is about to write into a file."""
    return until(lambda: path.exists() and path.read_text() and int(path.read_text()))


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def telling(marker: Path, then: str) -> str:
    """Return a cell that writes its process number, in one piece, and goes on."""
    return (
        f"import os, pathlib, signal, time\n"
        f"pathlib.Path('{marker}.part').write_text(str(os.getpid()))\n"
        f"os.replace('{marker}.part', '{marker}')\n{then}"
    )
