"""Runs with real kernels: the good one, and every way in which one can go wrong."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from aiopslab.errors import ParameterError
from aiopslab.reports import catalogue
from aiopslab.reports import record as records
from aiopslab.reports.run import run
from tests.notebooks import CONCLUDES, template

AIOPSLAB = str(Path(sys.executable).with_name("aiopslab"))


@pytest.fixture(autouse=True)
def without_mlflow(monkeypatch):
    """Logging to MLflow has tests of its own and costs seconds a run."""
    monkeypatch.setattr("aiopslab.reports.tracking.log", lambda *_: "")


def result(tmp_path, *sources, **values):
    made = template(tmp_path / "made.ipynb", *sources)
    record = run(catalogue.load(made), values, tmp_path / "reports")
    home = tmp_path / "reports" / record.id
    assert records.read(home / "run.json") == record
    return (
        record,
        (home / "report.html").read_text(),
        json.loads((home / "notebook.ipynb").read_text()),
    )


def test_a_run_leaves_a_notebook_a_page_a_record_and_a_gallery(tmp_path):
    seen = []
    made = template(tmp_path / "made.ipynb", "print(rows * 7)", CONCLUDES)
    record = run(
        catalogue.load(made), {"rows": "6"}, tmp_path / "out", progress=lambda *at: seen.append(at)
    )
    page = (tmp_path / "out" / record.id / "report.html").read_text()
    assert (record.status, record.verdict.headline) == ("finished", "All is well.")
    assert record.parameters == {"rows": 6}
    assert "42" in page and "✓ ok" in page
    assert str(tmp_path) not in (tmp_path / "out" / record.id / "notebook.ipynb").read_text()
    assert record.id in (tmp_path / "out" / "index.html").read_text()
    assert [at[0] for at in seen] == [1, 2, 3, 4]


def test_a_wrong_parameter_starts_and_writes_nothing(tmp_path):
    with pytest.raises(ParameterError):
        result(tmp_path, CONCLUDES, rows="x")
    assert not (tmp_path / "reports").exists()


def test_a_failing_cell_keeps_what_came_before_it(tmp_path):
    record, page, notebook = result(tmp_path, "print('so far')", "1 / 0", CONCLUDES)
    assert record.status == "failed"
    assert (record.failure.name, record.verdict) == ("ZeroDivisionError", None)
    assert "✕ failed" in page and "division by zero" in page and "so far" in page
    assert "so far" in json.dumps(notebook)


def test_a_mistake_of_the_users_is_told_with_its_remedy(tmp_path):
    record, page, _ = result(
        tmp_path, "from aiopslab import sources\nsources.open('no/such/folder')", CONCLUDES
    )
    assert record.failure.name == "SourceError"
    assert "no/such/folder" in page and "→" in page


def test_a_killed_kernel_is_a_failure_that_names_its_cell(tmp_path):
    kill = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    record, page, _ = result(tmp_path, "print('so far')", kill, CONCLUDES)
    assert (record.status, record.failure.name) == ("failed", "DeadKernel")
    assert record.failure.cell == 4  # parameters, injected parameters, print, kill
    assert "the kernel died" in page and "so far" in page


def test_leaving_the_kernel_early_is_a_failure(tmp_path):
    record, _, _ = result(tmp_path, "import sys\nsys.exit(0)", CONCLUDES)
    assert (record.status, record.failure.name) == ("failed", "SystemExit")


def test_a_run_that_concludes_nothing_is_a_failure(tmp_path):
    record, _, _ = result(tmp_path, "1 + 1")
    assert record.failure.name == "NoVerdict"


def test_html_and_surrogates_in_outputs_stay_text(tmp_path):
    _, page, _ = result(tmp_path, r"print('<script>alert(1)</script> \ud800 日本')", CONCLUDES)
    assert "<script>alert(1)" not in page
    assert "日本" in page


def test_two_runs_side_by_side_in_one_folder_both_appear(tmp_path):
    made = template(tmp_path / "made.ipynb", CONCLUDES)
    command = [AIOPSLAB, "run", str(made), "-o", str(tmp_path / "out")]
    quiet = os.environ | {"MLFLOW_TRACKING_URI": f"file:{tmp_path}/none"}
    with ThreadPoolExecutor(2) as pool:
        ended = list(
            pool.map(
                lambda _: subprocess.run(command, env=quiet, capture_output=True, check=False),
                range(2),
            )
        )
    assert [each.returncode for each in ended] == [0, 0], ended
    found = list(records.records(tmp_path / "out"))
    assert [each.status for each in found] == ["finished"] * 2
    gallery = (tmp_path / "out" / "index.html").read_text()
    assert all(each.id in gallery for each in found)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_keeps_its_part_and_leaves_no_kernel(tmp_path, number, code):
    marker = tmp_path / "started"
    made = template(
        tmp_path / "made.ipynb",
        "print('so far')",
        f"import os, pathlib, time\npathlib.Path({str(marker)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)",
        CONCLUDES,
    )
    command = [AIOPSLAB, "run", str(made), "-o", str(tmp_path / "out")]
    quiet = os.environ | {"MLFLOW_TRACKING_URI": f"file:{tmp_path}/none"}
    process = subprocess.Popen(command, env=quiet, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        kernel = int(_text(marker))
        process.send_signal(number)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == code, errors
    assert b"Traceback" not in errors
    assert not psutil.pid_exists(kernel)
    (record,) = records.records(tmp_path / "out")
    assert (record.status, record.failure.name) == ("failed", "Interrupted")
    page = (tmp_path / "out" / record.id / "report.html").read_text()
    assert "so far" in page and "✕ failed" in page


def _text(path: Path, patience_s: float = 30) -> str:
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        if path.exists() and path.read_text():
            return path.read_text()
        time.sleep(0.05)
    raise TimeoutError(path)


def test_relative_paths_are_those_of_the_caller(tmp_path, monkeypatch):
    (tmp_path / "here.txt").write_text("found me")
    monkeypatch.chdir(tmp_path)
    _, page, _ = result(tmp_path, "print(open('here.txt').read())", CONCLUDES)
    assert "found me" in page


def test_a_template_elsewhere_is_checked_before_it_runs(tmp_path):
    from aiopslab.errors import ReportError

    broken = tmp_path / "broken.ipynb"
    broken.write_text("{")
    with pytest.raises(ReportError, match="not a notebook"):
        catalogue.load(broken)
    with pytest.raises(ReportError, match="cannot read"):
        catalogue.find(str(tmp_path / "missing.ipynb"))
    broken.write_text(textwrap.dedent('{"cells": []}'))
    with pytest.raises(ReportError, match="0 cells tagged"):
        catalogue.load(broken)
    with pytest.raises(ReportError, match="Did you mean 'incident'"):
        catalogue.find("incidnt")
