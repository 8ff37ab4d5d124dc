"""Two hundred reports, two at once, a random kernel killed every ten seconds."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil

from aiopslab.kernels import client
from aiopslab.lab.parent import adopt_orphans
from aiopslab.reports.record import records
from benchmarks.harness import Figure, at_most
from benchmarks.reports import cost
from benchmarks.reports.cases import write_trivial

REPORTS, AT_ONCE, EVERY_S = 200, 2, 10.0
_PATIENCE_S = 1800.0


def survived(folder: Path) -> list[Figure]:
    """Run them, and count what became of each."""
    output = folder / "chaos"
    plan = folder / "chaos.json"  # which YAML is as well
    entry = {
        "name": "trivial",
        "template": str(write_trivial(folder)),
        "matrix": {"number": {"from": 1, "to": REPORTS}},
    }
    plan.write_text(json.dumps({"output": str(output), "workers": AT_ONCE, "reports": [entry]}))
    adopt_orphans()  # so that whoever loses its parent is found below this process
    with cost.own_parents() as env:
        killed, took_s, code = _run(plan, env)
        time.sleep(1)
        left = _left()
    found = [*records(output)]
    jobs = Counter(each.job for each in found)
    ended = [each for each in found if each.status == "finished" or each.failure]
    finished = sum(each.status == "finished" for each in found)
    failed = len(ended) - finished
    told = f"{finished} finished, {failed} failed with their cause; {killed} kernels killed"
    note = f"{AT_ONCE} at once in {took_s:.0f} s, exit code {code}"
    title = f"{REPORTS} reports under fire"
    return [
        at_most(f"{title}: lost", REPORTS - len(jobs), 0, peer=told, note=note),
        at_most(f"{title}: without an end", len(found) - len(ended), 0, note=note),
        at_most(f"{title}: doubled", sum(count - 1 for count in jobs.values()), 0, note=note),
        at_most(f"{title}: orphans", left, 0, note=note),
        Figure(f"{title}: a report", took_s / REPORTS, "s", note=note),
    ]


def _run(plan: Path, env: dict[str, str]) -> tuple[int, float, int]:
    chance, killed, started = random.Random(0), 0, time.monotonic()
    command = [sys.executable, "-c", "from aiopslab.cli import main; main()", "run-all", str(plan)]
    with (plan.parent / "chaos.log").open("wb") as said:
        process = subprocess.Popen(command, env=env, stdout=said, stderr=said)
        due = started + EVERY_S
        while process.poll() is None:
            time.sleep(0.05)
            if time.monotonic() - started > _PATIENCE_S:
                process.terminate()
            kernels = [each["pid"] for told in client.known() for each in told["kernels"]]
            if time.monotonic() >= due and kernels:
                with suppress(ProcessLookupError):
                    os.kill(chance.choice(kernels), signal.SIGKILL)
                    killed += 1
                due += EVERY_S
    return killed, time.monotonic() - started, process.returncode


def _left() -> int:
    """Count what was started and still runs, apart from the parent of kernels."""
    parents = {each["pid"] for each in client.known()}
    below = psutil.Process().children(recursive=True)
    return sum(each.pid not in parents and is_alive(each) for each in below)


def is_alive(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False
