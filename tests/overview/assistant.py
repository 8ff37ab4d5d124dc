"""A small assistant made up for tests: what moves in it, and when, is known."""

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-03-01T12:00:00", tz="UTC")
ONSET = START + pd.Timedelta("40min")
TOPICS = ("travel", "leave", "pay", "devices")
EDGES = pd.DataFrame({"caller": ["gateway"] * 3, "callee": ["classifier", "retriever", "llm"]})


def assistant(
    rows=800,
    seed=0,
    *,
    mix=None,
    wrong=0.1,
    other=False,
    version="v1",
    model="m1",
    longer=1.0,
    harm=0.0,
):
    """Return calls and observations of 80 minutes, of which the later 40 are as told.

    Parameters
    ----------
    mix
        Shares of the topics after the onset; the first is answered worse than the others.
    wrong
        Share of predictions that are wrong after the onset.
    other
        Whether other documents are found for the same question.
    version, model
        After the onset.
    longer
        By how much the input grows.
    harm
        By how much ratings suffer, whatever else.
    """
    draw = np.random.default_rng(seed)
    times = START + pd.to_timedelta(np.sort(draw.uniform(0, 4_800, rows)), unit="s")
    times = pd.DatetimeIndex(times).as_unit("us")
    late = times >= ONSET
    shares = np.where(late[:, None], 0.25 if mix is None else np.array(mix), 0.25)
    topic = (draw.random(rows)[:, None] > shares.cumsum(axis=1)[:, :-1]).sum(axis=1)
    number = draw.integers(20, size=rows)
    target = np.array(TOPICS)[topic]
    is_wrong = draw.random(rows) < np.where(late, wrong, 0.1)
    prediction = np.where(is_wrong, np.array(TOPICS)[(topic + 1) % 4], target)
    asked = [f"{each} {which}?" for each, which in zip(target, number, strict=True)]
    offset = np.where(late & other, 50, 0)
    found = [
        [f"{name}-{which + more}", f"{name}-{which + more + 1}"]
        for name, which, more in zip(prediction, number, offset, strict=True)
    ]
    good = 0.9 - 0.5 * is_wrong - 0.3 * (topic == 0) - 0.5 * (offset > 0) - harm * late
    tokens = np.round((200 + 10 * topic + draw.normal(0, 3, rows)) * np.where(late, longer, 1))
    calls = pd.DataFrame(
        {
            "timestamp": times,
            "prompt_version": np.where(late, version, "v1"),
            "model": np.where(late, model, "m1"),
            "input": asked,
            "output": "An answer.",
            "input_tokens": tokens,
            "output_tokens": np.round(40 + draw.normal(0, 2, rows)),
            "latency_ms": 200 + draw.normal(0, 10, rows),
            "cost_usd": tokens * 1e-6,
            "retrieved_ids": found,
            "feedback": (draw.random(rows) < good).astype(float),
        }
    )
    observations = pd.DataFrame(
        {
            "timestamp": times - pd.Timedelta("100ms"),
            "prediction": prediction,
            "score": np.clip(draw.normal(0.8, 0.05, rows) - 0.2 * is_wrong, 0, 1),
            "target": target,
            "text_length": [len(each) for each in asked],
        }
    )
    return {"calls": calls, "observations": observations, "topology": EDGES}


def changes(*rows):
    """Return changes of ``(minutes after the onset, kind, service, ref)``."""
    told = [
        (ONSET + pd.Timedelta(minutes=minutes), kind, service, ref, f"{service}: {kind}")
        for minutes, kind, service, ref in rows
    ]
    return pd.DataFrame(told, columns=["timestamp", "kind", "service", "ref", "description"])
