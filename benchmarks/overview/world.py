"""The world: a question's way through classifier, retrieval, prompt and model to its answer.

Causes act where they act in a real system, and everything else follows from there: a wrong route
keeps the right document from being found, a missing document makes a wrong answer likely, a slow
model times out, and who times out falls back to a dearer one. Both worlds of a run, with its fault
and without, draw the same numbers, so that what differs between them is what the fault did.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.overview.faults import Fault, Floats
from benchmarks.overview.questions import (
    DOCUMENTS,
    FEATURES,
    SPREAD,
    TOPICS,
    asked,
    centres,
)
from benchmarks.overview.setting import Setting, prompts

STEP_S = 300.0  # between scrapes
SERVICES = (
    *("gateway", "auth", "cache", "classifier", "retriever", "index"),
    *("database", "llm", "indexer"),
)
COUNT = 4  # documents that are asked for
SNAPSHOT_S = 9 * 86_400.0  # how old a snapshot is that is served by mistake
UNSURE = 0.35  # below, a question is searched for in all topics
# USD a million tokens, in and out
PRICES = {
    "base-1": (0.6, 2.4),
    "base-1-0612": (0.6, 2.4),
    "mini-1": (0.15, 0.6),
    "large-2": (4.0, 16.0),
}
_KNOWN_ANYWAY = 0.08  # answers that are right without the document
_STILL_RIGHT = 0.3  # answers that an edit of their document leaves right


@dataclass(frozen=True)
class World:
    """What happened, question by question, and the state of things by time.

    Parameters
    ----------
    questions
        One row a question, with all that nobody sees too: whether the answer is likely right.
    waiting_s
        For how long the oldest edit that is not in the index has waited, at each scrape.
    pending
        How many documents wait at each scrape.
    noise
        What the services' latencies are multiplied by at each scrape, by service.
    """

    questions: pd.DataFrame
    waiting_s: Floats
    pending: Floats
    noise: dict[str, Floats]


def scrapes(its: Setting) -> Floats:
    """Return when metrics are read, in seconds from the beginning."""
    return np.arange(STEP_S, its.seconds + 1, STEP_S)


def simulate(its: Setting, fault: Fault, seed: int, limit: float = float("inf")) -> World:
    """Let the questions of a run be answered.

    Parameters
    ----------
    its
        What the assistant is like.
    fault
        What is done to it.
    seed
        The same seed draws the same numbers, whatever the fault.
    limit
        Tokens a minute that the provider allows.
    """
    table = asked(
        its.traffic.times(np.random.default_rng([seed, 2])),
        *(its.traffic, fault, np.random.default_rng([seed, 3])),
    )
    draw = np.random.default_rng([seed, 4])
    noise = {name: _wandering(len(scrapes(its)), draw) for name in SERVICES}
    table["cached"] = _cached(table, its, fault, draw)
    _classify(table, fault)
    waiting, pending = _retrieve(table, its, fault, draw)
    _generate(table, its, fault, draw, limit)
    _wait(table, noise, draw)
    return World(table, waiting, pending, noise)


def per_minute(table: pd.DataFrame) -> Floats:
    """Return the tokens that the provider read and wrote in each minute."""
    used = (table["input_tokens"] + table["output_tokens"]).where(~table["cached"], 0)
    return used.groupby((table["time"] // 60).astype(int)).sum().to_numpy(float)


def _wandering(length: int, draw: np.random.Generator) -> Floats:
    """Return a level that wanders about one, as a shared machine's does."""
    steps, level = draw.normal(0, 0.05, length), np.zeros(length)
    for place in range(1, length):
        level[place] = 0.9 * level[place - 1] + steps[place]
    return np.exp(level)


def _cached(table: pd.DataFrame, its: Setting, fault: Fault, draw: np.random.Generator) -> Floats:
    """Return which questions were answered a short time before, and the cache knew."""
    times = table["time"].to_numpy()
    # Down in stretches of half an hour, as what crashes comes back, and crashes.
    stretches = draw.random(int(its.seconds / 1800) + 2)
    down = stretches[(times / 1800).astype(int)] < fault("uncached", times)
    table["cache_down"] = down
    answered: dict[int, float] = {}
    hits = np.zeros(len(table), bool)
    for place, (time, question) in enumerate(zip(times, table["question"], strict=True)):
        if down[place]:
            answered.clear()  # it held them in memory
            continue
        hits[place] = time - answered.get(question, -np.inf) < its.cached_s
        if not hits[place]:
            answered[question] = time
    return hits


def _classify(table: pd.DataFrame, fault: Fault) -> None:
    """Predict the topic by the nearest centre; a model retrained badly has mixed some up."""
    good = centres()
    size = fault("mixed_up", table["time"].to_numpy())[:, None, None]
    order = np.arange(len(TOPICS))
    order[:4] = np.roll(order[:4], 1)  # two topics in three were labelled as one another
    model = (1 - size) * good + size * good[order] if size.any() else good[None]
    x = table[[f"x{number}" for number in range(FEATURES)]].to_numpy()
    distance = ((x[:, None] - model) ** 2).sum(2)
    odds = np.exp(-(distance - distance.min(1, keepdims=True)) / (2 * 1.6 * SPREAD**2))
    chances = odds / odds.sum(1, keepdims=True)
    table["predicted"] = chances.argmax(1)
    table["score"] = chances.max(1)


def _retrieve(
    table: pd.DataFrame, its: Setting, fault: Fault, draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """Search the index for documents, and fetch their texts from the database until a deadline."""
    times, count = table["time"].to_numpy(), len(table)
    chance = draw.random((6, count))
    routed = table["score"] >= UNSURE
    wrong = routed & (table["predicted"] != table["topic"])
    weak = fault("embedder", times)
    odds = its.recall - 5.4 * table["difficulty"] - 0.5 * ~routed
    found = (chance[0] < (1 - weak) / (1 + np.exp(-odds))) & ~wrong
    name = (table["topic"] * DOCUMENTS + table["document"]).to_numpy()
    # An old snapshot lacks the same documents for as long as it is served.
    lacking = draw.random(DOCUMENTS * len(TOPICS))[name] < fault("missing", times)
    added = fault("network", times) * np.exp(0.6 * _normal(chance[1]))
    unreached = added > its.index_timeout_s
    table["index_ms"] = 22 * np.exp(0.35 * _normal(chance[2]))
    table["network_ms"] = np.minimum(added, its.index_timeout_s) * 1000
    table["unreached"] = unreached
    busy = np.maximum(times - np.concatenate([np.zeros(40), times[:-40]]), 60)
    crowd = np.clip(40 * 3600 / busy / its.traffic.an_hour, 0.3, 2.5)
    waits = draw.exponential(1, (COUNT, count)) * fault("pool", times) * crowd
    each = waits + 0.006 * np.exp(0.4 * draw.normal(size=(COUNT, count)))
    fetched = (each.cumsum(0) < its.fetch_timeout_s).sum(0)
    table["database_ms"] = np.minimum(each.sum(0), its.fetch_timeout_s) * 1000
    table["wait_ms"] = waits.mean(0) * 1000
    wanted = np.where(fault("bare", times) > 0, 2, COUNT)
    table["documents"] = np.where(unreached, 0, np.minimum(fetched, wanted))
    table["place"] = np.minimum((chance[3] * 1.6).astype(int), 1)  # mostly it comes first
    table["found"] = found & ~lacking & (table["documents"] > table["place"])
    spread = 0.06 * _normal(chance[4])
    near = 0.83 - 0.22 * table["difficulty"] - 0.16 * wrong - 0.12 * lacking - 0.3 * weak
    table["top_score"] = np.clip(near + spread, 0.05, 1.0)
    edited, waiting, pending = _edits(its, fault, draw)
    since = edited[name] if len(edited) else np.full(count, np.inf)
    table["stale"] = table["found"] & (since < times) & (chance[5] > _STILL_RIGHT)
    return waiting, pending


def _edits(its: Setting, fault: Fault, draw: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """Return since when each document in the index is old, and how far the index is behind."""
    names = DOCUMENTS * len(TOPICS)
    count = draw.poisson(its.edits_an_hour * its.seconds / 3600)
    times = np.sort(draw.uniform(0, its.seconds, count))
    edited = draw.integers(names, size=count)
    lost = draw.random(count) < fault("unwritten", times)
    since = np.full(names, np.inf)
    np.minimum.at(since, edited[lost], times[lost])
    at = scrapes(its)
    # What is written is so within the half hour; that is a wait too.
    lag = draw.uniform(60, 1800, count)
    waiting, pending = np.zeros(len(at)), np.zeros(len(at))
    for place, now in enumerate(at):
        waits = (times <= now) & (lost | (times + lag > now))
        pending[place] = len(np.unique(edited[waits]))
        waiting[place] = now - times[waits].min() if waits.any() else 0.0
    return since, waiting, pending


def _generate(
    table: pd.DataFrame, its: Setting, fault: Fault, draw: np.random.Generator, limit: float
) -> None:
    """Have the model answer, in time or not, and tell how likely the answer is right."""
    times, count = table["time"].to_numpy(), len(table)
    normal, chance = draw.normal(size=(5, count)), draw.random((2, count))
    long, bare = fault("long", times), fault("bare", times)
    mini, updated = fault("mini", times), fault("updated", times)
    table["prompt"] = prompts(its, fault, times)
    table["model"] = np.select([mini > 0, updated > 0], ["mini-1", "base-1-0612"], "base-1")
    read = 260 + 14 + table["documents"] * 130 * np.exp(0.2 * normal[0])
    table["input_tokens"] = (read * np.where(long > 0, long, 1.0)).round()
    written = (70 + 90 * table["difficulty"]) * np.exp(0.3 * normal[1])
    written = written * np.where(long > 0, 1 + 0.12 * long, 1.0) * np.where(mini > 0, 0.85, 1.0)
    table["output_tokens"] = np.where(table["documents"] > 0, written, 24).round()
    slow = np.where(fault("provider", times) > 0, fault("provider", times), 1.0)
    begin = its.first_token_ms * np.exp(0.45 * normal[2]) + 0.08 * table["input_tokens"]
    table["provider_ms"] = slow * (begin + its.token_ms * table["output_tokens"])
    contended = 1 + fault("cpu", times) * np.exp(0.5 * normal[3] - 0.125)
    table["guard_ms"] = its.guard_ms * np.exp(0.25 * normal[4]) * contended
    late = table["guard_ms"] + table["provider_ms"] > its.llm_timeout_s * 1000
    minute = (table["time"] // 60).astype(int)
    used = (table["input_tokens"] + table["output_tokens"]).where(~table["cached"], 0)
    limited = used.groupby(minute).cumsum() > limit
    again = slow * (its.first_token_ms * 1.3 + its.token_ms * 1.6 * table["output_tokens"])
    again = again * np.exp(0.3 * _normal(chance[1]))
    too_late = again > its.llm_timeout_s * 1000
    table["fallback"] = ~table["cached"] & ~limited & late
    table["again_ms"] = np.minimum(again, its.llm_timeout_s * 1000).where(table["fallback"], 0.0)
    table["limited"] = ~table["cached"] & limited
    table["failed"] = table["limited"] | (table["fallback"] & too_late)
    table.loc[table["fallback"], "model"] = "large-2"
    table["llm_ms"] = (table["guard_ms"] + table["provider_ms"]).clip(
        upper=its.llm_timeout_s * 1000
    )
    prices = np.array([PRICES[each] for each in table["model"]])
    table["cost_usd"] = (
        table["input_tokens"] * prices[:, 0] + table["output_tokens"] * prices[:, 1]
    ) / 1e6
    table.loc[table["cached"] | table["failed"], "cost_usd"] = 0.0
    odds = its.right - 3.6 * table["difficulty"] - 0.15 * (COUNT - table["documents"])
    odds = odds - np.where(table["fallback"], 0.0, bare + mini + updated)
    right = 1 / (1 + np.exp(-odds))
    table["chance"] = np.where(table["found"] & ~table["stale"], right, _KNOWN_ANYWAY)
    table["right"] = chance[0] < table["chance"]


def _wait(table: pd.DataFrame, noise: dict[str, Floats], draw: np.random.Generator) -> None:
    """Add up how long each question took, with the weather that the machines have."""
    step = np.minimum((table["time"] / STEP_S).astype(int), len(noise["auth"]) - 1)
    for name, typical in (("auth", 5.0), ("cache", 0.8), ("classifier", 9.0)):
        table[f"{name}_ms"] = typical * np.exp(0.3 * draw.normal(size=len(table)))
    for name in ("auth", "cache", "classifier", "index", "database", "llm"):
        table[f"{name}_ms"] *= noise[name][step]
    table["retriever_ms"] = 6 + table["index_ms"] + table["network_ms"] + table["database_ms"]
    own = 4 * np.exp(0.3 * draw.normal(size=len(table))) * noise["gateway"][step]
    behind = table["classifier_ms"] + table["retriever_ms"] + table["again_ms"]
    behind = behind + table["llm_ms"].where(~table["limited"], 60.0)
    table["gateway_ms"] = (
        own + table["auth_ms"] + table["cache_ms"] + behind.where(~table["cached"], 0)
    )


def _normal(chance: Floats) -> Floats:
    from scipy.special import ndtri

    return ndtri(chance)
