"""How often a comparison of prompts is right: intervals, false alarms, and peeking at items."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from aiopslab.prompts.differences import difference
from aiopslab.prompts.pairs import Pairs
from aiopslab.prompts.sequential import peek
from benchmarks.harness import Figure, at_least, at_most

SIMULATIONS = 1_000
PEEKED = 500  # items
LOOKS = 49
LEAST, MOST = 0.93, 0.98
ALARMS = 0.05


def figures() -> list[Figure]:
    table = []
    for name, (make, gain) in CASES.items():
        table += compared(name, make, gain)
    return [*table, *peeked()]


def pairs_of(
    baseline: np.ndarray, candidate: np.ndarray, groups: np.ndarray | None = None
) -> Pairs:
    places = np.arange(len(baseline))
    single = bool(np.isin(np.concatenate([baseline, candidate]), (0, 1)).all())
    sides = (np.asarray(each, dtype=np.float64) for each in (baseline, candidate))
    return Pairs(places.astype(object), *sides, places if groups is None else groups, single)


def answers(items: int, share: float, gain: float) -> Callable[[np.random.Generator], Pairs]:
    """Right and wrong answers of two prompts that find much the same items hard."""

    def make(rng: np.random.Generator) -> Pairs:
        scores = np.sqrt(0.5) * (rng.normal(size=items) + rng.normal(size=(2, items)))
        return pairs_of(*(scores < stats.norm.ppf([share, share + gain])[:, None]))

    return make


def grouped(gain: float) -> Callable[[np.random.Generator], Pairs]:
    """30 groups of 10 items, of whose differences .3 is the group's."""

    def make(rng: np.random.Generator) -> Pairs:
        groups = np.repeat(np.arange(30), 10)
        shared = np.sqrt(0.3) * rng.normal(size=30)[groups]
        return pairs_of(np.zeros(300), gain + shared + np.sqrt(0.7) * rng.normal(size=300), groups)

    return make


def repeated(items: int, gain: float) -> Callable[[np.random.Generator], Pairs]:
    """The share of five answers that are right."""

    def make(rng: np.random.Generator) -> Pairs:
        easy = rng.uniform(0.1, 0.8, items)
        return pairs_of(*(rng.binomial(5, easy + more) / 5 for more in (0, gain)))

    return make


CASES = {
    "30 answers": (answers(30, 0.6, 0), 0.0),
    "30 answers, 15 points": (answers(30, 0.6, 0.15), 0.15),
    "50 answers": (answers(50, 0.6, 0), 0.0),
    "500 answers, 5 points": (answers(500, 0.6, 0.05), 0.05),
    "30 items, 5 repetitions": (repeated(30, 0), 0.0),
    "100 items, 5 repetitions, 10 points": (repeated(100, 0.1), 0.1),
    "30 groups of 10": (grouped(0), 0.0),
    "30 groups of 10, .3 SD": (grouped(0.3), 0.3),
}


def compared(name: str, make: Callable[[np.random.Generator], Pairs], gain: float) -> list[Figure]:
    rng = np.random.default_rng(len(name))
    found = [difference(make(rng)) for _ in range(SIMULATIONS)]
    held = np.mean([each.low <= gain <= each.high for each in found])
    note = f"{SIMULATIONS} simulations"
    shown = [
        Figure(
            f"{name}: interval holds the truth",
            float(held),
            "",
            f"{LEAST} to {MOST}",
            bool(LEAST <= held <= MOST),
            note=note,
        )
    ]
    if not gain:
        alarms = float(np.mean([each.p <= ALARMS for each in found]))
        error = np.sqrt(ALARMS * (1 - ALARMS) / SIMULATIONS)
        told = f"{note}, whose share has a standard error of {error:.3f}"
        shown.append(at_most(f"{name}: false alarms", alarms, ALARMS, note=told))
    return shown


def peeked() -> list[Figure]:
    """Look 49 times at 500 items."""
    rng = np.random.default_rng(0)
    looks = np.linspace(PEEKED / LOOKS, PEEKED, LOOKS).astype(int)
    table = []
    for gain in (0.0, 0.08):
        drawn = rng.random((SIMULATIONS, PEEKED))
        runs = np.where(drawn < (0.2 + gain) / 2, 1.0, np.where(drawn < 0.2, -1.0, 0.0))
        ours = np.mean([peek(each).p[looks - 1].min() <= 0.05 for each in runs])
        wins, losses = (runs > 0).cumsum(axis=1), (runs < 0).cumsum(axis=1)
        told = (wins + losses)[:, looks - 1]
        naive = 2 * stats.binom.sf(np.maximum(wins, losses)[:, looks - 1] - 1, told, 0.5)
        beside = f"McNemar at each look: {np.mean((naive <= 0.05).any(axis=1)):.3f}"
        note = f"{SIMULATIONS} runs of {PEEKED} items, {LOOKS} looks, .2 of the items tell apart"
        if gain:
            table.append(at_least("peeking: 8 points are found", ours, 0.8, peer=beside, note=note))
        else:
            table.append(at_most("peeking: false alarms", ours, ALARMS, peer=beside, note=note))
    return table
