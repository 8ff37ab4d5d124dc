"""The time of requests: in which services a trace spends more of it than before."""

import math
from collections.abc import Collection

import numpy as np
import pandas as pd

from aiopslab.findings import Effect, Interval
from aiopslab.overview.decomposition import Decomposition, Part
from aiopslab.statistics.intervals import deviate
from aiopslab.wording import listed

ENOUGH = 20  # traces on each side
TOLD = 0.05  # of the whole, from which a service is named
# What a model is waited for is for its server, for what it is sent, or for the model itself.
OF_MODELS = ("infrastructure", "prompt", "language model")


def decompose_time(
    spans: pd.DataFrame,
    models: Collection[str],
    onset: pd.Timestamp,
    gap: pd.Timedelta,
    confidence: float = 0.95,
) -> Decomposition:
    """Split how much longer requests take over the services that they wait in.

    Parameters
    ----------
    spans
        Conformed.
    models
        Services that serve a language model.
    onset, gap
        When, and the time about it that is left out.
    confidence
        Of the intervals.

    Notes
    -----
    The time of a trace is the sum of what each service spends itself, so that the differences of
    the means add up to that of the whole. Where traces that fail are kept more often than others,
    they count more than they should. What a language model takes longer is not separable by time
    alone: its server, what it is sent, or the model.
    """
    effects = time_by_service(spans, onset, gap, confidence)
    total = sum(each.value for each in effects.values())
    if not effects or not total:
        why = (
            f"Not enough data to decompose: at least {ENOUGH} traces on each side would be enough."
        )
        return Decomposition("service", None, notes=(why,))
    served = {name: each for name, each in effects.items() if name in models}
    others = {name: each for name, each in effects.items() if name not in models}
    groups = ((("infrastructure",), others), (OF_MODELS, served))
    parts = [
        Part(layers, together(group, f"through {listed(layers)}"), spent_in(group))
        for layers, group in groups
        if group
    ]
    parts.sort(key=lambda each: -abs(each.effect.value))
    whole = Effect("change of the mean time of a trace", total, "ms")
    return Decomposition("service", whole, tuple(parts), ("By the time that traces spend.",))


def own_time(spans: pd.DataFrame) -> pd.DataFrame:
    """Return the milliseconds that each trace spends in each service itself.

    Parameters
    ----------
    spans
        Conformed. The time of a span that its children take is theirs; of children at one time,
        together at most what there is.

    Returns
    -------
    pandas.DataFrame
        One row a trace, in order of time, with the index ``timestamp`` and a column a service.

    Examples
    --------
    >>> spans = pd.DataFrame({"trace_id": "t", "span_id": ["a", "b"], "parent_span_id": [None, "a"],
    ...     "service": ["web", "auth"], "start": pd.to_datetime(["2026-03-01T00:00Z"] * 2),
    ...     "duration_ms": [10.0, 7.0]})
    >>> own_time(spans).to_dict("records")
    [{'auth': 7.0, 'web': 3.0}]
    """
    known = spans.dropna(subset=["duration_ms"])
    # Of what enters most often: other traces, such as those of jobs, are no requests.
    roots = known[known["parent_span_id"].isna()]
    if len(roots):
        door = roots["service"].mode().iloc[0]
        asked = roots.loc[roots["service"] == door, "trace_id"]
        known = known[known["trace_id"].isin(asked)]
    inner = known.groupby(["trace_id", "parent_span_id"])["duration_ms"].sum()
    keys = pd.MultiIndex.from_frame(known[["trace_id", "span_id"]])
    below = inner.reindex(keys).fillna(0.0).to_numpy()
    own = np.clip(known["duration_ms"].to_numpy(np.float64) - below, 0, None)
    table = known.assign(own=own).pivot_table(
        index="trace_id", columns="service", values="own", aggfunc="sum", fill_value=0.0
    )
    starts = known.groupby("trace_id")["start"].min().reindex(table.index)
    table.columns.name = None
    return table.set_axis(pd.DatetimeIndex(starts, name="timestamp")).sort_index()


def time_by_service(
    spans: pd.DataFrame, onset: pd.Timestamp, gap: pd.Timedelta, confidence: float
) -> dict[str, Effect]:
    """Return how much longer a trace takes in each service since an onset; empty for too few.

    The differences add up to that of the mean time of a trace. Where traces that fail are kept more
    often than others, they count more than they should.
    """
    table = own_time(spans)
    before, after = table[table.index < onset - gap], table[table.index >= onset + gap]
    if min(len(before), len(after)) < ENOUGH:
        return {}
    return {
        str(service): _difference(
            str(service),
            before[service].to_numpy(np.float64),
            after[service].to_numpy(np.float64),
            confidence,
        )
        for service in table
    }


def together(effects: dict[str, Effect], name: str) -> Effect:
    """Return the sum of effects that are independent of each other."""
    value = sum(each.value for each in effects.values())
    halves = [
        (each.interval.high - each.interval.low) / 2
        for each in effects.values()
        if each.interval is not None
    ]
    half = math.sqrt(sum(each**2 for each in halves))
    confidence = next(each.interval.confidence for each in effects.values() if each.interval)
    return Effect(name, value, "ms", Interval(value - half, value + half, confidence))


def spent_in(effects: dict[str, Effect]) -> str:
    """Say in which services most of the time is spent.

    Examples
    --------
    >>> spent_in({"auth": Effect("", 1.0), "web": Effect("", 9.0), "db": Effect("", 0.0)})
    'time spent in web and auth'
    """
    whole = sum(abs(each.value) for each in effects.values())
    ordered = sorted(effects, key=lambda each: -abs(effects[each].value))
    told = [each for each in ordered if abs(effects[each].value) >= TOLD * whole]
    return f"time spent in {listed(told or ordered[:1])}"


def _difference(name: str, before: np.ndarray, after: np.ndarray, confidence: float) -> Effect:
    value = float(after.mean() - before.mean())
    error = math.sqrt(before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after))
    half = deviate(confidence) * error
    return Effect(name, value, "ms", Interval(value - half, value + half, confidence))
