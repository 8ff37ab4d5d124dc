"""The faults of generated runs: in which layer each is, and how strong it may be."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from aiopslab.errors import ParameterError, did_you_mean

Floats = npt.NDArray[np.float64]
HOUR = 3600.0


@dataclass(frozen=True)
class Kind:
    """One way in which the assistant goes wrong.

    Parameters
    ----------
    layer, subject
        Where the cause is, and what of that layer; ``{prompt}`` is the version that it brings.
    knob
        Of the world, which it turns.
    sizes
        Least and most that it is turned by; drawn evenly on a logarithmic scale.
    ramp_h
        Least and most hours until it acts in full.
    change
        Kind, service and description of the change that does it; ``None`` where none does.
    changed
        In which share of the runs a change does it; else it comes about by itself.
    """

    layer: str | None
    subject: str | None
    knob: str = ""
    sizes: tuple[float, float] = (1.0, 1.0)
    ramp_h: tuple[float, float] = (0.0, 0.0)
    change: tuple[str, str, str] | None = None
    changed: float = 1.0


KINDS = {
    "none": Kind(None, None),
    "questions": Kind("questions", "questions", "mix", (1.0, 3.5), (0.0, 6.0)),
    "stale index": Kind("index", "index", "unwritten", (0.35, 1.0)),
    "old snapshot": Kind(
        *("index", "index", "missing", (0.08, 0.5), (0.0, 0.0)),
        ("index", "index", "index: restored after maintenance"),
    ),
    "wrong embedder": Kind(
        *("index", "index", "embedder", (0.1, 0.6), (0.0, 0.0)),
        ("index", "indexer", "indexer: index rebuilt with embedder 2"),
    ),
    "classifier retrained": Kind(
        *("classifier", "classifier", "mixed_up", (0.3, 0.75), (0.0, 0.0)),
        ("model", "classifier", "classifier: topic model retrained and promoted"),
    ),
    "classifier drift": Kind("classifier", "classifier", "drift", (2.2, 6.0), (1.0, 8.0)),
    "cpu contention": Kind("infrastructure", "llm", "cpu", (8.0, 45.0)),
    "database pool": Kind(
        *("infrastructure", "database", "pool", (0.12, 1.2), (0.0, 0.0)),
        ("config", "database", "database: connections of the pool set to 4"),
        0.5,
    ),
    "network latency": Kind(
        *("infrastructure", "retriever", "network", (0.25, 1.6), (0.0, 0.0)),
        ("config", "retriever", "retriever: address of the index changed"),
        0.3,
    ),
    "cache crash": Kind(
        *("infrastructure", "cache", "uncached", (0.4, 1.0), (0.0, 0.0)),
        ("deploy", "cache", "cache: version 7.4 rolled out"),
        0.3,
    ),
    "costly prompt": Kind(
        *("prompt", "{prompt}", "long", (2.0, 9.0), (0.0, 0.0)),
        ("prompt", "llm", "llm: prompt {prompt} promoted"),
    ),
    "prompt without context": Kind(
        *("prompt", "{prompt}", "bare", (0.4, 2.4), (0.0, 0.0)),
        ("prompt", "llm", "llm: prompt {prompt} promoted"),
    ),
    "cheaper model": Kind(
        *("language model", "mini-1", "mini", (0.3, 2.0), (0.0, 0.0)),
        ("model", "llm", "llm: answers by mini-1"),
    ),
    "model updated": Kind("language model", "base-1-0612", "updated", (0.6, 2.4)),
    "slow provider": Kind("language model", "llm", "provider", (1.5, 8.0)),
}


@dataclass(frozen=True)
class Fault:
    """A fault as it was drawn for one run.

    Parameters
    ----------
    name
        Of its kind.
    size
        How far its knob is turned.
    onset_s, ramp_s
        When it begins, in seconds from the beginning, and how long until it acts in full.
    by_change
        Whether a change in the log does it.
    """

    name: str
    size: float
    onset_s: float
    ramp_s: float
    by_change: bool

    @property
    def kind(self) -> Kind:
        """What it is one of."""
        return KINDS[self.name]

    def __call__(self, knob: str, times: Floats) -> Floats:
        """Return how far a knob is turned at each time, in seconds from the beginning.

        Examples
        --------
        >>> fault = Fault("slow provider", 3.0, 60.0, 0.0, False)
        >>> fault("provider", np.array([0.0, 100.0])).tolist()
        [0.0, 3.0]
        """
        if knob != self.kind.knob:
            return np.zeros(len(times))
        if not self.ramp_s:
            return np.where(times >= self.onset_s, self.size, 0.0)
        return self.size * np.clip((times - self.onset_s) / self.ramp_s, 0, 1)


def drawn(name: str, seconds: float, draw: np.random.Generator) -> Fault:
    """Draw how strong a fault is and when it begins.

    Parameters
    ----------
    name
        Of the fault.
    seconds
        How long the run is.
    draw
        Where chance comes from.

    Raises
    ------
    ParameterError
        If there is no such fault.
    """
    if name not in KINDS:
        raise ParameterError(f"there is no fault {name!r}", did_you_mean(name, list(KINDS)))
    kind = KINDS[name]
    low, high = np.log(kind.sizes)
    return Fault(
        name,
        size=float(np.exp(draw.uniform(low, high))),
        onset_s=float(draw.uniform(0.5, 0.78) * seconds),
        ramp_s=float(draw.uniform(*kind.ramp_h) * HOUR),
        by_change=kind.change is not None and bool(draw.random() < kind.changed),
    )
