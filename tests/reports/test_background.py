"""Runs in the background: real processes and real kernels, stopped, killed and abandoned."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from aiopslab.errors import ParameterError, ReportError
from aiopslab.reports import find
from aiopslab.reports.background import BackgroundRun, Step
from aiopslab.reports.record import FILE, PAGE, read
from tests.notebooks import CONCLUDES, template


@pytest.fixture(autouse=True)
def without_mlflow(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path}/none")


def until(condition, patience_s=120):
    """Return what a condition comes to."""
    end = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < end, condition
        time.sleep(0.02)
    return found


def sleeping(folder):
    """Return a template that sleeps in its fourth cell, and the file its kernel's id will be in."""
    marker = folder / "kernel"
    sleeps = (
        f"import os, pathlib, time\npathlib.Path({str(marker)!r}).write_text(str(os.getpid()))\n"
        "time.sleep(60)"
    )
    made = template(folder / "made.ipynb", "print('so far')", sleeps, CONCLUDES)
    return find(str(made)), marker


def number_in(path):
    return until(lambda: path.exists() and path.read_text() and int(path.read_text()))


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_run_tells_its_steps_and_leaves_a_record(tmp_path):
    go = tmp_path / "go"
    waits = f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(.02)"
    made = find(str(template(tmp_path / "made.ipynb", "print('noise')", waits, CONCLUDES)))
    run = BackgroundRun(made, {"rows": "6"}, tmp_path / "out")
    assert run.is_running and not run.wait(0)
    until(lambda: run.step.cell == 4)
    assert run.step == Step(4, 5, "A test") and run.is_running
    seconds = run.elapsed_s
    go.touch()
    record = run.record()
    assert (record.status, record.verdict.headline) == ("finished", "All is well.")
    assert record.parameters == {"rows": 6}
    assert (tmp_path / "out" / record.id / PAGE).exists()
    assert not run.is_running and run.step.cell == 5
    assert run.elapsed_s == run.elapsed_s > seconds
    run.stop()  # too late, and so without effect
    assert run.record() == record


def test_a_stopped_run_keeps_its_part_and_leaves_no_kernel(tmp_path):
    made, marker = sleeping(tmp_path)
    run = BackgroundRun(made, {}, tmp_path / "out")
    kernel = number_in(marker)
    run.stop()
    run.stop()
    record = run.record()
    assert (record.status, record.failure.name) == ("failed", "Interrupted")
    page = (tmp_path / "out" / record.id / PAGE).read_text()
    assert "so far" in page and "✕ failed" in page
    assert is_gone(kernel) and is_gone(run.process.pid)


def test_a_run_stopped_at_once_says_so(tmp_path):
    run = BackgroundRun(sleeping(tmp_path)[0], {}, tmp_path / "out")
    run.stop()
    run.wait()
    try:
        assert run.record().status == "failed"
    except ReportError as error:
        assert "stopped" in str(error)


def test_a_killed_run_is_a_failed_one_and_leaves_no_kernel(tmp_path):
    made, marker = sleeping(tmp_path)
    run = BackgroundRun(made, {}, tmp_path / "out")
    kernel = number_in(marker)
    run.process.kill()
    assert run.record().status == "failed"
    until(lambda: is_gone(kernel))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_stops_when_its_starter_is_gone(tmp_path, number):
    made, marker = sleeping(tmp_path)
    starter = f"""
import pathlib, time
from aiopslab.reports import find
from aiopslab.reports.background import BackgroundRun
run = BackgroundRun(find({str(made.path)!r}), {{}}, pathlib.Path({str(tmp_path / "out")!r}))
pathlib.Path({str(tmp_path / "runner")!r}).write_text(str(run.process.pid))
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", starter])
    try:
        runner, kernel = number_in(tmp_path / "runner"), number_in(marker)
        process.send_signal(number)
        process.wait(30)
        until(lambda: is_gone(runner) and is_gone(kernel))
    finally:
        process.kill()
    (kept,) = (tmp_path / "out").glob(f"*/{FILE}")
    record = read(kept)
    assert (record.status, record.failure.name) == ("failed", "Interrupted")
    assert "so far" in (kept.parent / PAGE).read_text()


def test_an_interruption_of_the_starter_is_not_meant_for_the_run(tmp_path):
    run = BackgroundRun(sleeping(tmp_path)[0], {}, tmp_path / "out")
    assert os.getpgid(run.process.pid) != os.getpgid(0)
    run.stop()
    run.wait()


def test_a_wrong_parameter_starts_nothing(tmp_path):
    made = find(str(template(tmp_path / "made.ipynb", CONCLUDES)))
    with pytest.raises(ParameterError, match="rows"):
        BackgroundRun(made, {"rows": "x"}, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    made = find(str(template(tmp_path / "made.ipynb", CONCLUDES)))
    (tmp_path / "out").write_text("a file")
    run = BackgroundRun(made, {}, tmp_path / "out")
    with pytest.raises(ReportError, match="cannot write"):
        run.record()


def test_a_process_that_dies_early_tells_its_last_words(tmp_path, monkeypatch):
    made = find(str(template(tmp_path / "made.ipynb", CONCLUDES)))
    monkeypatch.setattr(sys, "executable", str(_broken(tmp_path)))
    with pytest.raises(ReportError, match="with 3 before it began: no such library"):
        BackgroundRun(made, {}, tmp_path / "out").record()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
    with pytest.raises(ReportError, match="no process"):
        BackgroundRun(made, {}, tmp_path / "out")


def _broken(folder: Path) -> Path:
    script = folder / "python"
    script.write_text("#!/bin/sh\ncat > /dev/null\necho no such library >&2\nexit 3\n")
    script.chmod(0o755)
    return script
