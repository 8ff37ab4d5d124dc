"""What an incident analysis shows: its tables, and the series worth drawing."""

from typing import cast

import numpy as np
import pandas as pd

from aiopslab.incident.conclusion import cut
from aiopslab.incident.metrics import SILENT

ROWS = 6  # series drawn as evidence
EACH = 3  # of them of one service


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
    """Return what speaks against some services, the strongest first."""
    its = suspects[suspects["service"].isin(shown) & (suspects["strength"] > 0)]
    its = its.drop_duplicates(["service", "signal"]).head(rows)
    table = its[["service", "kind", "name", "strength", "before", "after"]].round(3)
    return table.assign(name=[cut(str(each)) for each in table["name"]]).reset_index(drop=True)


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
