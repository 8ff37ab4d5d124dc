"""Which change did it, or none: rootcausebench and the embedded recordings."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from aiopslab import sources
from aiopslab.incident import analyse, rank_changes
from aiopslab.incident.culprits import ChangeRanking
from benchmarks.harness import Figure, at_least, at_most
from benchmarks.incident import data, rootcausebench


def ranked(case: rootcausebench.Case) -> tuple[ChangeRanking, str]:
    analysis = analyse(case.frames, case.fired)
    ranking = rank_changes(
        case.changes, case.fired, analysis.services, analysis.suspects, analysis.case.topology
    )
    first = analysis.services["service"].iloc[0] if len(analysis.services) else ""
    return ranking, str(first)


def latest(case: rootcausebench.Case) -> str | None:
    """The peer of every war room: the last deploy before the alert."""
    deploys = case.changes[case.changes["kind"] == "deploy"]
    before = deploys[deploys["timestamp"] <= case.fired]
    return str(before.sort_values("timestamp")["ref"].iloc[-1]) if len(before) else None


def figures() -> list[Figure]:
    return [*recordings(), *(public() if data.is_there() else [])]


def public() -> list[Figure]:
    cases = list(rootcausebench.cases())
    found = [ranked(case) for case in cases]
    blamed = [ranking.culprit for ranking, _ in found]
    peers = [latest(case) for case in cases]
    right = [one == case.culprit for one, case in zip(blamed, cases, strict=True)]
    outside = [one for one, case in zip(blamed, cases, strict=True) if case.culprit is None]
    decoyed = [one in case.decoys for one, case in zip(blamed, cases, strict=True)]
    first = [service == case.first for (_, service), case in zip(found, cases, strict=True)]
    chance = np.mean([1 / (1 + len(case.changes)) for case in cases])
    note = f"{len(cases)} cases; chance {chance:.2f}"

    def share(pick: Callable[[str | None, rootcausebench.Case], bool]) -> float:
        return float(np.mean([pick(one, case) for one, case in zip(peers, cases, strict=True)]))

    right_peer = share(lambda one, case: one == case.culprit)
    decoy_peer = share(lambda one, case: one in case.decoys)
    peer = "last deploy before the alert"
    return [
        at_least(
            "rootcausebench: culprit commit, or none",
            np.mean(right),
            0.6,
            peer=f"{peer}: {right_peer:.2f}; published 7 of 24",
            note=note,
        ),
        at_most(
            "rootcausebench: decoys blamed",
            np.mean(decoyed),
            0.1,
            peer=f"{peer}: {decoy_peer:.2f}",
            note=note,
        ),
        Figure(
            "rootcausebench: nobody blamed where no change did it",
            float(np.mean([one is None for one in outside])),
            note=f"{len(outside)} cases",
        ),
        Figure("rootcausebench: first failing service", float(np.mean(first)), note=note),
    ]


def recordings() -> list[Figure]:
    right = []
    for name in sources.samples.names():
        evidence = sources.open(f"sample://{name}")
        truth = evidence.truth or {}
        if truth.get("fault") is None:
            continue
        analysis = analyse(evidence.frames)
        ranking = rank_changes(
            evidence.get("changes"),
            analysis.started or pd.Timestamp(truth["started"]),
            analysis.services,
            analysis.suspects,
            analysis.case.topology,
        )
        right.append(ranking.culprit == truth["culprit_change"])
    return [
        Figure(
            "recordings: culprit change, or none",
            float(np.mean(right)),
            note=f"{len(right)} faults",
        )
    ]
