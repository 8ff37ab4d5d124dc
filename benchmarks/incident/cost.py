"""What the analysis costs against its size."""

import numpy as np
import pandas as pd

from aiopslab.frames import conform
from aiopslab.incident import analyse, find_onset, group_alerts, rank_metrics
from aiopslab.sources.git.patches import MAX_PATCH
from aiopslab.sources.git.redaction import redacted
from benchmarks.harness import Figure, at_most, cpu_seconds

HOSTILE = (
    *("a", "password", "://x:", "name:\n", "-----BEGIN ", "eyJ", "\n ", "'", "--"),
    *("token: ", "token:a"),
)


def noise(series: int, rows: int) -> pd.DataFrame:
    columns = pd.MultiIndex.from_tuples([(f"s{i // 10}", f"m{i % 10}") for i in range(series)])
    values = np.random.default_rng(0).normal(size=(rows, series))
    values[rows * 2 // 3 :, : series // 20] += 8
    return pd.DataFrame(
        values, pd.date_range("2026-03-01", periods=rows, freq="s", tz="UTC"), columns
    )


def ranking(metrics: pd.DataFrame) -> None:
    rank_metrics(metrics, metrics.index[len(metrics) * 2 // 3])


def lines(number: int) -> pd.DataFrame:
    """Return log lines, the last first."""
    times = pd.date_range("2026-03-01", periods=number, freq="ms", tz="UTC")[::-1]
    told = {"service": "gateway", "severity": "warning", "body": "a line"}
    return pd.DataFrame({"timestamp": times, **told})


def storm(number: int, services: int = 300) -> pd.DataFrame:
    """Return a day's alerts of three names, most of which come once."""
    rng = np.random.default_rng(0)
    service = pd.Series(rng.integers(services, size=number)).map("s{}".format)
    fingerprint = service + "-" + pd.Series(rng.integers(number, size=number)).astype(str)
    moments = pd.to_timedelta(rng.integers(86_400, size=number), unit="s")
    return pd.DataFrame(
        {
            "timestamp": pd.Timestamp("2026-03-01", tz="UTC") + moments,
            "name": rng.choice(["HighLatency", "DiskFull", "OomKilled"], number),
            "service": service,
            "severity": "page",
            "state": rng.choice(["firing", "resolved"], number),
            "fingerprint": fingerprint,
            "labels": [{"pod": each, "env": "prod"} for each in fingerprint],
        }
    )


def slowest_redaction() -> float:
    """Return the CPU seconds of the text that takes longest, of twice the most that is read."""
    texts = [unit * (2 * MAX_PATCH // len(unit)) for unit in HOSTILE]
    return max(cpu_seconds(lambda text=text: redacted(text), 3) for text in texts)


def figures() -> list[Figure]:
    logs, alerts = lines(1_000_000), storm(100_000)
    large, narrow, short = noise(1_000, 600), noise(250, 600), noise(1_000, 150)
    floor = cpu_seconds(large.rank)
    peer = f"ranking the values alone: {floor:.3g} CPU s"
    whole = cpu_seconds(lambda: ranking(large))
    return [
        at_most("ranking 1,000 series x 600 points", whole, 1, "CPU s", peer=peer),
        at_most(
            "4 times the series cost", whole / cpu_seconds(lambda: ranking(narrow)), 5, "times"
        ),
        at_most("4 times the points cost", whole / cpu_seconds(lambda: ranking(short)), 5, "times"),
        at_most("onset of 1,000 x 600", cpu_seconds(lambda: find_onset(large), 3), 1, "CPU s"),
        Figure(
            "whole analysis of 1,000 x 600",
            cpu_seconds(lambda: analyse({"metrics": large}), 3),
            "CPU s",
            note="with its bar from ordinary moments",
        ),
        at_most(
            "conforming 1,000,000 log lines",
            cpu_seconds(lambda: conform("logs", logs), 3),
            10,
            "CPU s",
        ),
        at_most(
            "grouping 100,000 alerts", cpu_seconds(lambda: group_alerts(alerts), 3), 10, "CPU s"
        ),
        at_most(
            "redacting hostile text",
            slowest_redaction(),
            1,
            "CPU s",
            note=f"the slowest of {len(HOSTILE)}, each {2 * MAX_PATCH:,} letters",
        ),
    ]
