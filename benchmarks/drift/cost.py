"""What a univariate analysis costs, beside scipy in this process and other libraries in theirs."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from aiopslab.drift.comparison import compare
from aiopslab.drift.parquet import profile_parquet
from aiopslab.drift.profiles import profile
from benchmarks.drift import generated
from benchmarks.drift.peers.environments import alarms, costs
from benchmarks.drift.peers.measured import measured, peak
from benchmarks.harness import Figure, at_least, at_most

ROWS, NUMBERS, STRINGS = 1_000_000, 40, 10
PARQUET_ROWS, WRITTEN = 20_000_000, 500_000  # in all, and in a row group
BATCH = 350_000  # rows, as many as the profile reads at once; no other size reads faster
SMALL_ROWS, REPETITIONS = 2_000, 40


def figures() -> list[Figure]:
    # Parquet first: the peak of the process is to be that of its own.
    return [*from_parquet(), *in_memory(), without_drift()]


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
        *costs((reference, current), cpu),
    ]


def without_drift() -> Figure:
    return alarms([generated.tables("none", SMALL_ROWS, seed) for seed in range(REPETITIONS)])


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
    with tempfile.TemporaryDirectory() as folder:
        half, whole = Path(folder) / "half.parquet", Path(folder) / "whole.parquet"
        columns = written(half, PARQUET_ROWS // 2)
        written(whole, PARQUET_ROWS)
        small = Path(folder) / "small.parquet"
        written(small, WRITTEN)
        profile_parquet(small)  # the imports
        cpu_half, extra_half = measured(lambda: profile_parquet(half))
        cpu, extra = measured(lambda: profile_parquet(whole))
        most = peak()
        size = whole.stat().st_size / 1e6
        plain, _ = measured(lambda: read(whole))
        encoded, _ = measured(lambda: read(whole, ["plan", "country", "city"]))
    note = f"{PARQUET_ROWS:,} rows × {columns}, half of them strings, {size:.0f} MB"
    beside = f"reading it only: {plain:.2f} CPU s"
    by_code = f"reading it only, strings as codes: {encoded:.2f} CPU s"
    return [
        at_most("Parquet, peak memory of the process", most, 1_000, "MB", note=note),
        at_most(
            "Parquet, extra memory", extra, 300, "MB", note=f"{note}; half: {extra_half:.0f} MB"
        ),
        at_most("Parquet, times of half the rows", cpu / cpu_half, 2.3, "×", note="linear is 2"),
        Figure("Parquet", cpu, "CPU s", note=note),
        at_most("Parquet, times of the read alone", cpu / plain, 2, "×", peer=beside, note=note),
        at_most(
            "Parquet, times of the cheapest read", cpu / encoded, 2, "×", peer=by_code, note=note
        ),
    ]


def read(path: Path, codes: list[str] | None = None) -> None:
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path, pre_buffer=False, read_dictionary=codes)
    for _ in file.iter_batches(BATCH, use_threads=False):
        pass


def written(path: Path, rows: int) -> int:
    """Write a table of numbers and strings such as orders have; return how many columns it has."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    countries = np.array([f"country {each}" for each in range(12)])
    cities = np.array([f"city {each}" for each in range(2_000)])
    writer = None
    for _ in range(0, rows, WRITTEN):
        part = {
            "amount": rng.lognormal(3, 1, WRITTEN),
            "score": rng.random(WRITTEN),
            "visits": rng.poisson(4, WRITTEN),
            "plan": rng.choice(np.array(["free", "basic", "pro"]), WRITTEN),
            "country": countries[rng.integers(0, len(countries), WRITTEN)],
            "city": cities[rng.integers(0, len(cities), WRITTEN)],
        }
        batch = pa.table(part)
        writer = writer or pq.ParquetWriter(path, batch.schema)
        writer.write_table(batch)
    assert writer is not None
    writer.close()
    return batch.num_columns
