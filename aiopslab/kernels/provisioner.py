"""The provisioner by which papermill, nbclient and JupyterLab get forked kernels."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from aiopslab.kernels.availability import CannotFork, check, say_cold
from aiopslab.kernels.client import fork
from aiopslab.kernels.process import ForkedProcess

_LAUNCHER = ["-m", "ipykernel_launcher"]
_UNDERSTOOD = {"env", "cwd", "stdin", "stdout", "stderr", "independent"}
_LEFT_OUT = {"extra_arguments", "kernel_id"}


class WarmProvisioner(LocalProvisioner):
    """Forks kernels from a parent that has imported what reports need.

    Where that is not to be had it starts them as `LocalProvisioner` does, and logs why, once.
    """

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Launch a kernel.

        Parameters
        ----------
        cmd
            Its command line.
        **kwargs
            Of `subprocess.Popen`.
        """
        try:
            check()
            # The first may wait for a parent that imports, and a server has others to serve.
            process = await asyncio.to_thread(_fork, cmd, kwargs)
        except CannotFork as reason:
            say_cold(str(reason))
            return await super().launch_kernel(cmd, **kwargs)
        self.process = cast(Any, process)  # has what a Popen has, as far as it is used
        self.pid = self.pgid = process.pid
        self.cwd = kwargs.get("cwd", Path.cwd())
        return self.connection_info

    async def send_signal(self, signum: int) -> None:
        """Send a signal to the kernel and what it started, unless it has ended.

        Others may have its number by then.
        """
        if self.process is not None and self.process.poll() is None:
            await super().send_signal(signum)


def _fork(cmd: list[str], kwargs: dict[str, Any]) -> ForkedProcess:
    if cmd[1:3] != _LAUNCHER:
        raise CannotFork(f"{' '.join(cmd[1:3])!r} is another program than ipykernel's")
    if unknown := kwargs.keys() - _UNDERSTOOD - _LEFT_OUT:
        raise CannotFork(f"{', '.join(sorted(unknown))} cannot be set for a process that is forked")
    cwd = os.path.abspath(kwargs.get("cwd") or ".")  # noqa: PTH100 - as the system has it
    os.stat(cwd)  # noqa: PTH116 - raises as Popen would
    is_independent = bool(kwargs.get("independent"))
    env = dict(kwargs.get("env") or os.environ)
    if not is_independent:
        env["JPY_PARENT_PID"] = str(os.getpid())
    with ExitStack() as stack:
        streams = [
            stack.enter_context(_stream(kwargs.get(name), number))
            for number, name in enumerate(("stdin", "stdout", "stderr"))
        ]
        fds = [fd for fd, _ in streams]
        if kwargs.get("stderr") == subprocess.STDOUT:
            fds[2] = fds[1]
        process = fork(cmd[3:], env, cwd, fds, not is_independent)
    process.stdin, process.stdout, process.stderr = (pipe for _, pipe in streams)
    return process


@contextmanager
def _stream(wanted: Any, number: int) -> Iterator[tuple[int, IO[bytes] | None]]:
    """Yield what a kernel gets for a standard stream, and our end of it where it is a pipe."""
    mine = theirs = None
    if wanted == subprocess.PIPE:
        reading, writing = os.pipe()
        theirs, mine = (reading, writing) if number == 0 else (writing, reading)
    elif wanted == subprocess.DEVNULL or (wanted is None and not _is_open(number)):
        theirs = os.open(os.devnull, os.O_RDWR)
    elif wanted is None or wanted == subprocess.STDOUT:
        theirs = os.dup(number)
    else:
        theirs = os.dup(wanted if isinstance(wanted, int) else wanted.fileno())
    try:
        yield theirs, None if mine is None else os.fdopen(mine, "wb" if number == 0 else "rb")
    finally:
        os.close(theirs)


def _is_open(number: int) -> bool:
    """Tell whether a kernel can have a standard stream of ours; never its input."""
    if number == 0:
        return False
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
