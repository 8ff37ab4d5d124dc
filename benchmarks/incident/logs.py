"""Template mining on the seven systems of loghub2k, under one configuration."""

import time
from itertools import product
from unittest import mock

import numpy as np
import pandas as pd

from aiopslab.incident import templates
from benchmarks.harness import Figure, at_least
from benchmarks.incident import data

GRID = list(product((0.3, 0.4, 0.5), (4, 5, 6)))  # similarity and depth of Drain


def systems() -> dict[str, pd.DataFrame]:
    files = sorted((data.INCIDENTS / "loghub2k").glob("*/*_2k.log_structured.csv"))
    return {file.parent.name: pd.read_csv(file, dtype=str) for file in files}


def grouping_accuracy(truth: pd.Series, found: np.ndarray) -> float:
    """Return the share of lines whose template holds exactly the lines of its true event."""
    table = pd.DataFrame({"truth": truth.to_numpy(), "found": found})
    pairs = table.groupby("found")["truth"].agg(["nunique", "size", "first"])
    whole = table["truth"].value_counts()
    right = (pairs["nunique"] == 1) & (pairs["size"] == whole.reindex(pairs["first"]).to_numpy())
    return float(pairs.loc[right, "size"].sum() / len(table))


def unmasked(bodies: pd.Series) -> np.ndarray:
    """Drain3 as it comes: its own defaults, no masks."""
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    miner = TemplateMiner(config=TemplateMinerConfig())
    return np.array([miner.add_log_message(each)["cluster_id"] for each in bodies.fillna("")])


def figures() -> list[Figure]:
    if not data.is_there():
        return [Figure("loghub2k", float("nan"), note="not there: skipped")]
    tables = systems()
    ours, peers, table = [], [], []
    began = time.process_time()
    found = {name: templates.mine(each["Content"]).ids for name, each in tables.items()}
    seconds = time.process_time() - began
    for name, each in tables.items():
        ours.append(grouping_accuracy(each["EventId"], found[name]))
        peers.append(grouping_accuracy(each["EventId"], unmasked(each["Content"])))
        table.append(
            Figure(
                f"loghub2k {name}: grouping accuracy",
                ours[-1],
                peer=f"Drain3 as it comes: {peers[-1]:.3f}",
                note=f"{len(each)} lines",
            )
        )
    lines = sum(map(len, tables.values()))
    return [
        at_least(
            "loghub2k: mean grouping accuracy",
            float(np.mean(ours)),
            0.85,
            peer=f"Drain3 as it comes: {np.mean(peers):.3f}",
            note=f"{len(tables)} systems, one configuration",
        ),
        left_out(tables),
        at_least(
            "template mining", lines / seconds, 20_000, "lines / CPU s", note=f"{lines} lines"
        ),
        *table,
    ]


def left_out(tables: dict[str, pd.DataFrame]) -> Figure:
    """Choose similarity and depth on six systems, measure on the seventh."""
    accuracy = {}
    for similarity, depth in GRID:
        with mock.patch.multiple(templates, SIMILARITY=similarity, DEPTH=depth):
            accuracy[similarity, depth] = [
                grouping_accuracy(each["EventId"], templates.mine(each["Content"]).ids)
                for each in tables.values()
            ]
    held = []
    for number in range(len(tables)):
        others = {choice: np.delete(each, number).mean() for choice, each in accuracy.items()}
        held.append(accuracy[max(others, key=lambda choice: others[choice])][number])
    note = "similarity and depth chosen on the other six"
    return Figure("loghub2k: mean accuracy on the system left out", float(np.mean(held)), note=note)
