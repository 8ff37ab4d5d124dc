"""Runs that take too long or are stopped, also in cells that will not have it."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from aiopslab.reports import record as records
from aiopslab.reports.execution import Limits
from aiopslab.reports.interruption import Terminated
from tests.faults.runs import is_gone, number_in, result, telling, until
from tests.notebooks import CONCLUDES, template

STUBBORN = {
    "asleep": "time.sleep(300)",
    "deaf": "signal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(300)",
    "in C": "sum(range(10**13))",
    "defiant": "while True:\n    try:\n        time.sleep(300)\n    except KeyboardInterrupt:\n"
    "        pass",
}


@pytest.mark.parametrize("cell", STUBBORN.values(), ids=STUBBORN)
def test_a_cell_that_takes_too_long_is_ended(tmp_path, cell):
    marker = tmp_path / "kernel"
    record, page, _ = result(tmp_path, telling(marker, cell), CONCLUDES, limits=Limits(cell_s=1))
    assert (record.failure.name, record.failure.kind) == ("Timeout", "timeout")
    assert record.failure.cell == 4 and "the 1 s" in record.failure.message
    assert is_gone(number_in(marker)) and "✕ failed" in page


def test_a_report_that_takes_too_long_is_ended(tmp_path):
    sleeps = [f"import time\ntime.sleep(.5)  # {number}" for number in range(60)]
    record, _, _ = result(tmp_path, *sleeps, limits=Limits(cell_s=60, report_s=8))
    assert (record.failure.name, record.failure.kind) == ("Timeout", "timeout")
    assert "the report took longer than the 8 s" in record.failure.message


def test_an_interrupted_cell_may_clean_up(tmp_path):
    tidy = telling(
        tmp_path / "kernel",
        f"try:\n    time.sleep(300)\nfinally:\n    pathlib.Path('{tmp_path}/tidy').touch()",
    )
    result(tmp_path, tidy, limits=Limits(cell_s=1))
    assert (tmp_path / "tidy").exists()


def test_what_the_cell_started_goes_with_it(tmp_path):
    marker = tmp_path / "child"
    starts = telling(
        tmp_path / "kernel",
        "import subprocess\nchild = subprocess.Popen(['sleep', '300'])\n"
        f"pathlib.Path('{marker}').write_text(str(child.pid))\ntime.sleep(300)",
    )
    result(tmp_path, starts, limits=Limits(cell_s=1))
    child = number_in(marker)
    until(lambda: is_gone(child))


def asking(marker, *numbers):
    """Send signals to this process when a kernel has begun with its cell."""

    def ask():
        number_in(marker)
        for number in numbers:
            os.kill(os.getpid(), number)
            time.sleep(0.2)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("numbers", "error"),
    [
        ([signal.SIGINT], KeyboardInterrupt),
        ([signal.SIGTERM], Terminated),
        ([signal.SIGINT, signal.SIGINT], KeyboardInterrupt),
        ([signal.SIGTERM, signal.SIGINT], Terminated),
    ],
)
@pytest.mark.parametrize("cell", ["deaf", "in C"])
def test_a_stopped_run_keeps_its_part_and_leaves_no_kernel(tmp_path, numbers, error, cell):
    marker = tmp_path / "kernel"
    thread = asking(marker, *numbers)
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(error) as raised:
        result(tmp_path, telling(marker, STUBBORN[cell]), CONCLUDES)
    thread.join()
    assert type(raised.value) is error
    assert [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert is_gone(number_in(marker))
    (record,) = records.records(tmp_path / "reports")
    assert (record.status, record.failure.kind) == ("failed", "interrupted")
    page = (tmp_path / "reports" / record.id / "report.html").read_text()
    assert "so far" in page and "not in MLflow: it was stopped" in " ".join(record.notes)


def test_a_run_that_is_stopped_while_it_is_logged_is_whole(tmp_path, monkeypatch):
    def slow(*_):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(300)

    monkeypatch.setattr("aiopslab.reports.tracking.log", slow)
    with pytest.raises(KeyboardInterrupt):
        result(tmp_path, CONCLUDES)
    (record,) = records.records(tmp_path / "reports")
    assert record.status == "finished" and "not wholly in MLflow" in record.notes[0]
    assert record.id in (tmp_path / "reports" / "index.html").read_text()


@pytest.mark.parametrize("cell", ["asleep", "in C"])
def test_a_runner_that_is_killed_takes_its_kernel_with_it(tmp_path, cell):
    marker = tmp_path / "kernel"
    made = template(
        tmp_path / "made.ipynb", "print('so far')", telling(marker, STUBBORN[cell]), CONCLUDES
    )
    script = (
        "import sys, pathlib\nfrom aiopslab.reports import catalogue\n"
        "from aiopslab.reports.run import run\n"
        "run(catalogue.load(pathlib.Path(sys.argv[1])), {}, pathlib.Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", script, str(made), str(tmp_path / "reports")]
    runner = subprocess.Popen(command)
    try:
        kernel = number_in(marker)
    finally:
        runner.kill()
        runner.wait()
    try:
        until(lambda: is_gone(kernel))
    finally:
        if not is_gone(kernel):
            os.kill(kernel, signal.SIGKILL)
    (record,) = records.records(tmp_path / "reports")
    assert (record.status, record.failure.name) == ("failed", "Interrupted")


def test_the_progress_of_a_caller_may_fail(tmp_path):
    def progress(*_):
        raise BrokenPipeError("nobody listens")

    with pytest.raises(BrokenPipeError):
        result(tmp_path, CONCLUDES, progress=progress)
    (record,) = records.records(tmp_path / "reports")
    assert (record.status, record.failure.message) == ("failed", "nobody listens")
