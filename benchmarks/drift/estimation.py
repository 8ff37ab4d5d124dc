"""Label-free accuracy: mean absolute error of estimates by chunk, beside plain CBPE.

A chunk is a tenth of the current rows in order, as NannyML cuts by default. Plain CBPE, in the same
process: isotonic regression of target on score over the whole reference, then the mean of the
chance of each prediction to be right. On car_loan and hotel it gives what NannyML gives there.
The floor is what is left where the true chance of every row were known.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from aiopslab.drift.estimation import Estimation, estimate_performance
from aiopslab.drift.observations import Roles, read_observations
from benchmarks.drift import data
from benchmarks.harness import Figure, at_least, at_most

CHUNKS = 10
SHARE = 0.02  # of labels
SEEDS = 5  # of which rows have them
SIMULATED = 40  # data sets without any drift, for the coverage of intervals
METRIC = "accuracy"


@dataclass(frozen=True)
class Errors:
    """Mean absolute errors over the chunks."""

    ours: float
    cbpe: float
    constant: float
    floor: float
    words: str


def figures() -> list[Figure]:
    found = [_coverage()]
    if not data.is_there():
        return [*found, Figure("label-free accuracy", math.nan, note="data is not there")]
    for name in ("car_loan", "hotel"):
        each = errors(name)
        found.append(
            at_most(
                f"label-free accuracy, {name}: MAE",
                round(each.ours, 6),
                round(each.cbpe, 6),
                peer=f"plain CBPE: {each.cbpe:.4f}",
                note=f"{CHUNKS} chunks; floor {each.floor:.4f}, reference kept {each.constant:.4f}",
            )
        )
    for name in ("california", "weather", "elec2"):
        each = errors(name)
        found.append(
            Figure(
                f"label-free accuracy, {name}: MAE",
                each.ours,
                peer=f"plain CBPE: {each.cbpe:.4f}",
                note=f"{CHUNKS} chunks; floor {each.floor:.4f}, reference kept {each.constant:.4f}",
            )
        )
    found += [
        _with_labels(name) for name in ("elec2", "california", "weather", "hotel", "car_loan")
    ]
    return [*found, *_regression()]


@cache
def errors(name: str) -> Errors:
    """Return the errors on a set of which no label is given away."""
    reference, current, roles = _read(name)
    estimation = _estimated(reference, current.drop(columns=roles.target), roles)
    realised = _realised(current, roles)
    kept = (reference[roles.prediction] == reference[roles.target]).mean()
    rows = len(current) / CHUNKS
    return Errors(
        _error(estimation, "value", realised),
        float(np.abs(_cbpe(reference, current, roles) - realised).mean()),
        float(np.abs(kept - realised).mean()),
        float(np.sqrt(2 / math.pi * realised * (1 - realised) / rows).mean()),
        estimation.words,
    )


def _with_labels(name: str) -> Figure:
    reference, current, roles = _read(name)
    realised, cbpe = _realised(current, roles), errors(name).cbpe
    combined, alone = [], []
    for seed in range(SEEDS):
        given = np.random.default_rng(seed).random(len(current)) < SHARE
        partly = current.assign(**{roles.target: current[roles.target].where(given)})
        combined.append(_error(_estimated(reference, partly, roles), "combined", realised))
        right = (current[roles.prediction] == current[roles.target])[given]
        chunk = (np.arange(len(current)) // -(-len(current) // CHUNKS))[given]
        alone.append(float(np.abs(right.groupby(chunk).mean() - realised).mean()))
    called = f"accuracy with {100 * SHARE:g} % of labels, {name}: MAE"
    note = f"{CHUNKS} chunks, {SEEDS} draws of labels"
    peer = f"plain CBPE: {cbpe:.4f}; the labels alone: {np.mean(alone):.4f}"
    if name == "elec2":
        return at_most(called, float(np.mean(combined)), 0.5 * cbpe, peer=peer, note=note)
    return Figure(called, float(np.mean(combined)), peer=peer, note=note)


def _regression() -> list[Figure]:
    reference, current, roles = _read("bike_sharing")
    estimation = _estimated(reference, current.drop(columns=roles.target), roles)
    loss = (current[roles.prediction] - current[roles.target]).abs()
    length = -(-len(current) // CHUNKS)
    realised = loss.groupby(np.arange(len(current)) // length).mean().to_numpy()
    kept = float((reference[roles.prediction] - reference[roles.target]).abs().mean())
    shown = estimation.windows[estimation.windows["metric"] == "mae"]
    error = float(np.abs(shown["value"].to_numpy() - realised).mean())
    return [
        Figure(
            "label-free mean absolute error, bike_sharing: MAE of it",
            error,
            "hires",
            peer=f"reference kept: {np.abs(kept - realised).mean():.1f}",
            note=f"growth between two years is concept drift; holds: {estimation.holds}",
        )
    ]


def _coverage() -> Figure:
    """How often the interval of a window holds what is realised, where assumptions hold."""
    held = []
    for seed in range(SIMULATED):
        reference, current = _simulated(seed, 2_000), _simulated(1_000 + seed, 2_000, shift=0.5)
        found = _estimated(reference, current.drop(columns="target"), Roles())
        shown = found.windows[found.windows["metric"] == METRIC]
        realised = _realised(current, Roles())
        held += [
            low <= true <= high
            for low, true, high in zip(shown["low"], realised, shown["high"], strict=True)
        ]
    return at_least(
        "intervals of label-free accuracy that hold it",
        float(np.mean(held)),
        0.93,
        note=f"{len(held)} chunks of {SIMULATED} simulated sets under covariate shift; 95 % meant",
    )


def _simulated(seed: int, rows: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(shift, 1, size=(rows, 3))
    true = 1 / (1 + np.exp(-x @ [1.5, -1.0, 0.5]))
    score = 1 / (1 + np.exp(-x @ [2.2, -1.0, 0.3]))  # overconfident, and not quite the truth
    table = pd.DataFrame(x, columns=["a", "b", "c"]).assign(score=score)
    table["prediction"] = (score >= 0.5).astype(int)
    return table.assign(target=(rng.random(rows) < true).astype(int))


def _read(name: str) -> tuple[pd.DataFrame, pd.DataFrame, Roles]:
    reference, current, roles = getattr(data, name)()
    reference = read_observations(_in_utc(reference, roles), roles)
    return reference, read_observations(_in_utc(current, roles), roles), roles


def _in_utc(frame: pd.DataFrame, roles: Roles) -> pd.DataFrame:
    if roles.timestamp not in frame:
        return frame
    return frame.assign(**{roles.timestamp: pd.to_datetime(frame[roles.timestamp], utc=True)})


def _estimated(reference: pd.DataFrame, current: pd.DataFrame, roles: Roles) -> Estimation:
    return estimate_performance(reference, current, roles, windows=-(-len(current) // CHUNKS))


def _error(estimation: Estimation, column: str, realised: np.ndarray) -> float:
    shown = estimation.windows[estimation.windows["metric"] == METRIC]
    return float(np.abs(shown[column].to_numpy() - realised).mean())


def _realised(current: pd.DataFrame, roles: Roles) -> np.ndarray:
    right = (current[roles.prediction] == current[roles.target]).to_numpy()
    length = -(-len(current) // CHUNKS)
    return np.array([right[at : at + length].mean() for at in range(0, len(right), length)])


def _cbpe(reference: pd.DataFrame, current: pd.DataFrame, roles: Roles) -> np.ndarray:
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(out_of_bounds="clip", y_min=0, y_max=1)
    model.fit(reference[roles.score], reference[roles.target])
    chance = model.predict(current[roles.score])
    right = np.where(current[roles.prediction] == 1, chance, 1 - chance)
    length = -(-len(current) // CHUNKS)
    return np.array([right[at : at + length].mean() for at in range(0, len(right), length)])
