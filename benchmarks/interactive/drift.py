"""The drift explorer at real size: seconds from a gesture until all that is shown is new."""

import statistics
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd

from aiopslab import drift
from aiopslab.widgets import DriftExplorer

ROWS, NUMBERS, CATEGORIES = 1_000_000, 45, 5
DAYS = 40
TIMES = 9
AT_ONCE = 0.2  # seconds, in which a gesture is to be answered


def observations(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Make 40 days of a million rows with 50 features, one of which rises from half of them on."""
    rng = np.random.default_rng(seed)
    numbers = {f"number_{at}": rng.normal(size=rows) for at in range(NUMBERS)}
    words = {f"category_{at}": rng.choice(list("abcdefgh"), rows) for at in range(CATEGORIES)}
    numbers["number_3"] += np.clip(np.linspace(-0.5, 0.5, rows), 0, None)
    times = pd.date_range(
        "2026-03-01", periods=rows, freq=DAYS * pd.Timedelta("1D") / rows, tz="UTC"
    )
    return pd.DataFrame({"timestamp": times.as_unit("us"), **numbers, **words})


def figures() -> list[dict[str, Any]]:
    """Measure every gesture at both sizes; the median of nine, each of which changes something."""
    good, now = (
        drift.open_observations(f"sample://{each}") for each in ("no-fault", "classifier-degraded")
    )
    told = []
    for size, make in (
        (f"{ROWS:,} rows × {NUMBERS + CATEGORIES} features", lambda: DriftExplorer(observations())),
        ("two recordings, 1,522 rows × 11 columns", lambda: DriftExplorer(now, good)),
    ):
        seconds, explorer = _once(make)
        told.append(_figure("opening", seconds, None, f"{size}; once, the making of rows with it"))
        told += [
            _figure(name, _median(gesture, values), AT_ONCE, f"{size}; median of {TIMES}")
            for name, gesture, values in _gestures(explorer)
        ]
        seconds, _ = _once(explorer.more.click)
        told.append(
            _figure("intervals of all features", seconds, None, f"{size}; on request, once")
        )
        seconds, _ = _once(explorer.search.click)
        told.append(_figure("segments", seconds, None, f"{size}; on request, once"))
    return told


def _gestures(explorer: DriftExplorer) -> Iterator[tuple[str, Callable[[Any], None], list[Any]]]:
    for side in ("current", "reference"):
        brush = getattr(explorer, side)
        stops = list(brush.slider.options)
        ends = [stops[place][1] for place in range(len(stops) // 3, len(stops), len(stops) // 16)]
        yield (
            f"brush the {side}",
            lambda window, to=brush: setattr(to, "window", window),
            [(stops[0][1], end) for end in ends],
        )
    names = list(explorer.picker.options)[:6]
    yield "pick a feature", lambda name: setattr(explorer.picker, "value", name), names
    yield "threshold", lambda value: setattr(explorer.threshold, "value", value), [1, 2, 4, 8]
    lengths = [length for _, length in explorer.windows.options]
    yield "length of the windows", lambda each: setattr(explorer.windows, "value", each), lengths


def _median(gesture: Callable[[Any], None], values: list[Any]) -> float:
    taken = []
    # The first shows what may be shown already, and warms up.
    for value, _ in zip(cycle(values), range(TIMES + 1), strict=False):
        began = time.perf_counter()
        gesture(value)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def _once(make: Callable[[], Any]) -> tuple[float, Any]:
    began = time.perf_counter()
    made = make()
    return time.perf_counter() - began, made


def _figure(name: str, seconds: float, target: float | None, note: str) -> dict[str, Any]:
    return {
        "name": f"drift explorer: {name}",
        "value": round(seconds, 4),
        "target": target,
        "note": note,
    }
