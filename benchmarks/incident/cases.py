"""Public labelled incidents as an analysis is given them, and what it should say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from benchmarks.incident import data

SYSTEMS = ("petshop", "Online Boutique", "Train Ticket")
BEFORE, AFTER = pd.Timedelta("1h"), pd.Timedelta("4min")  # of a fault, that nezha's cases show
QUIET_ROWS, QUIET_STEP, NOTICED_ROW = 5, 15, 2  # windows like petshop's issues, cut from quiet days


@dataclass(frozen=True)
class Case:
    """Frames, a quiet time, when it was noticed, and the service it began in, if in any."""

    frames: Mapping[str, pd.DataFrame]
    baseline: Mapping[str, pd.DataFrame] | None
    onset: pd.Timestamp
    cause: str | None


def cases(system: str) -> Iterator[Case]:
    if system == "petshop":
        yield from petshop()
    for day in data.nezha_days().get(system, ()):
        yield from nezha(day)


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


def quiet_windows(traffic: str) -> Iterator[Case]:
    """Yield windows of a quiet day of petshop, cut and noticed like its issues."""
    issue = next(each for each in data.petshop() if each.traffic == traffic)
    quiet = issue.quiet[issue.quiet.notna().any(axis=1)]
    for row in range(0, len(quiet) - QUIET_ROWS, QUIET_STEP):
        window = quiet.iloc[row : row + QUIET_ROWS]
        frames = {"metrics": window, "topology": issue.topology}
        rest = {"metrics": quiet.drop(window.index)}
        yield Case(frames, rest, window.index[NOTICED_ROW], None)


def _between(
    name: str, table: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp
) -> pd.DataFrame:
    if name == "metrics":
        return table[(table.index >= start) & (table.index < end)]
    times = table["start" if name == "spans" else "timestamp"]
    return table[(times >= start) & (times < end)].reset_index(drop=True)
