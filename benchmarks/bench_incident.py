"""Accuracy of the incident analysis on labelled incidents, beside its peers, and its cost.

The public sets are read from where `benchmarks.incident.data` says; without them their figures
are left out. The whole takes about half an hour on two cores.
"""

import warnings

from rich.progress import track

from aiopslab.frames import FrameWarning
from benchmarks.harness import publish
from benchmarks.incident import alerts, changes, cost, forecast, logs, peers, ranking, recordings

SUBJECTS = (cost, recordings, logs, changes, ranking, peers, alerts, forecast)

if __name__ == "__main__":
    warnings.simplefilter("ignore", FrameWarning)
    table = []
    for subject in track(SUBJECTS, "measuring"):
        table += subject.figures()
    publish("incident", table)
