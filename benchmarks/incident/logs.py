"""Template mining on the seven systems of loghub2k, under one configuration."""

import re
import time
from itertools import product
from unittest import mock

import numpy as np
import pandas as pd

from aiopslab.incident import templates
from benchmarks.harness import Figure, at_least
from benchmarks.incident import data

WHOLE = re.compile("(?!)")  # leaves "key=value" one word
GRID = list(product((0.3, 0.4, 0.5, 0.6, 0.7, 0.8), (4, 5, 6), (templates.PAIR, WHOLE)))


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
    began = time.process_time()
    found = {name: templates.mine(each["Content"]).ids for name, each in tables.items()}
    seconds = time.process_time() - began
    lines = sum(map(len, tables.values()))
    ours = {name: grouping_accuracy(each["EventId"], found[name]) for name, each in tables.items()}
    peer = {
        name: grouping_accuracy(each["EventId"], unmasked(each["Content"]))
        for name, each in tables.items()
    }
    held = left_out(tables)
    return [
        at_least(
            "loghub2k: mean grouping accuracy",
            np.mean(list(ours.values())),
            0.85,
            peer=f"Drain3 as it comes: {np.mean(list(peer.values())):.3f}",
            note=f"{len(tables)} systems, one configuration",
        ),
        Figure(
            "loghub2k: mean grouping accuracy on the system left out",
            float(np.mean([accuracy for accuracy, _ in held.values()])),
            note=f"similarity, depth and delimiter chosen out of {len(GRID)} on the other six",
        ),
        at_least(
            "template mining", lines / seconds, 20_000, "lines / CPU s", note=f"{lines} lines"
        ),
        *(
            Figure(
                f"loghub2k {name}: grouping accuracy",
                ours[name],
                peer=f"Drain3 as it comes: {peer[name]:.3f}",
                note=f"{len(each)} lines of {each['EventId'].nunique()} events, chance "
                f"{apart(each):.2f}; left out {held[name][0]:.3f}, by {held[name][1]}",
            )
            for name, each in tables.items()
        ),
    ]


def apart(table: pd.DataFrame) -> float:
    """Return what no mining at all scores, each line a template of its own."""
    return float((table["EventId"].value_counts() == 1).sum() / len(table))


def left_out(tables: dict[str, pd.DataFrame]) -> dict[str, tuple[float, str]]:
    """Return what each system scores under the choice that is best on the other six."""
    accuracy = {}
    for similarity, depth, pair in GRID:
        with mock.patch.multiple(templates, SIMILARITY=similarity, DEPTH=depth, PAIR=pair):
            accuracy[similarity, depth, pair] = np.array(
                [
                    grouping_accuracy(each["EventId"], templates.mine(each["Content"]).ids)
                    for each in tables.values()
                ]
            )
    held = {}
    for place, name in enumerate(tables):
        best = max(GRID, key=lambda choice, place=place: np.delete(accuracy[choice], place).mean())
        similarity, depth, pair = best
        words = f"{similarity:g}, {depth}, {'none' if pair is WHOLE else '='}"
        held[name] = float(accuracy[best][place]), words
    return held
