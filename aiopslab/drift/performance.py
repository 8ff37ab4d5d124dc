"""Performance: what a model achieved where its targets are known, in whole and through time."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.costs import Costs, cost_matrix
from aiopslab.drift.labels import Labels, read_labels
from aiopslab.drift.metrics import (
    HIGHER_IS_BETTER,
    NOTHING,
    WORDS,
    Measured,
    measure,
    metric_names,
)
from aiopslab.drift.observations import Roles, Task, read_observations
from aiopslab.drift.outcomes import Outcomes, read_outcomes
from aiopslab.drift.windows import Windows, cut_windows

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = npt.NDArray[np.float64]

ENOUGH = 30  # labelled rows from which a window is judged


@dataclass(frozen=True)
class Performance:
    """What a model achieved.

    Parameters
    ----------
    task
        ``binary``, ``multiclass`` or ``regression``.
    overall
        One row a metric: ``metric, value, low, high, reference, change, change_low, change_high,
        better, rows``; the change is from the reference, ``better`` says whether it is certain to
        be for the better (True) or the worse (False), and is missing where it is neither.
    windows
        One row a window and metric: ``window`` (number), ``label``, ``metric``, ``value, low,
        high, rows`` (labelled ones) and ``enough``, without which there is no value.
    labels
        How far labels reach, and whether they are a fair part of the rows.
    confidence
        Of the intervals.
    """

    task: Task
    overall: pd.DataFrame
    windows: pd.DataFrame
    labels: Labels
    confidence: float

    @property
    def better(self) -> bool | None:
        """Whether the first metric is certainly better or worse than in the reference, if it is."""
        if self.overall.empty or pd.isna(self.overall["better"].iloc[0]):
            return None
        return bool(self.overall["better"].iloc[0])

    @property
    def words(self) -> str:
        """The first metric, its change, and what to know of the labels."""
        if not self.labels.labelled:
            return "No row has both a prediction and a label: performance was not measured."
        first = self.overall.iloc[0]
        name = WORDS[first["metric"]]
        said = f"{name} {first['value']:.3g} ({first['low']:.3g} to {first['high']:.3g})"
        if not np.isnan(first["change"]):
            said += (
                f", {first['change']:+.3g} from the reference "
                f"({first['change_low']:+.3g} to {first['change_high']:+.3g})"
            )
        return f"{said[0].upper()}{said[1:]}. {self.labels.words}"

    def table(self) -> pd.DataFrame:
        """Return one row a metric, with its change from the reference."""
        return self.overall

    def figure(self, metric: str | None = None) -> "go.Figure":
        """Draw a metric through time, the first one by default."""
        from aiopslab.charts.performance import performance_figure

        name = metric or str(self.overall["metric"].iloc[0])
        shown = self.windows[self.windows["metric"] == name]
        reference = self.overall.set_index("metric")["reference"].to_dict()[name]
        return performance_figure({"realised": shown}, WORDS[name], reference)


def measure_performance(
    current: pd.DataFrame,
    roles: Roles | None = None,
    reference: pd.DataFrame | None = None,
    costs: Costs | None = None,
    windows: str | pd.Timedelta | int | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Performance:
    """Measure a model by the targets that have arrived.

    Parameters
    ----------
    current
        Observations with a prediction, and a target in some rows.
    roles
        Which column is what; the usual names where ``None``.
    reference
        Labelled observations of when the model was known to be good.
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
    Performance
        Of a classifier: accuracy, balanced accuracy, F1, with scores of two classes ROC AUC, log
        loss and Brier score, and with costs the cost per prediction. Of a regression: mean
        absolute error, root mean squared error and bias.

    Raises
    ------
    FrameError
        If the tables cannot be read as observations with predictions.
    ParameterError
        If costs do not fit the classes.

    Examples
    --------
    >>> good = pd.DataFrame({"prediction": [1, 0] * 50, "target": [1, 0] * 50, "age": range(100)})
    >>> print(measure_performance(good.assign(target=1), reference=good).words)
    Accuracy 0.5 (0.404 to 0.596), -0.5 from the reference (-0.596 to -0.397).
    All 100 rows have a label.
    """
    named = roles or Roles()
    frames = [read_observations(current, roles, "current observations")]
    if reference is not None:
        frames.append(read_observations(reference, roles, "reference observations"))
    outcomes = read_outcomes(frames, named)
    now = outcomes[0]
    matrix = None if costs is None else cost_matrix(costs, now.classes)
    cut = cut_rows(frames[0], named, windows)
    overall = measure(now, matrix, confidence, seed)
    before = (
        measure(outcomes[1], matrix, confidence, seed)
        if reference is not None
        else dict.fromkeys(overall, NOTHING)
    )
    return Performance(
        now.task,
        compared(overall, before, int(now.labelled.sum())),
        _through_time(now, cut, matrix, confidence, seed),
        read_labels(frames[0], now.labelled, named, seed),
        confidence,
    )


def cut_rows(
    frame: pd.DataFrame, roles: Roles, windows: str | pd.Timedelta | int | None
) -> Windows:
    """Cut observations into windows, of time where they have times."""
    times = frame.get(roles.timestamp)
    return cut_windows(times, len(frame), windows)


def compared(now: dict[str, Measured], before: dict[str, Measured], rows: int) -> pd.DataFrame:
    """Lay metrics out beside those of the reference, with the change and its interval."""
    table = []
    for name, each in now.items():
        then = before.get(name, NOTHING)
        change = each.minus(then)
        table.append(
            {
                "metric": name,
                "value": each.value,
                "low": each.low,
                "high": each.high,
                "reference": then.value,
                "change": change.value,
                "change_low": change.low,
                "change_high": change.high,
                "better": is_better(name, change),
                "rows": rows,
            }
        )
    return pd.DataFrame(table)


def is_better(metric: str, change: Measured) -> bool | None:
    """Tell a change for the better from one for the worse; ``None`` where it may be either.

    Bias has no better side: nearer to zero is judged by the errors.
    """
    if metric == "bias" or not (change.low > 0 or change.high < 0):
        return None
    return (change.low > 0) == (metric in HIGHER_IS_BETTER)


def _through_time(
    outcomes: Outcomes, cut: Windows, costs: Floats | None, confidence: float, seed: int
) -> pd.DataFrame:
    rows = []
    names = metric_names(outcomes, costs)
    for number, label in enumerate(cut.labels):
        part = outcomes.take(cut.number == number)
        labelled = int(part.labelled.sum())
        enough = labelled >= ENOUGH
        found = measure(part, costs, confidence, seed) if enough else {}
        for name in names:
            each = found.get(name, NOTHING)
            rows.append(
                {
                    "window": number,
                    "label": label,
                    "metric": name,
                    "value": each.value,
                    "low": each.low,
                    "high": each.high,
                    "rows": labelled,
                    "enough": enough,
                }
            )
    return pd.DataFrame(rows)
