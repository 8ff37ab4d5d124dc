"""The prompt evaluation: what a run costs, whether a comparison is right, how good scorers are.

The public sets are read from where `benchmarks.prompts.data` says; without them their figures are
left out.
"""

import warnings

from benchmarks.harness import Figure, publish, spread
from benchmarks.prompts import calls, comparison, scorers

UNTIMED = (comparison, scorers)


def measure() -> list[Figure]:
    judged = spread([each.figures for each in UNTIMED], "what is judged")
    return [*calls.figures(), *(figure for each in judged for figure in each)]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    publish("prompts", measure())
