"""The widgets: how long a person waits for each gesture, at which size."""

import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.harness import Figure, publish

PAGE = Path(__file__).parents[1] / "docs" / "interactive.md"
BEGIN, END = "<!-- latencies: written by make bench-interactive -->", "<!-- end -->"
MEASURED = ("incident", "drift", "prompts", "retrieval", "overview", "launcher")


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


def table(figures: Sequence[Figure]) -> str:
    """Return the table of the documentation, in Markdown."""
    rows = ["| gesture | seconds | target | size |", "|---|---|---|---|"]
    for each in figures:
        missed = " **missed**" if each.ok is False else ""
        rows.append(f"| {each.name} | {each.value:.3f} | {each.target}{missed} | {each.note} |")
    return "\n".join(rows)


def document(figures: Sequence[Figure]) -> None:
    """Write the table into its page of the documentation."""
    text = PAGE.read_text()
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    PAGE.write_text(f"{head}{begin}\n{table(figures)}\n{end}{tail}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    measured = measure()
    publish("interactive", measured)
    document(measured)
