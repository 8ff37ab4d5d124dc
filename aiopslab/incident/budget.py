"""An error budget: how fast it goes over the windows of a policy, and how long it lasts."""

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from aiopslab.findings import Effect, Finding, Level
from aiopslab.incident.burn import Burn
from aiopslab.incident.durations import spoken
from aiopslab.incident.policy import Policy

if TYPE_CHECKING:
    import plotly.graph_objects as go

State = Literal["firing", "quiet", "not enough data", "not covered"]


@dataclass(frozen=True)
class BurnRate:
    """The burn of an error budget over the windows of an alerting policy.

    Parameters
    ----------
    name
        Of what the objective is about.
    objective
        Share of requests that shall be good.
    period
        For which the budget is meant.
    now
        The last time observed; ``None`` without data.
    policies, long, short
        The policies with the burn in the long and the short window of each.
    budget_left
        Share of the period's budget that is unspent; below 0 where it is overspent, NaN where the
        data do not cover the period.
    exhaustion
        Days until the budget is spent at the current burn; of a full budget where what is left is
        not known. NaN where the current burn is not known.
    current
        The shortest long window with enough requests to tell its threshold from no failures at
        all; ``None`` where none has.
    """

    name: str
    objective: float
    period: pd.Timedelta
    now: pd.Timestamp | None
    policies: tuple[Policy, ...]
    long: tuple[Burn, ...]
    short: tuple[Burn, ...]
    budget_left: float
    exhaustion: Effect
    current: Burn | None

    @property
    def states(self) -> tuple[State, ...]:
        """Of each policy: ``firing``, ``quiet``, ``not enough data`` or ``not covered``."""
        return tuple(self._state(*each) for each in self._rows())

    @property
    def level(self) -> Level:
        """The most urgent of the policies that fire."""
        firing = {
            policy.level
            for policy, state in zip(self.policies, self.states, strict=True)
            if state == "firing"
        }
        return "act" if "act" in firing else "watch" if "watch" in firing else "ok"

    def table(self) -> pd.DataFrame:
        """Return one row a policy.

        Returns
        -------
        pandas.DataFrame
            ``window, short_window, threshold, burn, low, high, short_burn, requests, failures,
            coverage, state``.
        """
        rows = []
        for (policy, long, short), state in zip(self._rows(), self.states, strict=True):
            interval = long.rate.interval
            rows.append(
                {
                    "window": spoken(long.window),
                    "short_window": spoken(short.window),
                    "threshold": policy.threshold,
                    "burn": long.rate.value,
                    "low": interval.low if interval else float("nan"),
                    "high": interval.high if interval else float("nan"),
                    "short_burn": short.rate.value,
                    "requests": long.requests,
                    "failures": long.failures,
                    "coverage": long.coverage,
                    "state": state,
                }
            )
        return pd.DataFrame(rows)

    def findings(self) -> tuple[Finding, ...]:
        """Say which policies fire, the most urgent first, or that none does as far as is known."""
        found = [
            Finding(
                f"{self.name} burns its error budget {long.rate.value:.3g} times as fast as it may "
                f"over {spoken(long.window)}, and still does over {spoken(short.window)}"
                f"{self._lasting()}",
                self.name,
                policy.level,
                f"metrics: {self.name} failures",
                long.rate,
            )
            for (policy, long, short), state in zip(self._rows(), self.states, strict=True)
            if state == "firing"
        ]
        return tuple(found) or (self._calm(),)

    def figure(self) -> "go.Figure":
        """Draw the burn of each long window with its interval beside the threshold."""
        from aiopslab.charts.forecast import burn_figure

        return burn_figure(self.table(), f"{self.name}: error budget burn at {self.objective:.6g}")

    def _rows(self) -> list[tuple[Policy, Burn, Burn]]:
        return list(zip(self.policies, self.long, self.short, strict=True))

    def _state(self, policy: Policy, long: Burn, short: Burn) -> State:
        if not (long.covered and short.covered):
            return "not covered"
        if long.rate.interval is None:
            return "not enough data"
        certain = long.rate.interval.low >= policy.threshold
        if not certain and not long.tells(policy.threshold * (1 - self.objective)):
            return "not enough data"
        both = long.rate.value >= policy.threshold and short.rate.value >= policy.threshold
        return "firing" if both else "quiet"

    def _calm(self) -> Finding:
        known = [each for each in self.states if each == "quiet"]
        if len(known) == len(self.states):
            claim = f"{self.name} keeps within its error budget over all windows"
        else:
            gaps = [
                f"{spoken(long.window)} {state}"
                for (_, long, _), state in zip(self._rows(), self.states, strict=True)
                if state != "quiet"
            ]
            start = "no window burns too fast" if known else "no window can be judged"
            claim = f"{self.name}: {start} ({', '.join(gaps)})"
        level: Level = "ok" if known else "watch"
        effect = self.current.rate if self.current else None
        return Finding(claim, self.name, level, f"metrics: {self.name} failures", effect)

    def _lasting(self) -> str:
        if np.isnan(self.exhaustion.value):
            return ""
        budget = "a full budget" if np.isnan(self.budget_left) else "what is left of the budget"
        return f"; {budget} lasts {_days(self.exhaustion.value)} at this rate"

    def _repr_html_(self) -> str:
        claims = "".join(f"<li>{escape(each.claim)}</li>" for each in self.findings())
        return f"<ul>{claims}</ul>{self.table().to_html(index=False, border=0)}"


def _days(days: float) -> str:
    return "for ever" if np.isinf(days) else spoken(pd.Timedelta(days=days))
