"""Promotion: how often a gate is right about challengers whose true gain is known."""

import numpy as np
import pandas as pd

from aiopslab.drift.challenger import compare_models
from aiopslab.drift.gate import Gate
from aiopslab.drift.observations import Roles
from benchmarks.harness import Figure, at_least, at_most

REPEATS = 200
LABELS = 4_000
ACCURACY = 0.85
SHARED = 0.7  # of the champion's mistakes that the challenger makes too
GAIN = 0.02
OLD, NEW = Roles("old"), Roles("new")


def figures() -> list[Figure]:
    note = f"{REPEATS} sets of {LABELS:,} labels, accuracy of the champion {ACCURACY}"
    worse, same, better = (_outcomes(gain) for gain in (-GAIN, 0.0, GAIN))
    harmed = _outcomes(GAIN, harmed=0.1)
    covered = np.mean([each["covered"] for each in same + better])
    return [
        at_most(
            "no gain: promoted", _share(same, "promote"), 0.05, note=f"{note}; 2.5 % by chance"
        ),
        at_most("a loss of 2 points: promoted", _share(worse, "promote"), 0.0, note=note),
        at_least("a gain of 2 points: promoted", _share(better, "promote"), 0.8, note=note),
        at_least(
            "a gain of 2 points, and 10 points less in a segment of 1 in 5: kept",
            _share(harmed, "keep"),
            0.8,
            note=note,
        ),
        Figure(
            "intervals of the gain that hold it",
            float(covered),
            target=".93 to .97",
            ok=bool(0.93 <= covered <= 0.97),
            note=f"{len(same + better)} comparisons",
        ),
    ]


def _outcomes(gain: float, harmed: float = 0.0) -> list[dict[str, object]]:
    found = []
    for seed in range(REPEATS):
        challenge = compare_models(_rows(seed, gain, harmed), OLD, NEW)
        decision = Gate().decide(challenge)
        measured = challenge.gain
        found.append(
            {"outcome": decision.outcome, "covered": measured.low <= gain <= measured.high}
        )
    return found


def _share(found: list[dict[str, object]], outcome: str) -> float:
    return float(np.mean([each["outcome"] == outcome for each in found]))


def _rows(seed: int, gain: float, harmed: float) -> pd.DataFrame:
    """Two models whose mistakes are partly the same; `harmed` is what one segment lacks."""
    rng = np.random.default_rng(seed)
    segment = rng.choice(list("abcde"), LABELS)
    truth = rng.integers(2, size=LABELS)
    wrong = rng.random(LABELS) < 1 - ACCURACY
    # What one of five segments loses, the others gain on top, so that all together gain as said.
    here = np.where(segment == "e", gain - harmed, gain + harmed / 4)
    mistakes = 1 - ACCURACY - here
    # Mistakes that are shared, and as many of its own as make up the rest.
    own = (mistakes - SHARED * (1 - ACCURACY)) / ACCURACY
    lost = np.where(wrong, rng.random(LABELS) < SHARED, rng.random(LABELS) < own)
    return pd.DataFrame(
        {
            "segment": segment,
            "amount": rng.gamma(2, size=LABELS),
            "target": truth,
            "old": np.where(wrong, 1 - truth, truth),
            "new": np.where(lost, 1 - truth, truth),
        }
    )
