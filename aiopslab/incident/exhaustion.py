"""The exhaustion of a resource: when it reaches its limit, or why that cannot be foretold."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Literal, cast

import pandas as pd

from aiopslab.findings import Effect, Finding, Interval, Level
from aiopslab.incident.durations import unit_of
from aiopslab.incident.trend import Backtest

if TYPE_CHECKING:
    import plotly.graph_objects as go

Outlook = Literal[
    "reached",
    "expected",
    "possible",
    "cannot be foretold",
    "not enough data",
    "not expected",
    "not heading there",
]

NEVER = cast("pd.Timestamp", pd.NaT)
SEVERITIES: dict[Outlook, Level] = {"reached": "act", "expected": "act", "possible": "watch"}
RESULT = ["value", "limit", "outlook", "probability", "time", "low", "high", "skill", "reason"]


@dataclass(frozen=True)
class Exhaustion:
    """When a resource reaches its limit, or why that cannot be foretold.

    Parameters
    ----------
    name
        Of the series.
    history
        Its finite values by time, in UTC.
    limit
        The value at which it is exhausted.
    horizon
        How far ahead was asked.
    confidence
        Of the interval.
    outlook
        ``reached``; ``expected``, more likely than not within the reach; ``possible``, less
        likely, or only beyond the reach if the trend lasts; ``not expected``; ``not heading
        there``; ``cannot be foretold``; ``not enough data``.
    reason
        Why, in words.
    reach
        How far the history lets us look; 0 where nothing is foretold.
    time, low, high
        When the limit is reached, with its interval; ``NaT`` for what lies beyond the reach. Where
        it is reached already, `time` is since when.
    probability
        That the limit is reached within the reach; NaN where nothing is foretold.
    needed
        How much more history would let us tell; ``None`` where none is needed or none would do.
    backtest
        What the forecast rests on, or why there is none.
    fan
        The forecast by time: ``low, median, high``; empty without one.
    """

    name: str
    history: "pd.Series[float]"
    limit: float
    horizon: pd.Timedelta
    confidence: float
    outlook: Outlook
    reason: str
    reach: pd.Timedelta = field(default_factory=lambda: pd.Timedelta(0))
    time: pd.Timestamp = NEVER
    low: pd.Timestamp = NEVER
    high: pd.Timestamp = NEVER
    probability: float = float("nan")
    needed: pd.Timedelta | None = None
    backtest: Backtest | None = None
    fan: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def level(self) -> Level:
        """How urgent it is, on the scale of the verdict."""
        return SEVERITIES.get(self.outlook, "ok")

    def table(self) -> pd.DataFrame:
        """Return one row.

        Returns
        -------
        pandas.DataFrame
            ``series, value, limit, outlook, probability, time, low, high, skill, reason``.
        """
        return tabulated([{"series": self.name} | self.row()])

    def row(self) -> dict[str, Any]:
        """Return the same as one record, without the name."""
        figures = (
            self.history.iloc[-1] if len(self.history) else float("nan"),
            self.limit,
            self.outlook,
            self.probability,
            self.time,
            self.low,
            self.high,
            self.backtest.skill.value if self.backtest else float("nan"),
            self.reason,
        )
        return dict(zip(RESULT, figures, strict=True))

    def findings(self) -> tuple[Finding, ...]:
        """Say what there is to say, with the time that is left where it is foretold."""
        claim = f"{self.name} {self.reason}"
        return (Finding(claim, self.name, self.level, f"metrics: {self.name}", self._left()),)

    def figure(self) -> "go.Figure":
        """Draw the history, the limit and the forecast with its interval."""
        from aiopslab.charts.forecast import forecast_figure

        title = f"{self.name}: {self.outlook}"
        return forecast_figure(self.history, self.limit, self.fan, title, self.low, self.high)

    def _left(self) -> Effect | None:
        if self.outlook not in {"expected", "possible"}:
            return None
        unit, seconds = unit_of(self.reach)
        time, low, high = (
            float("inf") if pd.isna(each) else (each - self.history.index[-1]) / seconds
            for each in (self.time, self.low, self.high)
        )
        return Effect("time to exhaustion", time, unit, Interval(low, high, self.confidence))

    def _repr_html_(self) -> str:
        figures = self.table().drop(columns=["series", "reason"]).to_html(index=False, border=0)
        return f"<p><strong>{escape(self.name)}</strong> {escape(self.reason)}</p>{figures}"


def tabulated(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rows, each of which ends in that of an `Exhaustion`, as a table."""
    table = pd.DataFrame(rows, columns=None if rows else ["service", "metric", *RESULT])
    for column in ("time", "low", "high"):
        table[column] = pd.to_datetime(table[column], utc=True).astype("datetime64[us, UTC]")
    return table


def name_of(label: Hashable) -> str:
    """Return what a series is called, by its label.

    Examples
    --------
    >>> name_of(("db", "disk.utilization")), name_of(None)
    ('db · disk.utilization', 'the series')
    """
    return " · ".join(map(str, label)) if isinstance(label, tuple) else str(label or "the series")
