"""What reports cost beside papermill in time, size and memory, and how they bear kills."""

import sys
import tempfile
import warnings
from pathlib import Path

from benchmarks.harness import Figure, at_most, child_cpu_seconds, publish
from benchmarks.reports import chaos, memory, pages, serial

PYTHON = sys.executable
BIN = Path(PYTHON).parent


def start() -> list[Figure]:
    bare = child_cpu_seconds([PYTHON, "-c", ""])
    peer = f"bare Python: {bare:.2f} CPU s, taken off"
    library = child_cpu_seconds([PYTHON, "-c", "import aiopslab"]) - bare
    shown = child_cpu_seconds([str(BIN / "aiopslab"), "--help"])
    return [
        at_most("import aiopslab", library, 0.2, "CPU s", peer=peer),
        at_most("aiopslab --help", shown, 0.5, "CPU s"),
    ]


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        serial.prepare(folder)
        return [
            *start(),
            *serial.one_after_another(folder),
            *serial.first(folder),
            *pages.rendering(folder),
            *pages.size(folder),
            *memory.taken(folder),
            *chaos.survived(folder),
        ]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    publish("reports", measure())
