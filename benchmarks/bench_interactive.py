"""The widgets: how long a person waits for each gesture, at which size."""

import warnings
from importlib import import_module
from typing import Any

from benchmarks.harness import Figure, publish

MEASURED = ("incident", "drift", "prompts", "retrieval", "overview", "launcher", "browser")


def measure() -> list[Figure]:
    modules = [import_module(f"benchmarks.interactive.{name}") for name in MEASURED]
    return [_figure(each) for module in modules for each in module.figures()]


def _figure(told: dict[str, Any]) -> Figure:
    target, value = told.get("target"), float(told["value"])
    return Figure(
        told["name"],
        value,
        "s",
        "" if target is None else f"<= {target:g}",
        None if target is None else value <= target,
        note=told.get("note", ""),
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    publish("interactive", measure())
