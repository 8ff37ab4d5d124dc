"""Estimation: what a model achieves where targets are missing, and what that estimate rests on."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.assumptions import (
    Assumption,
    calibration_assumption,
    overlap_assumption,
    relation_assumption,
)
from aiopslab.drift.bands import Band, bands_of, excess_of
from aiopslab.drift.confidence import expect_classes
from aiopslab.drift.costs import Costs, cost_matrix
from aiopslab.drift.direct_loss import expect_losses
from aiopslab.drift.expectation import Expectation
from aiopslab.drift.labels import Labels, read_labels
from aiopslab.drift.likeness import Likeness, likeness
from aiopslab.drift.metrics import WORDS, Measured, measure
from aiopslab.drift.observations import Roles, Task, read_observations
from aiopslab.drift.outcomes import UNKNOWN, Outcomes, read_outcomes
from aiopslab.drift.performance import compared, cut_rows
from aiopslab.drift.prediction_powered import labels_for
from aiopslab.drift.windows import Windows

if TYPE_CHECKING:
    import plotly.graph_objects as go

LEAST = 50  # labelled reference rows, fewer of which say nothing about scores
COVERED = 0.9  # of the rows, up to which labels must have arrived to speak for all of them


@dataclass(frozen=True)
class Estimation:
    """What a model should achieve on rows without labels.

    Parameters
    ----------
    task
        ``binary``, ``multiclass`` or ``regression``.
    method
        How it was estimated, in words.
    overall
        One row a metric: ``metric, value, low, high, reference, change, change_low, change_high,
        better, rows`` as in `Performance`, and ``combined, combined_low, combined_high``: the same
        corrected by the labels there are, NaN without them. Nothing is surely better, or worse,
        where an assumption fails.
    windows
        One row a window and metric: ``window, label, metric, value, low, high, rows`` and the
        three columns of ``combined``.
    assumptions
        What the estimate rests on, each with its test.
    labels
        Of the current rows.
    problem
        Why there is no estimate; empty where there is one.
    confidence
        Of the intervals.
    """

    task: Task
    method: str
    overall: pd.DataFrame
    windows: pd.DataFrame
    assumptions: tuple[Assumption, ...]
    labels: Labels | None
    problem: str
    confidence: float

    @property
    def holds(self) -> bool | None:
        """Whether all assumptions hold; ``None`` where none fails but one could not be tested."""
        verdicts = [each.holds for each in self.assumptions]
        if False in verdicts or not verdicts:
            return False
        return None if None in verdicts else True

    @property
    def words(self) -> str:
        """The main metric and its change, never without the assumptions and their tests."""
        if self.problem:
            return f"Performance was not estimated: {self.problem}."
        first = self.overall.iloc[0]
        name = WORDS[first["metric"]]
        change = _interval(first["change"], first["change_low"], first["change_high"], "+.3g")
        value = _interval(first["value"], first["low"], first["high"], ".3g")
        said = {
            True: f"Estimated without labels, {name} is {value}, {change} from the reference",
            None: f"If its assumptions hold, {name} is {value}, {change} from the reference",
            False: f"An assumption of the estimate fails: do not rely on {name} {value}",
        }[self.holds]
        corrected = ""
        if not math.isnan(first["combined"]):
            known = (first["combined"], first["combined_low"], first["combined_high"])
            corrected = f" Corrected by the labels there are, it is {_interval(*known, '.3g')}."
        rests = "; ".join(str(each) for each in self.assumptions)
        return f"{said}.{corrected} It rests on: {rests}."

    def table(self) -> pd.DataFrame:
        """Return one row a metric, with its change from the reference."""
        return self.overall

    def assumption_table(self) -> pd.DataFrame:
        """Return one row an assumption: ``name, claim, holds, evidence``."""
        return pd.DataFrame([vars(each) for each in self.assumptions])

    def figure(
        self, metric: str | None = None, realised: pd.DataFrame | None = None
    ) -> "go.Figure":
        """Draw a metric through time, beside what was realised.

        Parameters
        ----------
        metric
            The first one by default.
        realised
            The windows of a `Performance` of the same rows, cut the same way.
        """
        from aiopslab.charts.performance import performance_figure

        name = metric or str(self.overall["metric"].iloc[0])
        shown = self.windows[self.windows["metric"] == name]
        series = {"estimated": shown}
        corrected = ["combined", "combined_low", "combined_high"]
        if shown["combined"].notna().any():
            named = dict(zip(corrected, ["value", "low", "high"], strict=True))
            bare = shown.drop(columns=["value", "low", "high"])
            series["combined"] = bare.rename(columns=named)
        if realised is not None:
            series["realised"] = realised[realised["metric"] == name]
        reference = self.overall.set_index("metric")["reference"].to_dict()[name]
        return performance_figure(series, WORDS[name], reference)


def estimate_performance(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    roles: Roles | None = None,
    costs: Costs | None = None,
    windows: str | pd.Timedelta | int | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Estimation:
    """Estimate what a model achieves on rows whose targets are missing.

    Parameters
    ----------
    reference
        Labelled observations that the model was not trained on.
    current
        Observations to judge. Targets that are there are not used for the estimate, but test it
        and correct it.
    roles
        Which column is what; the usual names where ``None``.
    costs
        Cost of one row by ``(truth, prediction)``; pairs not given cost nothing.
    windows
        A duration such as ``"1D"``, or a number of rows; see `cut_windows`.
    confidence
        Of the intervals.
    seed
        Of the resampling.

    Returns
    -------
    Estimation
        With `problem` where the reference has fewer than 50 labelled rows.

    Raises
    ------
    FrameError
        If the tables cannot be read as observations with predictions.
    ParameterError
        If costs do not fit the classes.

    Notes
    -----
    Intervals hold what may be realised on these rows: labels as drawn from their chances, what the
    reference leaves open, and how much more than chance the estimate missed on held-out parts of
    the reference. None of them knows of concept drift, which is why no result is without its
    assumptions. See `expect_classes`, `expect_losses` and `combine` for the methods.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> score = rng.random(2000)
    >>> rows = {"age": score, "score": score, "prediction": (score > 0.5).astype(int)}
    >>> table = pd.DataFrame(rows).assign(target=(rng.random(2000) < score).astype(int))
    >>> found = estimate_performance(table[:1000], table[1000:].drop(columns="target"))
    >>> found.table().loc[0, "metric"], round(float(found.table().loc[0, "value"]), 1)
    ('accuracy', 0.8)
    >>> [(each.name, each.holds) for each in found.assumptions]
    [('calibration', True), ('overlap', True), ('relation', None)]
    """
    named = roles or Roles()
    known = read_observations(reference, roles, "reference observations")
    if named.target not in current.columns:
        current = current.assign(**{named.target: np.nan})
    judged = read_observations(current, roles, "current observations")
    before, now = read_outcomes([known, judged], named)
    matrix = None if costs is None else cost_matrix(costs, now.classes)
    labelled, predicted = before.labelled, _predicted(now)
    if labelled.sum() < LEAST or not predicted.any():
        problem = (
            f"{int(labelled.sum())} rows of the reference have a label; {LEAST} would do"
            if predicted.any()
            else "no current row has a prediction"
        )
        nothing = pd.DataFrame()
        return Estimation(now.task, "", nothing, nothing, (), None, problem, confidence)
    known, before = known[labelled], before.take(labelled)
    judged, now = judged[predicted], now.take(predicted)
    like = likeness(known, judged, named, seed)
    expectation: Expectation = (
        expect_losses(before, known, judged, named, seed)
        if now.task == "regression"
        else expect_classes(before, now, like.weights, matrix, seed)
    )
    then = measure(before, matrix, confidence, seed)
    labels = read_labels(judged, now.labelled, named, seed)
    return _estimated(
        expectation, now, then, like, labels, cut_rows(judged, named, windows), confidence, seed
    )


def _estimated(
    expectation: Expectation,
    now: Outcomes,
    then: dict[str, Measured],
    like: Likeness,
    labels: Labels,
    cut: Windows,
    confidence: float,
    seed: int,
) -> Estimation:
    everything = np.arange(len(now))
    labelled = np.flatnonzero(now.labelled)
    windows = [np.flatnonzero(cut.number == number) for number in range(len(cut.table))]
    misses, chance = expectation.misses()
    excess = {name: excess_of(name, misses, chance) for name in expectation.names}
    speaks_for_all = labels.fair is not False and labels.complete_rows >= COVERED * len(now)
    parts = [
        (everything, labelled if speaks_for_all else labelled[:0]),
        *((rows, labels_for(rows, labelled)) for rows in windows),
    ]
    whole, *through_time = bands_of(expectation, now, parts, excess, confidence, seed)
    main = expectation.names[0]
    assumptions = (
        calibration_assumption(misses, chance, main),
        overlap_assumption(like),
        relation_assumption(expectation, now, labelled, then[main].value),
    )
    overall = compared(whole.alone, then, len(now)).join(
        pd.DataFrame([_of_combined(each) for each in whole.combined.values()])
    )
    if any(each.holds is False for each in assumptions):
        overall["better"] = None  # nothing is sure by an estimate that does not hold
    table = [
        {"window": number, "label": label, "metric": name, **told}
        for number, (label, rows, band) in enumerate(
            zip(cut.labels, windows, through_time, strict=True)
        )
        for name, told in _told(band, len(rows)).items()
    ]
    return Estimation(
        now.task,
        expectation.method,
        overall,
        pd.DataFrame(table),
        assumptions,
        labels,
        "",
        confidence,
    )


def _told(band: Band, rows: int) -> dict[str, dict[str, float]]:
    return {
        name: {**vars(each), "rows": rows, **_of_combined(band.combined[name])}
        for name, each in band.alone.items()
    }


def _of_combined(found: Measured) -> dict[str, float]:
    return {"combined": found.value, "combined_low": found.low, "combined_high": found.high}


def _predicted(outcomes: Outcomes) -> npt.NDArray[np.bool_]:
    if outcomes.task == "regression":
        return np.isfinite(outcomes.predicted)
    return np.asarray(outcomes.predicted != UNKNOWN, dtype=np.bool_)


def _interval(value: float, low: float, high: float, form: str) -> str:
    return f"{value:{form}} ({low:{form}} to {high:{form}})"
