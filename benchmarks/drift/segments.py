"""Are planted segments found, is any named where there is none, and what does it cost?"""

from functools import partial

import numpy as np
import pandas as pd

from aiopslab.drift.observations import Roles
from aiopslab.drift.segments import Segments, find_segments
from benchmarks.harness import Figure, at_least, at_most, cpu_seconds

ROWS = 20_000
PLANTED = 40  # data sets of each kind
NONE = 200
LARGE = 100_000
FEATURES = 30
RATE = 0.1  # of errors
ROLES = Roles()


def plain(rows: int, rng: np.random.Generator, features: int = 12) -> pd.DataFrame:
    """Return features of several kinds that depend on each other, with predictions and targets."""
    common = rng.normal(size=rows)
    numbers = {
        f"n{each}": 0.4 * common + rng.normal(size=rows) for each in range(features - features // 3)
    }
    numbers["n1"] = np.exp(numbers["n1"])
    numbers["n2"] = np.round(10 * numbers["n2"])
    frame = pd.DataFrame(numbers)
    for each in range(features // 3):
        shares = rng.dirichlet(np.full(8, 3.0)) if each else np.full(8, 1 / 8)
        frame[f"c{each}"] = rng.choice([f"v{value}" for value in range(8)], rows, p=shares)
    frame.loc[rng.random(rows) < 0.05, "n3"] = np.nan
    frame["target"] = (rng.random(rows) < 0.3).astype(int)
    wrong = rng.random(rows) < RATE
    frame["prediction"] = frame["target"] ^ wrong
    return frame


def halves(rng: np.random.Generator, features: int = 12, rows: int = ROWS) -> list[pd.DataFrame]:
    frame = plain(2 * rows, rng, features)
    return [frame.iloc[:rows].reset_index(drop=True), frame.iloc[rows:].reset_index(drop=True)]


def region(frame: pd.DataFrame, rng: np.random.Generator, conditions: int) -> list[tuple]:
    """Return one or two conditions that about 5 % of the rows meet together."""
    share = 0.05 ** (1 / conditions)
    numeric = [each for each in frame if each.startswith("n")]
    chosen = rng.choice(numeric, conditions, replace=False)
    bounds = []
    for name in chosen:
        low = rng.choice([0.0, rng.uniform(0, 1 - share), 1 - share])
        bounds.append((name, *frame[name].quantile([low, low + share])))
    if conditions == 2 and rng.random() < 0.5:  # one of the two is a set of categories
        name = rng.choice([each for each in frame if each.startswith("c")])
        shares = frame[name].value_counts(normalize=True)
        order = shares.index[rng.permutation(len(shares))]
        taken = order[: 1 + int(np.searchsorted(shares[order].cumsum(), share))][:3]
        bounds[1] = (name, taken)
    return bounds


def inside(frame: pd.DataFrame, bounds: list[tuple]) -> np.ndarray:
    mask = np.ones(len(frame), dtype=bool)
    for name, *values in bounds:
        if len(values) == 1:
            mask &= frame[name].isin(values[0]).to_numpy()
        else:
            mask &= frame[name].between(*values).to_numpy()
    return mask


def hit(segments: Segments, current: pd.DataFrame, truth: np.ndarray) -> bool:
    """Whether one of the first three shares at least half its rows with the planted one."""
    return any(
        (rows & truth).sum() >= 0.5 * (rows | truth).sum()
        for rows in (rows_of(each, current) for each in segments.found[:3])
    )


def rows_of(segment, current: pd.DataFrame) -> np.ndarray:
    mask = np.ones(len(current), dtype=bool)
    for each in segment.conditions:
        column = current[each.feature]
        if each.is_missing:
            mask &= column.isna().to_numpy()
        elif each.values:
            mask &= column.isin(each.values).to_numpy()
        else:
            mask &= ((column > each.low) & (column <= each.high)).to_numpy()
    return mask


def planted_loss(rng, conditions):
    reference, current = halves(rng)
    truth = inside(current, region(reference, rng, conditions))
    wrong = rng.random(len(current)) < np.where(truth, RATE + 0.15, RATE)
    current["prediction"] = current["target"] ^ wrong
    return reference, current, truth


def planted_share(rng, conditions):
    """The segment has twice the rows that it had."""
    reference, current = halves(rng)
    bounds = region(reference, rng, conditions)
    weight = np.where(inside(current, bounds), 2.0, 1.0)
    current = current.sample(
        len(current), replace=True, weights=weight, random_state=rng.integers(2**31)
    )
    current = current.reset_index(drop=True)
    return reference, current, inside(current, bounds)


def planted_label(rng, conditions, points=0.15):
    """The target is 1 more often inside."""
    reference, current = halves(rng)
    truth = inside(current, region(reference, rng, conditions))
    moved = truth & (rng.random(len(current)) < points / 0.7)
    current["target"] = np.where(moved, 1, current["target"])
    return reference, current, truth


CASES = {
    "loss": (planted_loss, "loss", "error rate .10 to .25 inside"),
    "share of rows": (planted_share, "drift", "twice the rows"),
    "target": (planted_label, "drift", "15 points more of one class inside"),
    "target, larger": (partial(planted_label, points=0.25), "drift", "25 points more inside"),
}


def found(case: str) -> float:
    make, of, _ = CASES[case]
    hits = []
    for repeat in range(PLANTED):
        rng = np.random.default_rng(repeat)
        reference, current, truth = make(rng, 1 + repeat % 2)
        hits.append(hit(find_segments(reference, current, ROLES, of, seed=repeat), current, truth))
    return float(np.mean(hits))


def false(of: str) -> float:
    named = []
    for repeat in range(NONE):
        reference, current = halves(np.random.default_rng(10_000 + repeat), rows=4_000)
        named.append(bool(find_segments(reference, current, ROLES, of, seed=repeat).found))
    return float(np.mean(named))


def figures() -> list[Figure]:
    table = []
    for case, (_, _, size) in CASES.items():
        note = f"{PLANTED} sets of {ROWS:,} rows, 5 % planted, 1 or 2 conditions; {size}"
        table.append(at_least(f"planted segment in the top 3: {case}", found(case), 0.9, note=note))
    for of in ("drift", "loss"):
        note = f"{NONE} sets of 4,000 rows and none planted"
        table.append(
            at_most(f"a segment named where there is none: {of}", false(of), 0.05, note=note)
        )
    reference, current = halves(np.random.default_rng(0), FEATURES, LARGE)
    for of in ("drift", "loss"):
        cost = cpu_seconds(lambda of=of: find_segments(reference, current, ROLES, of), 2)
        note = f"{LARGE:,} rows of each side, {FEATURES} features"
        table.append(at_most(f"segments of {of}", cost, 5, "CPU s", note=note))
    return table
