"""Reports one after another, and the first of them."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.harness import Figure, at_least, at_most
from benchmarks.reports import cost
from benchmarks.reports.cases import CHEAP, Case, realistic, trivial
from benchmarks.reports.cost import Cost

MANY, LEAST_GAIN, MOST_OVER_CELLS, MOST_OVER_FIRST = 20, 5.0, 1.25, 1.1
HOW = {
    "papermill": "papermill API, cold kernels",
    "warm": "papermill API, warm kernels",
    "ours": "aiopslab run: page, scan, MLflow and gallery as well",
    "cells": "the cells alone, in one process",
}


def prepare(folder: Path) -> None:
    """Make what is made once: MLflow's store, and answers of the embedded model."""
    cases = [*trivial(folder, 1), *realistic(len(CHEAP))]
    with cost.own_parents():
        _run("ours", folder / "reports", cases)


def one_after_another(folder: Path) -> list[Figure]:
    figures = []
    for what, cases in (
        ("realistic", realistic(MANY)),
        ("trivial", trivial(folder, MANY)),
    ):
        whole: dict[str, Cost] = {}
        each: dict[str, list[dict[str, float | str]]] = {}
        for how in HOW:
            with cost.own_parents():
                whole[how], each[how] = _run(how, folder / "reports", cases)
        figures += _compared(what, whole, each)
    return figures


def _compared(
    what: str, whole: dict[str, Cost], each: dict[str, list[dict[str, float | str]]]
) -> list[Figure]:
    title = f"{MANY} {what} reports"
    cold = whole["papermill"]
    figures = [
        Figure(f"{title}: {HOW[how]}, wall", whole[how].wall_s, "s", note=f"{whole[how]}")
        for how in ("papermill", "warm", "ours")
    ]
    for how in ("warm", "ours"):
        beside = f"{HOW[how]}: {whole[how]}; papermill: {cold}"
        for unit in ("wall", "CPU"):
            gain = getattr(cold, f"{unit.lower()}_s") / getattr(whole[how], f"{unit.lower()}_s")
            name = f"{title}: times less {unit}, start included ({how})"
            figures.append(at_least(name, gain, LEAST_GAIN, "×", peer=beside))
    cells = _later(each["cells"])
    for how in ("warm", "ours"):
        ours = _later(each[how])
        beside = f"{HOW[how]}: {ours}; cells: {cells}"
        for unit in ("wall", "CPU"):
            times = getattr(ours, f"{unit.lower()}_s") / getattr(cells, f"{unit.lower()}_s")
            name = f"{title}: times the {unit} of the cells alone ({how})"
            note = f"the last {len(each[how]) - 1}, without the start of the parent"
            # Cells that do next to nothing are no yardstick.
            bound = MOST_OVER_CELLS if what == "realistic" else None
            figures.append(
                at_most(name, times, bound, "×", peer=beside, note=note)
                if bound
                else Figure(name, times, "×", peer=beside, note=note)
            )
    for name in dict.fromkeys(str(one["name"]) for one in each["cells"]):
        mean = {how: _mean(each[how], name) for how in HOW}
        told = "; ".join(f"{HOW[how]}: {mean[how]}" for how in HOW if how != "warm")
        figures.append(Figure(f"a report of {name}, wall", mean["warm"].wall_s, "s", peer=told))
    return figures


def first(folder: Path) -> list[Figure]:
    """The first report of a user who has no parent of kernels yet, each a command."""
    figures = []
    for case in [*trivial(folder, 1), *realistic(len(CHEAP))]:
        given = [
            text for key, value in case.parameters.items() for text in ("-y", _yaml(key, value))
        ]
        peer = [sys.executable, "-m", "papermill", case.path, str(folder / "first.ipynb")]
        peer += ["--no-progress-bar", *given]
        with cost.own_parents() as env:
            cold, _ = cost.of([*peer, "-k", "python3"], env=env)
        with cost.own_parents() as env:
            warm, _ = cost.of([*peer, "-k", "aiopslab"], env=env)
        with cost.own_parents() as env:
            values = [f"{key}={_text(value)}" for key, value in case.parameters.items()]
            asked = [text for value in values for text in ("-p", value)]
            ours, _ = cost.of(
                [*_aiopslab(), "run", case.path, *asked, "-o", str(folder / "reports")], env=env
            )
        for how, took in (("papermill with our kernel", warm), ("aiopslab run", ours)):
            figures.append(
                at_most(
                    f"first report, {case.name}: times papermill's wall ({how})",
                    took.wall_s / cold.wall_s,
                    MOST_OVER_FIRST,
                    "×",
                    peer=f"{how}: {took}; papermill: {cold}",
                )
            )
    return figures


def _aiopslab() -> list[str]:
    return [sys.executable, "-c", "from aiopslab.cli import main; main()"]


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _yaml(key: str, value: object) -> str:
    return json.dumps({key: value})


def _run(
    how: str, folder: Path, cases: Sequence[Case]
) -> tuple[Cost, list[dict[str, float | str]]]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.reports.runner", how, str(folder)]
    took, told = cost.of(command, json.dumps([case.to_json() for case in cases]))
    return took, json.loads(told.splitlines()[-1])


def _later(costs: Sequence[dict[str, float | str]]) -> Cost:
    return Cost(
        sum(float(each["wall_s"]) for each in costs[1:]),
        sum(float(each["cpu_s"]) for each in costs[1:]),
    )


def _mean(costs: Sequence[dict[str, float | str]], name: str) -> Cost:
    own = [each for each in costs[1:] if each["name"] == name]
    return Cost(
        sum(float(each["wall_s"]) for each in own) / len(own),
        sum(float(each["cpu_s"]) for each in own) / len(own),
    )
