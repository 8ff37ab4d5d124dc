"""Burn: what of a budget is spent, and when it ends."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from aiopslab.findings import Effect, Finding, Level
from aiopslab.incident.exhaustion import NEVER, SEVERITIES, Outlook
from aiopslab.overview.written import interval_of, value_of

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True)
class Burn:
    """A budget and how it goes.

    Parameters
    ----------
    budget_usd
        Of a period; NaN where none was given.
    start, end
        Of the period that the last call is in; ``NaT`` without calls.
    now
        The time of the last call.
    spent
        From the start of the period to now, in USD; at least, where calls have no known cost.
    unknown
        Calls of the period whose cost is not known.
    ahead
        What is foretold to be spent from now on, over the horizon or as far as the history lets us
        look; without an interval where nothing is foretold.
    total
        What is foretold for the whole period; NaN where its end is out of reach.
    outlook
        ``reached`` (the budget is spent), ``expected`` (it ends before the period does, more likely
        than not), ``possible``, ``not expected`` or ``not enough data``.
    time, low, high
        When the budget ends, with its interval; ``NaT`` for what lies beyond the reach. A `time`
        whose `high` is ``NaT`` may lie beyond the reach: that is where it ends if spending goes on
        as it is foretold until then.
    probability
        That it ends before the period, or the reach, does; NaN where nothing is foretold.
    reach
        How far the history lets us look.
    needed
        How much more has to be recorded for a forecast; ``None`` where there is one.
    history
        What was spent of the period by the end of each stretch, in USD, by time.
    fan
        The same from now on: ``low, median, high`` by time; empty without a forecast.
    said
        What the forecast rests on, or why there is none.
    confidence
        Of the intervals.
    """

    budget_usd: float
    start: pd.Timestamp
    end: pd.Timestamp
    now: pd.Timestamp
    spent: float
    unknown: int
    ahead: Effect
    total: Effect
    outlook: Outlook
    time: pd.Timestamp
    low: pd.Timestamp
    high: pd.Timestamp
    probability: float
    reach: pd.Timedelta
    needed: pd.Timedelta | None
    history: "pd.Series[float]"
    fan: pd.DataFrame
    said: str
    confidence: float

    @property
    def has_budget(self) -> bool:
        """Whether there is a budget to hold it against."""
        return bool(np.isfinite(self.budget_usd))

    @property
    def left(self) -> float:
        """What is left of the budget, in USD; below 0 where it is overspent."""
        return self.budget_usd - self.spent

    @property
    def level(self) -> Level:
        """How urgent it is; a budget that nobody can foretell is to be watched."""
        if not self.has_budget:
            return "ok"
        return "watch" if self.outlook == "not enough data" else SEVERITIES.get(self.outlook, "ok")

    @property
    def sentence(self) -> str:
        """What there is to say of it."""
        at_least = "at least " if self.unknown else ""
        if self.now is NEVER:
            return "Nothing was spent that anybody recorded."
        spent = f"{at_least}{value_of(self.spent, 'USD')}"
        if not self.has_budget:
            return f"Spent since {_day(self.start)}: {spent}. {self._foretold()}"
        of_it = f"{spent} of {value_of(self.budget_usd, 'USD')} spent since {_day(self.start)}"
        return f"{of_it[:1].upper()}{of_it[1:]}. {self._ends()} {self._foretold()}".strip()

    def table(self) -> pd.DataFrame:
        """Return one row: budget, spent, left, forecasts and the day the budget ends.

        Returns
        -------
        pandas.DataFrame
            ``budget_usd, spent_usd, left_usd, start, end, now, unknown, ahead_usd, ahead_low,
            ahead_high, total_usd, total_low, total_high, outlook, time, low, high, probability``.
        """
        row = {
            **{"budget_usd": self.budget_usd, "spent_usd": self.spent, "left_usd": self.left},
            **{"start": self.start, "end": self.end, "now": self.now, "unknown": self.unknown},
            **_ends_of("ahead", self.ahead),
            **_ends_of("total", self.total),
            **{"outlook": self.outlook, "time": self.time, "low": self.low, "high": self.high},
            "probability": self.probability,
        }
        return pd.DataFrame([row])

    def finding(self) -> Finding:
        """Return it as a finding."""
        effect = self.ahead if np.isnan(self.total.value) else self.total
        told = None if np.isnan(effect.value) else effect
        return Finding(self.sentence, "budget", self.level, "calls: cost_usd", told)

    def figure(self) -> "go.Figure":
        """Draw what is left of the budget, or without one what was spent, with its forecast."""
        from aiopslab.overview.spending.drawing import burn_figure

        return burn_figure(self)

    def _ends(self) -> str:
        """Say when the budget ends."""
        span = ""
        if not pd.isna(self.low):
            latest = "later is not ruled out" if pd.isna(self.high) else f"to {_day(self.high)}"
            joint = ", " if pd.isna(self.high) else " "
            span = f" (from {_day(self.low)}{joint}{latest})"
        end = _day(self.end)
        told = {
            "reached": "The budget is spent.",
            "not enough data": f"When it ends, there is not enough data to tell: {self.said}.",
        }
        match self.outlook:
            case "expected":
                return f"It ends on {_day(self.time)}{span}, before the period does on {end}."
            case "possible":
                return f"It may end before the period does on {end}{span or self._beyond()}."
            case "not expected":
                lasts = f"t lasts to the end of the period on {end}"
                if self.end > self.now + self.reach:
                    return f"If it goes on like this, i{lasts}, further than can be foretold."
                return f"I{lasts}." if self.low is NEVER else f"I{lasts}; it would end{span}."
        return told[self.outlook]

    def _beyond(self) -> str:
        if not self.time < self.end:
            return ", which is further than can be foretold"
        return f": on about {_day(self.time)} if it goes on like this, further than can be foretold"

    def _foretold(self) -> str:
        if self.ahead.interval is None:
            told = f"No forecast: {self.said}."
            return told if self.outlook != "not enough data" or not self.has_budget else ""
        span = interval_of(self.ahead.interval, "USD")
        value = value_of(self.ahead.value, "USD")
        return f"{_capital(self.ahead.name)}: {value} ({span}), {self.said}."

    def _repr_html_(self) -> str:
        table = self.table().to_html(index=False, border=0)
        return f"<p>{escape(self.sentence)}</p>{table}"


def _ends_of(name: str, effect: Effect) -> dict[str, float]:
    low, high = (
        (effect.interval.low, effect.interval.high) if effect.interval else (float("nan"),) * 2
    )
    return {f"{name}_usd": effect.value, f"{name}_low": low, f"{name}_high": high}


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _day(time: pd.Timestamp) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
