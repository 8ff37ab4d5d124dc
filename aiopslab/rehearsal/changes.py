"""What was changed during a rehearsal: the change that broke it, if one did, among innocent ones.

The innocent changes are entries in the change log and nothing else; nothing happens at their time.
"""

import random
from dataclasses import dataclass

from aiopslab.rehearsal.faults import Fault
from aiopslab.rehearsal.services import SERVICES

_ROLLED_OUT = ("deploy", SERVICES, "{service}: version {version} rolled out")
_DECOYS = (
    _ROLLED_OUT,
    ("deploy", SERVICES, "{service}: rebuilt with updated base image"),
    ("config", SERVICES, "{service}: log retention set to {number} days"),
    ("config", SERVICES, "{service}: request limit raised to {number}00 a minute"),
    ("flag", SERVICES, "{service}: compact_footer switched on for all users"),
    ("flag", SERVICES, "{service}: beta_banner switched off"),
    ("commit", SERVICES, "{service}: wording of a help text corrected"),
    ("model", ("classifier",), "{service}: model card completed"),
    ("prompt", ("llm",), "{service}: comment in prompt answer-v3 corrected"),
    ("index", ("retriever", "indexer"), "{service}: name of the nightly backup changed"),
)
_NEAR_S = (5.0, 40.0)  # before the fault, where a decoy is tempting


@dataclass(frozen=True)
class Change:
    """An entry of the change log.

    Parameters
    ----------
    at_s
        When, in seconds from the beginning of the recording.
    kind, service, ref, description
        What the log says.
    """

    at_s: float
    kind: str
    service: str
    ref: str
    description: str


def culprit(fault: Fault | None, at_s: float, seed: int) -> Change | None:
    """Return the change that causes a fault; ``None`` where no change does.

    Examples
    --------
    >>> from aiopslab.rehearsal.faults import parse
    >>> culprit(parse("llm:costly_prompt"), 60, seed=7).description
    'llm: prompt answer-v4 promoted'
    >>> culprit(parse("llm:cpu"), 60, seed=7) is None
    True
    """
    if fault is None or fault.kind.change is None:
        return None
    kind, description = fault.kind.change
    return _drawn(random.Random(f"culprit {seed}"), at_s, kind, fault.service, description)


def reverted(change: Change, at_s: float) -> Change:
    """Return the change that takes another one back."""
    draw = random.Random(f"reverted {change.ref}")
    description = f"{change.service}: {change.ref} reverted"
    return _drawn(draw, at_s, change.kind, change.service, description)


def decoys(fault: Fault | None, at_s: float, seconds: float, seed: int) -> list[Change]:
    """Draw innocent changes: one shortly before the fault, the others at any time.

    Parameters
    ----------
    fault
        What is broken; its service is spared, so that a decoy cannot be mistaken for the cause.
    at_s, seconds
        When the fault begins, and how long the recording is.
    seed
        The same seed draws the same changes.

    Returns
    -------
    list of Change
        Three to five, in the order of time.
    """
    draw = random.Random(f"decoys {seed}")
    spared = {fault.service} if fault is not None else set()

    def innocent(at_s: float, kind: str, services: tuple[str, ...], text: str) -> Change:
        service = draw.choice([name for name in services if name not in spared])
        return _drawn(draw, at_s, kind, service, text)

    possible = [each for each in _DECOYS if set(each[1]) - spared]
    changes = [innocent(max(at_s - draw.uniform(*_NEAR_S), 0.0), *_ROLLED_OUT)]
    for _ in range(draw.randint(2, 4)):
        changes.append(innocent(draw.uniform(0.05, 0.95) * seconds, *draw.choice(possible)))
    return sorted(changes, key=lambda change: change.at_s)


def _drawn(draw: random.Random, at_s: float, kind: str, service: str, text: str) -> Change:
    version = f"2.{draw.randint(1, 4)}.{draw.randint(0, 9)}"
    description = text.format(service=service, version=version, number=draw.randint(3, 9) * 10)
    return Change(at_s, kind, service, f"{draw.getrandbits(28):07x}", description)
