"""Two prompts on the embedded items and model, from an empty store to the verdict, and again."""

import os
import resource
import tempfile
import time
from pathlib import Path

from aiopslab.errors import PromptError
from aiopslab.models.files import SMOLLM2, fetch
from aiopslab.prompts.analysis import PromptAnalysis
from aiopslab.prompts.evaluation import evaluate
from aiopslab.prompts.items import open_items, open_prompt
from aiopslab.prompts.scorers.text import exact
from aiopslab.prompts.study import analyse
from benchmarks.harness import Figure, at_most

PROMPTS = ("embedded:plain", "embedded:examples")
ITEMS = "embedded:intents"
MOST_S = 180.0


def figures() -> list[Figure]:
    name = "embedded model, from an empty store to the verdict"
    try:
        fetch(SMOLLM2)
    except PromptError as error:
        return [Figure(name, float("nan"), "s", note=str(error))]
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.db"
        started, cpu = time.perf_counter(), _cpu()
        analysis = _analysed(path)
        headline = analysis.verdict().headline
        cold, cpu = time.perf_counter() - started, _cpu() - cpu
        warm = _analysed(path)
    difference = analysis.comparison.contrasts[0].difference
    chance = 1 / open_items(ITEMS)["expected"].nunique()
    progress = analysis.run.progress
    return [
        at_most(name, cold, MOST_S, "s", note=f"{progress.answered} calls; load {load:.1f}"),
        Figure("embedded model, CPU of the same", cpu, "s", note="one thread of the model"),
        Figure(
            "embedded model, gain of the prompt with examples",
            difference.value,
            note=f"{difference.low:.3f} to {difference.high:.3f}, n={difference.items}; right: "
            f"{difference.baseline:.3f} and {difference.candidate:.3f}, chance {chance:.3f}",
        ),
        Figure(
            "embedded model, exact McNemar p",
            difference.p,
            note=f"{difference.wins} won, {difference.losses} lost; verdict: {headline}",
        ),
        at_most(
            "embedded model, calls made in a warm rerun",
            warm.run.progress.answered,
            0,
            note=f"{warm.run.progress.reused} reused",
        ),
    ]


def _analysed(path: Path) -> PromptAnalysis:
    items = open_items(ITEMS)
    run = evaluate([open_prompt(each) for each in PROMPTS], items, store=path)
    return analyse(run, items, {"quality": exact("expected")})


def _cpu() -> float:
    """Return the CPU seconds of this process and its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)
