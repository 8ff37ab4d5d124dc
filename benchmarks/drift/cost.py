"""What a univariate analysis costs, beside a loop over columns with scipy in the same process."""

import gc
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from aiopslab.drift.comparison import compare
from aiopslab.drift.profiles import profile, profile_parquet
from benchmarks.harness import Figure, at_least, at_most

ROWS, NUMBERS, STRINGS = 1_000_000, 40, 10
PARQUET_ROWS, PARQUET_COLUMNS = 4_000_000, 8
STATUS = Path("/proc/self/status")


def figures() -> list[Figure]:
    return [*in_memory(), *from_parquet()]


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        rng.normal(size=(rows, NUMBERS)), columns=[f"x{i}" for i in range(NUMBERS)]
    )
    names = np.array([f"category {i}" for i in range(12)])
    words = {
        f"c{i}": pd.Series(names[rng.integers(0, 12, rows)], dtype="str") for i in range(STRINGS)
    }
    return pd.concat([frame, pd.DataFrame(words)], axis=1)


def in_memory() -> list[Figure]:
    reference, current = table(ROWS, 0), table(ROWS, 1)
    analysed(reference.head(1_000), current.head(1_000))  # the imports
    cpu, extra = measured(lambda: analysed(reference, current))
    peer, peer_extra = measured(lambda: by_scipy(reference, current))
    shape = f"{ROWS:,} × {NUMBERS + STRINGS} against the same, all effects with intervals"
    beside = f"scipy, p-values only: {peer:.1f} CPU s, {peer_extra:.0f} MB"
    return [
        at_most("univariate analysis", cpu, 3, "CPU s", peer=beside, note=shape),
        at_most("univariate analysis, extra peak memory", extra, 50, "MB", peer=beside),
        at_least("univariate analysis, times cheaper than scipy", peer / cpu, 3, "×"),
    ]


def analysed(reference: pd.DataFrame, current: pd.DataFrame) -> pd.DataFrame:
    good = profile(reference)
    return compare(good, profile(current, like=good)).table()


def by_scipy(reference: pd.DataFrame, current: pd.DataFrame) -> list[float]:
    from scipy import stats

    found = []
    for name in reference:
        one, two = reference[name], current[name]
        if name.startswith("x"):
            found.append(stats.ks_2samp(one.to_numpy(), two.to_numpy(), method="asymp").pvalue)
        else:
            counts = pd.concat([one.value_counts(), two.value_counts()], axis=1).fillna(0)
            found.append(stats.chi2_contingency(counts.to_numpy().T).pvalue)
    return found


def from_parquet() -> list[Figure]:
    """Read a file of which half, then all, is profiled: memory must stay and time double."""
    import pyarrow.parquet as pq

    with tempfile.TemporaryDirectory() as folder:
        half, whole = Path(folder) / "half.parquet", Path(folder) / "whole.parquet"
        written(half, PARQUET_ROWS // 2)
        written(whole, PARQUET_ROWS)
        profile_parquet(half)
        cpu_half, extra_half = measured(lambda: profile_parquet(half))
        cpu, extra = measured(lambda: profile_parquet(whole))
        size = whole.stat().st_size / 1e6
        read, _ = measured(
            lambda: [None for _ in pq.ParquetFile(whole).iter_batches(use_threads=False)]
        )
    note = f"{PARQUET_ROWS:,} rows × {PARQUET_COLUMNS}, {size:.0f} MB"
    beside = f"reading it only: {read:.2f} CPU s"
    return [
        at_most("Parquet, peak memory of the process", peak(), 1_000, "MB", note=note),
        at_most(
            "Parquet, extra memory", extra, 300, "MB", note=f"{note}; half: {extra_half:.0f} MB"
        ),
        at_most("Parquet, times of half the rows", cpu / cpu_half, 2.3, "×", note="linear is 2"),
        at_most("Parquet, times of the read alone", cpu / read, 2, "×", peer=beside, note=note),
    ]


def written(path: Path, rows: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    writer = None
    for _ in range(0, rows, 500_000):
        part = {f"x{i}": rng.normal(size=500_000) for i in range(PARQUET_COLUMNS - 2)}
        part |= {f"c{i}": rng.choice(["a", "b", "c"], 500_000) for i in range(2)}
        batch = pa.table(part)
        writer = writer or pq.ParquetWriter(path, batch.schema)
        writer.write_table(batch)
    assert writer is not None
    writer.close()


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
