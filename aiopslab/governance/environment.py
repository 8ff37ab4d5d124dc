"""What the environment names: the policy that deeds are held to, and the trail that they leave."""

import os
from pathlib import Path

POLICY, TRAIL = "AIOPSLAB_POLICY", "AIOPSLAB_AUDIT"
FILE = "audit.jsonl"


def policy() -> Path | None:
    """Return the file or folder of the policy; ``None`` where there is none."""
    told = os.environ.get(POLICY)
    return Path(told) if told else None


def trail() -> Path | None:
    """Return the file of the trail: as named, else beside the policy; ``None`` without either."""
    told = os.environ.get(TRAIL)
    if told:
        return Path(told)
    held_to = policy()
    if held_to is None:
        return None
    return (held_to if held_to.is_dir() else held_to.parent) / FILE
