"""Capacity: what this machine bears, within the limits that a container sets."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def cores(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int:
    """Return how many cores this process may use, by its affinity and by its control groups.

    Parameters
    ----------
    root
        Where the control groups are mounted, of version 2 or 1.
    membership
        File that names those of this process.

    Examples
    --------
    >>> cores() >= 1
    True
    """
    mine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = [_quota(folder) for folder in _groups(root, membership, "cpu")]
    return max(1, min([mine, *(math.ceil(each) for each in shares if each is not None)]))


def available_bytes(root: Path = ROOT, membership: Path = MEMBERSHIP) -> int:
    """Return how much memory may still be taken, of the machine and of the control groups.

    Parameters
    ----------
    root, membership
        As of `cores`.

    Notes
    -----
    What a group holds in its page cache is given back when it is needed, and counts as free.

    Examples
    --------
    >>> available_bytes() > 0
    True
    """
    import psutil

    left = [_left(folder) for folder in _groups(root, membership, "memory")]
    free = int(psutil.virtual_memory().available)
    return max(0, min([free, *(each for each in left if each is not None)]))


def _groups(root: Path, membership: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of the groups that a process is in, and of those that they are in."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controller if controllers else root
        folder = top / path.lstrip("/")
        # In a container the path may be that of the host; its own group is then at the top.
        yield from [each for each in (folder, *folder.parents) if each.is_relative_to(top)]


def _quota(folder: Path) -> float | None:
    """Return the cores of a group: `cpu.max` of version 2, or the quota of version 1."""
    words = _words(folder / "cpu.max")
    if len(words) == 2:
        return None if words[0] == "max" else int(words[0]) / int(words[1])
    quota, period = (_words(folder / f"cpu.cfs_{name}_us") for name in ("quota", "period"))
    return int(quota[0]) / int(period[0]) if quota and period and int(quota[0]) > 0 else None


def _left(folder: Path) -> int | None:
    """Return the memory that a group has left: `memory.max` of version 2, or that of version 1."""
    for limit, usage, cache in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        most, used = _words(folder / limit), _words(folder / usage)
        if most and used and most[0] != "max":
            stat = _words(folder / "memory.stat")
            cached = int(stat[stat.index(cache) + 1]) if cache in stat else 0
            return int(most[0]) - int(used[0]) + cached
    return None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []
