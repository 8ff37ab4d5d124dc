"""Kernels end when they shall, are seen to end when they do, and none is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError

from aiopslab.kernels import NAME, client
from tests.kernels.conftest import descendants_of_parents, is_running, notebook, printed, until

SLEEP = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"


@pytest.fixture
def kernel():
    manager = KernelManager(kernel_name=NAME)
    manager.start_kernel()
    client_ = manager.blocking_client()
    client_.start_channels()
    client_.wait_for_ready(timeout=60)
    yield manager, client_
    client_.stop_channels()
    if manager.has_kernel:
        manager.shutdown_kernel(now=True)


def pid_of(manager):
    return manager.provisioner.pid


def test_a_killed_kernel_is_seen_with_its_cell():
    made = notebook("x = 1", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "x = 2")
    with pytest.raises(DeadKernelError):
        NotebookClient(made, kernel_name=NAME).execute()
    assert made.cells[0].execution_count == 1
    assert made.cells[2].execution_count is None
    assert descendants_of_parents() == []


@pytest.mark.parametrize(
    ("ends", "returncode"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
        ("import os; os._exit(7)", 7),
    ],
)
def test_how_it_ended_is_told(kernel, ends, returncode):
    manager, talk = kernel
    talk.execute(ends)
    process = manager.provisioner.process
    assert process.wait(20) == process.poll() == returncode


def test_a_crash_touches_no_other(kernel):
    manager, talk = kernel
    with pytest.raises(DeadKernelError):
        NotebookClient(notebook("import os; os.abort()"), kernel_name=NAME).execute()
    assert talk.execute_interactive("1 + 1", timeout=20)["content"]["status"] == "ok"
    assert manager.is_alive()


def test_what_it_started_ends_with_it(kernel):
    manager, talk = kernel
    pid = pid_of(manager)
    talk.execute_interactive("import subprocess; p = subprocess.Popen(['sleep', '600'])")
    (started,) = psutil.Process(pid).children()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_running(started.pid))


def test_it_is_interrupted_restarted_and_shut_down(kernel):
    manager, talk = kernel
    first = pid_of(manager)
    number = talk.execute("import time; time.sleep(600)")
    until(lambda: talk.get_iopub_msg(timeout=20)["msg_type"] == "execute_input")
    manager.interrupt_kernel()
    reply = talk.get_shell_msg(timeout=20)
    assert reply["parent_header"]["msg_id"] == number
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    manager.restart_kernel()
    talk.wait_for_ready(timeout=60)
    second = pid_of(manager)
    assert second != first
    assert not is_running(first)
    manager.shutdown_kernel()
    until(lambda: not is_running(second))
    assert descendants_of_parents() == []


def test_a_stopped_one_is_killed(kernel):
    manager, _ = kernel
    pid = pid_of(manager)
    os.kill(pid, signal.SIGSTOP)
    manager.shutdown_kernel(now=True)
    until(lambda: not is_running(pid))


RUNNER = """
import sys
from nbclient import NotebookClient
import nbformat
NotebookClient(nbformat.read(sys.argv[1], 4), kernel_name="aiopslab").execute()
"""


def runner(path):
    process = subprocess.Popen([sys.executable, "-c", RUNNER, str(path)])
    kernel = until(descendants_of_parents, 60)[0]
    return process, kernel


@pytest.mark.parametrize("parent_lives", [True, False])
def test_it_ends_with_its_runner_whether_or_not_the_parent_lives(written, parent_lives):
    process, kernel = runner(written("import time; time.sleep(600)"))
    if not parent_lives:
        os.kill(client.known()[0]["pid"], signal.SIGKILL)
    assert is_running(kernel)
    process.kill()
    process.wait()
    until(lambda: not is_running(kernel))


def test_one_that_hears_nothing_ends_with_its_runner(written):
    process, kernel = runner(written("import time; time.sleep(600)"))
    os.kill(kernel, signal.SIGSTOP)
    process.kill()
    process.wait()
    until(lambda: not is_running(kernel))


def test_an_independent_one_outlives_its_runner(tmp_path):
    said = subprocess.run(
        [
            *(sys.executable, "-c"),
            "from jupyter_client.manager import KernelManager\n"
            "import os, subprocess\n"
            "manager = KernelManager(kernel_name='aiopslab')\n"
            "manager.start_kernel(independent=True, stdout=subprocess.DEVNULL)\n"
            "talk = manager.blocking_client(); talk.start_channels(); talk.wait_for_ready(60)\n"
            "print(manager.provisioner.pid, flush=True)\n"
            "os._exit(0)",
        ],
        check=True,
        stdout=subprocess.PIPE,  # as a pipe, its standard error would end with the kernel
        text=True,
    ).stdout
    time.sleep(1.5)  # ipykernel looks for its parent once a second
    assert is_running(int(said))
    os.kill(int(said), signal.SIGKILL)


def test_a_killed_parent_leaves_its_kernels_and_is_replaced(kernel):
    manager, talk = kernel
    (told,) = client.known()
    os.kill(told["pid"], signal.SIGKILL)
    until(lambda: not is_running(told["pid"]))
    assert talk.execute_interactive("1 + 1", timeout=20)["content"]["status"] == "ok"
    made = notebook("import os; print(os.getppid())")
    NotebookClient(made, kernel_name=NAME).execute()
    (new,) = client.known()
    assert printed(made) == [str(new["pid"])]
    assert new["pid"] != told["pid"]
    pid = pid_of(manager)
    manager.shutdown_kernel()  # which nobody can tell how it ended
    until(lambda: not is_running(pid))


def test_waiting_is_left_to_the_loop():
    """A provisioner that starts a parent lets a server go on."""

    async def start():
        from jupyter_client.manager import AsyncKernelManager

        ticks, manager = [], AsyncKernelManager(kernel_name=NAME)

        async def tick():
            while True:
                ticks.append(time.monotonic())
                await asyncio.sleep(0.01)

        ticking = asyncio.create_task(tick())
        await manager.start_kernel()
        ticking.cancel()
        await manager.shutdown_kernel(now=True)
        return len(ticks)

    assert asyncio.run(start()) > 3
