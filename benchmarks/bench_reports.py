"""What a report costs: the start of the command, and one incident report beside papermill alone."""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness import Figure, at_most, child_cpu_seconds, publish

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable
BIN = Path(PYTHON).parent
TEMPLATE = ROOT / "templates" / "incident.ipynb"


def start() -> list[Figure]:
    bare = child_cpu_seconds([PYTHON, "-c", ""])
    peer = f"bare Python: {bare:.2f} CPU s, taken off"
    library = child_cpu_seconds([PYTHON, "-c", "import aiopslab"]) - bare
    shown = child_cpu_seconds([str(BIN / "aiopslab"), "--help"])
    return [
        at_most("import aiopslab", library, 0.2, "CPU s", peer=peer),
        at_most("aiopslab --help", shown, 0.5, "CPU s"),
    ]


def measured(command: list[str]) -> tuple[float, float]:
    """Return wall and CPU seconds of a command and its children."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - started, cpu


def one_report() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        ours = [str(BIN / "aiopslab"), "run", "incident", "-o", f"{folder}/reports"]
        measured(ours)  # the first run makes the MLflow store
        wall, cpu = measured(ours)
        peer_wall, peer_cpu = measured(
            [str(BIN / "papermill"), str(TEMPLATE), f"{folder}/peer.ipynb", "--no-progress-bar"]
        )
        pages = list(Path(folder).glob("reports/*/report.html"))
        size = max(page.stat().st_size for page in pages) / 1e6
    peer = f"papermill alone, no page, no MLflow: {peer_wall:.1f} s, {peer_cpu:.1f} CPU s"
    return [
        Figure("one incident report, wall", wall, "s", peer=peer),
        Figure("one incident report, CPU", cpu, "CPU s", peer=peer),
        at_most("size of its page", size, 6, "MB", note="plotly.js in it, compressed"),
    ]


if __name__ == "__main__":
    publish("reports", [*start(), *one_report()])
