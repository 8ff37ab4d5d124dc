"""The season: comparing like with like, so that what comes back every year is no drift."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aiopslab.drift.observations import Roles, read_observations
from aiopslab.durations import parse
from aiopslab.errors import FrameError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

PHASES = 24  # of a period: hours of a day, half months of a year
HARMONICS = 2  # of a smooth season
LIKE = 30  # rows of the reference in a phase, from which it can be compared with
YEAR = pd.Timedelta(365.2425, "D")


@dataclass(frozen=True)
class Season:
    """Which phase of the season each row is in.

    Parameters
    ----------
    period
        After which the season comes back.
    reference, current
        Phase of each row, from 0; −1 for a row without a time, and for one in a phase of which
        the reference holds too few rows.
    phases
        How many there are.
    covered
        Share of the current rows that the reference holds rows of the same phase for.
    """

    period: pd.Timedelta
    reference: Ints
    current: Ints
    phases: int
    covered: float


@dataclass(frozen=True)
class SeasonalReference:
    """Observations of which like can be compared with like.

    Parameters
    ----------
    reference
        Rows of the reference, drawn so that each phase of the season has the share that it has in
        the current ones.
    current
        The current rows that are in a phase which the reference holds.
    covered
        Share of the current rows that they are.
    """

    reference: pd.DataFrame
    current: pd.DataFrame
    covered: float


def parse_period(period: str | pd.Timedelta) -> pd.Timedelta:
    """Read a period: a duration, or years as in ``"1Y"``.

    Raises
    ------
    FrameError
        If it is neither.

    Examples
    --------
    >>> parse_period("1Y").days, parse_period("7D").days
    (365, 7)
    """
    text = period.strip() if isinstance(period, str) else ""
    if text[-1:] in {"Y", "y"} and text[:-1].isdigit() and int(text[:-1]):
        return int(text[:-1]) * YEAR
    found = parse(period)
    if found is None:
        raise FrameError(
            f"period is {period!r}; expected a duration or years",
            'Pass e.g. period="1Y", "7D" or "24h".',
        )
    return found


def find_season(reference: pd.Series, current: pd.Series, period: str | pd.Timedelta) -> Season:
    """Tell in which phase of a season rows are.

    Parameters
    ----------
    reference, current
        Times in UTC.
    period
        After which the season comes back.

    Examples
    --------
    >>> hours = pd.Series(pd.date_range("2026-03-01", periods=24 * 60, freq="h", tz="UTC"))
    >>> season = find_season(hours, hours[hours.dt.hour == 7] + pd.Timedelta("100D"), "24h")
    >>> set(season.current.tolist()), season.covered
    ({7}, 1.0)
    """
    length = parse_period(period)
    old, new = _phases(reference, length), _phases(current, length)
    held = np.bincount(old[old >= 0], minlength=PHASES) >= LIKE
    held = np.append(held, False)  # of rows without a time
    old, new = np.where(held[old], old, -1), np.where(held[new], new, -1)
    return Season(length, old, new, PHASES, float((new >= 0).mean()))


def seasonal_reference(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    period: str | pd.Timedelta,
    roles: Roles | None = None,
    seed: int = 0,
) -> SeasonalReference:
    """Choose rows of the reference that are of the same season as the current ones.

    Parameters
    ----------
    reference, current
        Observations, with times.
    period
        After which the season comes back, e.g. ``"1Y"``, ``"7D"``, ``"24h"``.
    roles
        Which column is what.
    seed
        Of the choice.

    Returns
    -------
    SeasonalReference
        No row of the reference is drawn twice, so that it says no more than it knows. Where the
        reference holds nothing of the season, both have no rows and `covered` is 0.

    Raises
    ------
    FrameError
        If either has no times.

    Examples
    --------
    >>> times = pd.date_range("2025-01-01", periods=365 * 24, freq="h", tz="UTC")
    >>> year = pd.DataFrame({"timestamp": times, "warmth": -np.cos(np.arange(365 * 24) / 1394)})
    >>> july = year[year["timestamp"].dt.month == 7].assign(
    ...     timestamp=lambda rows: rows["timestamp"] + pd.Timedelta("365D"))
    >>> like = seasonal_reference(year, july, "1Y")
    >>> bool(like.reference["warmth"].mean() > 0.9), like.covered
    (True, 1.0)
    """
    named = roles or Roles()
    old = read_observations(reference, roles, "reference")
    new = read_observations(current, roles, "current observations")
    check_times(old, new, named)
    season = find_season(old[named.timestamp], new[named.timestamp], period)
    there = season.current >= 0
    wanted = np.bincount(season.current[there], minlength=season.phases)
    held = np.bincount(season.reference[season.reference >= 0], minlength=season.phases)
    asked = wanted > 0
    scale = float((held[asked] / wanted[asked]).min()) if asked.any() else 0.0
    rng = np.random.default_rng(seed)
    drawn = [
        rng.choice(np.flatnonzero(season.reference == phase), int(scale * count), replace=False)
        for phase, count in enumerate(wanted)
        if count
    ]
    rows = np.sort(np.concatenate(drawn)) if drawn else np.empty(0, dtype=np.int64)
    return SeasonalReference(
        old.iloc[rows].reset_index(drop=True),
        new[there].reset_index(drop=True),
        season.covered,
    )


def roughness(means: Floats, rows: Floats, place: Floats, period: float | None) -> Floats:
    """Return how many times the variance of windows about a smooth season is that of rows.

    Parameters
    ----------
    means
        Of scores in consecutive windows of the reference, ``(windows, scores)``.
    rows
        Of each window.
    place
        In time, ``(windows,)``.
    period
        In the unit of `place`; ``None`` where windows are not of time, which tells nothing.

    Returns
    -------
    numpy.ndarray
        ``(scores,)``, at least 1. A week that was warmer than its season is a week of weather;
        where the reference saw each phase once, nothing else tells such weeks from drift.

    Examples
    --------
    >>> place = np.arange(50.0)
    >>> season = np.cos(2 * np.pi * place / 50)[:, None]
    >>> spells = np.repeat([0.5, -0.5], 5)[np.arange(50) % 10][:, None]
    >>> rows = np.full(50, 100.0)
    >>> [roughness(each, rows, place, 50)[0] > 20 for each in (season, season + spells)]
    [np.False_, np.True_]
    """
    smooth = np.ones(means.shape[1])
    if period is None:
        return smooth
    turns = 2 * np.pi * np.outer(place / period, np.arange(1, HARMONICS + 1))
    design = np.column_stack([np.ones(len(place)), np.cos(turns), np.sin(turns)])
    spare = int((rows > 0).sum()) - design.shape[1]
    if spare < design.shape[1] or not means.shape[1]:
        return smooth
    weight = np.sqrt(rows)[:, None]
    solution = np.linalg.lstsq(design * weight, means * weight, rcond=None)[0]
    rest = (weight * (means - design @ solution)) ** 2
    rough: Floats = np.maximum(smooth, rest.sum(axis=0) / spare)
    return rough


def check_times(reference: pd.DataFrame, current: pd.DataFrame, roles: Roles) -> None:
    """Refuse to look for a season in observations without times."""
    for name, table in (("reference", reference), ("current observations", current)):
        if roles.timestamp not in table:
            raise FrameError(
                f"{name} have no column {roles.timestamp!r}, which a season is told by",
                "Name the column of times in the roles, or leave the period out.",
            )


def _phases(times: pd.Series, period: pd.Timedelta) -> Ints:
    known = times.notna().to_numpy()
    since = (times[known] - pd.Timestamp(0, tz="UTC")).to_numpy("timedelta64[us]").astype(np.int64)
    length = round(period / pd.Timedelta("1us"))
    numbers = np.full(len(times), -1, dtype=np.int64)
    numbers[known] = since % length * PHASES // length
    return numbers
