"""Causes: the layer in which it began, ranked by what speaks for and against each."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from aiopslab.findings import Effect
from aiopslab.overview.causes_gauges import Gauge
from aiopslab.overview.shift import Shift

CauseLayer = Literal[
    "infrastructure", "classifier", "prompt", "index", "language model", "questions"
]
LAYERS_OF_CAUSES: tuple[CauseLayer, ...] = get_args(CauseLayer)

# How likely each gauge moves where the fault is in a layer, in the order of `CauseLayer`. They are
# set by hand and round: from 0.95, which a fault of that layer nearly always does, to 0.05 and
# less, which is chance. A fault of the infrastructure is at one of many services: 0.6 at most.
LIKELIHOOD: Mapping[str, tuple[float, ...]] = {
    "questions": (0.05, 0.05, 0.05, 0.05, 0.05, 0.95),
    "predictions": (0.05, 0.85, 0.03, 0.03, 0.03, 0.15),
    "scores": (0.05, 0.7, 0.03, 0.03, 0.03, 0.2),
    "prompt version": (0.1, 0.1, 0.95, 0.1, 0.1, 0.1),
    "prompt version now and then": (0.4, 0.03, 0.15, 0.03, 0.3, 0.05),
    "model version": (0.05, 0.05, 0.1, 0.05, 0.5, 0.05),
    "model version now and then": (0.4, 0.03, 0.1, 0.03, 0.35, 0.05),
    "no documents": (0.3, 0.05, 0.03, 0.2, 0.03, 0.03),
    "other documents": (0.05, 0.15, 0.03, 0.7, 0.03, 0.05),
    "input tokens": (0.1, 0.1, 0.4, 0.3, 0.1, 0.1),
    "output tokens": (0.1, 0.1, 0.4, 0.2, 0.4, 0.1),
    "latency": (0.4, 0.03, 0.2, 0.05, 0.4, 0.05),
    "price": (0.02, 0.02, 0.03, 0.02, 0.3, 0.02),
    "index signs": (0.1, 0.15, 0.03, 0.85, 0.03, 0.1),
    "classifier signs": (0.05, 0.75, 0.03, 0.03, 0.03, 0.2),
    "token signs": (0.2, 0.05, 0.6, 0.1, 0.5, 0.15),
    "service signs": (0.6, 0.15, 0.05, 0.1, 0.05, 0.1),
    "model server load": (0.5, 0.03, 0.2, 0.03, 0.05, 0.1),
    "model server signs": (0.5, 0.05, 0.5, 0.05, 0.6, 0.1),
    "quality": (0.3, 0.5, 0.4, 0.5, 0.5, 0.5),
    "cost": (0.2, 0.1, 0.5, 0.1, 0.5, 0.3),
    "service": (0.8, 0.15, 0.4, 0.1, 0.6, 0.15),
    "accuracy": (0.05, 0.9, 0.02, 0.02, 0.02, 0.5),
    "freshness": (0.2, 0.02, 0.02, 0.7, 0.02, 0.05),
}
KINDS: Mapping[str, tuple[CauseLayer, ...]] = {
    "prompt": ("prompt",),
    "model": ("language model", "classifier"),
    "index": ("index",),
    "deploy": ("infrastructure", "classifier", "index", "language model"),
    "config": ("infrastructure", "classifier", "index", "prompt", "language model"),
    "flag": ("infrastructure", "classifier", "index", "prompt", "language model"),
    "commit": ("infrastructure", "classifier", "index", "prompt", "language model"),
}
OWN = 0.5  # likelihood from which a gauge speaks for a layer; below `FOREIGN` against it
FOREIGN = 0.2
MOVED = 0.5
CLAIM = 4.0  # by how much the odds grow of the layer of the change that did it
SHARE = 6.0  # by how much the odds grow of the layer through which surely all of a shift goes
LEAST_SHARE = 0.3  # of a shift, that a mix of questions has to explain to be its cause
UNLIKELY = 0.1  # what the odds of the questions are worth where they surely explain less


@dataclass(frozen=True)
class Cause:
    """Where it may have begun.

    Parameters
    ----------
    layer
        Of the system; ``"questions"`` is what is asked, and nobody's fault.
    subject
        The service, the version, the index; the layer where none is known.
    probability
        That it began there and nowhere else.
    effect
        Share of the surest shift that goes through it, with an interval; ``None`` where that cannot
        be told.
    change
        Ref of the change that did it, if any.
    since
        When.
    speaks_for, speaks_against
        What was seen, in words.
    """

    layer: CauseLayer
    subject: str
    probability: float
    effect: Effect | None = None
    change: str | None = None
    since: pd.Timestamp | None = None
    speaks_for: tuple[str, ...] = ()
    speaks_against: tuple[str, ...] = ()


def layer_probabilities(
    gauges: Sequence[Gauge],
    shifts: Iterable[Shift],
    claims: Mapping[CauseLayer, float],
    shares: Mapping[CauseLayer, Effect] | None = None,
) -> dict[CauseLayer, float]:
    """Return how likely it began in each layer.

    Parameters
    ----------
    gauges
        What moved and what did not.
    shifts
        Outcomes that were looked at.
    claims
        Probability of a change that did it, by the layer that it would be in.
    shares
        Share of the surest shift that goes through a layer, see `decompose`.

    Notes
    -----
    One cause, and gauges that move by it or by chance, each for itself: the network of two layers
    of Y. Peng and J. A. Reggia, "A probabilistic causal model for diagnostic problem solving",
    IEEE Transactions on Systems, Man and Cybernetics 17, 1987. A gauge that moved in part counts
    in part. What was not measured says nothing.

    Examples
    --------
    >>> found = layer_probabilities([Gauge("other documents", "", 1.0, "")], [], {})
    >>> max(found, key=found.get)
    'index'
    """
    odds = np.zeros(len(LAYERS_OF_CAUSES))
    for name, moved in observed(gauges, shifts).items():
        chance = np.array(LIKELIHOOD[name])
        odds += moved * np.log(chance) + (1 - moved) * np.log1p(-chance)
    for layer, claim in claims.items():
        odds[LAYERS_OF_CAUSES.index(layer)] += math.log1p(CLAIM * claim)
    for layer, share in (shares or {}).items():
        place, interval = LAYERS_OF_CAUSES.index(layer), share.interval
        if interval is not None and interval.low > 0:
            odds[place] += math.log1p(SHARE * min(share.value, 1.0))
        if layer == "questions" and interval is not None and interval.high < LEAST_SHARE:
            odds[place] += math.log(UNLIKELY)
    weight = np.exp(odds - odds.max())
    shares = weight / weight.sum()
    return dict(zip(LAYERS_OF_CAUSES, map(float, shares), strict=True))


def observed(gauges: Sequence[Gauge], shifts: Iterable[Shift]) -> dict[str, float]:
    """Return how surely each kind of gauge moved, and each outcome that can be told of."""
    told: dict[str, float] = {}
    for gauge in gauges:
        told[gauge.name] = max(told.get(gauge.name, 0.0), gauge.moved)
    for shift in shifts:
        if shift.state != "not enough data":
            told[shift.outcome] = max(told.get(shift.outcome, 0.0), float(shift.state == "moved"))
    return told


def evidence(layer: CauseLayer, gauges: Sequence[Gauge]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what speaks for a layer, and what against it.

    For it speaks what moved and is of it; against it what is of it and kept still, and what moved
    that it does not move.
    """
    place = LAYERS_OF_CAUSES.index(layer)
    by_name: dict[str, Gauge] = {}
    for gauge in sorted(gauges, key=lambda each: -each.moved):
        by_name.setdefault(gauge.name, gauge)
    ordered = sorted(by_name.values(), key=lambda each: -LIKELIHOOD[each.name][place])
    likely = [(each, LIKELIHOOD[each.name][place]) for each in ordered]
    pro = [each.told for each, chance in likely if chance >= OWN and each.moved >= MOVED]
    still = [
        f"still: {each.told}" for each, chance in likely if chance >= OWN and each.moved < MOVED
    ]
    foreign = [
        f"not of it: {each.told}"
        for each, chance in likely
        if chance < FOREIGN and each.moved >= MOVED
    ]
    return tuple(pro), (*still, *foreign)
