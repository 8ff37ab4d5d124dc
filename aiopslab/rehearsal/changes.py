"""What was changed during a rehearsal: the change that broke it, if one did, among innocent ones.

The innocent changes are entries in the change log and nothing else; nothing happens at their time.
"""

import random
from dataclasses import dataclass

from aiopslab.rehearsal.faults import Fault
from aiopslab.rehearsal.services import SERVICES

_DECOYS = (
    ("deploy", "{service}: version {minor}.{patch} rolled out"),
    ("deploy", "{service}: rebuilt with updated base image"),
    ("config", "{service}: log retention set to {days} days"),
    ("config", "{service}: request limit raised to {patch}00 a minute"),
    ("flag", "{service}: compact_footer switched on for all users"),
    ("flag", "{service}: beta_banner switched off"),
    ("commit", "{service}: wording of a help text corrected"),
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
    ref = _ref(random.Random(f"culprit {seed}"))
    return Change(at_s, kind, fault.service, ref, description.format(service=fault.service))


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
    others = [name for name in SERVICES if fault is None or name != fault.service]
    times = [max(at_s - draw.uniform(*_NEAR_S), 0.0)]
    times += [draw.uniform(0.05, 0.95) * seconds for _ in range(draw.randint(2, 4))]
    drawn = []
    for place, time in enumerate(sorted(times)):
        kind, text = _DECOYS[0] if place == 0 else draw.choice(_DECOYS)
        service = draw.choice(others)
        numbers = {"minor": f"2.{draw.randint(1, 3)}", "patch": draw.randint(2, 9)}
        description = text.format(service=service, days=draw.choice((14, 30)), **numbers)
        drawn.append(Change(time, kind, service, _ref(draw), description))
    return drawn


def _ref(draw: random.Random) -> str:
    return f"{draw.getrandbits(28):07x}"
