"""Keeps JupyterLab running until it is told to stop, and stops all that it started."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import httpx

from aiopslab.lab import settings
from aiopslab.lab.errors import LabError
from aiopslab.lab.parent import adopt_orphans, end_children
from aiopslab.lab.settings import Address
from aiopslab.lab.workspace import Workspace

USUAL_PORTS = range(8888, 8908)  # the first of them is Jupyter's own
LOG = "jupyterlab.log"
_START_S, _STOP_S = 90.0, 8.0
_TAIL_LINES = 8


def free_port(ip: str, wanted: int | None) -> int:
    """Find a port.

    Parameters
    ----------
    ip
        Of this machine, to listen on.
    wanted
        Must be free; 0 for any; the first free one from 8888 on where ``None``.

    Returns
    -------
    int
        A port that was free just now.

    Raises
    ------
    LabError
        If it is taken, or the machine has no such address.
    """
    for port in USUAL_PORTS if wanted is None else [wanted]:
        try:
            with socket.create_server((ip, port), family=_family(ip)) as probe:
                return int(probe.getsockname()[1])
        except OSError as error:
            problem = error.strerror
    if wanted is None:
        raise LabError(
            f"cannot listen on {ip}, port {USUAL_PORTS[0]} to {USUAL_PORTS[-1]}: {problem}",
            "Pass --port 0 for any free port, or --ip with an address of this machine.",
        )
    raise LabError(
        f"cannot listen on {ip}, port {wanted}: {problem}",
        "Stop what uses the port, or pass another --port; 0 takes any that is free.",
    )


def _family(ip: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in ip else socket.AF_INET


def run(
    workspace: Workspace,
    address: Address,
    browser: bool,
    more: Sequence[str],
    ready: Callable[[], None],
) -> None:
    """Run JupyterLab until a signal comes or it ends by itself.

    Parameters
    ----------
    workspace
        What is opened.
    address
        Where.
    browser
        Whether a browser is opened on it.
    more
        Further arguments of JupyterLab.
    ready
        Called once it answers.

    Raises
    ------
    LabError
        If it does not start, or ends with an error.
    """
    log = workspace.state / LOG
    adopt_orphans()
    with TemporaryDirectory(prefix="aiopslab-lab-") as folder, _signals():
        scratch = Path(folder)
        server = os.environ.get("MLFLOW_TRACKING_URI")
        told = settings.configuration(workspace, address, scratch, browser, server)
        settings.write(scratch, told)
        settings.take_over_settings(workspace)
        try:
            process = _start(workspace, scratch, log, more)
            _wait(process, address, log)
            ready()
            if process.wait():
                raise _ended(process, log)
        except KeyboardInterrupt:  # how it is meant to end
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_S)
        finally:
            end_children()


@contextmanager
def _signals() -> Iterator[None]:
    """Have a polite end, or a terminal that is closed, count as Ctrl-C."""

    def stop(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    kept = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for each, handler in kept.items():
            signal.signal(each, handler)


def _start(
    workspace: Workspace, scratch: Path, log: Path, more: Sequence[str]
) -> "subprocess.Popen[bytes]":
    with log.open("wb") as said:
        return subprocess.Popen(  # noqa: S603 - the Python that runs this, and what its user added
            [sys.executable, "-m", "aiopslab.lab", *more],
            cwd=workspace.folder,
            env=settings.environment(workspace, scratch, os.environ),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,  # Ctrl-C is for this process, which then asks it to end
        )


def _wait(process: "subprocess.Popen[bytes]", address: Address, log: Path) -> None:
    deadline = time.monotonic() + _START_S
    headers = {"Authorization": f"token {address.token}"}
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise _ended(process, log)
        with suppress(httpx.TransportError):
            if httpx.get(f"{address.url}api/status", headers=headers, timeout=2).is_success:
                return
        time.sleep(0.1)
    raise LabError(f"JupyterLab did not answer within {_START_S:.0f} s", f"See {log}.")


def _ended(process: "subprocess.Popen[bytes]", log: Path) -> LabError:
    tail = log.read_text(errors="replace").strip().splitlines()[-_TAIL_LINES:]
    said = "\n".join(f"    {line}" for line in tail)
    return LabError(
        f"JupyterLab ended with code {process.returncode}; the last that it said:\n{said}",
        f"Mend what it names, or see {log} for all of it.",
    )
