"""The drift investigation, from two tables of observations to what they say."""

import pandas as pd

from aiopslab.drift.analysis import DriftAnalysis
from aiopslab.drift.comparison import compare
from aiopslab.drift.conditional import ENOUGH
from aiopslab.drift.costs import Costs
from aiopslab.drift.diagnosis import diagnose
from aiopslab.drift.estimation import Estimation, estimate_performance
from aiopslab.drift.history import drift_over_time
from aiopslab.drift.multivariate import compare_jointly
from aiopslab.drift.observations import Roles, read_observations
from aiopslab.drift.performance import Performance, measure_performance
from aiopslab.drift.profiles import profile
from aiopslab.drift.quality import quality_breaks
from aiopslab.drift.season import seasonal_reference
from aiopslab.drift.segments import find_segments
from aiopslab.drift.threads import one_thread

COVERED = 0.9  # share of the current rows of whose season the reference has rows, to use only those


@one_thread()
def analyse(
    reference: pd.DataFrame,
    current: pd.DataFrame,
    roles: Roles | None = None,
    windows: str | pd.Timedelta | int | None = None,
    period: str | pd.Timedelta | None = None,
    costs: Costs | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> DriftAnalysis:
    """Find out what moved, since when, where, why, and what to do about it.

    Parameters
    ----------
    reference
        Observations that are known to be good; those that the model was not trained on are best.
    current
        Observations to judge.
    roles
        Which column is what; the usual names where ``None``.
    windows
        A duration such as ``"1D"``, or a number of rows, in which drift is followed.
    period
        Of a season, e.g. ``"7D"``; what only the season moves is then told apart.
    costs
        Cost of one row by ``(truth, prediction)``.
    confidence
        Of every interval.
    seed
        Of everything that is drawn.

    Returns
    -------
    DriftAnalysis
        With ``.verdict()``, ``.table()`` and ``.figure()``.

    Raises
    ------
    FrameError
        If a table cannot be read as observations, or the two have no feature in common.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> good = pd.DataFrame({"age": rng.normal(40, 10, 600), "size": rng.normal(0, 1, 600)})
    >>> now = pd.DataFrame({"age": rng.normal(48, 10, 600), "size": rng.normal(0, 1, 600)})
    >>> analyse(good, now).diagnosis.cause.name
    'covariates'
    """
    named = roles or Roles()
    old = read_observations(reference, roles, "reference observations")
    new = read_observations(current, roles, "current observations")
    told = [*named.features(old), named.prediction, named.score, named.target]
    good = profile(old[[each for each in told if each in old]])
    now = profile(new[[each for each in told if each in new]], like=good)
    comparison = compare(good, now, confidence, seed=seed)
    breaks = quality_breaks(old, new, named)
    history = drift_over_time(old, new, named, windows, period, confidence, seed)
    performance = _performance(old, new, named, costs, windows, confidence, seed)
    like = _of_one_season(old, new, named, period, seed)
    together = compare_jointly(like, new, named, seed)
    comparison = together.completed(comparison)
    loses = performance is not None and performance.better is False
    return DriftAnalysis(
        old,
        new,
        named,
        breaks,
        comparison,
        together,
        history,
        find_segments(old, new, named, of="loss" if loses else "drift", seed=seed),
        performance,
        _estimation(old, new, named, costs, windows, confidence, seed),
        diagnose(like, new, comparison, together, breaks, history, performance, named, seed),
    )


def _of_one_season(
    old: pd.DataFrame,
    new: pd.DataFrame,
    roles: Roles,
    period: str | pd.Timedelta | None,
    seed: int,
) -> pd.DataFrame:
    """Return the reference, of the season of the current rows where it holds most of that."""
    if period is None:
        return old
    like = seasonal_reference(old, new, period, roles, seed)
    return like.reference if like.covered >= COVERED and len(like.reference) >= ENOUGH else old


def _performance(
    old: pd.DataFrame,
    new: pd.DataFrame,
    roles: Roles,
    costs: Costs | None,
    windows: str | pd.Timedelta | int | None,
    confidence: float,
    seed: int,
) -> Performance | None:
    if not _is_known(new, roles.prediction) or not _is_known(new, roles.target):
        return None
    has_labels = _is_known(old, roles.prediction) and _is_known(old, roles.target)
    before = old if has_labels else None
    return measure_performance(new, roles, before, costs, windows, confidence, seed)


def _estimation(
    old: pd.DataFrame,
    new: pd.DataFrame,
    roles: Roles,
    costs: Costs | None,
    windows: str | pd.Timedelta | int | None,
    confidence: float,
    seed: int,
) -> Estimation | None:
    needed = (old, roles.prediction), (old, roles.target), (new, roles.prediction)
    if not all(_is_known(table, column) for table, column in needed):
        return None
    return estimate_performance(old, new, roles, costs, windows, confidence, seed)


def _is_known(table: pd.DataFrame, column: str) -> bool:
    return column in table and bool(table[column].notna().any())
