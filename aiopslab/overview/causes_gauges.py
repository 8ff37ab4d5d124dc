"""Gauges: what of each layer moved, given what came before it on the way of a question."""

import math
from collections.abc import Iterator, Sized
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.overview.causes_contrasts import apart_of, given_kind, keys_of, mix_of
from aiopslab.prompts.changes import ENOUGH

Floats = npt.NDArray[np.float64]

RARE = 0.01  # share before, below which a version is new
NEAREST = 50  # calls before the onset, that versions are compared with: an older switch is none
FOR_GOOD = 0.9  # share of the calls since its first, from which a version replaced the others
REPEATED = 30  # rows whose question was asked before, from which questions are compared with that
TELLING = (0.05, 0.0005)  # p-values from and below which a gauge has moved in part, and wholly


@dataclass(frozen=True)
class Gauge:
    """One thing of a layer that may have moved.

    Parameters
    ----------
    name
        Which, see `aiopslab.overview.causes.LIKELIHOOD`.
    subject
        Of what: a service, a version; empty where it is of the layer.
    moved
        How surely it moved, 0 to 1.
    told
        What was seen, in words.
    """

    name: str
    subject: str
    moved: float
    told: str


def row_gauges(
    calls: pd.DataFrame, observations: pd.DataFrame, onset: pd.Timestamp, gap: pd.Timedelta
) -> list[Gauge]:
    """Read the gauges of single calls and predictions, before and after an onset.

    Parameters
    ----------
    calls, observations
        As `call_rows` and `observation_rows` return them.
    onset
        When it moved.
    gap
        Time on both sides of it that is left out, since nobody knows to which it belongs.
    """
    told: list[Gauge] = []
    before, after = _sides(observations, onset, gap)
    if min(len(before), len(after)) >= ENOUGH:
        told += [*_questions(before, after), *_predictions(before, after)]
    before, after = _sides(calls, onset, gap)
    if min(len(before), len(after)) >= ENOUGH:
        told += [
            *_versions(before, after),
            *_documents(before, after),
            *_tokens(before, after),
            *_latency(before, after),
            *_price(before, after),
        ]
    return told


def sureness(p: float) -> float:
    """Return how surely something moved that chance moves as much with a probability of `p`.

    Examples
    --------
    >>> sureness(0.2), sureness(0.00001)
    (0.0, 1.0)
    """
    first, last = (math.log(each) for each in TELLING)
    return float(np.clip((math.log(max(p, 1e-300)) - first) / (last - first), 0, 1))


def _sides(
    rows: pd.DataFrame, onset: pd.Timestamp, gap: pd.Timedelta
) -> tuple[pd.DataFrame, pd.DataFrame]:
    times = rows["timestamp"]
    return rows[times < onset - gap], rows[times >= onset + gap]


def _questions(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Gauge]:
    if "target" not in before or min(before["target"].count(), after["target"].count()) < ENOUGH:
        return
    apart, p, most = mix_of(before["target"], after["target"])
    told = f"{most}; the mix of topics moved by {100 * apart:.0f} points"
    yield Gauge("questions", "", sureness(p) * (apart > 0.1), told)


def _predictions(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Gauge]:
    if min(before["right"].count(), after["right"].count()) >= ENOUGH:
        was, now = given_kind(before, after, "right", ["target"])
        p, low = apart_of(was, now)
        told = f"of the same topics {100 * (now.mean() - was.mean()):+.0f} points were right"
        yield Gauge("predictions", "", sureness(p) * (low > 0.02), told)
    if min(before["score"].count(), after["score"].count()) >= ENOUGH:
        was, now = given_kind(before, after, "score", ["target"])
        p, _ = apart_of(was, now)
        size = abs(now.mean() - was.mean()) / max(float(was.std()), 1e-9)
        told = f"of the same topics the score went by {now.mean() - was.mean():+.2f}"
        yield Gauge("scores", "", sureness(p) * float(size > 0.3), told)


def _versions(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Gauge]:
    """Yield whether versions changed at the onset, for good or for some of the calls only."""
    near = before.tail(max(NEAREST, len(before) // 10))
    soon = after.head(max(NEAREST, len(after) // 10))
    together = _switched_together(near, soon)
    for name, column in (("prompt version", "prompt_version"), ("model version", "model")):
        # What came later than soon after the onset did not bring it.
        apart, p, most = mix_of(near[column], soon[column])
        gained = _gain(near[column], soon[column]).idxmax()
        first = after.loc[after[column] == gained, "timestamp"].min()
        late = after.loc[after["timestamp"] >= first, column] == gained
        moved = sureness(p) * float(apart > 0.05)
        is_for_good = late.mean() >= FOR_GOOD and not together
        kind = name if is_for_good or not moved else f"{name} now and then"
        yield Gauge(kind, str(gained), moved, most)


def _switched_together(before: pd.DataFrame, after: pd.DataFrame) -> bool:
    """Tell whether the same calls have another prompt and another model: one fell back to both."""
    other = [~after[each].isin(before[each].unique()) for each in ("prompt_version", "model")]
    both, either = (other[0] & other[1]).sum(), (other[0] | other[1]).sum()
    return bool(either and both >= FOR_GOOD * either)


def _gain(before: pd.Series, after: pd.Series) -> pd.Series:
    shares = after.value_counts(normalize=True)
    return shares - before.value_counts(normalize=True).reindex(shares.index).fillna(0)


def _documents(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Gauge]:
    if "retrieved_ids" not in before:
        return
    key = ["input", "prediction"] if before["prediction"].notna().any() else ["input"]
    was, now = (_sets(each, key) for each in (before, after))
    none = [np.asarray(each["ids"].map(len) == 0, np.float64) for each in (was, now)]
    if min(len(was), len(now)) >= ENOUGH:
        p, low = apart_of(*none)
        told = f"calls without a document went from {_shares(none)}"
        yield Gauge("no documents", "", sureness(p) * float(low > 0.01), told)
    was, now = (each[each["ids"].map(len) > 0] for each in (was, now))
    first = was.groupby("key")["ids"].first()
    # Of what was asked before: the same question by the same route brought other documents.
    then = was[was.duplicated("key")]
    late = now[now["key"].isin(first.index)]
    if min(len(then), len(late)) < REPEATED:
        return
    unlike = [
        np.array(
            [_unlike(first[key], ids) for key, ids in zip(each["key"], each["ids"], strict=True)]
        )
        for each in (then, late)
    ]
    p, low = apart_of(*unlike)
    told = f"of a question asked before, other documents went from {_shares(unlike)}"
    yield Gauge("other documents", "", sureness(p) * float(low > 0.02), told)


def _shares(values: list[Floats]) -> str:
    return f"{100 * values[0].mean():.0f} to {100 * values[1].mean():.0f} %"


def _tokens(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Gauge]:
    counts = [
        each["retrieved_ids"].map(_count) if "retrieved_ids" in each else 0
        for each in (before, after)
    ]
    keys = ["input", "prompt_version", "model", "documents"]
    for name, column in (("input tokens", "input_tokens"), ("output tokens", "output_tokens")):
        table = [
            each.assign(value=np.log1p(each[column].astype(float)), documents=count)
            for each, count in zip((before, after), counts, strict=True)
        ]
        was, now = given_kind(table[0], table[1], "value", keys)
        if min(len(was), len(now)) < REPEATED:
            continue
        p, _ = apart_of(was, now)
        change = math.expm1(float(now.mean() - was.mean()))
        told = f"of the same question, documents and versions {100 * change:+.0f} % {name}"
        yield Gauge(name, "", sureness(p) * float(abs(change) > 0.1), told)


def _count(ids: object) -> int:
    return len(ids) if isinstance(ids, Sized) else 0


def _latency(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Gauge]:
    columns = ["input_tokens", "output_tokens"]
    was, now = (each.dropna(subset=[*columns, "latency_ms"]) for each in (before, after))
    # A version that was not there before may be faster or slower, and nobody knows by how much.
    for version in ("prompt_version", "model"):
        shares = was[version].value_counts(normalize=True)
        now = now[now[version].isin(shares[shares > RARE].index)]
    if min(len(was), len(now)) < ENOUGH:
        return
    # What lies outside of what was seen before says nothing of how long it should take.
    low, high = was[columns].quantile(0.01), was[columns].quantile(0.99)
    now = now[((now[columns] >= low) & (now[columns] <= high)).all(axis=1)]
    if len(now) < ENOUGH:
        return
    design = [np.column_stack([np.ones(len(each)), each[columns]]) for each in (was, now)]
    logs = [np.log1p(each["latency_ms"].to_numpy(float)) for each in (was, now)]
    weight = np.linalg.lstsq(design[0], logs[0], rcond=None)[0]
    rest = [log - rows @ weight for log, rows in zip(logs, design, strict=True)]
    p, _ = apart_of(*rest)
    change = math.expm1(float(np.median(rest[1]) - np.median(rest[0])))
    told = f"calls of as many tokens took {100 * change:+.0f} % in time"
    yield Gauge("latency", "", sureness(p) * (abs(change) > 0.15), told)


def _price(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[Gauge]:
    columns = ["input_tokens", "output_tokens"]
    was, now = (each.dropna(subset=[*columns, "cost_usd"]) for each in (before, after))
    now = now[now["model"].isin(was["model"].unique())]
    if min(len(was), len(now)) < ENOUGH or was["cost_usd"].max() <= 0:
        return
    weight = np.linalg.lstsq(
        was[columns].to_numpy(float), was["cost_usd"].to_numpy(float), rcond=None
    )[0]
    expected = now[columns].to_numpy(float) @ weight
    if expected.sum() <= 0:
        return
    change = float(now["cost_usd"].sum() / expected.sum() - 1)
    told = f"as many tokens cost {100 * change:+.0f} %"
    yield Gauge("price", "", float(abs(change) > 0.1), told)


def _sets(rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    told = rows[rows["retrieved_ids"].map(lambda each: hasattr(each, "__len__"))]
    ids = [frozenset(map(str, each)) for each in told["retrieved_ids"]]
    return pd.DataFrame({"key": keys_of(told, key), "ids": ids})


def _unlike(one: frozenset[str], other: frozenset[str]) -> float:
    """Return one less the index of P. Jaccard, 1901."""
    both = one | other
    return 1 - len(one & other) / len(both) if both else 0.0
