"""What the analysis costs against its size."""

import numpy as np
import pandas as pd

from aiopslab.incident import analyse, find_onset, rank_metrics
from benchmarks.harness import Figure, at_most, cpu_seconds


def noise(series: int, rows: int) -> pd.DataFrame:
    columns = pd.MultiIndex.from_tuples([(f"s{i // 10}", f"m{i % 10}") for i in range(series)])
    values = np.random.default_rng(0).normal(size=(rows, series))
    values[rows * 2 // 3 :, : series // 20] += 8
    return pd.DataFrame(
        values, pd.date_range("2026-03-01", periods=rows, freq="s", tz="UTC"), columns
    )


def ranking(metrics: pd.DataFrame) -> None:
    rank_metrics(metrics, metrics.index[len(metrics) * 2 // 3])


def figures() -> list[Figure]:
    large, narrow, short = noise(1_000, 600), noise(250, 600), noise(1_000, 150)
    floor = cpu_seconds(large.rank)
    peer = f"ranking the values alone: {floor:.3g} CPU s"
    whole = cpu_seconds(lambda: ranking(large))
    return [
        at_most("ranking 1,000 series x 600 points", whole, 1, "CPU s", peer=peer),
        at_most(
            "4 times the series cost", whole / cpu_seconds(lambda: ranking(narrow)), 5, "times"
        ),
        at_most("4 times the points cost", whole / cpu_seconds(lambda: ranking(short)), 5, "times"),
        at_most("onset of 1,000 x 600", cpu_seconds(lambda: find_onset(large), 3), 1, "CPU s"),
        Figure(
            "whole analysis of 1,000 x 600",
            cpu_seconds(lambda: analyse({"metrics": large}), 3),
            "CPU s",
            note="with its bar from ordinary moments",
        ),
    ]
