"""Metrics whose truth is known because they are made here."""

import numpy as np
import pandas as pd

from aiopslab.incident import IncidentAnalysis, analyse, rank_services
from aiopslab.incident.case import prepare
from aiopslab.incident.ordinary import bar
from aiopslab.incident.suspects import find_suspects

SERVICES = ("gateway", "auth", "cache", "database", "llm")
METRICS = ("duration_p95_ms", "request_rate", "error_ratio", "cpu", "memory_mb")
START = pd.Timestamp("2026-03-01T12:00:00Z")
LEVELS = {
    "duration_p95_ms": 80.0,
    "request_rate": 5.0,
    "error_ratio": 0.0,
    "cpu": 0.2,
    "memory_mb": 150.0,
}


def calm(seed: int = 0, rows: int = 240) -> pd.DataFrame:
    """A system at rest: autocorrelated noise of 5 % around each metric's level."""
    rng = np.random.default_rng(seed)
    columns = pd.MultiIndex.from_product([SERVICES, METRICS], names=["service", "metric"])
    noise = rng.normal(size=(rows + 9, len(columns)))
    smooth = pd.DataFrame(noise).rolling(10).mean().dropna().to_numpy() * np.sqrt(10)
    levels = np.array([LEVELS[metric] for _, metric in columns])
    values = levels * (1 + 0.05 * smooth)
    return pd.DataFrame(
        values, pd.date_range(START, periods=rows, freq="s", name="timestamp"), columns
    )


def broken(service: str, at: int, seed: int = 0, rows: int = 240) -> pd.DataFrame:
    """The same with one service slow and failing from row `at` on, and its caller slow too."""
    metrics = calm(seed, rows)
    after = metrics.index[at:]
    metrics.loc[after, (service, "duration_p95_ms")] *= 12
    metrics.loc[after, (service, "error_ratio")] = 0.3
    metrics.loc[after, (service, "cpu")] *= 3
    if service != "gateway":
        metrics.loc[after, ("gateway", "duration_p95_ms")] *= 4
    return metrics


def analysed(metrics: pd.DataFrame, **options) -> IncidentAnalysis:
    return analyse({"metrics": metrics}, **options)


def ranked(metrics: pd.DataFrame, onset: pd.Timestamp) -> pd.DataFrame:
    return rank_services(find_suspects(prepare({"metrics": metrics}), onset), bar([]))
