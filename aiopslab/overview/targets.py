"""Targets: what each tile is held against, and how much of a change matters."""

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

import pandas as pd

from aiopslab import durations
from aiopslab.errors import ParameterError
from aiopslab.prompts.quantities import Quantity
from aiopslab.statistics.outcomes import MARGIN

TargetName = Literal[
    "good_requests",
    "latency_ms",
    "accuracy",
    "quality",
    "age_s",
    "current_documents",
    "cost_usd",
]
TARGET_NAMES: tuple[TargetName, ...] = get_args(TargetName)
SHARES = frozenset({"good_requests", "accuracy", "quality", "current_documents"})
UNITS = {"latency_ms": "ms", "age_s": "s", "cost_usd": "USD"}
# Less of a change is ordinary: of latency and cost a fifth of what was; of an age, which rises and
# falls with every update, a fifth of its target.
MATTERS = 0.2


@dataclass(frozen=True)
class Targets:
    """Objectives (SLOs) of a system; those here are a place to start, to be set for your own.

    Parameters
    ----------
    good_requests
        Least share of requests that shall be answered without an error.
    latency_ms
        Most that the 95th percentile of a request may take.
    accuracy
        Least share of predictions that shall be right.
    quality
        Least share of answers that shall be good: found helpful, or grounded.
    age_s
        Most that what is known may lag behind its sources, in seconds; a day.
    current_documents
        Least share of documents that the index shall hold as their sources are.
    cost_usd
        Most that a query may cost on average.
    stale_after
        Age of the data of a tile from which it says nothing about now.

    Raises
    ------
    ParameterError
        If a share is not between 0 and 1, another target not above 0, or the duration none.

    Examples
    --------
    >>> Targets(accuracy=0.9).holds("accuracy", 0.93), Targets().holds("latency_ms", 1_200)
    (True, False)
    """

    good_requests: float = 0.99
    latency_ms: float = 1_000.0
    accuracy: float = 0.8
    quality: float = 0.75
    age_s: float = 86_400.0
    current_documents: float = 0.95
    cost_usd: float = 0.01
    stale_after: str | pd.Timedelta = "1h"

    def __post_init__(self) -> None:
        for name in TARGET_NAMES:
            value = self.of(name)
            if name in SHARES and not 0 < value < 1:
                raise ParameterError(
                    f"{name} is {value}; expected a share between 0 and 1", "Write 99 % as 0.99."
                )
            if not (value > 0 and math.isfinite(value)):
                raise ParameterError(
                    f"{name} is {value}; expected a number above 0", "Give the most that is fine."
                )
        if durations.parse(self.stale_after) is None:
            raise ParameterError(
                f"stale_after is {self.stale_after!r}; expected a duration above 0",
                "Write for example 1h.",
            )

    def of(self, name: TargetName) -> float:
        """Return a target by its name."""
        return float(getattr(self, name))

    def holds(self, name: TargetName, value: float) -> bool:
        """Whether a value meets a target."""
        return value >= self.of(name) if name in SHARES else value <= self.of(name)

    def margin(self, name: TargetName, before: float) -> float:
        """Return how much of a change from `before` is too little to matter."""
        if name in SHARES:
            return MARGIN
        return MATTERS * (self.age_s if name == "age_s" else abs(before))

    @property
    def fresh_for(self) -> pd.Timedelta:
        """How old the data of a tile may be."""
        return pd.Timedelta(self.stale_after)

    def table(self) -> pd.DataFrame:
        """Return one row a target: ``target, wanted, value, unit``."""
        rows = [
            (name, "at least" if name in SHARES else "at most", self.of(name), UNITS.get(name, ""))
            for name in TARGET_NAMES
        ]
        return pd.DataFrame(rows, columns=["target", "wanted", "value", "unit"])


# Of the small system that is rehearsed and recorded, near its own alerts: its day takes minutes.
REHEARSAL = Targets(latency_ms=1_200.0, age_s=60.0, cost_usd=0.0005, stale_after="2min")


def quantity(target: TargetName, name: str) -> Quantity:
    """Return what is measured, in the unit of its target and with the side that is good.

    Examples
    --------
    >>> quantity("cost_usd", "cost a query").wanted
    'less'
    """
    if target in SHARES:
        return Quantity(name, wanted="more", margin=MARGIN)
    return Quantity(name, UNITS[target])


assert {each.name for each in fields(Targets)} == {*TARGET_NAMES, "stale_after"}
