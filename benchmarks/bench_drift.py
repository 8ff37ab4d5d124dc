"""Accuracy and cost of the drift investigation on planted and public drift.

The public sets are read from where `benchmarks.drift.data` says; without them their figures are
left out. What is timed goes first and alone, the rest is spread over the cores.
"""

import multiprocessing
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from rich.progress import track

from benchmarks.drift import alarms, cost, estimation, onset, pattern, power, promotion, segments
from benchmarks.harness import Figure, publish

UNTIMED = (alarms, power, estimation, onset, pattern, promotion, segments)


def measure() -> list[Figure]:
    table = cost.figures()
    spawn = multiprocessing.get_context("spawn")  # threads of the timed part do not survive a fork
    calm = partial(warnings.simplefilter, "ignore")
    with ProcessPoolExecutor(mp_context=spawn, initializer=calm) as pool:
        jobs = [pool.submit(each.figures) for each in UNTIMED]
        for job in track(jobs, "what is judged"):
            table += job.result()
    return table


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    publish("drift", measure())
