"""Which change did it, or none: rootcausebench and the embedded recordings."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab import sources
from aiopslab.incident import IncidentAnalysis, analyse
from aiopslab.incident.clues import WEIGHTS
from aiopslab.incident.culprits import ChangeRanking, rank_changes, weigh
from benchmarks.harness import Figure, at_least, at_most, cpu_seconds
from benchmarks.incident import data, rootcausebench

SHIFTS = (0.5, 1.5)  # times each weight, one at a time
ONSET = pd.Timestamp("2026-03-01T12:00Z")


@dataclass(frozen=True)
class Ranked:
    """What was made of a case, and the truth: the culprit, or ``None``, and the decoys."""

    ranking: ChangeRanking
    without: ChangeRanking  # were the culprit not on the list
    first: str
    culprit: str | None
    decoys: tuple[str, ...]

    def is_right(self, ranking: ChangeRanking) -> bool:
        """Tell whether a ranking names the culprit alone, or none where no change did it."""
        return ranking.named == ([] if self.culprit is None else [self.culprit])


def ranked(
    analysis: IncidentAnalysis,
    onset: pd.Timestamp,
    changes: pd.DataFrame,
    culprit: str | None,
    decoys: Sequence[str],
) -> Ranked:
    context = (onset, analysis.services, analysis.suspects, analysis.case.topology)
    first = analysis.services["service"].iloc[0] if len(analysis.services) else ""
    return Ranked(
        rank_changes(changes, *context),
        rank_changes(changes[changes["ref"] != culprit], *context),
        str(first),
        culprit,
        tuple(decoys),
    )


def at_alert(case: rootcausebench.Case) -> Ranked:
    """Rank the changes of a case before its alert."""
    analysis = analyse(case.frames, case.fired)
    return ranked(analysis, case.fired, case.changes, case.culprit, case.decoys)


def from_telemetry(case: rootcausebench.Case) -> Ranked:
    """Rank the changes of a case before the time at which the telemetry says that it began."""
    analysis = analyse(case.frames)
    onset = min(analysis.started or case.fired, case.fired)
    return ranked(analysis, onset, case.changes, case.culprit, case.decoys)


def latest(case: rootcausebench.Case) -> str | None:
    """The peer of every war room: the last deploy before the alert."""
    deploys = case.changes[case.changes["kind"] == "deploy"]
    before = deploys[deploys["timestamp"] <= case.fired]
    return str(before.sort_values("timestamp")["ref"].iloc[-1]) if len(before) else None


def figures() -> list[Figure]:
    return [*recordings(), *(public() if data.is_there() else []), cost()]


def public() -> list[Figure]:
    cases = list(rootcausebench.cases())
    found = [at_alert(case) for case in cases]
    earlier = [from_telemetry(case) for case in cases]
    peers = [latest(case) for case in cases]
    outside = [each for each in found if each.culprit is None]
    first = [each.first == case.first for each, case in zip(found, cases, strict=True)]
    chance = np.mean([1 / (1 + len(case.changes)) for case in cases])
    note = f"{len(cases)} cases; chance {chance:.2f}"
    together = list(zip(peers, cases, strict=True))
    right_peer = np.mean([one == case.culprit for one, case in together])
    decoy_peer = np.mean([one in case.decoys for one, case in together])
    peer = "last deploy before the alert"
    return [
        at_least(
            "rootcausebench: culprit commit, or none",
            _right(found),
            0.6,
            peer=f"{peer}: {right_peer:.2f}; published 7 of 24",
            note=note,
        ),
        at_most(
            "rootcausebench: decoys blamed",
            _decoyed(found),
            0.1,
            peer=f"{peer}: {decoy_peer:.2f}",
            note=note,
        ),
        Figure(
            "rootcausebench: nobody blamed where no change did it",
            float(np.mean([not each.ranking.named for each in outside])),
            note=f"{len(outside)} cases",
        ),
        Figure(
            "rootcausebench: several named that cannot be told apart",
            float(np.mean([len(each.ranking.named) > 1 for each in found])),
            note=f"{note}; counted as wrong; the culprit is among them in {_among(found)}",
        ),
        Figure("rootcausebench: first failing service", float(np.mean(first)), note=note),
        Figure(
            "rootcausebench: culprit commit, or none, onset from the telemetry",
            _right(earlier),
            note=f"{note}; the figures above begin at the alert",
        ),
        Figure(
            "rootcausebench: decoys blamed, onset from the telemetry",
            _decoyed(earlier),
            note=note,
        ),
        hidden("rootcausebench", found),
        steadiness("rootcausebench", found),
    ]


def recordings() -> list[Figure]:
    found = []
    for name in sources.samples.names():
        evidence = sources.open(f"sample://{name}")
        truth = evidence.truth or {}
        if truth.get("fault") is None:
            continue
        analysis = analyse(evidence.frames)
        onset = analysis.started or pd.Timestamp(truth["started"])
        changes = evidence.frames["changes"]
        found.append(ranked(analysis, onset, changes, truth["culprit_change"], truth["decoys"]))
    note = f"{len(found)} faults"
    return [
        Figure("recordings: culprit change, or none", _right(found), note=note),
        Figure("recordings: decoys blamed", _decoyed(found), note=note),
        hidden("recordings", found),
        steadiness("recordings", found),
    ]


def hidden(name: str, found: Iterable[Ranked]) -> Figure:
    """Tell how often an innocent change is blamed where the guilty one is not on the list."""
    bereft = [each.without for each in found if each.culprit is not None]
    undecided = sum(len(each.named) > 1 for each in bereft)
    return Figure(
        f"{name}: somebody blamed once the culprit is taken off the list",
        float(np.mean([each.culprit is not None for each in bereft])),
        note=f"{len(bereft)} cases; in {undecided} more, several named that cannot be told apart",
    )


def steadiness(name: str, found: Sequence[Ranked]) -> Figure:
    """Tell how little the answers hang on the exact weights."""
    kept, right = [], []
    for weight in WEIGHTS:
        for shift in SHIFTS:
            weights = {**WEIGHTS, weight: shift * WEIGHTS[weight]}
            again = [weigh(each.ranking.changes, each.ranking.hosts, weights) for each in found]
            pairs = list(zip(found, again, strict=True))
            kept.append(np.mean([each.ranking.named == other.named for each, other in pairs]))
            right.append(np.mean([each.is_right(other) for each, other in pairs]))
    return Figure(
        f"{name}: answers kept when a weight is halved or raised by half",
        float(np.mean(kept)),
        note=f"{len(kept)} weightings of {len(found)} cases; right in {min(right):.2f} with the "
        f"worst of them, in {max(right):.2f} with the best",
    )


def cost(number: int = 10_000) -> Figure:
    """Measure the ranking of very many changes, each with a patch of ten lines."""
    rng = np.random.default_rng(0)
    after = pd.to_timedelta(rng.uniform(0, 7200, number), unit="s")
    diff = "\n".join(f"-total{i} = sum(a, {i})\n+count{i} = size(b, {i + 1})" for i in range(5))
    numbers = pd.Series(range(number))
    changes = pd.DataFrame(
        {
            "timestamp": ONSET - after,
            "kind": np.where(numbers % 2, "commit", "deploy"),
            "service": "s" + (numbers % 50).astype(str),
            "ref": "r" + (numbers // 3).astype(str),
            "description": "total of the index",
            "diff": diff,
        }
    )
    names = [f"s{each}" for each in range(50)]
    services = pd.DataFrame({"service": names, "probability": 1 / len(names)})
    suspects = pd.DataFrame({"service": ["s1"], "name": ["index timed out"], "strength": [3.0]})
    seconds = cpu_seconds(lambda: rank_changes(changes, ONSET, services, suspects), repeats=2)
    return Figure(f"changes: {number} ranked", seconds, "s", note="CPU")


def _right(found: Iterable[Ranked]) -> float:
    return float(np.mean([each.is_right(each.ranking) for each in found]))


def _decoyed(found: Iterable[Ranked]) -> float:
    return float(np.mean([each.ranking.culprit in each.decoys for each in found]))


def _among(found: Iterable[Ranked]) -> str:
    several = [each for each in found if len(each.ranking.named) > 1]
    return f"{sum(each.culprit in each.ranking.named for each in several)} of {len(several)}"
