"""The prompt evaluation: what a run costs, whether a comparison is right, how good scorers are.

The public sets are read from where `benchmarks.prompts.labelled` says; without them their figures
are left out. What is timed goes first and alone, the rest is spread over the cores.
"""

import warnings

from benchmarks.harness import Figure, publish, spread
from benchmarks.prompts import calls, comparison, embedded, oracles, scorers

UNTIMED = (comparison, oracles, scorers)


def measure() -> list[Figure]:
    timed = [*calls.figures(), *embedded.figures()]
    judged = spread([each.figures for each in UNTIMED], "what is judged")
    return [*timed, *(figure for each in judged for figure in each)]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    publish("prompts", measure())
