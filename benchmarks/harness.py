"""What every benchmark shares: a figure, its table, and the file it is kept in."""

import json
import multiprocessing
import os
import platform
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One number, with what it was meant to be.

    Parameters
    ----------
    name, unit
        What was measured, in what.
    value
        The measurement.
    target
        As words, e.g. ``"< 1"``; empty where none was set.
    ok
        Whether the target is met; ``None`` without one.
    peer
        What it stands beside in the same run, e.g. ``"numpy median: 0.02 s"``.
    note
        Number of cases, chance level, conditions.
    """

    name: str
    value: float
    unit: str = ""
    target: str = ""
    ok: bool | None = None
    peer: str = ""
    note: str = ""


def at_most(name: str, value: float, bound: float, unit: str = "", **more: str) -> Figure:
    return Figure(name, float(value), unit, f"<= {bound:g}", bool(value <= bound), **more)


def at_least(name: str, value: float, bound: float, unit: str = "", **more: str) -> Figure:
    return Figure(name, float(value), unit, f">= {bound:g}", bool(value >= bound), **more)


def cpu_seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Return the least CPU time of several runs, which other load on the machine disturbs least."""
    return min(_timed(work) for _ in range(repeats))


def child_cpu_seconds(command: Sequence[str], repeats: int = 5) -> float:
    """Return the least CPU time, user and system, that a command took."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return min(once() for _ in range(repeats))


def spread(jobs: Sequence[Callable[[], Any]], title: str) -> list[Any]:
    """Run jobs on all cores and return their results in order, with progress under a title.

    The processes start anew, since threads of what ran before do not survive a fork.
    """
    from rich.progress import track

    spawn = multiprocessing.get_context("spawn")
    quiet = partial(warnings.simplefilter, "ignore")
    with ProcessPoolExecutor(mp_context=spawn, initializer=quiet) as pool:
        running = [pool.submit(each) for each in jobs]
        return [each.result() for each in track(running, title)]


def _timed(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def publish(name: str, figures: Sequence[Figure]) -> None:
    """Print the table and keep it in ``benchmarks/results/NAME.json``."""
    from rich.console import Console
    from rich.table import Table

    table = Table("measure", "value", "target", "", "beside", "note", title=f"bench-{name}")
    for each in figures:
        mark = {True: "met", False: "MISSED", None: ""}[each.ok]
        value = f"{each.value:.4g} {each.unit}".strip()
        table.add_row(each.name, value, each.target, mark, each.peer, each.note)
    Console(width=160 if not sys.stdout.isatty() else None).print(table)
    RESULTS.mkdir(exist_ok=True)
    python = platform.python_version()
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {python}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "figures": [asdict(each) for each in figures],
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
