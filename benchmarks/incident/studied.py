"""What the analysis says of every case: worked out once, read by every figure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab import sources
from aiopslab.incident import IncidentAnalysis, study
from aiopslab.incident.case import prepare
from aiopslab.incident.ranking import TOP_WEIGHTS, score
from benchmarks.incident.cases import Case, cases, quiet_windows

EXACT, LATE, UNKNOWN = "exact", "60 s late", "not given"
DELAY = {EXACT: pd.Timedelta(0), LATE: pd.Timedelta("60s")}
NOWHERE = 100  # the rank of a cause that is not ranked


@dataclass(frozen=True)
class Studied:
    """What is said of one case.

    Parameters
    ----------
    cause
        The service it began in; ``None`` where nothing happened.
    ranks
        Of the cause, by how the onset was given.
    probability
        Of the first, with the exact onset.
    names_somebody
        Whether any service is named.
    services
        Number of services ranked.
    strengths
        What speaks against each service, one array a service, by which it can be scored again.
    """

    cause: str | None
    ranks: Mapping[str, int]
    probability: float
    names_somebody: bool
    services: int
    strengths: Mapping[str, np.ndarray]

    def rank(self, weights: tuple[float, ...] = TOP_WEIGHTS) -> int:
        """Return the rank of the cause with other weights of what speaks most against a service."""
        scores = {
            name: float(score(each[None, :], np.zeros(each.size, int), 1, weights)[0, 0])
            for name, each in self.strengths.items()
        }
        ranked = sorted(scores, key=lambda name: (-scores[name], name))
        return ranked.index(self.cause) + 1 if self.cause in ranked else NOWHERE


def studied(source: str) -> list[Studied]:
    """Study every case of a system, ``recordings``, or the quiet days of ``quiet TRAFFIC``."""
    if source == "recordings":
        return list(_recordings())
    if source.startswith("quiet "):
        return [_studied(each, [EXACT]) for each in quiet_windows(source.removeprefix("quiet "))]
    return [_studied(each, [EXACT, LATE, UNKNOWN]) for each in cases(source)]


def _studied(case: Case, ways: Iterable[str]) -> Studied:
    prepared = prepare(case.frames, case.baseline)
    onsets = {way: case.onset + DELAY[way] if way in DELAY else None for way in ways}
    found = {way: study(prepared, onset) for way, onset in onsets.items()}
    return _said(found, case.cause)


def _recordings() -> Iterable[Studied]:
    for name in sources.samples.names():
        evidence = sources.open(f"sample://{name}")
        if evidence.truth and evidence.truth.get("fault"):
            prepared = prepare(evidence.frames)
            analysis = study(prepared, evidence.truth["started"])
            yield _said({EXACT: analysis}, evidence.truth["root_cause_service"])


def _said(found: Mapping[str, IncidentAnalysis], cause: str | None) -> Studied:
    exact = found[EXACT]
    probability = exact.services["probability"]
    telling = exact.suspects.drop_duplicates(["service", "signal"])
    telling = telling[telling["strength"] > 0]
    strengths = {
        str(name): its.to_numpy(dtype=float) for name, its in telling.groupby("service")["strength"]
    }
    return Studied(
        cause,
        {way: rank_of(each, cause) for way, each in found.items()},
        float(probability.iloc[0]) if len(probability) else 0.0,
        bool(exact.named),
        max(len(exact.services), 1),
        strengths,
    )


def rank_of(analysis: IncidentAnalysis, cause: str | None) -> int:
    ranked = analysis.services["service"].tolist()
    return ranked.index(cause) + 1 if cause in ranked else NOWHERE
