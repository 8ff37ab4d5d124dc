"""One parent for all who stand in the same place, as long as it is of use."""

import logging
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

from aiopslab.kernels import availability, client, kernel_name, surroundings, warm_up
from aiopslab.kernels.surroundings import here
from tests.kernels.conftest import is_running, until

WHO = "import os; print(os.getpid(), os.getppid())"


def parents():
    return [each["pid"] for each in client.known()]


def test_starters_at_the_same_time_share_one(execute):
    starts = [
        subprocess.Popen([sys.executable, "-c", "from aiopslab import kernels; kernels.warm_up()"])
        for _ in range(4)
    ]
    assert [each.wait() for each in starts] == [0] * 4
    (parent,) = parents()
    assert execute(WHO)[0].endswith(f" {parent}")


def test_it_leaves_when_idle(execute, monkeypatch, runtime):
    monkeypatch.setenv("AIOPSLAB_KERNEL_IDLE_S", "0.5")
    assert execute(WHO)
    until(lambda: not list(runtime.glob("*.sock")))
    monkeypatch.setenv("AIOPSLAB_KERNEL_IDLE_S", "600")
    assert execute(WHO)  # and the next has a new one


def test_it_stays_as_long_as_a_kernel_runs(monkeypatch):
    monkeypatch.setenv("AIOPSLAB_KERNEL_IDLE_S", "0.2")
    manager = KernelManager(kernel_name="aiopslab")
    manager.start_kernel()
    (parent,) = parents()
    time.sleep(1)
    assert is_running(parent)
    manager.shutdown_kernel(now=True)
    until(lambda: not is_running(parent))


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A module of the user's that is preloaded."""
    path = tmp_path / "lib" / "mine.py"
    path.parent.mkdir()
    path.write_text("value = 1\n")
    monkeypatch.setenv("PYTHONPATH", str(path.parent))
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setenv("AIOPSLAB_KERNEL_PRELOAD", "mine")
    return path


def test_it_is_rebuilt_when_what_it_imported_changes(execute, library):
    look = "import mine, os; print(mine.value, os.getppid())"
    first = execute(look)[0].split()
    library.write_text("value = 22\n")
    second = execute(look)[0].split()
    assert (first[0], second[0]) == ("1", "22")
    until(lambda: not is_running(int(first[1])))  # nobody would ask it again
    assert parents() == [int(second[1])]


def test_it_is_another_when_the_list_changes(execute, monkeypatch):
    first = execute(WHO)[0].split()[1]
    monkeypatch.setenv("AIOPSLAB_KERNEL_PRELOAD", "numpy,colorsys")
    assert execute(WHO)[0].split()[1] != first


@pytest.mark.parametrize(
    "change",
    [
        lambda: os.umask(0o027),
        lambda: os.environ.update(PLOTLY_RENDERER="json"),
        lambda: os.environ.update(PYTHONHASHSEED="7"),
    ],
)
def test_a_runner_that_stands_elsewhere_has_another(change):
    before, umask, kept = here(), os.umask(0o022), dict(os.environ)
    try:
        change()
        assert here().place != before.place
    finally:
        os.umask(umask)
        os.environ.clear()
        os.environ.update(kept)


def test_what_a_kernel_gets_of_its_own_makes_no_other(monkeypatch):
    before = here()
    monkeypatch.setenv("TOKEN", "x")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert here() == before


def test_an_installation_makes_another(monkeypatch, tmp_path):
    before = here()
    monkeypatch.setattr(surroundings.sysconfig, "get_path", lambda name: str(tmp_path))
    changed = here()
    assert changed.place == before.place
    assert changed.build != before.build
    (tmp_path / "new-1.0.dist-info").mkdir()
    assert here().build != changed.build


def test_a_folder_that_others_may_enter_is_not_used(runtime, caplog):
    runtime.mkdir(mode=0o700, exist_ok=True)
    runtime.chmod(0o755)
    try:
        with caplog.at_level(logging.WARNING):
            manager = KernelManager(kernel_name="aiopslab")
            manager.start_kernel()
        manager.shutdown_kernel(now=True)
        assert "others may enter" in caplog.text
    finally:
        runtime.chmod(0o700)


def test_where_forking_is_off_kernels_are_cold_and_it_is_said_once(execute, monkeypatch, caplog):
    monkeypatch.setenv("AIOPSLAB_COLD_KERNELS", "1")
    with caplog.at_level(logging.WARNING):
        assert kernel_name() == "python3"
        parent = execute(WHO)[0].split()[1]  # by its name it still works
        assert kernel_name() == "python3"
    assert parent == str(os.getpid())
    told = [each for each in caplog.messages if "AIOPSLAB_COLD_KERNELS is set" in each]
    assert len(told) == 1


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_start_cold(monkeypatch, caplog, system):
    monkeypatch.setattr(availability.sys, "platform", system)
    with caplog.at_level(logging.WARNING):
        assert kernel_name() == "python3"
    assert system in caplog.text


def test_a_parent_that_cannot_start_is_told_with_its_reason_and_not_tried_again(
    execute, library, caplog
):
    library.write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    with caplog.at_level(logging.WARNING):
        first, second = execute(WHO), execute(WHO)
    assert first[0].split()[1] == second[0].split()[1] == str(os.getpid())
    assert caplog.text.count("started threads") == 1


def test_arguments_that_a_forked_process_cannot_have_start_it_cold(caplog):
    manager = KernelManager(kernel_name="aiopslab")
    with caplog.at_level(logging.WARNING):
        manager.start_kernel(umask=0o077)
    manager.shutdown_kernel(now=True)
    assert "umask cannot be set" in caplog.text


def test_a_folder_that_is_missing_is_told_as_for_any_process(tmp_path):
    with pytest.raises(FileNotFoundError):
        KernelManager(kernel_name="aiopslab").start_kernel(cwd=str(tmp_path / "missing"))


def test_it_shrugs_at_nonsense(execute):
    warm_up()
    for nonsense in (b"", b"\0", b"\0\0\0\2{]", b"\xff\xff\xff\xff"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(here().socket))
            connection.sendall(nonsense)
    assert execute(WHO)
    assert len(parents()) == 1


def test_what_is_left_of_a_killed_parent_is_cleared(runtime, execute):
    runtime.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(here().socket))
    assert execute(WHO)
    assert len(parents()) == 1
    assert Path(here().socket).exists()


def test_the_command_shows_parents_and_has_them_leave(aiopslab, execute):
    assert "none" in aiopslab("kernels", "status")[1]
    manager = KernelManager(kernel_name="aiopslab")
    manager.start_kernel()
    (parent,) = parents()
    shown = aiopslab("kernels", "status")[1]
    assert f"parent {parent}: " in shown
    assert f"kernel {manager.provisioner.pid}: " in shown
    assert f"parent {parent} leaves when" in aiopslab("kernels", "stop")[1]
    assert manager.is_alive()
    manager.shutdown_kernel(now=True)
    until(lambda: not is_running(parent))
