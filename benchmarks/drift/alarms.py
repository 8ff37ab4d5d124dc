"""How often a comparison of 20 features in which nothing moved raises any alarm."""

import numpy as np

from benchmarks.drift.generated import CATEGORIES, NUMBERS, seen
from benchmarks.harness import Figure

REPETITIONS = {2_000: 1_000, 200_000: 200}
LEAST, MOST = 0.03, 0.06


def figures() -> list[Figure]:
    return [figure for rows in REPETITIONS for figure in at(rows)]


def at(rows: int) -> list[Figure]:
    repetitions = REPETITIONS[rows]
    table = seen("none", rows, repetitions)
    rate, drifted = table["any_significant"].mean(), table["any_drifted"].mean()
    error = np.sqrt(rate * (1 - rate) / repetitions)
    note = f"{repetitions} repetitions of {NUMBERS} numbers and {CATEGORIES} categories"
    return [
        Figure(
            f"no drift, {rows:,} rows: any feature significant",
            float(rate),
            "",
            f"{LEAST} to {MOST}",
            bool(LEAST <= rate <= MOST),
            peer="raw p-values: .63",
            note=f"{note}, ± {error:.3f}",
        ),
        Figure(
            f"no drift, {rows:,} rows: any feature drifted",
            float(drifted),
            "",
            f"at most {MOST}",
            bool(drifted <= MOST),
            note=f"{note}; significant, and maybe beyond the margin",
        ),
    ]
