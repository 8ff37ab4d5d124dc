"""What a scraper reads of a generated run, every five minutes."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.overview.faults import Fault, Floats
from benchmarks.overview.setting import Setting
from benchmarks.overview.world import SNAPSHOT_S, STEP_S, UNSURE, World, scrapes

_LOST = 0.012  # share of the scrapes of a service that fail
_GAP_S = 1500.0  # for which one service is not scraped at all
_BUSY = {  # cores: at rest, and for a question a second
    "gateway": (0.03, 0.5),
    "auth": (0.01, 0.1),
    "cache": (0.01, 0.05),
    "classifier": (0.03, 0.6),
    "retriever": (0.04, 0.8),
    "index": (0.05, 0.9),
    "database": (0.06, 0.7),
    "llm": (0.06, 1.6),
}
_MEMORY_MB = {
    "gateway": 180,
    "auth": 90,
    "cache": 420,
    "classifier": 610,
    "retriever": 350,
    "index": 1900,
    "database": 1300,
    "llm": 800,
    "indexer": 280,
}
_DOCUMENTS = 240


def metrics(world: World, its: Setting, fault: Fault, draw: np.random.Generator) -> pd.DataFrame:
    """Return the metrics by seconds from the beginning, with columns ``(service, metric)``.

    Parameters
    ----------
    world
        What happened.
    its, fault
        What the assistant is like, and what was done to it.
    draw
        Where chance comes from.
    """
    table, at = world.questions, scrapes(its)
    step = np.minimum((table["time"] // STEP_S).astype(int), len(at) - 1)
    asked = ~table["cached"]
    series: dict[tuple[str, str], Floats] = {}

    def spread(values: pd.Series, reduce: Callable[..., pd.Series]) -> Floats:
        return (
            reduce(values.groupby(step.loc[values.index])).reindex(range(len(at))).to_numpy(float)
        )

    def mean(values: pd.Series) -> Floats:
        return spread(values.astype(float), lambda groups: groups.mean())

    def total(values: pd.Series) -> Floats:
        return np.nan_to_num(spread(values.astype(float), lambda groups: groups.sum()))

    def latency(service: str, name: str, values: pd.Series) -> None:
        series[service, f"{name}_p50_ms"] = spread(values, lambda groups: groups.quantile(0.5))
        series[service, f"{name}_p95_ms"] = spread(values, lambda groups: groups.quantile(0.95))

    every = pd.Series(True, table.index)
    reached = {
        **{"gateway": every, "auth": every, "cache": ~table["cache_down"]},
        **{"classifier": asked, "retriever": asked, "index": asked, "database": asked},
        "llm": asked,
    }
    for service, rows in reached.items():
        its_ms = table.loc[rows, f"{service}_ms"]
        latency(service, "http.server.request.duration", its_ms)
        rate = total(rows) / STEP_S
        series[service, "http.server.request.rate"] = rate
        active = np.nan_to_num(rate * mean(its_ms) / 1000)
        series[service, "http.server.active_requests"] = draw.poisson(active).astype(float)
        series[service, "http.server.request.error_ratio"] = np.where(rate > 0, 0.0, np.nan)
        idle, each = _BUSY[service]
        series[service, "process.cpu.utilization"] = (idle + each * rate) * _wobble(at, draw)
    series["gateway", "http.server.request.error_ratio"] = mean(table["failed"])
    series["llm", "http.server.request.error_ratio"] = mean(table.loc[asked, "limited"])
    contended = fault("cpu", at) > 0
    full = np.clip(draw.normal(0.93, 0.03, len(at)), 0, 1)
    busy = series["llm", "process.cpu.utilization"]
    series["llm", "process.cpu.utilization"] = np.where(contended, np.maximum(full, busy), busy)
    series["gateway", "app.answer.cached_ratio"] = mean(table["cached"])
    series["gateway", "app.answer.fallback_ratio"] = mean(table.loc[asked, "fallback"])
    rated = table.loc[table["rating"].notna(), "rating"]
    series["gateway", "app.rating.helpful_ratio"] = mean(rated)
    series["cache", "cache.hit_ratio"] = mean(table.loc[~table["cache_down"], "cached"])
    series["classifier", "classifier.score_mean"] = mean(table.loc[asked, "score"])
    series["classifier", "classifier.doubtful_ratio"] = mean(table.loc[asked, "score"] < UNSURE)
    searched = asked & ~table["unreached"]
    series["retriever", "retrieval.top_score_mean"] = mean(table.loc[searched, "top_score"])
    series["retriever", "retrieval.documents_mean"] = mean(table.loc[asked, "documents"])
    latency("llm", "gen_ai.client.operation.duration", table.loc[asked, "provider_ms"])
    used = table[asked & ~table["limited"]]
    for way in ("input", "output"):
        series["llm", f"gen_ai.client.token.{way}_rate"] = total(used[f"{way}_tokens"]) / STEP_S
    series["llm", "gen_ai.client.cost_usd_rate"] = total(table["cost_usd"]) / STEP_S
    waits = mean(table.loc[asked, "wait_ms"])
    queries = total(asked) * 4 / STEP_S
    held = np.nan_to_num(queries * (6 + np.nan_to_num(waits)) / 1000)
    waiting = np.nan_to_num(queries * waits / 1000)
    series["database", "db.client.connection.pending_requests"] = draw.poisson(waiting) * 1.0
    most = np.where(fault("pool", at) > 0, 4, 20)
    series["database", "db.client.connection.used"] = np.minimum(draw.poisson(held), most) * 1.0
    latency("database", "db.client.operation.duration", table.loc[asked, "database_ms"] / 4)
    _knowledge(series, world, at, its, fault, draw)
    for service, size in _MEMORY_MB.items():
        leak = np.cumsum(draw.normal(0, 0.001, len(at)))
        series[service, "process.memory.usage_mb"] = size * (1 + leak) * draw.uniform(0.9, 1.1)
        series[service, "up"] = np.ones(len(at))
    down = mean(table["cache_down"])
    series["cache", "up"] = np.where(np.nan_to_num(down) > 0.5, 0.0, 1.0)
    frame = pd.DataFrame(series, index=at).sort_index(axis="columns")
    gone = frame["cache", "up"] == 0
    frame.loc[gone, [each for each in frame if each[0] == "cache" and each[1] != "up"]] = np.nan
    return _scraped(frame.rename_axis(columns=["service", "metric"]), draw)


def _knowledge(
    series: dict[tuple[str, str], Floats],
    world: World,
    at: Floats,
    its: Setting,
    fault: Fault,
    draw: np.random.Generator,
) -> None:
    """Add how old the index is, how much is in it, and how its keeper does."""
    rest = 0.02 * _wobble(at, draw)
    series["indexer", "process.cpu.utilization"] = rest
    series["indexer", "index.document.age_s"] = world.waiting_s
    series["indexer", "index.document.pending"] = world.pending
    edited = its.edits_an_hour * STEP_S / 3600
    share = 1 - np.minimum(fault("unwritten", at), 1)
    indexed = draw.poisson(edited * share).astype(float)
    series["indexer", "index.document.indexed_rate"] = indexed / STEP_S
    series["indexer", "index.run.error_ratio"] = np.zeros(len(at))
    series["indexer", "index.run.duration_p95_ms"] = 800 * np.exp(0.2 * draw.normal(size=len(at)))
    snapshot = fault("missing", at)
    last = np.maximum.accumulate(np.where(indexed > 0, at, 0.0))
    series["index", "index.age_s"] = at - last + SNAPSHOT_S * (snapshot > 0)
    series["index", "index.documents"] = np.round(_DOCUMENTS * (1 - snapshot))


def _wobble(at: Floats, draw: np.random.Generator) -> Floats:
    return np.exp(0.12 * draw.normal(size=len(at)))


def _scraped(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Lose single scrapes, and those of one service for a while."""
    services = frame.columns.get_level_values("service")
    unlucky = draw.choice(services.unique())
    begins = draw.uniform(frame.index[0], frame.index[-1])
    for service in services.unique():
        lost = draw.random(len(frame)) < _LOST
        if service == unlucky:
            lost |= (frame.index >= begins) & (frame.index < begins + _GAP_S)
        frame.loc[lost, service] = np.nan
    return frame
