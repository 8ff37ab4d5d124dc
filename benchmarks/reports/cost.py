"""What a command costs, with all the processes that it starts or has forked for it."""

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from aiopslab.kernels import client


@dataclass(frozen=True)
class Cost:
    """Seconds on the clock and of processors."""

    wall_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.wall_s:.1f} s, {self.cpu_s:.1f} CPU s"


def forked_cpu_s() -> float:
    """Return the CPU time of all parents of kernels, and of kernels that ended."""
    deadline = time.monotonic() + 5
    told = client.known()
    while any(each["kernels"] for each in told) and time.monotonic() < deadline:
        time.sleep(0.01)  # until the parent has seen its last kernel end
        told = client.known()
    return sum(each["cpu_s"] + each["ended_kernels_cpu_s"] for each in told)


@contextmanager
def own_parents() -> Iterator[dict[str, str]]:
    """Yield an environment in which no parent of kernels runs yet; those that come are ended."""
    with tempfile.TemporaryDirectory(prefix="k-") as folder:
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = folder
        try:
            yield dict(os.environ)
        finally:
            for each in client.known():
                psutil.Process(each["pid"]).kill()
            if before is None:
                del os.environ["XDG_RUNTIME_DIR"]
            else:
                os.environ["XDG_RUNTIME_DIR"] = before


def of(
    command: Sequence[str], asked: str = "", env: Mapping[str, str] | None = None
) -> tuple[Cost, str]:
    """Run a command; return its cost and what it printed."""
    before, forked = resource.getrusage(resource.RUSAGE_CHILDREN), forked_cpu_s()
    started = time.perf_counter()
    done = subprocess.run(
        command, check=False, input=asked, env=env, capture_output=True, text=True
    )
    wall = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:6])} failed: {done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu + forked_cpu_s() - forked), done.stdout
