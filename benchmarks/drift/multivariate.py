"""A correlation that changed while every feature alone did not: is it found, and at what cost?"""

import numpy as np
import pandas as pd

from aiopslab.drift.multivariate import Multivariate, compare_jointly
from benchmarks.harness import Figure, at_least, at_most, cpu_seconds

ROWS = 20_000
FEATURES = 10
CHANGED = 30
SAME = 200
SAME_ROWS = 2_000
SAME_LARGE = 40


def sample(rows: int, correlation: float, rng: np.random.Generator) -> pd.DataFrame:
    """Return features of equal margins whatever the correlation of the first two."""
    table = rng.normal(size=(rows, FEATURES))
    table[:, 1] = correlation * table[:, 0] + (1 - correlation**2) ** 0.5 * table[:, 1]
    table[:, 2] = np.exp(table[:, 2])
    table[:, 3] *= 1 + np.abs(table[:, 4])  # depends without being correlated
    frame = pd.DataFrame(table, columns=[f"f{each}" for each in range(FEATURES)])
    frame["c"] = rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])
    return frame


def judged(rows: int, change: float, repeats: int, first_seed: int) -> list[Multivariate]:
    results = []
    for repeat in range(repeats):
        rng = np.random.default_rng(first_seed + repeat)
        before = rng.uniform(-0.3, 0.3)
        pair = sample(rows, before, rng), sample(rows, before + change, rng)
        results.append(compare_jointly(*pair, seed=repeat))
    return results


def share(results: list[Multivariate]) -> float:
    return float(np.mean([each.drifted for each in results]))


def figures() -> list[Figure]:
    changed = judged(ROWS, 0.3, CHANGED, 0)
    alone = np.mean([each.classifier.measure.drifted for each in changed])
    auc = np.mean([each.classifier.measure.value for each in changed])
    named = [set(each.dependence.pairs.iloc[0, :2]) == {"f0", "f1"} for each in changed]
    note = f"{CHANGED} sets of {ROWS:,} rows, correlation + .3 between {FEATURES + 1} features"
    peer = f"classifier alone {alone:.2f}, at a mean AUC of {auc:.3f}"
    rng = np.random.default_rng(0)
    pair = sample(ROWS, 0, rng), sample(ROWS, 0.3, rng)
    cost = cpu_seconds(lambda: compare_jointly(*pair), 2)
    same = "no change; chance .05"
    return [
        at_least("correlation changed by .3: found", share(changed), 0.9, note=note, peer=peer),
        at_least("its pair is the one named first", float(np.mean(named)), 0.9, note=note),
        at_most(
            "together: false alarms at 2,000 rows",
            share(judged(SAME_ROWS, 0, SAME, 1_000)),
            0.05,
            note=f"{SAME} sets, {same}",
        ),
        at_most(
            "together: false alarms at 20,000 rows",
            share(judged(ROWS, 0, SAME_LARGE, 5_000)),
            0.05,
            note=f"{SAME_LARGE} sets, {same}",
        ),
        Figure("all features together", cost, "CPU s", note=f"{ROWS:,} rows of each side"),
    ]
