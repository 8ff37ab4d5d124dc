"""What each peer takes for the same items, beside this project in the same minute.

Those in Python get their environments as the peers of drift do; promptfoo is a folder of npm's.
"""

import json
import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.drift.peers.environments import NotRunError, Peer, environment
from benchmarks.harness import Figure, at_least
from benchmarks.prompts.peers import asked
from benchmarks.prompts.peers.asked import CALLS, CONCURRENCY, TENTH

Cost = tuple[float, float]  # wall and CPU seconds

SCRIPTS = Path(__file__).parent
PEERS = (
    Peer("DeepEval", "run_deepeval.py", ("deepeval==4.3.1", "openai"), 2),
    Peer("Inspect", "run_inspect_ai.py", ("inspect-ai==0.3.285", "openai"), 10),
    Peer("Ragas", "run_ragas.py", ("ragas==0.4.3", "langchain-community<0.4")),
    Peer("MLflow", "run_mlflow.py", ("mlflow==3.17.2", "openai")),
    Peer("promptfoo", "run_promptfoo.mjs", ("promptfoo@0.123.1",)),
)
SETTINGS = {
    "DEEPEVAL_TELEMETRY_OPT_OUT": "1",
    "DO_NOT_TRACK": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_GENAI_EVAL_MAX_WORKERS": str(CONCURRENCY),
    "MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT": "0",  # else it begins with 10 calls a second
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": str(2 * CONCURRENCY),  # else they wait for connections
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "RAGAS_DO_NOT_TRACK": "true",
}
BESIDE = 3  # runs of ours before those of a peer, and after
INSTALLING, RUNNING = 900, 400  # seconds


@dataclass(frozen=True)
class Run:
    """What a peer took for all items, and how many it completed where it was turned away."""

    cost: Cost
    runs: int
    kept: int
    raised: str


def figures(address: str, ours: Callable[[], Cost]) -> Iterator[Figure]:
    """Yield what each peer takes, where one run of ours can be had at any time."""
    for peer in PEERS:
        name = f"times faster than {peer.name}"
        try:
            command = _command(peer, address)
            costs = [ours() for _ in range(BESIDE)]
            run = _run(command, address)
        except NotRunError as error:
            yield Figure(name, float("nan"), "×", note=f"{peer.packages[0]} {error}")
            continue
        costs += [ours() for _ in range(BESIDE)]
        (wall, cpu), (theirs, their_cpu) = _median(costs), run.cost
        beside = f"{peer.packages[0]}: {theirs:.2f} s, {their_cpu:.2f} CPU s"
        note = (
            f"ours {wall:.2f} s, {cpu:.2f} CPU s; medians of {run.runs} and {len(costs)} runs in "
            f"the same minute, without imports and start-up; load {os.getloadavg()[0]:.1f}"
        )
        if peer.times is None:
            yield Figure(name, theirs / wall, "×", peer=beside, note=note)
        else:
            yield at_least(name, theirs / wall, peer.times, "×", peer=beside, note=note)
        yield Figure(f"CPU, times cheaper than {peer.name}", their_cpu / cpu, "×", peer=beside)
        yield Figure(
            f"items completed by {peer.name}",
            run.kept / CALLS,
            note=f"429 on every {TENTH}th of {CALLS} calls"
            + (f"; it ended with {run.raised}" if run.raised else ""),
        )


def _run(command: list[str | Path], address: str) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        try:
            ended = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                cwd=folder,  # and a home, for the databases and caches that they keep
                env={**os.environ, **SETTINGS, "HOME": folder, "PROMPTFOO_CONFIG_DIR": folder},
                timeout=RUNNING,
            )
        except subprocess.TimeoutExpired:
            raise NotRunError(f"not run to its end in {RUNNING} s") from None
        finally:
            asked.tell(address, 0)
    lines = [line for line in ended.stdout.splitlines() if line.startswith('{"costs"')]
    if ended.returncode or not lines:
        told = (ended.stderr or ended.stdout).strip().splitlines() or [f"{ended.returncode}"]
        raise NotRunError(f"not run to its end: {told[-1][-300:]}")
    told = json.loads(lines[-1])
    return Run(_median(told["costs"]), len(told["costs"]), told["kept"], told.get("raised", ""))


def _median(costs: list[Cost]) -> Cost:
    walls, cpus = zip(*costs, strict=True)
    return statistics.median(walls), statistics.median(cpus)


def _command(peer: Peer, address: str) -> list[str | Path]:
    """Return how a peer is started, once it is installed."""
    script = SCRIPTS / peer.script
    if script.suffix == ".py":
        return [environment(peer), script, address]
    told = {
        name.lower(): getattr(asked, name)
        for name in ("CALLS", "CONCURRENCY", "TENTH", "WARM_UP", "REPEATS", "ENOUGH_S")
    }
    return ["node", script, address, _node_modules(peer), json.dumps(told)]


def _node_modules(peer: Peer) -> Path:
    """Return the folder in which npm has installed a peer, now or before."""
    if not (shutil.which("npm") and shutil.which("node")):
        raise NotRunError("not installed: there is no Node.js")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "aiopslab-bench" / "peers" / peer.name
    installed = folder / "installed.txt"
    if installed.exists() and installed.read_text().split() == list(peer.packages):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *peer.packages]
    try:
        subprocess.run(
            [*command, "--prefix", str(folder)],
            capture_output=True,
            text=True,
            check=True,
            timeout=INSTALLING,
        )
    except subprocess.CalledProcessError as error:
        told = " ".join(error.stderr.split())[-300:]
        raise NotRunError(f"not installed: {told}") from error
    except subprocess.TimeoutExpired as error:
        raise NotRunError(f"not installed in {INSTALLING} s") from error
    installed.write_text("\n".join(peer.packages))
    return folder
