"""Calls made up for the tests of spending: what is in them is known."""

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-03-02T00:00:00", tz="UTC")


def calls(rows=100, every="1h", cost=0.01, **columns):
    """Return calls at even times; a column may be one value or one a row."""
    told = {
        "timestamp": pd.date_range(START, periods=rows, freq=every),
        "prompt_version": "support/1",
        "model": "large",
        "input": [f"question {number}" for number in range(rows)],
        "output": [f"answer {number}" for number in range(rows)],
        "input_tokens": 100.0,
        "output_tokens": 20.0,
        "latency_ms": np.arange(rows, dtype=float),
        "cost_usd": cost,
    }
    return pd.DataFrame(told | columns)


def two_models(rows=4_000, gap=0.0, seed=0, share=0.5, cheap=0.25, rated=1.0, **columns):
    """Return calls of a large and a small model, side by side; the small one is worse by a gap."""
    rng = np.random.default_rng(seed)
    small = rng.random(rows) < share
    good = rng.random(rows) < np.where(small, 0.9 - gap, 0.9)
    told = {
        "model": np.where(small, "small", "large"),
        "cost_usd": np.where(small, cheap, 1.0) * rng.gamma(20, 0.0005, rows),
        "feedback": np.where(rng.random(rows) < rated, good.astype(float), np.nan),
    }
    return calls(rows, "10min", **(told | columns))
