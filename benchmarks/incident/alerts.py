"""Alert reduction on public labelled incidents: how much less to read, and is the cause in it.

To read is a row: a group, which lists its services, or the line of what was brief and is in none.
Kept is a cause that one of them names. Since every service that alerts is named, that asks only
whether any is lost; where in the order of reading the cause comes tells what the groups are worth.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.incident.alerts import AlertGroups, group_alerts
from benchmarks.harness import Figure, at_least
from benchmarks.incident import data

AROUND = pd.Timedelta("15min")
LIMIT = 3.0  # standard deviations
AFTER = pd.Timedelta("5min")
FIRST = (3, 5)  # services read
MAILER = (
    "raw: a static threshold a series at mean ± 3 σ of the data outside the window, evaluated once "
    "a row, sent again every row while it is over, resolved at the first row that is not"
)


@dataclass(frozen=True)
class Case:
    """One labelled fault: the metrics of its window, those outside it, the calls, the cause."""

    window: pd.DataFrame
    outside: pd.DataFrame
    topology: pd.DataFrame
    cause: str
    time: pd.Timestamp
    kind: str


def raw_alerts(window: pd.DataFrame, outside: pd.DataFrame) -> pd.DataFrame:
    """Return what a naive mailer sends of the rows in a window."""
    series = window.columns.intersection(outside.columns)
    mean, sigma = outside[series].mean(), outside[series].std()
    over = (window[series] - mean).abs() > LIMIT * sigma + 1e-9 * mean.abs()
    back = ~over & over.shift(fill_value=False) & window[series].notna()
    parts = []
    for state, cells in (("firing", over), ("resolved", back)):
        row, column = np.nonzero(cells.to_numpy())
        services = series.get_level_values("service")[column]
        metrics = series.get_level_values("metric")[column]
        parts.append(
            pd.DataFrame(
                {
                    "timestamp": window.index[row],
                    "name": metrics + " out of range",
                    "service": services,
                    "severity": "warning",
                    "state": state,
                    "fingerprint": services + "/" + metrics,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def nezha(day: str) -> Iterator[Case]:
    metrics, topology = data.nezha_metrics(day), calls(data.nezha_spans(day))
    for fault in data.faults(day):
        near = abs(metrics.index - fault.time) <= AROUND
        yield Case(metrics[near], metrics[~near], topology, fault.service, fault.time, fault.kind)


def petshop() -> Iterator[Case]:
    for issue in data.petshop():
        yield Case(
            issue.metrics, issue.quiet, issue.topology, issue.cause, issue.time, issue.traffic
        )


def calls(spans: pd.DataFrame) -> pd.DataFrame:
    """Return who calls whom, as the spans tell."""
    parents = spans.drop_duplicates("span_id").set_index("span_id")["service"]
    callers = spans["parent_span_id"].map(parents)
    pairs = pd.DataFrame({"caller": callers, "callee": spans["service"]}).dropna()
    return pairs[pairs["caller"] != pairs["callee"]].drop_duplicates(ignore_index=True)


def interval(window: pd.DataFrame) -> pd.Timedelta:
    return window.index.to_series().diff().median()


def figures() -> list[Figure]:
    """Measure every system by itself; none where the data are not there."""
    if not data.is_there():
        return []
    systems = {
        f"{name}": list(nezha(day)) for name, days in data.nezha_days().items() for day in days
    }
    systems["petshop"] = list(petshop())
    return [figure for name, cases in systems.items() for figure in measure(name, cases)]


def measure(system: str, cases: list[Case]) -> list[Figure]:
    raws = [raw_alerts(case.window, case.outside) for case in cases]
    grouped = [
        group_alerts(raw, case.topology, evaluation=interval(case.window))
        for raw, case in zip(raws, cases, strict=True)
    ]
    alerting = [
        case.cause in set(raw["service"][raw["state"] == "firing"])
        for raw, case in zip(raws, cases, strict=True)
    ]
    judged = [(g, c) for g, c, alerts in zip(grouped, cases, alerting, strict=True) if alerts]
    kept = [case.cause in set(groups.kept["service"]) for groups, case in judged]
    lasts = [case.cause in lasting(groups) for groups, case in judged]
    rooted = [case.cause == main_root(groups) for groups, case in judged]
    services = np.array([groups.alerts["service"].nunique() for groups, _ in judged])
    chance = np.mean([share(set(groups.kept["service"]), groups) for groups, _ in judged])
    among = np.mean([share(lasting(groups), groups) for groups, _ in judged])
    raw, shown = sum(g.raw for g in grouped), sum(g.to_read for g in grouped)
    fired = sum(int(g.alerts["episodes"].sum()) for g in grouped)
    named = sum(len(g.kept) for g in grouped)
    faults = f"{len(judged)} faults whose cause alerts"
    return [
        at_least(
            f"{system}: fewer alerts",
            1 - shown / raw,
            0.9,
            peer=f"without repeats alone: {1 - fired / raw:.2f}",
            note=f"{len(cases)} faults, {raw} alerts raw, {shown} rows to read; {MAILER}",
        ),
        Figure(
            f"{system}: fewer alerts, were each service that a row names one to read",
            1 - named / raw,
            note=f"{named} names in the {shown} rows",
        ),
        Figure(
            f"{system}: fewer alerts than times that a threshold was passed",
            1 - shown / fired,
            note=f"{fired} times: what a mailer that sends no repeats would send",
        ),
        at_least(
            f"{system}: cause kept in what is shown",
            np.mean(kept),
            0.95,
            note=f"{faults}; chance {chance:.2f}, the share of the alerting services that is named",
        ),
        Figure(
            f"{system}: cause among the services with an alert that lasts",
            float(np.mean(lasts)),
            note=f"{faults}; chance {among:.2f}, the share of the alerting services that has one",
        ),
        *read_first(system, judged),
        after(system, judged),
        Figure(
            f"{system}: cause alerts at all", float(np.mean(alerting)), note=f"{len(cases)} faults"
        ),
        Figure(
            f"{system}: likely root of the largest group is the cause",
            float(np.mean(rooted)),
            note=f"{faults}; chance {np.mean(1 / services):.2f}",
        ),
    ]


def read_first(system: str, judged: list[tuple[AlertGroups, Case]]) -> list[Figure]:
    """Tell how early the cause is read, by whoever reads row by row."""
    orders = [list(dict.fromkeys(groups.kept["service"].dropna())) for groups, _ in judged]
    ranks = [order.index(case.cause) for order, (_, case) in zip(orders, judged, strict=True)]
    sizes = np.array([len(order) for order in orders])
    return [
        Figure(
            f"{system}: cause among the first {first} services read",
            float(np.mean(np.array(ranks) < first)),
            note=f"{len(judged)} faults whose cause alerts; chance "
            f"{np.minimum(first / sizes, 1).mean():.2f}: {sizes.mean():.0f} services are named a "
            f"fault; by kind: {by_kind(judged, np.array(ranks) < first)}",
        )
        for first in FIRST
    ]


def after(system: str, judged: list[tuple[AlertGroups, Case]]) -> Figure:
    """Tell whether a fault shows in alerts at all: do those of its cause begin after it?"""
    begins, others = [], []
    for groups, case in judged:
        start = groups.alerts["start"]
        soon = start.between(case.time.floor(interval(case.window)), case.time + AFTER)
        begun = soon.groupby(groups.alerts["service"]).any()
        begins.append(begun[case.cause])
        others.append(begun.drop(case.cause).mean())
    return Figure(
        f"{system}: cause begins an alert in the five minutes after the fault",
        float(np.mean(begins)),
        peer=f"the other services that alert: {np.mean(others):.2f}",
        note=f"{len(judged)} faults whose cause alerts; by kind: {by_kind(judged, begins)}",
    )


def by_kind(judged: list[tuple[AlertGroups, Case]], true: Iterable[bool]) -> str:
    kinds = pd.Series(list(true)).groupby([case.kind for _, case in judged]).agg(["sum", "size"])
    return ", ".join(f"{kind} {row['sum']} of {row['size']}" for kind, row in kinds.iterrows())


def lasting(groups: AlertGroups) -> set[str]:
    return set(groups.alerts.loc[~groups.alerts["blip"], "service"])


def share(services: set[str], groups: AlertGroups) -> float:
    """Return the share of the alerting services that these are, which is what luck would keep."""
    return len(services) / groups.alerts["service"].nunique()


def main_root(groups: AlertGroups) -> str | None:
    table = groups.table()
    return None if table.empty else table.loc[table["size"].idxmax(), "root"]
