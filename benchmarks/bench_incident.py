"""Accuracy of the incident analysis on labelled incidents, beside its peers, and its cost.

The public sets are read from where `benchmarks.incident.data` says; without them their figures
are left out. The whole takes about a quarter of an hour on two cores: what is timed goes first
and alone, the rest is spread over the cores. Some peers need a Python of their own, see
`benchmarks.incident.peers`.
"""

import warnings
from functools import partial

from rich.progress import track

from aiopslab.frames import FrameWarning
from benchmarks.harness import Figure, publish, spread
from benchmarks.incident import (
    alerts,
    changes,
    cost,
    data,
    forecast,
    logs,
    peers,
    ranking,
    recordings,
)
from benchmarks.incident.cases import SYSTEMS
from benchmarks.incident.studied import studied

TIMED = (cost, logs, forecast)
UNTIMED = (recordings, changes, peers, alerts)


def measure() -> list[Figure]:
    table = []
    for subject in track(TIMED, "what is timed"):
        table += subject.figures()
    sources = ["recordings"]
    if data.is_there():
        quiet = sorted({each.traffic for each in data.petshop()})
        # The longest first, so that no core waits for it at the end.
        sources = [*reversed(SYSTEMS), *(f"quiet {each}" for each in quiet), *sources]
    jobs = [*(partial(studied, each) for each in sources), *(each.figures for each in UNTIMED)]
    done = spread(jobs, "what is judged")
    for figures in done[len(sources) :]:
        table += figures
    if data.is_there():
        return table + ranking.figures(dict(zip(sources, done, strict=False)))
    return [*table, Figure("public incidents", float("nan"), note="not there: skipped")]


if __name__ == "__main__":
    warnings.simplefilter("ignore", FrameWarning)
    publish("incident", measure())
