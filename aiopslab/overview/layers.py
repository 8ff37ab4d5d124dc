"""Layers: the readings of each tile, from the frames that hold them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from aiopslab.drift.observations import Roles
from aiopslab.drift.outcomes import read_outcomes
from aiopslab.errors import AIOpsLabError
from aiopslab.incident.slo import ERROR_RATIOS, REQUEST_RATES
from aiopslab.overview.readings import Level, Reading, Requests, Snapshot, State, by_time
from aiopslab.overview.targets import quantity
from aiopslab.retrieval.freshness import CURRENT, Freshness
from aiopslab.wording import listed

Frames = Mapping[str, pd.DataFrame]

LATENCIES = ("http.server.request.duration_p95_ms", "latency_p95_ms")
AGES = {
    "index.age_s": "age of the index",
    "index.document.age_s": "age of the oldest document that waits",
}
QUALITIES = {
    "feedback": "helpful answers",
    "groundedness": "grounded answers",
    "score": "score of the answers",
}
SPAN_SLICE = "10s"  # over which a percentile of the durations of spans is taken
DAY_S = 86_400.0


@dataclass(frozen=True)
class Layer:
    """What a tile is read from.

    Parameters
    ----------
    readings
        The first is the one it is known by.
    reason
        Why there are none; else empty.
    """

    readings: tuple[Reading, ...] = ()
    reason: str = ""


def infrastructure(frames: Frames) -> Layer:
    """Read the share of good requests and their latency, where requests enter the system.

    They enter at services that nobody calls; where the topology is not known, at every service
    that counts requests. Without metrics of requests, traces that begin are counted instead:
    where traces with an error are kept more often than others, that is too bad a picture.
    """
    metrics, spans = frames.get("metrics"), frames.get("spans")
    readings = [] if metrics is None else _of_metrics(metrics, frames.get("topology"))
    if not readings and spans is not None:
        readings = _of_spans(spans)
    if readings:
        return Layer(tuple(readings))
    if metrics is None and spans is None:
        return Layer(reason="there are no metrics and no spans")
    return Layer(reason="neither metrics nor spans count requests, their errors or their latency")


def accuracy(frames: Frames) -> Layer:
    """Read which predictions were right, where the target has arrived."""
    observations = frames.get("observations")
    if observations is None or observations.empty:
        return Layer(reason="there are no observations of a model")
    if "timestamp" not in observations:
        return Layer(reason="the observations have no timestamp, so that nobody knows their age")
    try:
        (outcomes,) = read_outcomes([observations], Roles())
    except AIOpsLabError as error:
        return Layer(reason=error.problem)
    if outcomes.task == "regression":
        return Layer(reason="the model predicts numbers, which are not right or wrong")
    known = outcomes.labelled
    if not known.any():
        return Layer(reason=f"no target has arrived of {len(observations):,} predictions")
    right = np.where(known, outcomes.predicted == outcomes.truth, np.nan)
    values = by_time(right, observations["timestamp"])
    missing = int((~known).sum())
    note = f"{missing:,} of {len(known):,} predictions have no target yet." if missing else ""
    return Layer((Reading(quantity("accuracy", "right predictions"), "accuracy", values, note),))


def quality(frames: Frames) -> Layer:
    """Read how good answers were: by the feedback of readers, and by scores where there are."""
    calls = frames.get("calls")
    if calls is None or calls.empty:
        return Layer(reason="there are no calls of a language model")
    readings, refused = [], []
    for column, name in QUALITIES.items():
        if column not in calls or calls[column].isna().all():
            continue
        given = pd.to_numeric(calls[column], errors="coerce").astype("float64")
        if (
            given.notna().sum() < calls[column].notna().sum()
            or not given.dropna().between(0, 1).all()
        ):
            refused.append(f"{column} of the calls is not a number from 0 to 1")
            continue
        values = by_time(given, calls["timestamp"])
        note = f"{len(values):,} of {len(calls):,} answers were judged."
        readings.append(Reading(quantity("quality", name), "quality", values, note))
    if not readings:
        return Layer(reason=listed(refused) if refused else "no answer was judged by anybody")
    return Layer(tuple(readings))


def knowledge(frames: Frames, freshness: Freshness | None = None) -> Layer:
    """Read how far what is known lags behind its sources.

    From metrics the age of the index; and where an index was compared with its sources, the share
    of documents that are in it as they should be. Of the changes nothing is read: that something
    of an index was changed does not say that its documents became newer.
    """
    readings: list[Reading] = []
    metrics = frames.get("metrics")
    for metric, name in AGES.items():
        if metrics is None or metric not in metrics.columns.get_level_values(1):
            continue
        held = [each for each in metrics.columns if each[1] == metric]
        values = by_time(metrics[held].max(axis=1), pd.DatetimeIndex(metrics.index))
        if len(values):
            readings.append(State(quantity("age_s", name), "age_s", values))
    if freshness is not None and len(freshness.documents):
        share = freshness.count(CURRENT) / len(freshness.documents)
        now = pd.DatetimeIndex([freshness.now])
        shares, lag = by_time([share], now), by_time([freshness.oldest * DAY_S], now)
        documents = quantity("current_documents", "documents that are current")
        readings.append(Snapshot(documents, "current_documents", shares))
        if len(lag):
            oldest = quantity("age_s", "longest that a document is stale")
            readings.append(Snapshot(oldest, "age_s", lag))
    if readings:
        return Layer(tuple(readings))
    return Layer(reason="no metric tells the age of an index, and no index was compared")


def cost(frames: Frames) -> Layer:
    """Read what calls of a language model cost."""
    calls = frames.get("calls")
    if calls is None or calls.empty:
        return Layer(reason="there are no calls of a language model")
    values = by_time(calls["cost_usd"], calls["timestamp"])
    if values.empty:
        return Layer(reason=f"none of {len(calls):,} calls has a cost")
    missing = len(calls) - len(values)
    note = f"The cost of {missing:,} of {len(calls):,} calls is not known." if missing else ""
    return Layer((Reading(quantity("cost_usd", "cost a query"), "cost_usd", values, note),))


LAYERS: Mapping[str, Callable[[Frames], Layer]] = {
    "infrastructure health": infrastructure,
    "model accuracy": accuracy,
    "response quality": quality,
    "knowledge freshness": knowledge,
    "cost per query": cost,
}


def _of_metrics(metrics: pd.DataFrame, topology: pd.DataFrame | None) -> list[Reading]:
    doors = _doors(metrics, topology)
    times = pd.DatetimeIndex(metrics.index)
    readings: list[Reading] = []
    good, total = np.zeros(len(metrics)), np.zeros(len(metrics))
    for door in doors:
        ratio, rate = (_metric(metrics, door, each) for each in (ERROR_RATIOS, REQUEST_RATES))
        if ratio is None or rate is None:
            continue
        # Without a request there is no ratio, and no failure either.
        asked = np.where(ratio.isna() & (rate != 0), 0.0, rate.fillna(0.0))
        good += asked * (1 - np.nan_to_num(ratio.to_numpy(np.float64)).clip(0, 1))
        total += asked
    if total.any():
        step = pd.Series(times).diff().median()
        seconds = 1.0 if pd.isna(step) else step.total_seconds()
        seen = total > 0
        shares = by_time(good[seen] / total[seen], times[seen])
        counts = by_time(total[seen] * seconds, times[seen])
        what = quantity("good_requests", "good requests")
        readings.append(Requests(what, "good_requests", shares, total=counts))
    found = [_metric(metrics, door, LATENCIES) for door in doors]
    latencies = [each for each in found if each is not None]
    if latencies:
        values = by_time(pd.concat(latencies, axis=1).max(axis=1), times)
        if len(values):
            what = quantity("latency_ms", "95th percentile of latency")
            readings.append(Level(what, "latency_ms", values))
    return readings


def _doors(metrics: pd.DataFrame, topology: pd.DataFrame | None) -> list[str]:
    """Return the services where requests enter, among those that count them."""
    wanted = {*ERROR_RATIOS, *REQUEST_RATES, *LATENCIES}
    counting = {str(each[0]) for each in metrics.columns if each[1] in wanted}
    roots: set[str] = set()
    if topology is not None and len(topology):
        roots = {*topology["caller"]} - {*topology["callee"]}
    return sorted(counting & roots or counting)


def _metric(
    metrics: pd.DataFrame, service: str, names: tuple[str, ...]
) -> "pd.Series[float] | None":
    found = next((each for each in names if (service, each) in metrics.columns), None)
    return None if found is None else metrics[service, found]


def _of_spans(spans: pd.DataFrame) -> list[Reading]:
    roots = spans[spans["parent_span_id"].isna()]
    if roots.empty:
        return []
    good = by_time(roots["status"] != "ERROR", roots["start"])
    what = quantity("good_requests", "good traces")
    readings: list[Reading] = [Reading(what, "good_requests", good)]
    durations = by_time(roots["duration_ms"], roots["start"])
    if len(durations):
        slices = durations.resample(SPAN_SLICE).quantile(0.95).dropna()
        what = quantity("latency_ms", "95th percentile of latency")
        readings.append(Level(what, "latency_ms", slices))
    return readings
