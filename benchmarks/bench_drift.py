"""Accuracy and cost of the drift investigation on planted and public drift.

The public sets are read from where `benchmarks.drift.data` says; without them their figures are
left out. What is timed goes first and alone, the rest is spread over the cores.
"""

import warnings

from benchmarks.drift import (
    alarms,
    cause,
    cost,
    estimation,
    multivariate,
    onset,
    pattern,
    power,
    promotion,
    segments,
    text,
)
from benchmarks.harness import Figure, publish, spread

UNTIMED = (
    alarms,
    power,
    cause,
    estimation,
    multivariate,
    onset,
    pattern,
    promotion,
    segments,
    text,
)


def measure() -> list[Figure]:
    judged = [each.figures for each in UNTIMED]
    return [
        *cost.figures(),
        *(figure for each in spread(judged, "what is judged") for figure in each),
    ]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    publish("drift", measure())
