"""Generated runs whose fault is in another layer than what is felt of it: held out from tuning."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.harness import Figure, at_least, spread
from benchmarks.overview.generated import FAULTS, run

SEEDS = range(100, 103)  # 0 to 9 are for tuning
QUIET_SEEDS = range(100, 120)


@dataclass(frozen=True)
class Told:
    """What was said of a run, beside what is true of it."""

    fault: str
    seed: int
    layer: str | None
    shows: tuple[str, ...]
    layers: tuple[str, ...]
    probability: float
    is_subject: bool
    change: str | None
    named: str | None
    late_s: float


def investigated(fault: str, seed: int) -> Told:
    """Investigate a run."""
    from aiopslab.overview import investigate

    drawn = run(fault, seed)
    truth = drawn.truth
    found = investigate(drawn.frames)
    first = found.causes[0] if found.causes else None
    late = (
        float("nan")
        if found.onset is None or truth.onset is None
        else (found.onset - truth.onset).total_seconds()
    )
    shows = truth.effects.index[truth.effects["shows"]]
    return Told(
        fault,
        seed,
        truth.layer,
        tuple(map(str, shows)),
        tuple(each.layer for each in found.causes),
        first.probability if first else 0.0,
        first is not None and first.subject == truth.subject,
        truth.change,
        first.change if first else None,
        late,
    )


def figures() -> list[Figure]:
    jobs = [partial(investigated, fault, seed) for fault in FAULTS for seed in SEEDS]
    jobs += [partial(investigated, "none", seed) for seed in QUIET_SEEDS if seed not in SEEDS]
    told: list[Told] = spread(jobs, "generated runs")
    faulty = [each for each in told if each.layer is not None]
    seen = [each for each in faulty if each.shows]
    quiet = [not each.layers for each in told if each.layer is None]
    called = [each for each in seen if each.layers]
    first = [each.layers[:1] == (each.layer,) for each in seen]
    note = f"{len(seen)} runs whose fault shows, of {len(FAULTS) - 1} faults; chance 0.17"
    questions = [each for each in seen if each.layer == "questions"]
    changed = [each for each in called if each.change is not None]
    return [
        at_least("runs: layer of the cause", np.mean(first), 0.8, note=note + _missed(seen)),
        at_least(
            "runs: layer in the first two",
            np.mean([each.layer in each.layers[:2] for each in seen]),
            0.95,
            note=note,
        ),
        at_least("runs: no fault, nothing said", np.mean(quiet), 0.95, note=f"{len(quiet)} runs"),
        Figure(
            "runs: layer of the cause, where a shift was called",
            float(np.mean([each.layers[0] == each.layer for each in called])),
            note=f"{len(called)} of {len(seen)}; Brier score {_brier(called):.3f}",
        ),
        Figure(
            "runs: the mix of questions moved, and is named",
            float(np.mean([each.layers[:1] == ("questions",) for each in questions])),
            note=f"{len(questions)} runs in which it shows",
        ),
        Figure(
            "runs: the change that did it is named",
            float(np.mean([each.named == each.change for each in changed])),
            note=f"{len(changed)} runs with one, among 8 to 12 changes",
        ),
        Figure(
            "runs: median error of the onset",
            float(np.nanmedian([abs(each.late_s) for each in called])) / 60,
            "min",
            note="of runs of two to three days, a row each 5 min",
        ),
    ]


def _brier(called: Sequence[Told]) -> float:
    """Return the mean squared error of the first probability (G. W. Brier, 1950)."""
    errors = [(each.probability - (each.layers[0] == each.layer)) ** 2 for each in called]
    return float(np.mean(errors))


def _missed(seen: Sequence[Told]) -> str:
    wrong = [each.fault for each in seen if each.layers[:1] != (each.layer,)]
    counts = [f"{fault} {wrong.count(fault)}" for fault in dict.fromkeys(wrong)]
    return f"; missed {', '.join(counts)}" * bool(counts)
