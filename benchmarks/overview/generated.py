"""Generated runs of an assistant in which one thing goes wrong, mostly in another layer than hurts.

A run is drawn causally (see `benchmarks.overview.world`), so that its truth is known: which layer
was the cause, which change did it, and, from the same world without the fault, what it did to each
outcome. Some faults are too faint for anybody; `Truth.shows` tells which can be seen in principle.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.frames import conform
from benchmarks.overview.faults import KINDS, drawn
from benchmarks.overview.metrics import metrics
from benchmarks.overview.oracle import effects
from benchmarks.overview.records import alerts, calls, changes, logs, observations, ratings
from benchmarks.overview.setting import setting
from benchmarks.overview.spans import TOPOLOGY, spans
from benchmarks.overview.world import per_minute, simulate

FAULTS = tuple(KINDS)
_BEGAN = pd.Timestamp("2026-03-02", tz="UTC")


@dataclass(frozen=True)
class Truth:
    """What went wrong in a run.

    Parameters
    ----------
    fault, size
        Its name, and how far its knob was turned.
    layer, subject
        Where the cause is, and what of that layer; ``None`` where nothing went wrong.
    change
        The ref of the change that did it; ``None`` where none did.
    onset
        When it began; ``None`` where nothing did.
    effects
        By outcome: ``effect`` on average from the onset on, against the same world without the
        fault; how many standard ``errors`` of what can be observed that is; whether it ``shows``.
    """

    fault: str
    size: float
    layer: str | None
    subject: str | None
    change: str | None
    onset: pd.Timestamp | None
    effects: pd.DataFrame

    @property
    def outcomes(self) -> tuple[str, ...]:
        """In which outcomes it shows, the clearest first."""
        shown = self.effects[self.effects["shows"]]
        return tuple(shown.sort_values("errors", ascending=False, kind="stable").index)

    @property
    def shows(self) -> bool:
        """Whether anybody could see it, knowing the model, the onset and the world without it."""
        return bool(self.outcomes)


@dataclass(frozen=True)
class Run:
    """The evidence of a run, and the truth of it.

    Parameters
    ----------
    frames
        By name, each as its contract says.
    truth
        What went wrong.
    """

    frames: dict[str, pd.DataFrame]
    truth: Truth


def run(fault: str, seed: int) -> Run:
    """Draw a run of two to three days.

    Parameters
    ----------
    fault
        One of `FAULTS`.
    seed
        The same seed draws the same assistant and the same questions, whatever the fault.

    Raises
    ------
    ParameterError
        If there is no such fault.

    Examples
    --------
    >>> truth = run("cpu contention", seed=1).truth
    >>> truth.layer, truth.subject
    ('infrastructure', 'llm')
    """
    its = setting(seed)
    number = FAULTS.index(fault) if fault in FAULTS else 0
    draw = np.random.default_rng([seed, 5, number])
    what = drawn(fault, its.seconds, draw)
    without = simulate(its, drawn("none", its.seconds, np.random.default_rng(0)), seed)
    limit = per_minute(without.questions).max() * its.spare_tokens
    world = simulate(its, what, seed, limit)
    table = world.questions
    words = draw.integers(1 << 62, size=(2, len(table)))
    table["trace_id"] = [f"{high:016x}{low:016x}" for high, low in words.T]
    table["rating"] = ratings(table, its, draw)
    log, culprit = changes(its, what, draw)
    scraped = metrics(world, its, what, draw)
    began = _BEGAN + pd.Timedelta(days=seed % 365, hours=its.traffic.start_h)
    began = began.floor("min")
    tables = {
        "metrics": scraped,
        "logs": logs(world, its, draw),
        "spans": spans(table, draw),
        "alerts": alerts(scraped),
        "changes": log,
        "topology": pd.DataFrame(TOPOLOGY, columns=["caller", "callee"]),
        "observations": observations(table, its, draw),
        "calls": calls(table, what, draw),
    }
    kind = what.kind
    truth = Truth(
        fault,
        what.size,
        kind.layer,
        kind.subject and kind.subject.format(prompt=f"answer-v{its.prompt + 1}"),
        culprit,
        began + pd.Timedelta(seconds=what.onset_s).floor("s") if kind.layer else None,
        effects(world, without, its, what),
    )
    return Run({name: _framed(name, table, began) for name, table in tables.items()}, truth)


def _framed(name: str, table: pd.DataFrame, began: pd.Timestamp) -> pd.DataFrame:
    """Bring a table to its contract, with times of the calendar."""
    if name == "metrics":
        table = table.set_axis(began + pd.to_timedelta(table.index, unit="s"))
    for column in ("timestamp", "start"):
        if column in table:
            times = began + pd.to_timedelta(table[column].astype(float), unit="s")
            table = table.assign(**{column: times.astype("datetime64[us, UTC]")})
    return conform(name, table)
