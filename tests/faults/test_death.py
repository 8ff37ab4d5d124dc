"""Kernels that die: noticed, with the cell and the cause."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from aiopslab.reports import death
from tests.faults.runs import result
from tests.notebooks import CONCLUDES

MEMORY = Path("/sys/fs/cgroup/memory")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
            "SIGKILL; the machine may have",
        ),
        ("import os\nos._exit(3)", "exit code 3"),
        ("import os\nos.abort()", "SIGABRT: a library crashed"),
    ],
)
def test_a_dead_kernel_is_told_with_its_cell_and_its_cause(tmp_path, source, words):
    record, page, _ = result(tmp_path, source, CONCLUDES)
    assert (record.status, record.verdict) == ("failed", None)
    assert (record.failure.name, record.failure.cell) == ("DeadKernel", 4)
    assert record.failure.kind == "kernel" and words in record.failure.message
    assert words in page and "✕ failed" in page


def test_the_last_words_of_a_crash_say_where_it_was(tmp_path):
    crash = "import ctypes\ndef careless():\n    ctypes.string_at(0)\ncareless()"
    record, page, notebook = result(tmp_path, crash, CONCLUDES)
    assert "SIGSEGV" in record.failure.message
    assert "Segmentation fault" in notebook and "in careless" in notebook and "careless" in page


def test_cells_that_never_ran_are_not_marked_as_completed(tmp_path):
    import json

    _, _, notebook = result(tmp_path, "import os\nos._exit(1)", CONCLUDES)
    cells = [each for each in json.loads(notebook)["cells"] if each["cell_type"] == "code"]
    states = [each["metadata"].get("papermill", {}).get("status") for each in cells]
    assert states[-2:] == ["failed", None]
    assert set(states[:-2]) == {"completed"}


@contextmanager
def little_memory(megabytes):
    """Yield the file by which a process joins a control group with little memory."""
    group = MEMORY / f"aiopslab-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(megabytes * 2**20))
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        yield group / "cgroup.procs"
    finally:
        group.rmdir()


def test_a_kernel_that_the_system_kills_for_memory_is_told_from_others(tmp_path):
    with little_memory(400) as join:
        greedy = f"import os\nopen({str(join)!r}, 'w').write(str(os.getpid()))\nx = b'x' * 2**30"
        record, _, _ = result(tmp_path, greedy, CONCLUDES)
    assert (record.failure.name, record.failure.kind) == ("DeadKernel", "memory")
    assert "no memory left" in record.failure.message and record.failure.cell == 4


def test_python_without_memory_is_a_failure_of_memory_too(tmp_path):
    greedy = (
        "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))\nx = b'x' * 2**40"
    )
    record, _, _ = result(tmp_path, greedy, CONCLUDES)
    assert (record.failure.name, record.failure.kind) == ("MemoryError", "memory")


@pytest.mark.parametrize("source", ["import sys\nsys.exit()", "import sys\nsys.exit('enough')"])
def test_leaving_from_a_cell_is_a_failure_of_the_cell(tmp_path, source):
    record, _, _ = result(tmp_path, source, CONCLUDES)
    assert (record.failure.name, record.failure.kind, record.failure.cell) == (
        "SystemExit",
        "cell",
        4,
    )
    assert record.verdict is None


@pytest.mark.parametrize(
    ("events", "controllers", "counter"),
    [
        ("max 3\noom 1\noom_kill 1\n", "0::/job", "job/memory.events"),
        ("under_oom 0\noom_kill 1\n", "4:memory:/job", "memory/job/memory.oom_control"),
    ],
)
def test_counters_of_both_versions_of_control_groups_are_read(
    tmp_path, monkeypatch, events, controllers, counter
):
    monkeypatch.setattr(death, "CGROUPS", tmp_path)
    monkeypatch.setattr(death, "PROCESSES", tmp_path / "proc")
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text(controllers)
    (tmp_path / counter).parent.mkdir(parents=True)
    (tmp_path / counter).write_text(events)
    assert death.out_of_memory_kills() == {str(tmp_path / counter): 1}
    before = {str(tmp_path / counter): 0}
    assert death.failure(-9, 2, before).kind == "memory"
    assert death.failure(-9, 2, death.out_of_memory_kills()).kind == "kernel"
    assert death.failure(-11, 2, before).kind == "kernel"  # a crash, whatever else was killed


def test_a_system_without_counters_is_borne(tmp_path, monkeypatch):
    monkeypatch.setattr(death, "CGROUPS", tmp_path)
    monkeypatch.setattr(death, "PROCESSES", tmp_path / "proc")
    assert death.out_of_memory_kills() == {}
    assert death.failure(None, None, {}).message == "the kernel died"
    assert "signal 60" in death.failure(-60, None, {}).message
