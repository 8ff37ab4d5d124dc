"""Trends: quantities through time, in bins, by version of the prompt."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from aiopslab import durations
from aiopslab.charts.multiples import Mark, small_multiples
from aiopslab.errors import ParameterError
from aiopslab.prompts.quantities import Quantity

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_BINS = 48  # of the time that is drawn
VERSIONS_DRAWN = 3
_STEPS = ("1min", "5min", "15min", "1h", "3h", "6h", "1D", "7D", "28D", "91D", "364D")


def width(times: pd.Series, every: str | pd.Timedelta | None) -> pd.Timedelta:
    """Return the width of a bin: what was asked for, else such that there are at most 48."""
    if every is not None:
        parsed = durations.parse(every)
        if parsed is None:
            raise ParameterError(
                f"every is {every!r}; expected a duration above 0", "Write for example 1h or 7D."
            )
        return parsed
    span = times.max() - times.min() if len(times) else pd.Timedelta(0)
    steps = [pd.Timedelta(each) for each in _STEPS]
    return next((each for each in steps if span / each <= MOST_BINS), steps[-1])


def binned(
    calls: pd.DataFrame, quantities: Sequence[Quantity], every: pd.Timedelta
) -> pd.DataFrame:
    """Return ``timestamp, prompt_version, calls`` and the mean of each quantity, bin by bin."""
    names = [each.name for each in quantities]
    bins = calls.assign(timestamp=calls["timestamp"].dt.floor(every), calls=1)
    grouped = bins.groupby(["timestamp", "prompt_version"], sort=True)
    return grouped[["calls"]].sum().join(grouped[names].mean()).reset_index()


def figure(calls: pd.DataFrame, quantities: Sequence[Quantity], every: pd.Timedelta) -> "go.Figure":
    """Draw each quantity through time, of the versions with the most calls."""
    told = binned(calls, quantities, every)
    versions = calls["prompt_version"].unique().tolist()
    most = calls["prompt_version"].value_counts().index[:VERSIONS_DRAWN]
    drawn = [each for each in versions if each in set(most)]
    index = pd.DatetimeIndex([], tz="UTC")
    if len(told):
        ends = told["timestamp"].min(), told["timestamp"].max()
        index = pd.date_range(*ends, freq=every)
    of_version = {
        each: told[told["prompt_version"] == each].set_index("timestamp") for each in drawn
    }
    series = pd.DataFrame(
        {
            (quantity.label, _short(each)): of_version[each][quantity.name].reindex(index)
            for quantity in quantities
            for each in drawn
        },
        index,
    )
    starts = calls.groupby("prompt_version", sort=False)["timestamp"].min()
    marks = [Mark(starts[each], _short(each)) for each in drawn if each != versions[0]]
    title = "Calls in production, by version of the prompt"
    if len(drawn) < len(versions):
        title += f": the {len(drawn)} of {len(versions)} with the most calls"
    shown = "%{x|%Y-%m-%d %H:%M}  %{y:.4g}<extra></extra>"
    # A bin between two without calls would be no line.
    return small_multiples(series, title, marks, highlighted=0).update_traces(
        mode="lines+markers", marker={"size": 4}, hovertemplate=shown
    )


def _short(version: str) -> str:
    return version if len(version) <= 24 else f"{version[:23]}…"
