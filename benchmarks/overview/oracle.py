"""What somebody could see at best who knows the model, the onset, and the world without the fault.

An outcome shows a fault where its expected difference is of a size that matters, and is so many
standard errors of what can be observed of it that a test at 5 % finds it four times in five. No
analysis can be asked for more; a run in which no outcome shows anything is one to be quiet about.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from benchmarks.overview.faults import Fault, Floats
from benchmarks.overview.setting import Setting
from benchmarks.overview.world import SNAPSHOT_S, World, scrapes

SEEN_AT = 2.8  # standard errors: the 1.96 of the test, and .84 for a power of 80 %
MATTERS = {"quality": 0.02, "cost": 0.05, "service": 0.005, "accuracy": 0.02, "freshness": 3600.0}
SLOWER = 0.15  # of latency, as a share; the other measure of the service
GRUMBLE = 1.6  # whoever was let down rates so many times as often


def effects(with_fault: World, without: World, its: Setting, fault: Fault) -> pd.DataFrame:
    """Tell what a fault did to each outcome, from its onset to the end.

    Parameters
    ----------
    with_fault, without
        Both worlds, drawn with the same numbers.
    its, fault
        What the assistant is like, and what was done to it.

    Returns
    -------
    pandas.DataFrame
        By outcome, ``effect`` (a share of the earlier value for cost; for the service, of failed
        questions or of latency, whichever shows more), ``errors`` (how many standard errors that
        is) and ``shows``.
    """
    read = [_read(each.questions, its) for each in (with_fault, without)]
    rows = {}
    for outcome, margin in {**MATTERS, "latency": SLOWER}.items():
        if outcome == "freshness":
            nothing = replace(fault, name="none")
            behind = _behind(with_fault, its, fault) - _behind(without, its, nothing)
            rows[outcome] = (behind, np.inf if abs(behind) >= margin else 0.0, margin)
            continue
        (time, value), (other, baseline) = (each[outcome] for each in read)
        # Rows that nobody rates, or nobody labels, are not seen; they count for the mean.
        seen = {"quality": its.rated, "accuracy": its.labelled}.get(outcome, 1.0)
        scale = baseline.mean() if outcome in {"cost", "latency"} else 1.0
        after, before = value[time >= fault.onset_s], value[time < fault.onset_s]
        meant = baseline[other >= fault.onset_s]
        effect = (after.mean() - meant.mean()) / scale
        noise = _variance(after, outcome) / len(after) + _variance(before, outcome) / len(before)
        error = np.sqrt(noise / seen) / scale
        rows[outcome] = (effect, abs(effect) / max(error, 1e-12), margin)
    table = pd.DataFrame(rows, ["effect", "errors", "margin"]).T
    table["shows"] = (table["errors"] >= SEEN_AT) & (table["effect"].abs() >= table["margin"])
    slow, failed = table.loc["latency"], table.loc["service"]
    if slow["shows"] and not (failed["shows"] and failed["errors"] > slow["errors"]):
        table.loc["service"] = slow
    return table.drop(index="latency", columns="margin").astype({"shows": bool})


def contented(questions: pd.DataFrame, its: Setting) -> Floats:
    """Return how likely a rating, if one is given, says that the answer was right."""
    right = questions["chance"].to_numpy()
    weight = right + (1 - right) * GRUMBLE
    return (right * (1 - its.misjudged) + (1 - right) * GRUMBLE * its.misjudged) / weight


def _read(questions: pd.DataFrame, its: Setting) -> dict[str, tuple[Floats, Floats]]:
    """Return the time and the value of each outcome, question by question."""
    asked = questions[~questions["cached"]]
    answered = asked[~asked["failed"]]
    right = (asked["predicted"] == asked["topic"]).to_numpy(float)
    every = questions["time"].to_numpy()
    return {
        "quality": (answered["time"].to_numpy(), contented(answered, its)),
        "cost": (every, questions["cost_usd"].to_numpy()),
        "service": (every, questions["failed"].to_numpy(float)),
        "latency": (every, questions["gateway_ms"].to_numpy()),
        "accuracy": (asked["time"].to_numpy(), right),
    }


def _variance(values: Floats, outcome: str) -> float:
    mean = float(values.mean())
    return mean * (1 - mean) if outcome == "quality" else float(values.var())


def _behind(world: World, its: Setting, fault: Fault) -> float:
    at = scrapes(its)
    age = world.waiting_s + SNAPSHOT_S * (fault("missing", at) > 0)
    return float(age[at >= fault.onset_s].max())
