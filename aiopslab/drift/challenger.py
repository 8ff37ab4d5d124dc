"""Challenger: a new model against the one in charge, on the same recent rows with labels."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from aiopslab.drift.costs import Costs, cost_matrix
from aiopslab.drift.guards import GUARDS, calibration_guard, class_guards, segment_guards
from aiopslab.drift.metrics import HIGHER_IS_BETTER, WORDS, Measured, measure
from aiopslab.drift.observations import PROBABILITY_OF, Roles, Task, read_observations
from aiopslab.drift.outcomes import Outcomes, read_outcomes
from aiopslab.drift.paired import gains
from aiopslab.errors import ParameterError
from aiopslab.statistics.intervals import deviate
from aiopslab.statistics.mcnemar import mcnemar_p
from aiopslab.statistics.samplesize import items_for_mean

if TYPE_CHECKING:
    import plotly.graph_objects as go

WORTH = 0.01  # the smallest gain to look for: a point of a rate, a hundredth of any other metric


@dataclass(frozen=True)
class Challenge:
    """A challenger measured against the champion, pair by pair.

    Parameters
    ----------
    task
        ``binary``, ``multiclass`` or ``regression``.
    metric
        The one that decides.
    metrics
        One row a metric: ``metric, champion, challenger, gain, low, high, p``. A gain is positive
        where the challenger is better; ``p`` is of McNemar's test, for the accuracy only.
    guards
        One row for each class, segment, and the calibration: ``part, name, rows, champion,
        challenger, gain, low, high, scale``; the intervals hold together, for all of a part. A
        segment or class of fewer than 30 labelled rows is not judged.
    labels
        Rows with a label and both predictions.
    scale
        What a gain is measured by: 1 for a rate, else the metric of the champion.
    needed
        Labels that would show a gain of a hundredth of `scale` four times in five.
    confidence
        Of the intervals.
    """

    task: Task
    metric: str
    metrics: pd.DataFrame
    guards: pd.DataFrame
    labels: int
    scale: float
    needed: int
    confidence: float

    @property
    def gain(self) -> Measured:
        """By how much the challenger is better in the metric that decides."""
        rows = self.metrics.to_dict("records")
        (row,) = (each for each in rows if each["metric"] == self.metric)
        return Measured(row["gain"], row["low"], row["high"])

    def table(self) -> pd.DataFrame:
        """Return one row a metric."""
        return self.metrics

    def figure(self) -> "go.Figure":
        """Draw gains with their intervals, as shares of what the champion has."""
        from aiopslab.charts.bars import ranked_bars

        told = self.metrics.dropna(subset=["gain"])
        size = [
            1.0 if each in HIGHER_IS_BETTER else abs(value) or 1.0
            for each, value in zip(told["metric"], told["champion"], strict=True)
        ]
        shown = told[["gain", "low", "high"]].div(size, axis=0) * 100
        shown.insert(0, "metric", [WORDS[each] for each in told["metric"]])
        return ranked_bars(
            shown, "metric", "gain", "What the challenger gains", "points, or % of the champion's"
        )


def compare_models(
    observations: pd.DataFrame,
    champion: Roles,
    challenger: Roles,
    metric: str | None = None,
    costs: Costs | None = None,
    segments: Sequence[str] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Challenge:
    """Compare two models on the same rows.

    Parameters
    ----------
    observations
        Recent rows with features, targets, and the predictions and scores of both models.
    champion, challenger
        Which columns are of which; both name the same target.
    metric
        That decides; the cost where costs are given, else accuracy or mean absolute error.
    costs
        Cost of one row by ``(truth, prediction)``.
    segments
        Features whose values make segments that must not lose; all of them where ``None``.
    confidence
        Of the intervals.
    seed
        Of the resampling.

    Returns
    -------
    Challenge
        To be judged by a `Gate`.

    Raises
    ------
    FrameError
        If the columns are not there, or the models speak of different classes.
    ParameterError
        If the metric is none of those that can be measured here.

    Notes
    -----
    Differences are of pairs: the bootstrap draws rows with both predictions, and the AUC has the
    interval of DeLong for correlated curves. Two models err on much the same rows, so that the
    interval of a difference is far narrower than those of the two.

    Examples
    --------
    >>> rows = {"age": range(300), "target": [0, 1, 1] * 100, "old": 1, "new": [0, 1, 1] * 100}
    >>> found = compare_models(pd.DataFrame(rows), Roles("old"), Roles("new"))
    >>> found.metric, round(found.gain.value, 3)
    ('accuracy', 0.333)
    """
    taken = (challenger.prediction, challenger.score, *challenger.probabilities.values())
    both = replace(champion, ignored=(*champion.ignored, *taken))
    read_observations(
        observations, challenger, "observations"
    )  # so that its scores are checked too
    frame = read_observations(observations, both, "observations")
    old, new = _read_both(frame, champion, challenger)
    paired = old.labelled & new.labelled
    frame, old, new = frame[paired], old.take(paired), new.take(paired)
    matrix = None if costs is None else cost_matrix(costs, old.classes)
    differences = gains(old, new, matrix, confidence, seed)
    chosen = metric or _main(old, matrix is not None)
    if chosen not in differences:
        raise ParameterError(
            f"metric is {chosen!r}; measured here: {', '.join(differences)}",
            "Choose one of them, or give the scores of both models.",
        )
    before, after = (measure(each, matrix, confidence, seed) for each in (old, new))
    p = math.nan if old.task == "regression" else mcnemar_p(*_told_apart(old, new))
    table = [
        {
            "metric": name,
            "champion": before[name].value,
            "challenger": after[name].value,
            "gain": gain.value,
            "low": gain.low,
            "high": gain.high,
            "p": p if name == "accuracy" else math.nan,
        }
        for name, gain in differences.items()
    ]
    parts = [
        *class_guards(old, new, confidence),
        *segment_guards(frame, both, segments, old, new, matrix, confidence),
        *calibration_guard(old, new, confidence, seed),
    ]
    size = abs(before[chosen].value)
    scale = 1.0 if chosen in HIGHER_IS_BETTER or not size > 0 else size
    return Challenge(
        old.task,
        chosen,
        pd.DataFrame(table),
        pd.DataFrame(parts, columns=GUARDS),
        len(old),
        scale,
        _needed(differences[chosen], len(old), WORTH * scale, confidence),
        confidence,
    )


def _read_both(frame: pd.DataFrame, champion: Roles, challenger: Roles) -> list[Outcomes]:
    """Read both models in one coding, each with its own meaning of a score."""
    of_nobody = champion.score == challenger.score and champion.prediction != challenger.prediction
    models = [
        replace(each, target=champion.target, score="" if of_nobody else each.score)
        for each in (champion, challenger)
    ]
    alone = [read_outcomes([frame], each)[0] for each in models]
    if all(each.task == "regression" for each in alone):
        return alone
    sides: list[pd.DataFrame] = []
    of_classes: dict[Hashable, str] = {}
    for model in models:
        named = {model.prediction: "prediction", model.score: "score", model.target: "target"}
        given = {each: f"{PROBABILITY_OF}{each}" for each in model.probabilities}
        named |= {column: given[each] for each, column in model.probabilities.items()}
        sides.append(frame[[each for each in named if each in frame]].rename(columns=named))
        of_classes |= given
    together = read_outcomes(sides, Roles(probabilities=of_classes))
    return [
        replace(joint, score=own.score) if joint.classes == own.classes else joint
        for joint, own in zip(together, alone, strict=True)
    ]


def _told_apart(old: Outcomes, new: Outcomes) -> tuple[int, int]:
    """Return how many rows only the new model gets right, and only the old one."""
    before, after = (each.truth == each.predicted for each in (old, new))
    return int((after & ~before).sum()), int((before & ~after).sum())


def _main(outcomes: Outcomes, has_costs: bool) -> str:
    if has_costs:
        return "cost"
    return "mae" if outcomes.task == "regression" else "accuracy"


def _needed(gain: Measured, labels: int, worth: float, confidence: float) -> int:
    """Return how many labels would show a gain of `worth` with a power of 80 %."""
    if labels < 2 or not math.isfinite(gain.high - gain.low):
        return 100
    spread = (gain.high - gain.low) / (2 * deviate(confidence)) * math.sqrt(labels)  # of one pair
    return items_for_mean(worth, spread, 1 - confidence) if spread > 0 else 0
