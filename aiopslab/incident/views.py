"""What an incident analysis shows: its tables, and the series worth drawing."""

from dataclasses import dataclass
from html import escape
from typing import cast

import numpy as np
import pandas as pd

from aiopslab.incident.conclusion import cut
from aiopslab.incident.effect import UNITS
from aiopslab.incident.metrics import SILENT

FAINT = 0.05  # of the strongest suspect, below which one is only noise to a reader
ROWS = 6  # series drawn as evidence
EACH = 3  # of them of one service
# What else than a metric is measured in; the shares are of what the service does.
SHARES = {"alert": "of the time", "span": "of requests", "error": "of requests"}
SHARES |= {"log": "of requests"}
SPOKEN = {"operation": "own time of an operation", "span": "step", "error": "failure"}
SPOKEN |= {"log": "log line"}
PATHS = {"before_ms": "before (ms)", "after_ms": "after (ms)", "extra_ms": "difference (ms)"}


@dataclass(frozen=True)
class Listing:
    """A table to read, or a sentence where there is nothing in it.

    Parameters
    ----------
    table
        What is listed.
    nothing
        What is said where it has no rows.
    title
        Above the table, if any.
    """

    table: pd.DataFrame
    nothing: str
    title: str = ""

    def _repr_html_(self) -> str:
        title = f"<h4>{escape(self.title)}</h4>" if self.title else ""
        if self.table.empty:
            return f"{title}<p>{escape(self.nothing)}</p>"
        with pd.option_context("display.max_colwidth", None):  # cut where it was made
            return title + self.table.to_html(index=False, border=0, na_rep="")


def listing(table: pd.DataFrame, nothing: str, title: str = "") -> Listing:
    """Show a table, without its index, or say that there is nothing in it.

    Examples
    --------
    >>> listing(pd.DataFrame(columns=["template"]), "No log line changed.")._repr_html_()
    '<p>No log line changed.</p>'
    """
    return Listing(table, nothing, title)


def paths_listing(paths: pd.DataFrame) -> Listing:
    """Show where the slowest requests spend their time, as `slowest_paths` returns it.

    Examples
    --------
    >>> row = {"request": "GET /", "service": "auth", "operation": "login", "before_ms": 2.0,
    ...        "after_ms": 9.0, "extra_ms": 7.0}
    >>> list(paths_listing(pd.DataFrame([row])).table)[3:]
    ['before (ms)', 'after (ms)', 'difference (ms)']
    """
    return Listing(
        paths.rename(columns=PATHS),
        "There are no traces on both sides of an onset to compare.",
        "Where the slowest requests spend their time",
    )


def ranking_table(services: pd.DataFrame, suspects: pd.DataFrame) -> pd.DataFrame:
    """Return the services with their strongest suspect, best candidate first, from rank 1."""
    columns = ["service", "score", "low", "high", "probability", "kind", "name"]
    strongest = suspects.drop_duplicates("service").set_index("service")
    ranked = services[columns].join(strongest[["before", "after"]], on="service")
    ranked = ranked.set_axis(pd.RangeIndex(1, len(ranked) + 1))
    ranked["name"] = [cut(str(each)) for each in ranked["name"]]
    digits = {"score": 2, "low": 2, "high": 2, "probability": 2, "before": 4, "after": 4}
    return ranked.round(digits)


def suspects_table(suspects: pd.DataFrame, shown: list[str], rows: int) -> pd.DataFrame:
    """Return what speaks against some services, the strongest first, with units, less the faint."""
    its = suspects[suspects["service"].isin(shown) & (suspects["strength"] > 0)]
    its = its[its["strength"] >= FAINT * its["strength"].max()]
    its = its.drop_duplicates(["service", "signal"]).head(rows)
    told = zip(its["kind"], its["name"], its["before"], its["after"], strict=True)
    sides = [(said(kind, name, low), said(kind, name, high)) for kind, name, low, high in told]
    return pd.DataFrame(
        {
            "service": its["service"],
            "kind": [SPOKEN.get(each, each) for each in its["kind"]],
            "name": [cut(str(each)) for each in its["name"]],
            "strength": its["strength"].round(2),
            "before": [before for before, _ in sides],
            "after": [after for _, after in sides],
        }
    ).reset_index(drop=True)


def said(kind: str, name: str, value: float) -> str:
    """Write what was measured of a suspect with its unit.

    Parameters
    ----------
    kind, name
        Of the suspect, see `aiopslab.incident.suspects.find_suspects`.
    value
        Before or after.

    Examples
    --------
    >>> said("metric", "process.memory.usage_mb", 481.6), said("operation", "query", 4.82)
    ('482 MB', '4.82 ms')
    >>> said("alert", "MemoryGrowth", 0.475)
    '48 % of the time'
    """
    if np.isnan(value) or name == SILENT:
        return ""
    if kind in SHARES:
        return f"{100 * value:.0f} % {SHARES[kind]}"
    return measured("_ms" if kind == "operation" else name, value)


def measured(metric: str, value: float) -> str:
    """Write a value of a metric with the unit that its name ends in, if any.

    Examples
    --------
    >>> measured("process.memory.usage_mb", 2048), measured("process.cpu.utilization", 0.02512)
    ('2,048 MB', '0.0251')
    """
    unit = next((unit for ending, unit in UNITS.items() if metric.endswith(ending)), "")
    number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{number} {unit}".strip()


def templates_table(compared: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Return the log templates that changed, the most telling first, short enough to read."""
    changed = compared[compared["change"] != "steady"].head(rows)
    table = changed[["service", "severity", "change", "template", "before", "after"]]
    ratios = zip(changed["rate_ratio"], changed["low"], changed["high"], strict=True)
    intervals = [
        f"{_number(ratio)} ({_number(low)} to {_number(high)})"
        if np.isfinite(high)
        else f"at least {_number(low)}"
        for ratio, low, high in ratios
    ]
    table = table.assign(
        template=[cut(str(each)) for each in changed["template"]],
        first=pd.to_datetime(changed["first"], utc=True).dt.strftime("%H:%M:%S"),
        example=[cut(str(each)) for each in changed["example"]],
        trace=changed["trace_id"].fillna(""),
    )
    table.insert(6, "times as often (95 % interval)", intervals)
    return table.reset_index(drop=True)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"


def evidence_series(
    suspects: pd.DataFrame, series: pd.DataFrame, shown: list[str]
) -> list[tuple[str, str]]:
    """Return the series worth drawing, ``(service, metric)``: those of the first shown first."""
    metrics = suspects[(suspects["kind"] == "metric") & (suspects["name"] != SILENT)]
    order = {service: rank for rank, service in enumerate(shown)}
    if order:
        metrics = metrics[metrics["service"].isin(order)]
        metrics = metrics.loc[metrics["service"].map(order).sort_values(kind="stable").index]
    best = metrics.drop_duplicates(["service", "signal"])
    best = best.groupby("service", sort=False).head(EACH).head(ROWS)
    every = cast("list[tuple[str, str]]", series.columns.to_list())
    pairs = [each for each in zip(best["service"], best["name"], strict=True) if each in every]
    theirs = [each for each in every if each[0] in order]
    return pairs or theirs[:ROWS] or every[:ROWS]
