"""Ingestion that is killed at any moment, and run again.

As a script (arguments: a folder) it brings the index there to the handbook of today.
"""

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from aiopslab.retrieval.chroma import open_index, read_index
from aiopslab.retrieval.configuration import Configuration
from aiopslab.retrieval.embedding import default_embedders
from aiopslab.retrieval.ingestion import ingest
from aiopslab.retrieval.library import embedded_corpus
from aiopslab.retrieval.snapshot import take
from benchmarks.harness import Figure, at_least
from benchmarks.retrieval.store import contents, ingested

POINTS = 10
CONFIGURATION = Configuration(chunking="headings", size=60)
OPENED, INGESTED = "open", "ingested"


class Undisturbed:
    """An ingestion that nobody kills, from nothing or from an index that is there."""

    def __init__(self, folder: Path, before: Path | None) -> None:
        self.before = before
        target = folder / f"undisturbed-{before is None}"
        self.prepare(target)
        _, self.seconds = _run(target, None)
        self.expected = contents(target)

    def prepare(self, target: Path) -> None:
        if self.before is not None:
            take(self.before, target)


def figures() -> list[Figure]:
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root)
        earlier, embedder = embedded_corpus("embedded:handbook_earlier"), _embedder()
        ingested(folder / "before", earlier, CONFIGURATION, embedder)
        runs = [Undisturbed(folder, None), Undisturbed(folder, folder / "before")]
        equal = killed = begun = 0
        for number, share in enumerate(np.random.default_rng(0).uniform(0, 1, POINTS)):
            run, target = runs[number % 2], folder / f"killed-{number}"
            run.prepare(target)
            ended, _ = _run(target, float(share) * run.seconds)
            killed += ended == -signal.SIGKILL
            begun += _is_partial(target)
            _run(target, None)
            equal += contents(target).equals(run.expected)
    return [
        at_least(
            "killed and run again, equal to an undisturbed ingestion",
            equal / POINTS,
            1,
            note=f"to the bit of each vector; {POINTS} moments drawn over all of it, by turns "
            f"of the embedded handbook ({runs[0].seconds:.1f} s) and of what changed in it "
            f"({runs[1].seconds:.1f} s); {killed} ended by the signal, {begun} of them with part "
            f"of {len(runs[0].expected.chunks)} chunks written",
        )
    ]


def _embedder():
    return default_embedders()["minilm"]


def _is_partial(folder: Path) -> bool:
    """Return whether chunks were written, and not all that belong there or some that do not."""
    wanted = CONFIGURATION.strategy().chunks(embedded_corpus("embedded:handbook"))["chunk"]
    with read_index(folder) as index:
        held = set(index.chunks()["chunk"])
    return bool(held) and held != set(wanted)


def _run(folder: Path, moment: float | None) -> tuple[int, float]:
    """Ingest in a process, which is killed so many seconds after it has opened the index.

    Returns
    -------
    tuple
        How it ended, and the seconds that the ingestion took where nobody killed it.
    """
    command = [sys.executable, "-m", "benchmarks.retrieval.kill", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{OPENED}\n"
        started = time.perf_counter()
        if moment is not None:
            time.sleep(moment)
            process.kill()
        process.stdout.readline()
        seconds = time.perf_counter() - started
        return process.wait(), seconds


def main(folder: str) -> None:
    corpus, strategy = embedded_corpus("embedded:handbook"), CONFIGURATION.strategy()
    chunks = strategy.chunks(corpus)
    with open_index(folder, _embedder()) as index:
        print(OPENED, flush=True)
        ingest(index, corpus.documents, chunks, strategy.name)
        print(INGESTED, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
