"""A script of a peer, run in the environment of that peer."""

import subprocess
from pathlib import Path

from benchmarks.drift.peers.environments import NotRunError, Peer, environment

RANX = Peer("ranx", "run_ranx.py", ("ranx==0.3.21",))
SPLITTERS = Peer(
    "splitters", "run_splitters.py", ("langchain-text-splitters==1.0.0", "bpe-openai==0.1.4")
)
SCRIPTS = Path(__file__).parent
RUNNING = 600  # seconds


def run(peer: Peer, *arguments: str | Path) -> str:
    """Return what the script of a peer prints.

    Raises
    ------
    NotRunError
        If the peer does not install, or its script does not come to its end.
    """
    command = [environment(peer), SCRIPTS / peer.script, *arguments]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=RUNNING
        )
    except subprocess.TimeoutExpired:
        raise NotRunError(f"not run to its end in {RUNNING} s") from None
    if ended.returncode:
        told = ended.stderr.strip().splitlines() or [f"ended with {ended.returncode}"]
        raise NotRunError(f"not run to its end: {told[-1][-300:]}")
    return ended.stdout
