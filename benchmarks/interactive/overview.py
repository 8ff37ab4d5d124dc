"""The overview board at real size: seconds from a gesture until all that is shown is new."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from aiopslab import sources
from aiopslab.overview import REHEARSAL
from aiopslab.widgets import OverviewBoard

ROWS = 200_000  # calls, and predictions
SCRAPES = 10_000
TIMES = 9
TARGET_S = 0.2
START = pd.Timestamp("2026-03-01", tz="UTC")


def world(seed: int = 0) -> dict[str, pd.DataFrame]:
    """Make two weeks of calls, predictions and metrics, of which the last fifth is worse."""
    rng = np.random.default_rng(seed)
    late = np.arange(ROWS) > 0.8 * ROWS
    times = START + pd.to_timedelta(np.arange(ROWS) * 6, unit="s")
    right = rng.random(ROWS) < np.where(late, 0.7, 0.9)
    observations = pd.DataFrame(
        {"timestamp": times, "prediction": "cat", "target": np.where(right, "cat", "dog")}
    )
    rated = np.where(rng.random(ROWS) < 0.3, (rng.random(ROWS) < 0.8).astype(float), np.nan)
    calls = pd.DataFrame(
        {
            "timestamp": times,
            "prompt_version": "v1",
            "model": "m",
            "input": "q",
            "output": "a",
            "input_tokens": 100.0,
            "output_tokens": 20.0,
            "latency_ms": rng.gamma(4, 50, ROWS),
            "cost_usd": rng.gamma(4, 0.0005, ROWS) * (1 + late),
            "feedback": rated,
        }
    )
    series = {
        ("gateway", "http.server.request.error_ratio"): rng.random(SCRAPES) < 0.01,
        ("gateway", "http.server.request.rate"): rng.gamma(9, 1, SCRAPES),
        ("gateway", "http.server.request.duration_p95_ms"): rng.gamma(9, 30, SCRAPES),
        ("retriever", "index.age_s"): rng.random(SCRAPES) * 3_600,
    }
    metrics = pd.DataFrame(series, dtype="float64")
    span = (times[-1] - times[0]) / (SCRAPES - 1)
    metrics.index = START + np.arange(SCRAPES) * span
    return {"metrics": metrics, "observations": observations, "calls": calls}


def figures() -> list[dict[str, Any]]:
    """Measure a dragged window, a moved target and a chosen tile; the median of nine."""
    small = sources.open("sample://llm-costly-prompt").frames
    sizes = {
        "a recording of 5 min": (small, "300 scrapes, 882 calls, 881 predictions"),
        "two weeks": (world(), f"{SCRAPES:,} scrapes, {ROWS:,} calls, {ROWS:,} predictions"),
    }
    told = []
    for name, (frames, size) in sizes.items():
        board = OverviewBoard(frames, REHEARSAL)
        for gesture, act in _gestures(board).items():
            told.append(
                {
                    "name": f"overview board, {gesture}, {name}",
                    "value": _median(act),
                    "target": TARGET_S,
                    "note": f"{size}; in the kernel, until cards, figures and selection are new",
                }
            )
    return told


def _gestures(board: OverviewBoard) -> dict[str, Callable[[int], None]]:
    start, end = board.prepared.start, board.prepared.end
    names = [each.name for each in board.overview.tiles]

    def drag(number: int) -> None:
        board.brush.window = (start + (end - start) * (0.1 + number / 40), end)

    def move(number: int) -> None:
        board.sliders.by_name["accuracy"].value = 0.7 + number / 100

    def choose(number: int) -> None:
        board.cards.chosen = names[number % 2 + 1]

    return {"a window": drag, "a target": move, "a tile": choose}


def _median(act: Callable[[int], None]) -> float:
    taken = []
    for number in range(TIMES + 1):
        began = time.perf_counter()
        act(number)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken[1:]))  # the first one loads what later ones have
