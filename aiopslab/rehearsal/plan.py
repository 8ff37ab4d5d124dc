"""What is to happen in a rehearsal, and when."""

import shlex
from dataclasses import dataclass

from aiopslab.rehearsal.errors import PlanError
from aiopslab.rehearsal.faults import Fault, Layer

_SHORTEST_S = 20.0


@dataclass(frozen=True)
class Plan:
    """What is to happen, and when.

    Parameters
    ----------
    fault
        What breaks; ``None`` for nothing.
    at_s
        When, in seconds from the beginning of the recording.
    seconds
        How long is recorded.
    seed
        Of the load.
    lasts_s
        How long the fault acts; ``None`` for to the end.
    harder_at_s
        When users begin to ask harder questions, which is no fault of anybody; ``None`` for never.

    Raises
    ------
    PlanError
        If it cannot be carried out.

    Examples
    --------
    >>> from aiopslab.rehearsal.faults import parse
    >>> Plan(parse("llm:cpu"), 60, 300, seed=7).command()
    'aiopslab rehearse --fault llm:cpu --at 60 --minutes 5 --seed 7'
    """

    fault: Fault | None
    at_s: float
    seconds: float
    seed: int
    lasts_s: float | None = None
    harder_at_s: float | None = None

    @property
    def ends_s(self) -> float:
        """When the fault ends."""
        return self.seconds if self.lasts_s is None else self.at_s + self.lasts_s

    @property
    def layer(self) -> Layer | None:
        """Where the cause is of what people feel; ``None`` where they feel nothing."""
        if self.fault is not None:
            return self.fault.kind.layer
        return "questions" if self.harder_at_s is not None else None

    @property
    def outcomes(self) -> tuple[str, ...]:
        """What people feel of it, at most."""
        if self.fault is not None:
            return self.fault.kind.outcomes
        return ("quality",) if self.harder_at_s is not None else ()

    def __post_init__(self) -> None:
        if not self.seconds >= _SHORTEST_S:
            raise PlanError(
                f"minutes is {self.seconds / 60:g}; expected at least {_SHORTEST_S / 60:.2g}",
                "Record for longer, e.g. --minutes 8.",
            )
        if self.fault is not None and not 0 <= self.at_s < self.seconds:
            raise PlanError(
                f"the fault is to begin at {self.at_s:g} s, the recording ends at "
                f"{self.seconds:g} s",
                "Choose an earlier --at, or more --minutes.",
            )
        if self.harder_at_s is not None and not 0 <= self.harder_at_s < self.seconds:
            raise PlanError(
                f"questions are to become harder at {self.harder_at_s:g} s, the recording ends at "
                f"{self.seconds:g} s",
                "Choose an earlier --harder-at, or more --minutes.",
            )
        if self.lasts_s is not None and not 0 < self.lasts_s <= self.seconds - self.at_s:
            raise PlanError(
                f"the fault is to last {self.lasts_s:g} s; after {self.at_s:g} s there are "
                f"{self.seconds - self.at_s:g} s left",
                "Choose a shorter --for, or leave it out: the fault then lasts to the end.",
            )

    def command(self) -> str:
        """Return the command line that repeats it."""
        words = ["aiopslab", "rehearse", "--fault", self.fault.spec if self.fault else "none"]
        words += ["--at", f"{self.at_s:g}"] if self.fault else []
        words += ["--for", f"{self.lasts_s:g}"] if self.lasts_s is not None else []
        words += ["--harder-at", f"{self.harder_at_s:g}"] if self.harder_at_s is not None else []
        return shlex.join([*words, "--minutes", f"{self.seconds / 60:g}", "--seed", str(self.seed)])
