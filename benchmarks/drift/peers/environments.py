"""An environment for each peer, made once and kept, and what the peer costs and finds in it.

They lie under ``$XDG_CACHE_HOME/aiopslab-bench/peers`` (``~/.cache`` where that is not set), since
none of the peers resolves beside this project's own packages.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.drift.peers.measured import LIMIT
from benchmarks.harness import Figure, at_least

Pair = tuple[pd.DataFrame, pd.DataFrame]

SCRIPTS = Path(__file__).parent
PYTHON = "3.11"
WITH = ("pandas>=2.2,<3", "pyarrow<22")  # what the scripts read the tables with
QUIET = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1"}
INSTALLING = 900  # seconds


@dataclass(frozen=True)
class Peer:
    """A library, its script, what to install, and how many times cheaper this project is to be."""

    name: str
    script: str
    packages: tuple[str, ...]
    times: float | None = None


EVIDENTLY = Peer("Evidently", "run_evidently.py", ("evidently==0.7.23",), 100)
PEERS = (
    EVIDENTLY,
    Peer("NannyML", "run_nannyml.py", ("nannyml==0.13.1", "statsmodels<0.15"), 15),
    Peer("Alibi Detect", "run_alibi_detect.py", ("alibi-detect==0.13.0",)),
    Peer("Frouros", "run_frouros.py", ("frouros==0.9.0",)),
)


@dataclass(frozen=True)
class Run:
    """What a comparison of two tables cost, and the features that it said had drifted."""

    cpu: float
    wall: float
    extra: float
    drifted: list[str]


class NotRunError(Exception):
    """Why a peer has no figure."""


class OverLimitError(NotRunError):
    """A peer was ended, so it costs more than that."""


def costs(pair: Pair, ours: float) -> Iterator[Figure]:
    """Yield what each peer costs on the tables on which this project costs so many CPU seconds."""
    for peer in PEERS:
        name = f"univariate analysis, times cheaper than {peer.name}"
        try:
            (run,) = runs(peer, [pair])
            cpu = run.cpu
            beside = f"{peer.name}: {run.cpu:.1f} CPU s, {run.wall:.0f} s, {run.extra:.0f} MB"
        except OverLimitError as error:
            cpu, beside = LIMIT, f"{peer.name}: {error}"
        except NotRunError as error:
            yield Figure(name, float("nan"), "×", note=str(error))
            continue
        if peer.times is None:
            yield Figure(name, cpu / ours, "×", peer=beside)
        else:
            yield at_least(name, cpu / ours, peer.times, "×", peer=beside)


def alarms(pairs: Sequence[Pair], peer: Peer = EVIDENTLY) -> Figure:
    """Return how often a peer says that any feature drifted in tables in which none did."""
    rows, features = pairs[0][0].shape
    name = f"no drift, {rows:,} rows: any feature drifted, {peer.name}"
    try:
        share = sum(bool(each.drifted) for each in runs(peer, pairs)) / len(pairs)
    except NotRunError as error:
        return Figure(name, float("nan"), note=str(error))
    return Figure(
        name, share, note=f"{len(pairs)} repetitions of {features} features, its defaults"
    )


def runs(peer: Peer, pairs: Sequence[Pair]) -> list[Run]:
    """Run a peer on pairs of reference and current, one after the other, in one process.

    Raises
    ------
    NotRunError
        If it does not install, ends without a result, or takes more CPU time than it may.
    """
    python = environment(peer)
    with tempfile.TemporaryDirectory() as root:
        folders = [Path(root) / f"{at:03}" for at in range(len(pairs))]
        for folder, pair in zip(folders, pairs, strict=True):
            folder.mkdir()
            for side, frame in zip(("reference", "current"), pair, strict=True):
                frame.to_parquet(folder / f"{side}.parquet")
        ended = subprocess.run(
            [python, SCRIPTS / peer.script, *folders],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **QUIET},
        )
    if ended.returncode == -signal.SIGXCPU:
        raise OverLimitError(f"ended after {LIMIT} CPU s")
    if ended.returncode:
        told = ended.stderr.strip().splitlines() or [f"ended with {ended.returncode}"]
        raise NotRunError(f"not run to its end: {told[-1]}")
    lines = [line for line in ended.stdout.splitlines() if line.startswith("{")]
    return [Run(**json.loads(line)) for line in lines]


def environment(peer: Peer) -> Path:
    """Return the Python that has a peer; it is made unless it is there with the same packages.

    Raises
    ------
    NotRunError
        If it cannot be made.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "aiopslab-bench" / "peers" / peer.name.lower().replace(" ", "-")
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    packages = [*peer.packages, *WITH]
    if installed.exists() and installed.read_text().split() == packages:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _uv("venv", "--python", PYTHON, str(folder))
    _uv("pip", "install", "--python", str(python), "--compile-bytecode", *packages)
    installed.write_text("\n".join(packages))
    return python


def _uv(*arguments: str) -> None:
    command = [sys.executable, "-m", "uv", *arguments, "--quiet"]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=INSTALLING)
    except subprocess.CalledProcessError as error:
        told = " ".join(error.stderr.split())[-300:]
        raise NotRunError(f"not installed: {told}") from error
    except subprocess.TimeoutExpired as error:
        raise NotRunError(f"not installed in {INSTALLING} s") from error
