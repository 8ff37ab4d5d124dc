"""Services as gauges: which signs of each layer an incident shows, and at which service."""

import re
from collections.abc import Iterable

import networkx as nx
import numpy as np
import pandas as pd

from aiopslab.overview.causes_gauges import Gauge

# The first that a metric, or an alert, is named by; what else a service shows is of its own.
SIGNS = {
    "demand": r"request[._]rate|active_requests|hit_ratio|cached|items|requests_total",
    "felt": r"helpful|rating|feedback|grounded",
    "index signs": r"index|retriev|document|vector|similar|stale|chunk",
    "token signs": r"token|cost|gen_ai\.client",
    "classifier signs": r"classif|doubt|unsure|confiden|score|predict|rout",
}
GOLDEN = {"latency", "errors"}  # signals that a service shows whatever it is about
PLAIN = ("http.", "process.", "db.")  # what any service has, whatever it is about
LOAD = r"cpu|memory|queue|throttl|saturat"
READ = {"metric", "alert", "error"}
NAMES = {
    ("load", True): "model server load",
    ("load", False): "service signs",
    ("service signs", True): "model server signs",
    ("service signs", False): "service signs",
}
BRIEF = 0.02  # share of the time since, below which an alert that fires says nothing
LOW, HIGH = 0.4, 1.0  # of the bar of an ordinary day: from and above which a sign has moved


def service_gauges(
    suspects: pd.DataFrame, bar: float, topology: pd.DataFrame | None
) -> list[Gauge]:
    """Read the gauges of services from the suspects of an incident.

    Parameters
    ----------
    suspects, bar
        Of an `IncidentAnalysis`.
    topology
        The call graph, if there is one.

    Returns
    -------
    list of Gauge
        One a service and kind of signs. What a service shows that a service it calls shows as
        much is a symptom, and left out.
    """
    if suspects.empty:
        return []
    is_brief = (suspects["kind"] == "alert") & (suspects["after"] < BRIEF)
    read = suspects[suspects["kind"].isin(READ) & ~is_brief]
    named = [sign_of(*each) for each in read[["kind", "name", "signal"]].itertuples(index=False)]
    strongest = (
        read.assign(sign=named)
        .sort_values("strength", ascending=False, kind="stable")
        .drop_duplicates(["service", "sign"])
    )
    strongest = strongest[~strongest["sign"].isin(["demand", "felt"])]
    models = model_services(suspects)
    below = _below(topology, strongest["service"])
    own = strongest[strongest["sign"] == "service signs"].set_index("service")["strength"]
    told = []
    columns = ["service", "kind", "name", "sign", "strength", "before", "after"]
    for service, kind, what, sign, strength, before, after in strongest[columns].values.tolist():
        moved = float(np.clip((strength / bar - LOW) / (HIGH - LOW), 0, 1))
        if sign in {"load", "service signs"}:
            called = [float(own.get(each, 0.0)) for each in below.get(service, ())]
            # Callee before caller: what it waits for explains as much of it.
            if sign == "service signs" and max(called, default=0.0) >= LOW * bar:
                continue
        name = NAMES.get((sign, service in models), sign)
        change = f", from {before:.3g} to {after:.3g}" if kind == "metric" else ""
        told.append(Gauge(name, str(service), moved, f"{what} of {service}{change}"))
    return told


def sign_of(kind: str, name: str, signal: str) -> str:
    """Return the kind of signs that a metric, an alert or an error is one of.

    Examples
    --------
    >>> sign_of("metric", "index.age_s", ""), sign_of("alert", "HighLatency", "latency")
    ('index signs', 'service signs')
    """
    if re.search(LOAD, name, re.IGNORECASE):
        return "load"
    is_plain = name.startswith(PLAIN) and not re.search(SIGNS["demand"], name)
    if kind == "error" or signal in GOLDEN or is_plain:
        return "service signs"
    text = name.lower()
    return next((sign for sign, words in SIGNS.items() if re.search(words, text)), "service signs")


def model_services(suspects: pd.DataFrame) -> set[str]:
    """Return the services that count tokens, which are those that serve a language model."""
    counting = suspects["name"].astype(str).str.contains(r"gen_ai|token", case=False)
    return set(suspects.loc[counting & (suspects["kind"] == "metric"), "service"].astype(str))


def _below(topology: pd.DataFrame | None, services: Iterable[str]) -> dict[str, set[str]]:
    if topology is None or topology.empty:
        return {}
    graph = nx.from_pandas_edgelist(topology, "caller", "callee", create_using=nx.DiGraph)
    return {
        each: nx.descendants(graph, each) - nx.ancestors(graph, each)
        for each in set(services) & set(graph)
    }
