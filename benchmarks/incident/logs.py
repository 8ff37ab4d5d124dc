"""Template mining: on the seven systems of loghub2k under one configuration, and what it costs."""

import json
import re
import resource
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from unittest import mock

import numpy as np
import pandas as pd
import psutil

from aiopslab.incident import templates
from benchmarks.harness import Figure, at_least
from benchmarks.incident import data

WHOLE = re.compile("(?!)")  # leaves "key=value" one word
SPEED = 20_000  # lines a CPU second, of ordinary lines
MB = 2**20
STATEMENTS = (
    "GET /api/v1/orders/{number} 200 in {few} ms",
    "user={name} logged in from 10.0.{few}.7",
    "cache miss for key {name}:{number} after {few} tries",
    "connection to db-{few} closed by peer",
    "loaded model {name} in {few}.5 s on device cuda:{few}",
    "2026-03-01T12:00:00.{few:03}Z WARN retry {few} of 5 for order #{number}",
)
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


def ordinary(number: int) -> Iterator[str]:
    """Yield lines of a few statements, with values of many and of few kinds in them."""
    for each in range(number):
        statement = STATEMENTS[each % len(STATEMENTS)]
        yield statement.format(number=each, few=each % 97, name=f"n{each % 991}")


def free_text(number: int, words: int = 8, letters: int = 7) -> list[str]:
    """Return lines of random words, none like another."""
    drawn = np.random.default_rng(0).integers(26, size=(number, words * (letters + 1))) + ord("a")
    drawn[:, letters :: letters + 1] = ord(" ")
    return [row.tobytes().decode().strip() for row in drawn.astype(np.uint8)]


def rate(lines: Iterable[str]) -> float:
    """Return the lines mined a CPU second."""
    began = time.process_time()
    number = len(templates.mine(lines).ids)
    return number / (time.process_time() - began)


def a_million() -> tuple[float, float]:
    """Return the lines a CPU second, and by how many MB the process grew at the most."""
    templates.mine(ordinary(1_000))
    before = psutil.Process().memory_info().rss
    speed = rate(ordinary(1_000_000))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return speed, (peak - before) / MB


def cost() -> list[Figure]:
    records = [
        json.dumps({"level": "info", "ts": each, "msg": line, "pod": f"auth-{each % 31}"})
        for each, line in enumerate(ordinary(100_000))
    ]
    prose = free_text(30_000)
    long = [(line * (MB // len(line) + 1))[:MB] for line in ordinary(60)]
    # Only a process of its own tells what it takes.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as apart_from_this:
        speed, growth = apart_from_this.submit(a_million).result()
    unit = "lines / CPU s"
    return [
        at_least(
            "template mining: 1,000,000 lines",
            speed,
            SPEED,
            unit,
            note=f"of {len(STATEMENTS)} statements, read from a generator",
        ),
        Figure(
            "template mining: memory for 1,000,000 lines",
            growth,
            "MB",
            note="most that the process held above what it held before; 8 MB are the result",
        ),
        at_least(
            "template mining: JSON lines",
            rate(records),
            SPEED,
            unit,
            note=f"{len(records):,} lines",
        ),
        Figure(
            "template mining: free text",
            rate(prose),
            unit,
            note=f"{len(prose):,} lines of random words, each a template of its own",
        ),
        Figure("template mining: lines of 1 MB", rate(long), unit, note=f"{len(long)} lines"),
    ]


def figures() -> list[Figure]:
    return [*cost(), *accuracy()]


def accuracy() -> list[Figure]:
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
            "template mining: loghub2k",
            lines / seconds,
            SPEED,
            "lines / CPU s",
            note=f"{lines} lines",
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
    scores = {}
    for similarity, depth, pair in GRID:
        with mock.patch.multiple(templates, SIMILARITY=similarity, DEPTH=depth, PAIR=pair):
            scores[similarity, depth, pair] = np.array(
                [
                    grouping_accuracy(each["EventId"], templates.mine(each["Content"]).ids)
                    for each in tables.values()
                ]
            )
    held = {}
    for place, name in enumerate(tables):
        best = max(GRID, key=lambda choice, place=place: np.delete(scores[choice], place).mean())
        similarity, depth, pair = best
        words = f"{similarity:g}, {depth}, {'none' if pair is WHOLE else '='}"
        held[name] = float(scores[best][place]), words
    return held
