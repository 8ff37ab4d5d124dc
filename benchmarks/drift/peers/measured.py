"""What some work costs. Shared with the scripts of peers, so it needs no more than Python."""

import gc
import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

LIMIT = 600  # CPU seconds, after which a peer is ended
WARM_UP = 1_000  # rows
STATUS = Path("/proc/self/status")


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Return the CPU seconds of some work, and how far memory rose above where it was, in MB."""
    gc.collect()
    reset_peak()
    before, started = peak(), time.process_time()
    work()
    return time.process_time() - started, peak() - before


def reset_peak() -> None:
    """Let Linux count the peak of memory from now on."""
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """Return the most memory that was resident, in MB."""
    if STATUS.exists():
        line = next(each for each in STATUS.read_text().splitlines() if each.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main(drifted: "Callable[[pd.DataFrame, pd.DataFrame], list[str]]") -> None:
    """Run a peer on each pair of tables that is named, and print what it cost and found as JSON."""
    import pandas as pd

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT + 5))
    for number, folder in enumerate(map(Path, sys.argv[1:])):
        reference, current = (
            pd.read_parquet(folder / f"{side}.parquet") for side in ("reference", "current")
        )
        if number == 0:
            drifted(reference.head(WARM_UP), current.head(WARM_UP))
        found: list[str] = []
        started = time.perf_counter()
        cpu, extra = measured(lambda: found.extend(drifted(reference, current)))  # noqa: B023
        wall = time.perf_counter() - started
        print(json.dumps({"cpu": cpu, "wall": wall, "extra": extra, "drifted": found}), flush=True)
