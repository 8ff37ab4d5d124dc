"""Starts, watches and ends the processes of the services."""

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from aiopslab.errors import RehearsalError
from aiopslab.rehearsal.errors import PlanError
from aiopslab.rehearsal.services import SERVICES

if TYPE_CHECKING:
    import httpx

_FREE_PORTS = range(20_000, 32_000)  # below those that the kernel gives to outgoing connections
_TRIES = 50
_START_S, _STOP_S = 60.0, 4.0
_TAIL_LINES = 8


def free_ports(base: int | None = None) -> dict[str, int]:
    """Find a port for each service.

    Parameters
    ----------
    base
        The first of eight ports in a row; drawn at random unless given.

    Returns
    -------
    dict
        Ports by service.

    Raises
    ------
    PlanError
        If one of the ports from `base` on is taken, or is none.
    """
    if base is not None:
        if not 1024 <= base <= 65_536 - len(SERVICES):
            raise PlanError(
                f"port is {base}; expected 1024 to {65_536 - len(SERVICES)}", "Choose another one."
            )
        ports = dict(zip(SERVICES, range(base, base + len(SERVICES)), strict=True))
        taken = [f"{port} ({name})" for name, port in ports.items() if not _free(port)]
        if taken:
            raise PlanError(
                f"port {', '.join(taken)} is taken by another program",
                "Pass another --port, or none: free ports are found then.",
            )
        return ports
    for _ in range(_TRIES):
        first = random.choice(_FREE_PORTS)
        ports = dict(zip(SERVICES, range(first, first + len(SERVICES)), strict=True))
        if all(_free(port) for port in ports.values()):
            return ports
    raise PlanError("no eight free ports in a row were found", "Pass --port.")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass
class Supervisor:
    """The processes of the assistant; a context in which they run.

    Parameters
    ----------
    ports
        The port of each service.
    folder
        Where the services keep their data, spans and logs.
    seed
        Of whatever they draw at random.
    client
        What their readiness is asked with.
    """

    ports: Mapping[str, int]
    folder: Path
    seed: int
    client: "httpx.AsyncClient"
    _processes: dict[str, asyncio.subprocess.Process] = field(default_factory=dict)

    async def __aenter__(self) -> "Supervisor":
        try:
            # The others keep their data with the database, so it is there before them.
            await self.start("database")
            await asyncio.gather(*(self.start(name) for name in SERVICES if name != "database"))
        except BaseException:
            await self.stop_all()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop_all()

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the services that run."""
        return {name: process.pid for name, process in self._processes.items()}

    async def start(self, name: str, effects: tuple[str, ...] = ()) -> None:
        """Start a service and wait until it answers.

        Raises
        ------
        RehearsalError
            If it ends before that, or takes longer than a minute; with the tail of its log.
        """
        from aiopslab.rehearsal.services.app import Settings

        settings = Settings(name, dict(self.ports), self.folder, self.seed, effects)
        with self._log(name).open("ab") as log:
            self._processes[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "aiopslab.rehearsal.services",
                settings.to_json(),
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the parent, which ends them in order
            )
        try:
            async with asyncio.timeout(_START_S):
                while not await self._answers(name):
                    self.check()
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise RehearsalError(
                f"{name} did not answer within {_START_S:g} s of its start{self._tail(name)}",
                "Free some processor time on this machine and try again.",
            ) from None

    async def _answers(self, name: str) -> bool:
        import httpx

        try:
            url = f"http://127.0.0.1:{self.ports[name]}/metrics"
            return (await self.client.get(url, timeout=1.0)).is_success
        except httpx.HTTPError:
            return False

    def check(self) -> None:
        """Raise if a service has ended that was not told to.

        Raises
        ------
        RehearsalError
            It names the service and holds the tail of its log.
        """
        for name, process in self._processes.items():
            if process.returncode is not None:
                raise RehearsalError(
                    f"{name} ended unexpectedly, {_ending(process.returncode)}{self._tail(name)}",
                    "Read the log above; run the rehearsal again if the cause lay outside it.",
                )

    def order(self, name: str, kind: str, *, active: bool) -> None:
        """Tell a service to begin or to end a fault."""
        stdin = self._processes[name].stdin
        assert stdin is not None
        stdin.write(json.dumps({"kind": kind, "active": active}).encode() + b"\n")

    async def kill(self, name: str) -> None:
        """Kill a service at once, without a word, as a crash would."""
        process = self._processes.pop(name, None)
        if process is not None:
            process.kill()
            await process.wait()

    async def stop(self, name: str) -> None:
        """End a service in order, and by force if it does not obey."""
        process = self._processes.pop(name, None)
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), _STOP_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def stop_all(self) -> None:
        """End every service."""
        await asyncio.gather(*(self.stop(name) for name in list(self._processes)))

    def _log(self, name: str) -> Path:
        folder = self.folder / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.jsonl"

    def _tail(self, name: str) -> str:
        lines = self._log(name).read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:]
        return "".join(f"\n    {line[:300]}" for line in lines)


def _ending(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


def _environment() -> dict[str, str]:
    """Return the environment of a service: one thread for linear algebra, no settings of others."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    return {
        **kept,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "ANONYMIZED_TELEMETRY": "False",
        "PROMETHEUS_DISABLE_CREATED_SERIES": "True",
    }
