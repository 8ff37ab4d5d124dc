"""How often drift of one feature among 20 is found, and how often intervals hold the truth."""

import numpy as np
import pandas as pd

from benchmarks.drift.generated import plain, seen
from benchmarks.harness import Figure, at_least, at_most

FEW, MANY = 2_000, 200_000
PEERS = {"+.1 SD": 0.49, "5 % of rows moved 2 SD": 0.64, "5 points of a category": 0.43}
FOUND = ("+.1 SD", "5 % of rows moved 2 SD", "spread × 1.1", "5 points of a category")
REPETITIONS = {FEW: 600, MANY: 200}
LEAST, MOST = 0.93, 0.97


def figures() -> list[Figure]:
    return [*with_few_rows(), *with_many_rows()]


def with_few_rows() -> list[Figure]:
    shown = []
    for drift in FOUND:
        table = seen(drift, FEW, REPETITIONS[FEW])
        name, rate = f"{drift}, {FEW:,} rows: drifted", table["drifted"].mean()
        beside = f"scipy's test at .05 / 20: {plain(_scipy, drift, FEW, REPETITIONS[FEW]):.2f}"
        note = f"{len(table)} repetitions; significant in {table['significant'].mean():.3f}"
        if drift in PEERS:
            shown.append(at_least(name, rate, PEERS[drift], peer=beside, note=note))
        else:
            shown.append(Figure(name, float(rate), peer=beside, note=note))
        shown.append(_coverage(drift, FEW, table))
    return shown


def with_many_rows() -> list[Figure]:
    trifle = seen("+.02 SD", MANY, REPETITIONS[MANY])
    told = f"{len(trifle)} repetitions; significant in {trifle['significant'].mean():.3f}"
    shown = [
        at_most(f"+.02 SD, {MANY:,} rows: drifted", trifle["drifted"].mean(), 0, note=told),
        _coverage("+.02 SD", MANY, trifle),
    ]
    for drift in FOUND:
        table = seen(drift, MANY, REPETITIONS[MANY])
        note = f"{len(table)} repetitions; significant in {table['significant'].mean():.3f}"
        name = f"{drift}, {MANY:,} rows: drifted"
        shown.append(at_least(name, table["drifted"].mean(), 0.95, note=note))
        shown.append(_coverage(drift, MANY, table))
    return shown


def _coverage(drift: str, rows: int, table: pd.DataFrame) -> Figure:
    rate = float(table["covered"].mean())
    error = np.sqrt(rate * (1 - rate) / len(table))
    return Figure(
        f"{drift}, {rows:,} rows: the 95 % interval holds the truth",
        rate,
        "",
        f"{LEAST} to {MOST}",
        bool(LEAST <= rate <= MOST),
        note=f"{len(table)} repetitions, ± {error:.3f}",
    )


def _scipy(one: pd.Series, two: pd.Series) -> float:
    from scipy import stats

    if isinstance(one.dtype, pd.CategoricalDtype):
        counts = np.array([each.value_counts().sort_index() for each in (one, two)])
        return float(stats.chi2_contingency(counts).pvalue)
    return float(stats.ks_2samp(one, two).pvalue)
