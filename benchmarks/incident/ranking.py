"""Which service: public labelled incidents, one configuration for every system, never pooled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from aiopslab.incident import IncidentAnalysis, analyse
from benchmarks.harness import Figure, at_least, at_most
from benchmarks.incident import data

BEFORE, AFTER = pd.Timedelta("1h"), pd.Timedelta("4min")  # of a fault, that nezha's cases show
LATE = pd.Timedelta("60s")
QUIET_ROWS, QUIET_STEP, NOTICED_ROW = 5, 15, 2  # windows like petshop's issues, cut from quiet days


@dataclass(frozen=True)
class Case:
    """What an analysis is given, and what it should say."""

    frames: Mapping[str, pd.DataFrame]
    baseline: Mapping[str, pd.DataFrame] | None
    onset: pd.Timestamp
    cause: str


def nezha(day: str) -> Iterator[Case]:
    tables = {
        "metrics": data.nezha_metrics(day),
        "spans": data.nezha_spans(day),
        "logs": data.nezha_logs(day),
    }
    quiet = {
        "spans": data.nezha_spans(day, "construct_data"),
        "logs": data.nezha_logs(day, "construct_data"),
    }
    baseline = {name: table for name, table in quiet.items() if table is not None} or None
    for fault in data.faults(day):
        frames = {
            name: _between(name, table, fault.time - BEFORE, fault.time + AFTER)
            for name, table in tables.items()
            if table is not None
        }
        yield Case(frames, baseline, fault.time, fault.service)


def petshop() -> Iterator[Case]:
    for issue in data.petshop():
        frames = {"metrics": issue.metrics, "topology": issue.topology}
        yield Case(frames, {"metrics": issue.quiet}, issue.time, issue.cause)


def rank_of(analysis: IncidentAnalysis, cause: str) -> int:
    ranked = analysis.services["service"].tolist()
    return ranked.index(cause) + 1 if cause in ranked else len(ranked) + 100


def accuracy(ranks: list[int], top: int) -> float:
    return float(np.mean(np.array(ranks) <= top))


def average_at_5(ranks: list[int]) -> float:
    return float(np.mean([accuracy(ranks, top) for top in range(1, 6)]))


@cache
def studied(system: str) -> tuple[tuple[int, float, int], ...]:
    """Return the rank of the cause, the probability of the first, and the number of services."""
    found = []
    for case in cases(system):
        analysis = analyse(case.frames, case.onset, case.baseline)
        first = analysis.services["probability"]
        likely = float(first.iloc[0]) if len(first) else 0.0
        found.append((rank_of(analysis, case.cause), likely, max(len(analysis.services), 1)))
    return tuple(found)


def cases(system: str) -> Iterator[Case]:
    if system == "petshop":
        yield from petshop()
    for day in data.nezha_days().get(system, ()):
        yield from nezha(day)


def figures() -> list[Figure]:
    if not data.is_there():
        return [Figure("public incidents", float("nan"), note="not there: skipped")]
    targets = {"petshop": (0.75, 0.95), "Online Boutique": (0.75, 0.9), "Train Ticket": (0.6, 0.85)}
    table = []
    for system, (first, three) in targets.items():
        ranks = [rank for rank, _, _ in studied(system)]
        chance = float(np.mean([1 / services for _, _, services in studied(system)]))
        note = f"{len(ranks)} cases; chance {chance:.2f} and {min(3 * chance, 1):.2f}"
        table += [
            at_least(f"{system}: AC@1", accuracy(ranks, 1), first, note=note),
            at_least(f"{system}: AC@3", accuracy(ranks, 3), three, note=note),
        ]
    return [*table, *left_alone(), *late_onset(), *calibration(targets)]


def left_alone() -> list[Figure]:
    """Windows of petshop's quiet days, cut and noticed like its issues, must name nobody."""
    table = []
    for traffic, issue in {each.traffic: each for each in data.petshop()}.items():
        quiet = issue.quiet[issue.quiet.notna().any(axis=1)]
        levels = []
        for row in range(0, len(quiet) - QUIET_ROWS, QUIET_STEP):
            window = quiet.iloc[row : row + QUIET_ROWS]
            analysis = analyse(
                {"metrics": window, "topology": issue.topology},
                window.index[NOTICED_ROW],
                {"metrics": quiet.drop(window.index)},
            )
            levels.append(not analysis.named)
        note = f"{len(levels)} windows"
        table.append(
            at_least(f"petshop {traffic}: quiet left alone", np.mean(levels), 0.9, note=note)
        )
    found = [bool(analyse(each.frames, each.onset, each.baseline).named) for each in petshop()]
    note = f"{len(found)} issues, by the same bar"
    table.append(Figure("petshop: issues that name somebody", float(np.mean(found)), note=note))
    return table


def late_onset() -> list[Figure]:
    table = []
    for system in ("Online Boutique", "Train Ticket"):
        exact = average_at_5([rank for rank, _, _ in studied(system)])
        ways = {"60 s late": LATE, "not given": None}
        for way, late in ways.items():
            ranks = [
                rank_of(
                    analyse(
                        each.frames, None if late is None else each.onset + late, each.baseline
                    ),
                    each.cause,
                )
                for each in cases(system)
            ]
            note = f"{len(ranks)} cases; Avg@5 {exact:.2f} to {average_at_5(ranks):.2f}"
            fall = exact - average_at_5(ranks)
            table.append(at_most(f"{system}: onset {way}, Avg@5 falls by", fall, 0.05, note=note))
    return table


def calibration(systems: Mapping[str, object]) -> list[Figure]:
    """How often the first is the cause, beside how likely it was said to be."""
    table = []
    for system in systems:
        said = float(np.mean([likely for _, likely, _ in studied(system)]))
        right = accuracy([rank for rank, _, _ in studied(system)], 1)
        note = f"said {said:.2f}, right {right:.2f}"
        table.append(
            Figure(f"{system}: probability of the first less AC@1", said - right, note=note)
        )
    return table


def _between(
    name: str, table: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp
) -> pd.DataFrame:
    if name == "metrics":
        return table[(table.index >= start) & (table.index < end)]
    times = table["start" if name == "spans" else "timestamp"]
    return table[(times >= start) & (times < end)].reset_index(drop=True)
