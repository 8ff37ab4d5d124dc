"""The embedded recordings of the rehearsal: faults of our own whose truth is known."""

import numpy as np
import pandas as pd

from aiopslab import sources
from aiopslab.incident import analyse
from benchmarks.harness import Figure, at_least


def figures() -> list[Figure]:
    ranks, errors, held, quiet, services, named = [], [], [], [], [], []
    for name in sources.samples.names():
        evidence = sources.open(f"sample://{name}")
        analysis = analyse(evidence.frames)
        truth = evidence.truth or {}
        if truth.get("fault") is None:
            quiet.append(not analysis.named)
            continue
        ranked = analysis.services["service"].tolist()
        cause = truth["root_cause_service"]
        ranks.append(ranked.index(cause) + 1 if cause in ranked else len(ranked) + 1)
        named.append(cause in analysis.named)
        services.append(len(ranked))
        started = pd.Timestamp(truth["started"])
        if analysis.onset is not None:
            errors.append(abs((analysis.onset.time - started).total_seconds()))
            held.append(analysis.onset.low <= started <= analysis.onset.high)
    n, chance = len(ranks), 1 / np.mean(services)
    note = f"{n} faults; chance {chance:.2f} at rank 1, {3 * chance:.2f} in the top 3"
    return [
        at_least("recordings: cause at rank 1", np.mean(np.array(ranks) == 1), 0.8, note=note),
        at_least("recordings: cause in the top 3", np.mean(np.array(ranks) <= 3), 1, note=note),
        Figure("recordings: cause named in the verdict", float(np.mean(named)), note=note),
        at_least(
            "recordings: no-fault runs left alone", np.mean(quiet), 1, note=f"{len(quiet)} run"
        ),
        Figure("recordings: median onset error", float(np.median(errors)), "s", note=f"{n} faults"),
        Figure(
            "recordings: onset interval holds the truth", float(np.mean(held)), note="95 % meant"
        ),
    ]
