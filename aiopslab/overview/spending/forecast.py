"""Forecast: what will be spent, from how spending went so far."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from aiopslab.incident.durations import spoken
from aiopslab.incident.forecast import REACH
from aiopslab.incident.history import BLOCKS, MIN_BLOCKS
from aiopslab.incident.trend import PATHS, Model, backtest_trend, find_season, fit, simulate
from aiopslab.overview.spending.ledger import Ledger
from aiopslab.overview.spending.stretches import FEWEST, Floats

DAY = pd.Timedelta("1D")
DAYS = 21  # from which days are foretold, since weekdays and weekends then were seen three times
MOST = 10.0  # times the most that a stretch has cost, beyond which none is foretold to cost
_SHORTER = tuple(map(pd.Timedelta, ("1h", "10min", "1min", "10s", "1s", "100ms")))


@dataclass(frozen=True)
class Forecast:
    """Futures of what is spent.

    Parameters
    ----------
    width
        Of a stretch of time.
    spent
        In each stretch so far, in USD; NaN where nobody knows the cost of any of its calls.
    paths
        What is spent from now to the end of each coming stretch, ``(stretches, paths)``; none
        where there is too little to foretell from.
    said
        What the forecast rests on, or why there is none.
    needed
        How long calls have to be recorded for one; ``None`` where they were.
    """

    width: pd.Timedelta
    spent: Floats
    paths: Floats = field(default_factory=lambda: np.empty((0, PATHS)))
    said: str = ""
    needed: pd.Timedelta | None = None

    @property
    def reach(self) -> pd.Timedelta:
        """How far it goes."""
        return len(self.paths) * self.width

    def by(self, after: pd.Timedelta) -> Floats:
        """Return what is spent within some time from now, a path; it reaches so far at least."""
        at = after / self.width
        whole = min(int(at), len(self.paths))
        before = self.paths[whole - 1] if whole else np.zeros(self.paths.shape[1])
        if whole == len(self.paths):
            return before
        return np.asarray(before + (at - whole) * (self.paths[whole] - before), np.float64)

    def until(self, amount: float) -> Floats:
        """Return after how many stretches an amount is spent, a path; infinite beyond the reach."""
        hit = self.paths >= amount
        first = hit.argmax(axis=0)
        columns = np.arange(self.paths.shape[1])
        after = self.paths[first, columns]
        before = np.where(first > 0, self.paths[first - 1, columns], 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            part = np.where(after > before, (amount - before) / (after - before), 0.0)
        return np.where(hit.any(axis=0), first + part, np.inf)


def foretell(ledger: Ledger, ahead: pd.Timedelta, seed: int) -> Forecast:
    """Foretell what is spent.

    Parameters
    ----------
    ledger
        The calls; now is the last of them.
    ahead
        How far to look; never further than half as far as the history reaches back.
    seed
        Of the simulated paths.

    Notes
    -----
    The model is that of `aiopslab.incident.time_to_exhaustion`, on what each day (or shorter
    stretch) cost: a level that may wander, a slope where one has foretold better than none, and a
    season that was seen three times; its noises are chosen by likelihood, and its paths are widened
    where past forecasts erred by more. Where every stretch cost something, logarithms are foretold,
    since money grows by shares and is never less than nothing.

    It was chosen over a bootstrap of blocks of days, matched by weekday, which takes the past for
    the level of the future. Of 28 and 60 days that came at one level, with weekdays, alike from day
    to day, with a leap, growing or wandering, intervals of 95 % held what was spent in 93 % or more
    of 60 simulations of each, 98 % in all, against 0 to 91 % of 100 with the bootstrap.
    """
    width = _width(ledger.span)
    if width is None:
        return Forecast(pd.Timedelta(0), np.empty(0), said="all calls are at one time")
    spent = _by_stretch(ledger, width)[-BLOCKS if width >= DAY else -4 * BLOCKS :]
    seen = int(np.isfinite(spent).sum())
    least = DAYS if width >= DAY else MIN_BLOCKS
    if seen < least:
        need = least * width
        said = f"too little was recorded: {spoken(ledger.span)}, and {spoken(need)} would do"
        return Forecast(width, spent, said=said, needed=need - ledger.span)
    if (paid := int((spent > 0).sum())) < FEWEST:
        said = f"{paid:,} of {len(spent):,} stretches of {spoken(width)} cost anything"
        return Forecast(
            width, spent, said=f"too little was recorded: {said}, and {FEWEST} would do"
        )
    leads = min(int(np.ceil(ahead / width)), int(REACH * len(spent)))
    steps, said = _steps(spent, max(leads, 1), width, seed)
    said = f"from {len(spent):,} stretches of {spoken(width)}, {said}"
    return Forecast(width, spent, np.cumsum(steps, axis=0), said)


def _width(span: pd.Timedelta) -> pd.Timedelta | None:
    """Return the longest stretch of which there are enough, days where weekends were seen."""
    if span >= (DAYS + 1) * DAY:
        return DAY
    found = (each for each in _SHORTER if span >= (MIN_BLOCKS + 1) * each)
    return next(found, span / MIN_BLOCKS if span > pd.Timedelta("1ms") else None)


def _by_stretch(ledger: Ledger, width: pd.Timedelta) -> Floats:
    """Return what was spent in whole stretches, the last of which ends now."""
    times = ledger.calls["timestamp"]
    back = ((times.iloc[-1] - times) / width).to_numpy(np.float64).astype(np.int64)
    count = max(int(ledger.span // width), 1)
    kept = back < count
    money = np.bincount(back[kept], np.nan_to_num(ledger.cost[kept]), minlength=count)
    told = np.bincount(back[kept], ledger.known[kept], minlength=count)
    calls = np.bincount(back[kept], minlength=count)
    return np.where((calls > 0) & (told == 0), np.nan, money)[::-1]


def _steps(spent: Floats, leads: int, width: pd.Timedelta, seed: int) -> tuple[Floats, str]:
    """Return what each coming stretch costs, a path, and how that is foretold."""
    seen = spent[np.isfinite(spent)]
    if np.ptp(seen) <= 1e-9 * seen.max():
        return np.full((leads, PATHS), seen.mean()), "all of which cost the same"
    is_positive = bool(seen.min() > 0)
    values = np.log(spent) if is_positive else spent
    centre, scale = float(np.nanmean(values)), float(np.nanstd(values))
    scaled = (values - centre) / scale
    season = find_season(scaled)
    trend, test = backtest_trend(scaled)
    model: Model = trend if test.passed else fit(scaled, season, ())
    widening = max(test.calibration, 1.0)
    paths = simulate(model, leads, widening, np.random.default_rng(seed)) * scale + centre
    # What the past never came near is left to nobody's logarithms.
    highest = centre + scale * float(np.nanmax(scaled)) + np.log(MOST)
    steps = np.exp(np.minimum(paths, highest)) if is_positive else np.maximum(paths, 0.0)
    return steps, _told(test.passed, season, width, len(spent))


def _told(has_slope: bool, season: int | None, width: pd.Timedelta, count: int) -> str:
    parts = ["with a trend" if has_slope else "without a trend, since none foretold better"]
    if season:
        parts.append(f"with a season of {spoken(season * width)}")
    elif count * width < DAYS * DAY:
        parts.append("in which weekdays and weekends cannot be told apart yet")
    else:
        parts.append("in which no season was seen")
    return ", ".join(parts)
