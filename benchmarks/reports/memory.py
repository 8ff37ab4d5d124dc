"""What a kernel takes of the machine's memory while it has a report in hand."""

import json
import time
from pathlib import Path

import psutil
from jupyter_client.manager import KernelManager

from aiopslab.kernels import client
from benchmarks.harness import Figure, at_most
from benchmarks.reports import cost
from benchmarks.reports.cases import CHEAP, Case, realistic, trivial

MOST_SHARE = 1 / 3
_CELL_S = 300


def taken(folder: Path) -> list[Figure]:
    """Compare a forked kernel with a cold one, each at the end of a report."""
    figures = []
    for case in [*trivial(folder, 1), *realistic(len(CHEAP))]:
        with cost.own_parents():
            # A second one is there as well, as where reports run side by side.
            other = _Started("aiopslab")
            while any(each["is_importing"] for each in client.known()):
                time.sleep(0.1)  # the parent has been there for a while
            forked, parent = _kernel("aiopslab", case)
            cold, _ = _kernel("python3", case)
            other.stop()
        title = f"memory of a forked kernel, {case.name}: of a cold one's"
        told = f"forked: {forked / 1e6:.0f} MB of its own; cold: {cold / 1e6:.0f} MB"
        note = f"private pages; the parent, once for all: {parent / 1e6:.0f} MB"
        figures.append(at_most(title, forked / cold, MOST_SHARE, peer=told, note=note))
    return figures


class _Started:
    def __init__(self, name: str) -> None:
        self.manager = KernelManager(kernel_name=name)
        self.manager.start_kernel()
        self.talk = self.manager.blocking_client()
        self.talk.start_channels()
        self.talk.wait_for_ready(timeout=_CELL_S)

    def run(self, source: str) -> None:
        reply = self.talk.execute_interactive(source, timeout=_CELL_S, output_hook=lambda _: None)
        assert reply["content"]["status"] == "ok", reply["content"]

    def stop(self) -> None:
        self.talk.stop_channels()
        self.manager.shutdown_kernel(now=True)


def _kernel(name: str, case: Case) -> tuple[float, float]:
    kernel = _Started(name)
    parameters = "\n".join(f"{key} = {value!r}" for key, value in case.parameters.items())
    for cell in json.loads(Path(case.path).read_text())["cells"]:
        if cell["cell_type"] == "code":
            kernel.run("".join(cell["source"]))
            if "parameters" in cell["metadata"].get("tags", []):
                kernel.run(parameters)
    own = psutil.Process(kernel.manager.provisioner.pid).memory_full_info().uss
    parents = [psutil.Process(each["pid"]).memory_full_info().rss for each in client.known()]
    kernel.stop()
    return float(own), float(sum(parents))
