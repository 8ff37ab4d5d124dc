"""How often the pattern of planted drift is named, and the season known for what it is."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.history import drift_over_time
from aiopslab.drift.observations import Roles
from benchmarks.drift import data
from benchmarks.harness import Figure, at_least

Floats = npt.NDArray[np.float64]
Course = Callable[[Floats, np.random.Generator], Floats]

ROWS = 20_000
REPETITIONS = 30


def figures() -> list[Figure]:
    table = [_named(size) for size in (0.5, 0.25)]
    return [*table, *_seasons()] if data.is_there() else table


def _named(size: float) -> Figure:
    told: Counter[str] = Counter()
    right = 0
    for pattern, course in COURSES.items():
        for seed in range(REPETITIONS):
            rng = np.random.default_rng(seed)
            shift = size * course(np.arange(ROWS) / ROWS, rng)
            past, now = (pd.DataFrame(rng.normal(size=(ROWS, 3))) for _ in range(2))
            now[0] += shift
            found = drift_over_time(past, now).features[0].pattern
            right += found == pattern
            if found != pattern:
                told[f"{pattern} as {found}"] += 1
    cases = REPETITIONS * len(COURSES)
    wrong = ", ".join(f"{name} {times}" for name, times in told.most_common(4))
    return at_least(
        f"patterns named, up to {size} SD of one column in three",
        right / cases,
        0.9,
        note=f"{cases} cases, chance .2; {wrong}",
    )


def _sudden(time: Floats, rng: np.random.Generator) -> Floats:
    return (time >= rng.uniform(0.2, 0.8)).astype(np.float64)


def _gradual(time: Floats, rng: np.random.Generator) -> Floats:
    start, takes = rng.uniform(0.05, 0.4), rng.uniform(0.3, 0.6)
    return np.clip((time - start) / takes, 0.0, 1.0)


def _seasonal(time: Floats, rng: np.random.Generator) -> Floats:
    wave: Floats = np.sin(2 * np.pi * (rng.uniform(2, 6) * time + rng.uniform()))
    return wave


def _recurring(time: Floats, rng: np.random.Generator) -> Floats:
    gaps = rng.dirichlet(np.full(2 * int(rng.integers(2, 4)) + 1, 4.0))
    return (np.searchsorted(gaps.cumsum()[:-1], time, side="right") % 2).astype(np.float64)


def _none(time: Floats, _: np.random.Generator) -> Floats:
    return np.zeros(len(time))


COURSES: dict[str, Course] = {
    "sudden": _sudden,
    "gradual": _gradual,
    "seasonal": _seasonal,
    "recurring": _recurring,
    "none": _none,
}


def _seasons() -> list[Figure]:
    """Judge the second year of bicycle hires by the first, and a year of weather by eight."""
    hours = pd.read_parquet(data.DRIFT / "bike_sharing" / "hour.parquet")
    times = pd.to_datetime(hours["dteday"], utc=True) + pd.to_timedelta(hours["hr"], unit="h")
    kept = ["temp", "windspeed", "season", "mnth", "hr", "cnt"]
    bikes = hours[kept].assign(timestamp=times).rename(columns={"cnt": "target"})
    first = hours["yr"] == 0
    bike = drift_over_time(bikes[first], bikes[~first], Roles(), period="1Y")
    grown = next(each for each in bike.features if each.feature == "target")
    calendar = [each for each in bike.features if each.feature in {"season", "mnth"}]
    hotel = drift_over_time(*data.hotel(), period="1Y")
    moves = {each.feature: each.pattern for each in hotel.features}
    return [
        at_least(
            "bike_sharing: hires grow beyond the season",
            float(grown.season == "beyond the season"),
            1,
        ),
        at_least(
            "bike_sharing: columns of the calendar move with the season only",
            sum(each.season == "only the season" for each in calendar),
            2,
            "of 2",
        ),
        at_least(
            "hotel: lead_time and adr are seasonal, country is not",
            sum(moves[each] == "seasonal" for each in ("lead_time", "adr"))
            + (moves["country"] not in {"seasonal", "none"}),
            3,
            "of 3",
            note=f"country: {moves['country']}; the reference holds .43 of the year judged",
        ),
    ]
