"""What a source yields: typed frames, where they came from, and what had to be assumed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from aiopslab.frames import FrameName

EVIDENCE_MIME = "application/vnd.aiopslab.evidence+json"


@dataclass(frozen=True)
class Evidence:
    """Typed frames from one source.

    Parameters
    ----------
    source
        The URL it was opened from, without credentials.
    frames
        Each frame that the source has, conformed to its contract.
    digest
        SHA-256 over the content of the frames, in hexadecimal: equal evidence, equal digest.
    notes
        What had to be assumed or left out on the way, one sentence each.
    truth
        What a rehearsal knows about the fault it injected; empty for anything else.
    """

    source: str
    frames: Mapping[FrameName, pd.DataFrame]
    digest: str
    notes: tuple[str, ...] = ()
    truth: Mapping[str, Any] | None = None
