"""The retrieval room: what a sweep costs, whether its figures are right, what tuning is worth.

The public sets are read from where `benchmarks.retrieval.labelled` says; without them their figures
are left out. Subjects that are named as arguments are measured anew, and the figures of the others
stay as they were: ``python -m benchmarks.bench_retrieval sweep metrics``.
"""

import json
import sys
import warnings
from dataclasses import replace

from benchmarks.harness import RESULTS, Figure, publish
from benchmarks.retrieval import (
    hybrid,
    kill,
    metrics,
    scale,
    snapshots,
    study,
    sweep,
    tuning,
)

NAME = "retrieval"
SUBJECTS = {
    "sweep": sweep,
    "metrics": metrics,
    "study": study,
    "hybrid": hybrid,
    "tuning": tuning,
    "snapshots": snapshots,
    "kill": kill,
    "scale": scale,
}


def measure(names: list[str]) -> list[Figure]:
    """Return the figures of all subjects, those that are named measured now."""
    now = {}
    for name in names:
        print(f"{name} ...", flush=True)
        figures = SUBJECTS[name].figures()
        now[name] = [replace(each, name=f"{name}: {each.name}") for each in figures]
    known = _known() | now
    return [figure for name in SUBJECTS for figure in known.get(name, [])]


def _known() -> dict[str, list[Figure]]:
    """Return the figures that were kept, by subject."""
    path, known = RESULTS / f"{NAME}.json", {}
    if path.exists():
        for each in json.loads(path.read_text())["figures"]:
            subject = each["name"].split(":", 1)[0]
            known.setdefault(subject, []).append(Figure(**each))
    return known


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asked = sys.argv[1:] or [*SUBJECTS]
    if unknown := [each for each in asked if each not in SUBJECTS]:
        sys.exit(f"there is no subject {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    publish(NAME, measure(asked))
