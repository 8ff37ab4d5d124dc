"""Evidence made up for the tests of the overview: what is in it is known."""

import numpy as np
import pandas as pd

START = pd.Timestamp("2026-03-01T12:00:00", tz="UTC")


def times(rows, every="1s", start=START):
    return pd.date_range(start, periods=rows, freq=every)


def observations(right, start=START):
    """Return predictions that are right where told; NaN for those without a target."""
    right = np.asarray(right, float)
    target = np.where(np.isnan(right), None, np.where(right == 1, "cat", "dog"))
    return pd.DataFrame(
        {"timestamp": times(len(right), start=start), "prediction": "cat", "target": target}
    )


def calls(cost=0.001, feedback=None, rows=100, start=START, **more):
    feedback = [None] * rows if feedback is None else feedback
    return pd.DataFrame(
        {
            "timestamp": times(rows, start=start),
            "prompt_version": "v1",
            "model": "m",
            "input": "q",
            "output": "a",
            "input_tokens": 10.0,
            "output_tokens": 5.0,
            "latency_ms": 100.0,
            "cost_usd": cost,
            "feedback": feedback,
            **more,
        }
    )


def metrics(series, start=START, every="1s"):
    """Return metrics of ``{(service, metric): values}``."""
    frame = pd.DataFrame(series)
    frame.columns = pd.MultiIndex.from_tuples(list(series), names=["service", "metric"])
    return frame.set_axis(times(len(frame), every, start).rename("timestamp"))


def served(errors, latency=200.0, rows=120, service="gateway"):
    """Return metrics of one service: the share of its requests that failed, and their latency."""
    return metrics(
        {
            (service, "http.server.request.error_ratio"): np.full(rows, errors),
            (service, "http.server.request.rate"): np.full(rows, 10.0),
            (service, "http.server.request.duration_p95_ms"): np.full(rows, latency),
        }
    )
