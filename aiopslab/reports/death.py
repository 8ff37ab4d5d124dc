"""The cause of a kernel's end, as far as the system tells it."""

import signal
from collections.abc import Mapping
from pathlib import Path

from aiopslab.reports.record import Failure, Kind

CGROUPS = Path("/sys/fs/cgroup")
PROCESSES = Path("/proc")


def out_of_memory_kills() -> dict[str, int]:
    """Return how often the system has killed for want of memory, by who counts it.

    The counters are those of control groups (``memory.events`` in version 2, ``memory.oom_control``
    in version 1: https://docs.kernel.org/admin-guide/cgroup-v2.html) and of the whole machine. They
    only grow, so a count that is higher after a kernel died than before tells why. Empty where the
    system has none.
    """
    found = {}
    for path in (*_counters(), PROCESSES / "vmstat"):
        try:
            lines = path.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, number = line.partition(" ")
            if name == "oom_kill":
                found[str(path)] = int(number)
    return found


def _counters() -> list[Path]:
    try:
        memberships = (PROCESSES / "self" / "cgroup").read_text().splitlines()
    except OSError:
        return []
    paths = [CGROUPS / "memory.events"]  # of a container that sees its own group as the root
    for membership in memberships:
        number, controllers, group = membership.split(":", 2)
        if number == "0":
            paths.append(CGROUPS / group.lstrip("/") / "memory.events")
        elif controllers == "memory":
            paths.append(CGROUPS / "memory" / group.lstrip("/") / "memory.oom_control")
    return paths


def failure(code: int | None, cell: int | None, before: Mapping[str, int]) -> Failure:
    """Say why a kernel died.

    Parameters
    ----------
    code
        How its process ended: an exit code, or the number of a signal below 0; ``None`` where
        nobody knows.
    cell
        Number of the code cell that ran.
    before
        `out_of_memory_kills` when the kernel was started.

    Examples
    --------
    >>> failure(-11, 3, {}).message
    'the kernel died of SIGSEGV: a library crashed'
    """
    after = out_of_memory_kills()
    is_short = any(after.get(counter, 0) > count for counter, count in before.items())
    kind: Kind = "kernel"
    if code == -signal.SIGKILL and is_short:
        kind = "memory"
        reason = "the kernel was killed by the system (SIGKILL), which had no memory left"
    elif code == -signal.SIGKILL:
        reason = "the kernel died of SIGKILL; the machine may have run out of memory"
    elif code is not None and code < 0:
        reason = f"the kernel died of {_signal(-code)}"
    elif code is None:
        reason = "the kernel died"
    else:
        reason = f"the kernel died: the cell ended its process with exit code {code}"
    return Failure("DeadKernel", reason, cell, kind)


def _signal(number: int) -> str:
    crashes = {signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT}
    try:
        known = signal.Signals(number)
    except ValueError:
        return f"signal {number}"
    return f"{known.name}: a library crashed" if known in crashes else known.name
