"""How often the cause of what was injected is named, and the right thing to do with it."""

from collections import Counter
from typing import NamedTuple

import pandas as pd

from aiopslab.drift.comparison import compare
from aiopslab.drift.diagnosis import Diagnosis, diagnose
from aiopslab.drift.history import drift_over_time
from aiopslab.drift.multivariate import compare_jointly
from aiopslab.drift.observations import Roles, read_observations
from aiopslab.drift.performance import measure_performance
from aiopslab.drift.profiles import profile
from aiopslab.drift.quality import quality_breaks
from aiopslab.drift.season import seasonal_reference
from benchmarks.drift import injector
from benchmarks.harness import Figure, at_least, at_most

WORLDS = range(200, 206)
ROLES = Roles()
OUTCOMES = ("concept", "labels")  # which nobody can tell without outcomes


class Judged(NamedTuple):
    """What was injected, and what was said."""

    cause: str
    injected: str
    action: str
    told: str
    advised: str
    blind: str
    admits: bool


def figures() -> list[Figure]:
    judged = pd.DataFrame([_judged(case) for seed in WORLDS for case in injector.cases(seed)])
    return tabulated(judged)


def tabulated(judged: pd.DataFrame) -> list[Figure]:
    """Return the figures of judged cases."""
    causes = judged["cause"].value_counts()
    counts = ", ".join(f"{name} {count}" for name, count in causes.items())
    advised = judged[judged["action"] != ""]
    still = judged["cause"] == "no drift"
    season = judged["cause"] == "season"
    better = judged["action"] == "keep"
    missing = judged["injected"] == "missing surge"
    seen = judged[~judged["cause"].isin(OUTCOMES)]
    hidden = judged[judged["cause"].isin(OUTCOMES)]
    return [
        at_least(
            "cause named, macro-F1",
            _macro(judged["cause"], judged["told"]),
            0.9,
            note=f"{len(judged)} cases, chance {1 / len(causes):.2f}: {counts}; {_wrong(judged)}",
        ),
        at_least(
            "cause named where no outcomes are known, macro-F1",
            _macro(seen["cause"], seen["blind"]),
            0.9,
            note=f"{len(seen)} cases; concept and labels left out, which features do not tell",
        ),
        at_least(
            "without outcomes, says that concept and labels cannot be told",
            float(judged["admits"].mean()),
            1,
            note=f"{len(judged)} cases",
        ),
        at_most(
            "without outcomes, concept or labels named all the same",
            float(hidden["blind"].isin(OUTCOMES).mean()),
            0,
            note=f"{len(hidden)} cases",
        ),
        _right("advice right", advised),
        _right("improving drift: keep", judged[better]),
        _right("season: ignore", judged[season]),
        _right("missing surge: fix the data", judged[missing]),
        at_most(
            "false causes where nothing drifted",
            float((judged.loc[still, "told"] != "no drift").mean()),
            0.05,
            note=f"{int(still.sum())} cases",
        ),
    ]


def judge(case: injector.Case) -> tuple[Diagnosis, Diagnosis]:
    """Return the diagnosis with outcomes, and without those of the current observations.

    It is that of `aiopslab.drift.analyse`, without the sections of the report that a diagnosis does
    not read: segments and estimates.
    """
    old = read_observations(case.reference)
    new = read_observations(case.current)
    told = [*ROLES.features(old), ROLES.prediction, ROLES.score, ROLES.target]
    good = profile(old[told])
    like = old if case.period is None else seasonal_reference(old, new, case.period).reference
    together = compare_jointly(like, new, ROLES)
    breaks = quality_breaks(old, new, ROLES)
    history = drift_over_time(old, new, ROLES, period=case.period)
    performance = measure_performance(new, ROLES, old)
    found = []
    for table, reached in ((new, performance), (new.drop(columns=ROLES.target), None)):
        now = profile(table[[each for each in told if each in table]], like=good)
        comparison = compare(good, now)
        found.append(diagnose(like, table, comparison, together, breaks, history, reached, ROLES))
    return found[0], found[1]


def _judged(case: injector.Case) -> Judged:
    full, blind = judge(case)
    admits = any("outcomes" in each for each in blind.untested)
    told = (full.cause.name, full.action, blind.cause.name, admits)
    return Judged(case.cause, case.injected, case.action, *told)


def _macro(truth: pd.Series, told: pd.Series) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(truth, told, average="macro", labels=sorted(truth.unique())))


def _right(name: str, judged: pd.DataFrame) -> Figure:
    share = float((judged["action"] == judged["advised"]).mean())
    return at_least(name, share, 0.9, note=f"{len(judged)} cases")


def _wrong(judged: pd.DataFrame) -> str:
    missed = judged[judged["cause"] != judged["told"]]
    named = Counter(f"{row.injected} as {row.told}" for row in missed.itertuples())
    return ", ".join(f"{name} {count}" for name, count in named.most_common(6)) or "none wrong"
