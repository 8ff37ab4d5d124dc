"""Trade-off: what a call of each prompt costs against how good its answers are."""

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.prompts.run import Run
from aiopslab.statistics.intervals import student
from aiopslab.statistics.pareto import undominated

if TYPE_CHECKING:
    import plotly.graph_objects as go

# The first that is known, and not 0 of all calls, is what a prompt costs.
COSTS = {
    "cost_usd": "USD for 1,000 calls",
    "tokens": "tokens a call",
    "latency_ms": "ms a call",
}


def tradeoff(run: Run, scores: pd.DataFrame, metric: str, confidence: float = 0.95) -> pd.DataFrame:
    """Return what each prompt costs beside how good it is.

    Parameters
    ----------
    run
        The calls.
    scores
        Of them, see `score_calls`.
    metric
        That is meant by good; more is better.
    confidence
        Of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row a prompt: ``label, cost, unit, quality, low, high, best``. Cost is the mean in USD
        for 1,000 calls, or where that is not known in tokens, or ms, a call. The interval is
        Student's over items, and holds for this prompt alone: whether two differ is told by the
        comparison item by item. Best are those that no other is both cheaper and better than.

    Examples
    --------
    >>> from aiopslab.prompts.progress import Progress
    >>> calls = pd.DataFrame({"item": [1, 2] * 2, "prompt": list("aabb"), "cost_usd": [1, 1, 2, 2]})
    >>> scores = calls[["item", "prompt"]].assign(metric="right", score=[0, 1, 1, 1.0])
    >>> tradeoff(Run(calls, Progress(4)), scores, "right")[["label", "cost", "quality", "best"]]
      label    cost  quality  best
    0     a  1000.0      0.5  True
    1     b  2000.0      1.0  True
    """
    calls = _costed(run.calls)
    names = run.calls["prompt"].unique().tolist()
    known = [each for each in COSTS if each in calls and calls[each].max() > 0]
    column = known[0] if known else "tokens"
    rows = []
    for name in names:
        of_it = scores[(scores["prompt"] == name) & (scores["metric"] == metric)]
        values = of_it.groupby("item")["score"].mean().dropna().to_numpy(np.float64)
        cost = float(calls.loc[calls["prompt"] == name, column].mean()) if known else math.nan
        rows.append((name, cost, COSTS[column], *_mean(values, confidence)))
    table = pd.DataFrame(rows, columns=["label", "cost", "unit", "quality", "low", "high"])
    return table.assign(best=undominated(np.column_stack([table["cost"], -table["quality"]])))


def tradeoff_figure(
    run: Run, scores: pd.DataFrame, metric: str, confidence: float = 0.95
) -> "go.Figure":
    """Draw what `tradeoff` returns."""
    from aiopslab.charts.tradeoff import tradeoff_figure as drawn

    table = tradeoff(run, scores, metric, confidence)
    return drawn(table, table["unit"].iloc[0], metric, "What it costs, and what it buys")


def _costed(calls: pd.DataFrame) -> pd.DataFrame:
    """Return the calls with their cost for 1,000 of them, and all their tokens."""
    told = calls.assign(cost_usd=1_000 * pd.to_numeric(calls["cost_usd"], errors="coerce"))
    if {"input_tokens", "output_tokens"} <= set(calls):
        told["tokens"] = calls["input_tokens"] + calls["output_tokens"]
    return told


def _mean(values: npt.NDArray[np.float64], confidence: float) -> tuple[float, float, float]:
    mean = float(values.mean()) if len(values) else math.nan
    return mean, *student(values, confidence)
