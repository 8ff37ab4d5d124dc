"""Runs reports one after another, in one process.

``python -m benchmarks.reports.runner HOW FOLDER`` takes the cases as JSON on standard input and
tells what each took on standard output.
"""

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from benchmarks.reports.cases import Case
from benchmarks.reports.cost import forked_cpu_s

Run = Callable[[Case], None]


def by_papermill(kernel: str, folder: Path) -> Run:
    import papermill

    def run(case: Case) -> None:
        papermill.execute_notebook(
            case.path,
            str(folder / "executed.ipynb"),
            case.parameters,
            kernel_name=kernel,
            progress_bar=False,
        )

    return run


def by_ours(folder: Path) -> Run:
    from aiopslab.kernels import warm_up

    warm_up()
    from aiopslab.reports.catalogue import load
    from aiopslab.reports.run import run as run_report

    def run(case: Case) -> None:
        record = run_report(load(Path(case.path)), case.parameters, folder)
        assert record.status == "finished", record.failure

    return run


def by_cells() -> Run:
    """Run the cells alone, in this process, which has imported everything."""
    from aiopslab.kernels import preload

    preload.begin([])
    for step in preload.usual():
        preload.take(step)
    preload.settle()
    preload.restore_threads({})
    from IPython.core.interactiveshell import InteractiveShell
    from papermill.translators import PythonTranslator

    shell = InteractiveShell.instance()

    def run(case: Case) -> None:
        shell.reset(new_session=False)
        cells = json.loads(Path(case.path).read_text())["cells"]
        with redirect_stdout(StringIO()):
            for cell in cells:
                if cell["cell_type"] != "code":
                    continue
                shell.run_cell("".join(cell["source"])).raise_error()
                if "parameters" in cell["metadata"].get("tags", []):
                    shell.run_cell(PythonTranslator.codify(case.parameters)).raise_error()

    return run


def main() -> None:
    warnings.simplefilter("ignore")
    how, folder = sys.argv[1], Path(sys.argv[2])
    cases = [Case(**each) for each in json.load(sys.stdin)]
    made: dict[str, Callable[[], Run]] = {
        "papermill": lambda: by_papermill("python3", folder),
        "warm": lambda: by_papermill("aiopslab", folder),
        "ours": lambda: by_ours(folder),
        "cells": by_cells,
    }
    run = made[how]()
    if how == "cells":  # what is made the first time only is not of the cells
        for case in {case.name: case for case in cases}.values():
            run(case)
    costs: list[dict[str, Any]] = []
    for case in cases:
        wall, cpu = time.perf_counter(), _cpu_s()
        run(case)
        costs.append(
            {
                "name": case.name,
                "wall_s": time.perf_counter() - wall,
                "cpu_s": _cpu_s() - cpu,
            }
        )
    print(json.dumps(costs))


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime + forked_cpu_s()


if __name__ == "__main__":
    main()
