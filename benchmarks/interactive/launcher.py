"""The launcher: seconds from a key or a click until all that is shown is new."""

import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from statistics import median
from typing import Any

from aiopslab.widgets import Launcher
from aiopslab.widgets.fields import Form

REPEATS = 15
BRUSH_S = 0.2  # within which an answer is felt as immediate


def figures() -> list[dict[str, Any]]:
    """Measure what a person waits for; how long a run takes is measured among the reports."""
    with tempfile.TemporaryDirectory() as folder:
        long, short = Launcher("prompt_ab", folder), Launcher("incident", folder)
        measured = [
            ("number", long, _typing(long, "confidence", "0.9", "2")),
            ("list in JSON", long, _typing(long, "candidates", '["embedded:plain"]', '["embed')),
            ("source", short, _typing(short, "evidence", "sample://no-fault", "sample://no-f")),
        ]
        rows = [
            (f"key typed into a {what}", _timed(act), _size(launcher))
            for what, launcher, act in measured
        ]
        rows += [
            ("slider of a number", _timed(_sliding(short, "confidence", 0.8, 0.9)), _size(short)),
            ("form of another template", _timed(lambda: Form(long.form.template)), _size(long)),
            ("click on Run until the kernel is free", _started(folder), "drift"),
        ]
    return [
        {"name": name, "value": value, "target": BRUSH_S, "note": f"{note}; median of {REPEATS}"}
        for name, value, note in rows
    ]


def _size(launcher: Launcher) -> str:
    return f"{launcher.selection['template']}, {len(launcher.form.fields)} fields"


def _timed(act: Callable[[], object]) -> float:
    act()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        act()
        times.append(time.perf_counter() - start)
    return median(times)


def _typing(launcher: Launcher, name: str, *texts: str) -> Callable[[], None]:
    typed, control = cycle(texts), launcher.form.fields[name].control

    def act() -> None:
        control.value = next(typed)

    return act


def _sliding(launcher: Launcher, name: str, *values: float) -> Callable[[], None]:
    moved, helper = cycle(values), launcher.form.fields[name].helper

    def act() -> None:
        helper.value = next(moved)

    return act


def _started(folder: str) -> float:
    """Return the median time that Run takes from the kernel; each run is stopped at once."""
    launcher, times = Launcher("drift", folder), []
    for _ in range(REPEATS):
        start = time.perf_counter()
        launcher.runs.start.click()
        times.append(time.perf_counter() - start)
        launcher.runs.stop.click()
        while launcher.runs.start.disabled:
            time.sleep(0.05)
    return median(times)
