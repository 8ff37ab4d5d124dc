"""Generated tables of 20 features of which one may have drifted, and what is seen of it."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np
import pandas as pd

from aiopslab.drift.comparison import compare
from aiopslab.drift.profiles import profile

NUMBERS, CATEGORIES = 14, 6
SHARES = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
MOVED = np.array([0.35, *(SHARES[1:] * 0.65 / 0.7)])  # five points more of the most frequent

# name of the drift: the feature that has it, and the truth of its effect
DRIFTS = {
    "none": ("x0", 0.0),
    "+.02 SD": ("x0", 0.02),
    "+.1 SD": ("x0", 0.1),
    "5 % of rows moved 2 SD": ("x0", 0.1),
    "spread × 1.1": ("x0", 0.1 * np.sqrt(2 / np.pi)),
    "5 points of a category": ("c0", 0.05),
}


class Seen(NamedTuple):
    """What one comparison said: any alarm, and of the feature that moved."""

    any_significant: bool
    any_drifted: bool
    significant: bool
    drifted: bool
    covered: bool


def seen(drift: str, rows: int, repetitions: int) -> pd.DataFrame:
    """Return one row a repetition; the work is spread over the cores."""
    work = partial(_once, drift, rows)
    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
        results = pool.map(work, range(repetitions), chunksize=10)
        return pd.DataFrame(list(results), columns=list(Seen._fields))


def plain(test: Callable[[pd.Series, pd.Series], float], drift: str, rows: int, reps: int) -> float:
    """Return how often the feature that moved has a p-value of a test below .05 / 20."""
    with ProcessPoolExecutor(mp_context=get_context("fork")) as pool:
        p = list(pool.map(_tested, repeat(test), repeat(drift), repeat(rows), range(reps)))
    return float((np.array(p) < 0.05 / (NUMBERS + CATEGORIES)).mean())


def tables(drift: str, rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng([seed, rows])
    one, two = (_table(rng, rows) for _ in range(2))
    x = two["x0"].to_numpy()
    if drift in {"+.1 SD", "+.02 SD"}:
        two["x0"] = x + DRIFTS[drift][1]
    elif drift == "5 % of rows moved 2 SD":
        two["x0"] = x + 2 * (rng.random(rows) < 0.05)
    elif drift == "spread × 1.1":
        two["x0"] = 1.1 * x
    elif drift == "5 points of a category":
        two["c0"] = _categories(rng, rows, MOVED)
    return one, two


def _once(drift: str, rows: int, seed: int) -> Seen:
    one, two = tables(drift, rows, seed)
    good = profile(one)
    table = compare(good, profile(two, like=good)).table().set_index("feature")
    feature, truth = DRIFTS[drift]
    row = table.loc[feature]
    return Seen(
        bool(table["significant"].any()),
        bool(table["drifted"].any()),
        bool(row["significant"]),
        bool(row["drifted"]),
        bool(row["low"] <= truth <= row["high"]),
    )


def _tested(
    test: Callable[[pd.Series, pd.Series], float], drift: str, rows: int, seed: int
) -> float:
    one, two = tables(drift, rows, seed)
    feature = DRIFTS[drift][0]
    return test(one[feature], two[feature])


def _table(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    numbers = {f"x{i}": rng.normal(size=rows) for i in range(NUMBERS)}
    return pd.DataFrame(
        numbers | {f"c{i}": _categories(rng, rows, SHARES) for i in range(CATEGORIES)}
    )


def _categories(rng: np.random.Generator, rows: int, shares: np.ndarray) -> pd.Series:
    return pd.Series(pd.Categorical.from_codes(rng.choice(5, rows, p=shares), list("abcde")))
