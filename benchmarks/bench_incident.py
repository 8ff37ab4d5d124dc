"""Accuracy on the embedded recordings, and cost against size, of the incident analysis."""

import numpy as np
import pandas as pd

from aiopslab import sources
from aiopslab.incident import analyse
from benchmarks.harness import Figure, at_least, at_most, cpu_seconds, publish


def recordings() -> list[Figure]:
    ranks, errors, held, quiet, services = [], [], [], [], []
    for name in sources.samples.names():
        evidence = sources.open(f"sample://{name}")
        analysis = analyse(evidence.metrics)
        fault = (evidence.truth or {}).get("fault")
        if fault is None:
            quiet.append(analysis.verdict().level == "ok")
            continue
        ranked = analysis.services["service"].tolist()
        cause = evidence.truth["root_cause_service"]
        ranks.append(ranked.index(cause) + 1 if cause in ranked else len(ranked) + 1)
        services.append(len(ranked))
        started = pd.Timestamp(evidence.truth["started"])
        if analysis.onset is not None:
            errors.append(abs((analysis.onset.time - started).total_seconds()))
            held.append(analysis.onset.low <= started <= analysis.onset.high)
    n, chance = len(ranks), 1 / np.mean(services)
    note = f"{n} faults; chance {chance:.2f} at rank 1, {3 * chance:.2f} in the top 3"
    return [
        at_least("recordings: cause in the top 3", np.mean(np.array(ranks) <= 3), 1, note=note),
        Figure("recordings: cause at rank 1", float(np.mean(np.array(ranks) == 1)), note=note),
        at_least(
            "recordings: no-fault runs left alone", np.mean(quiet), 1, note=f"{len(quiet)} run"
        ),
        Figure("recordings: median onset error", float(np.median(errors)), "s", note=f"{n} faults"),
        Figure(
            "recordings: onset interval holds the truth", float(np.mean(held)), note="95 % meant"
        ),
    ]


def noise(series: int, rows: int) -> pd.DataFrame:
    columns = pd.MultiIndex.from_tuples([(f"s{i // 10}", f"m{i % 10}") for i in range(series)])
    values = np.random.default_rng(0).normal(size=(rows, series))
    values[rows * 2 // 3 :, : series // 20] += 8
    return pd.DataFrame(
        values, pd.date_range("2026-03-01", periods=rows, freq="s", tz="UTC"), columns
    )


def cost() -> list[Figure]:
    large = noise(1_000, 600)
    floor = cpu_seconds(large.rank)
    seconds = {
        size: cpu_seconds(lambda size=size: analyse(noise(*size)), 3)
        for size in [(1_000, 600), (250, 600), (1_000, 150)]
    }
    whole = seconds[1_000, 600]
    peer = f"ranking the values alone: {floor:.3g} CPU s"
    return [
        at_most("1,000 series x 600 points", whole, 1, "CPU s", peer=peer),
        at_most("4 times the series cost", whole / seconds[250, 600], 5, "times"),
        at_most("4 times the points cost", whole / seconds[1_000, 150], 5, "times"),
    ]


if __name__ == "__main__":
    publish("incident", [*recordings(), *cost()])
