"""How near the onset is to the row at which drift began, and how often it is seen without any."""

import importlib.util
from collections.abc import Iterator

import numpy as np
import pandas as pd

from aiopslab.drift.history import drift_over_time
from benchmarks.drift import data
from benchmarks.harness import Figure, at_least, at_most, cpu_seconds

WINDOW = 500  # rows that an onset may be off
CAR_LOAN_ONSET = 25_000
# Three columns that drift, by what their authors say; two that are constant until that row.
CAR_LOAN_DRIFTS = {
    *("car_value", "loan_length", "repaid_loan_on_prev_car", "salary_range", "y_pred_proba"),
}
ELEC2_ONSET = 17_424 - data.ELEC2_TRAINING - data.ELEC2_REFERENCE
REPETITIONS = 200
RUPTURES_ROWS = 50  # in a block, as its cost grows with the square


def figures() -> list[Figure]:
    made = [*_stationary(), *_dependent(), _planted(), _cost()]
    if not data.is_there():
        return [*made, Figure("public sets with a known onset", float("nan"), note="not there")]
    return [*made, *_car_loan(), _elec2()]


def _car_loan() -> Iterator[Figure]:
    reference, current, roles = data.car_loan()
    history = drift_over_time(reference, current, roles)
    onset = history.onset
    off = abs(onset.row - CAR_LOAN_ONSET) if onset else len(current)
    yield at_most(
        "onset of car_loan, whole", off, WINDOW, "rows", peer=_ruptures(reference, current)
    )
    drifted = {each.feature: each for each in history.features if each.drifted}
    found = [
        each
        for name, each in drifted.items()
        if name in CAR_LOAN_DRIFTS and each.onset and abs(each.onset.row - CAR_LOAN_ONSET) <= WINDOW
    ]
    yield at_least(
        "car_loan columns dated within 500 rows", len(found), len(CAR_LOAN_DRIFTS), "of 5"
    )
    others = sorted(set(drifted) - CAR_LOAN_DRIFTS - {roles.target})
    yield at_most("car_loan columns that do not drift but are said to", len(others), 0)
    # Halves of rows without drift, in both orders.
    pairs = [
        (reference, current[:CAR_LOAN_ONSET]),
        *(
            (reference[a : a + 10_000], reference[a + 10_000 : a + 20_000])
            for a in range(0, 40_000, 10_000)
        ),
        *(
            (current[a : a + 5_000], current[a + 5_000 : a + 10_000])
            for a in range(0, 20_000, 5_000)
        ),
    ]
    seen = sum(drift_over_time(old, new, roles).onset is not None for old, new in pairs)
    yield at_most("onsets in parts of car_loan without drift", seen, 1, f"of {len(pairs)}")


def _elec2() -> Figure:
    history = drift_over_time(*data.elec2())
    constant = ("vicprice", "vicdemand", "transfer")
    off = [
        abs(each.onset.row - ELEC2_ONSET) if each.onset else np.inf
        for each in history.features
        if each.feature in constant
    ]
    return at_most("onset of elec2's three constants, worst", max(off), WINDOW, "rows")


def _stationary() -> Iterator[Figure]:
    for past, now in ((2_000, 2_000), (5_000, 20_000), (20_000, 3_000)):
        seen = sum(
            drift_over_time(_frame(past, seed), _frame(now, REPETITIONS + seed)).onset is not None
            for seed in range(REPETITIONS)
        )
        yield at_most(
            f"onset without drift, {past:,} against {now:,} rows",
            seen / REPETITIONS,
            0.05,
            note=f"{REPETITIONS} repetitions, 12 features",
        )


def _dependent() -> Iterator[Figure]:
    """Yield false alarms on autoregressions, whose windows move without any drift."""
    from scipy.signal import lfilter

    for dependence in (0.5, 0.9):
        seen = 0
        for seed in range(REPETITIONS // 2):
            noise = np.random.default_rng(seed).normal(size=(21_000, 8))
            values = pd.DataFrame(lfilter([1.0], [1.0, -dependence], noise, axis=0)[1_000:])
            seen += drift_over_time(values[:10_000], values[10_000:]).onset is not None
        yield at_most(
            f"onset without drift, rows that depend on the one before by {dependence}",
            seen / (REPETITIONS // 2),
            0.05,
            note=f"{REPETITIONS // 2} repetitions, 8 features, 10,000 rows each",
        )


def _planted() -> Figure:
    """Return how often the interval of a planted step holds it."""
    held = []
    for seed in range(REPETITIONS):
        rng = np.random.default_rng(seed)
        row = int(rng.integers(2_000, 8_000))
        now = _frame(10_000, REPETITIONS + seed)
        now["n0"] += rng.uniform(0.2, 1.0) * (np.arange(10_000) >= row)
        onset = drift_over_time(_frame(10_000, seed), now).onset
        held.append(onset is not None and onset.row_low <= row <= onset.row_high + 1)
    return at_least(
        "a planted step (.2 to 1 SD of one column) lies in its interval",
        float(np.mean(held)),
        0.9,
        note=f"{REPETITIONS} repetitions, intervals at .95",
    )


def _cost() -> Figure:
    rng = np.random.default_rng(0)
    rows = 1_000_000

    def table(shift: float) -> pd.DataFrame:
        numbers = {
            f"n{each}": rng.normal(size=rows) + shift * (np.arange(rows) > 600_000) * (each < 5)
            for each in range(40)
        }
        names = np.array([f"c{each}" for each in range(50)])
        texts = {f"s{each}": pd.Series(rng.choice(names, rows), dtype="str") for each in range(10)}
        return pd.DataFrame(numbers | texts)

    past, now = table(0.0), table(0.3)
    seconds = cpu_seconds(lambda: drift_over_time(past, now), repeats=1)
    return Figure("1M × 50 through time, of which 5 drift", seconds, "CPU s", note="60 windows")


def _frame(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns: dict[str, object] = {f"n{each}": rng.normal(size=rows) for each in range(6)}
    columns |= {
        "long tail": rng.standard_t(1.5, rows),
        "counts": rng.poisson(0.3, rows),
        "rare": rng.random(rows) < 0.02,
        "six": rng.choice(list("abcdef"), rows, p=[0.4, 0.3, 0.15, 0.1, 0.04, 0.01]),
        "many": rng.zipf(1.5, rows).astype(str),
        "gaps": np.where(rng.random(rows) < 0.01, np.nan, rng.normal(size=rows)),
    }
    return pd.DataFrame(columns)


def _ruptures(reference: pd.DataFrame, current: pd.DataFrame) -> str:
    """Return where the library of Truong et al. (2020) puts the one change of the columns."""
    if importlib.util.find_spec("ruptures") is None:
        return "ruptures is not installed"
    import ruptures

    numbers = current.select_dtypes(["number", "bool"]).drop(columns=["id", "repaid"])
    scaled = (numbers - reference[numbers.columns].mean()) / reference[numbers.columns].std()
    blocks = scaled.groupby(np.arange(len(scaled)) // RUPTURES_ROWS).mean().to_numpy(dtype=float)
    (change, _) = ruptures.Binseg(model="l2").fit(blocks).predict(n_bkps=1)
    off = abs(change * RUPTURES_ROWS - CAR_LOAN_ONSET)
    return f"ruptures, told that there is one: {off} rows"
