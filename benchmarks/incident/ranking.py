"""Which service: public labelled incidents, one configuration for every system, never pooled."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import product

import numpy as np

from aiopslab.incident.ranking import TOP_WEIGHTS
from benchmarks.harness import Figure, at_least, at_most
from benchmarks.incident.studied import EXACT, LATE, UNKNOWN, Studied

TARGETS = {"petshop": (0.75, 0.95), "Online Boutique": (0.75, 0.9), "Train Ticket": (0.6, 0.85)}
# Of what speaks most against a service, the second counts so much of the first, and so on.
DECAYS, DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0), (1, 2, 3, 5)

Results = Mapping[str, Sequence[Studied]]


def accuracy(ranks: Iterable[int], top: int) -> float:
    return float(np.mean(np.array(list(ranks)) <= top))


def average_at_5(ranks: Sequence[int]) -> float:
    return float(np.mean([accuracy(ranks, top) for top in range(1, 6)]))


def figures(results: Results) -> list[Figure]:
    """Measure what `benchmarks.incident.studied.studied` returned, by its source."""
    table = []
    for system, (first, three) in TARGETS.items():
        ranks = _ranks(results[system], EXACT)
        chance = float(np.mean([1 / each.services for each in results[system]]))
        note = f"{len(ranks)} cases; chance {chance:.2f} and {min(3 * chance, 1):.2f}"
        table += [
            at_least(f"{system}: AC@1", accuracy(ranks, 1), first, note=note),
            at_least(f"{system}: AC@3", accuracy(ranks, 3), three, note=note),
        ]
    return [
        *table,
        *left_alone(results),
        *late_onset(results),
        *calibration(results),
        *left_out(results),
    ]


def left_alone(results: Results) -> list[Figure]:
    """Windows of petshop's quiet days, cut and noticed like its issues, must name nobody."""
    table = [
        at_least(
            f"petshop {source.removeprefix('quiet ')}: quiet left alone",
            float(np.mean([not each.names_somebody for each in windows])),
            0.9,
            note=f"{len(windows)} windows",
        )
        for source, windows in results.items()
        if source.startswith("quiet ")
    ]
    named = [each.names_somebody for each in results["petshop"]]
    note = f"{len(named)} issues, by the same bar"
    return [*table, Figure("petshop: issues that name somebody", float(np.mean(named)), note=note)]


def late_onset(results: Results) -> list[Figure]:
    table = []
    for system, way in product(TARGETS, (LATE, UNKNOWN)):
        exact = average_at_5(_ranks(results[system], EXACT))
        late = average_at_5(_ranks(results[system], way))
        note = f"{len(results[system])} cases; Avg@5 {exact:.2f} to {late:.2f}"
        if way == UNKNOWN and system != "petshop":
            note += "; the hour that is searched holds some six other faults of the set"
        table.append(
            at_most(f"{system}: onset {way}, Avg@5 falls by", exact - late, 0.05, note=note)
        )
    return table


def calibration(results: Results) -> list[Figure]:
    """How often the first is the cause, beside how likely it was said to be."""
    table = []
    for system in TARGETS:
        said = float(np.mean([each.probability for each in results[system]]))
        right = accuracy(_ranks(results[system], EXACT), 1)
        note = f"said {said:.2f}, right {right:.2f}"
        table.append(
            Figure(f"{system}: probability of the first less AC@1", said - right, note=note)
        )
    return table


def left_out(results: Results) -> list[Figure]:
    """Choose the weights of the score on all systems but one, and rank that one with them."""
    systems = [*TARGETS, "recordings"]
    choices = sorted({_weights(decay, depth) for decay, depth in product(DECAYS, DEPTHS)}, key=len)
    quality = {
        (system, weights): average_at_5([each.rank(weights) for each in results[system]])
        for system, weights in product(systems, choices)
    }
    table = []
    for system in systems:
        others = [each for each in systems if each != system]
        chosen = max(choices, key=lambda one: np.mean([quality[each, one] for each in others]))
        spread = [quality[system, each] for each in choices]
        table.append(
            Figure(
                f"{system}: Avg@5 with the weights chosen on the other systems",
                quality[system, chosen],
                peer=f"as it is: {quality[system, TOP_WEIGHTS]:.2f}",
                note=f"chosen {', '.join(f'{each:.2g}' for each in chosen)} of {len(choices)}; "
                f"all of them {min(spread):.2f} to {max(spread):.2f}",
            )
        )
    return table


def _weights(decay: float, depth: int) -> tuple[float, ...]:
    weights = tuple(decay**place for place in range(depth))
    return tuple(each for each in weights if each > 0)


def _ranks(studied: Sequence[Studied], way: str) -> list[int]:
    return [each.ranks[way] for each in studied]
