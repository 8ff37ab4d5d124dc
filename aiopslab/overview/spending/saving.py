"""A saving: what one change would have saved, and whether answers stay as good."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from aiopslab.findings import Effect, Finding, Interval
from aiopslab.overview.spending.quality import Quality
from aiopslab.overview.written import interval_of, value_of

Kind = Literal["cheaper model", "shorter prompt", "cache", "all together"]

COLUMNS = ["what", "saves_usd", "low", "high", "share", "quality", "how"]


@dataclass(frozen=True)
class Saving:
    """What a change would save.

    Parameters
    ----------
    kind
        Of the change.
    what
        The change, as one would order it.
    saves_usd, low, high
        In USD a period, with its interval; NaN where nobody can tell.
    share
        Of the money spent, 0 to 1.
    quality
        ``not worse``, ``worse`` or ``not enough data``.
    how
        What it rests on.
    confidence
        Of the interval: corrected for all that is told at once, so that all of them hold together.
    """

    kind: Kind
    what: str
    saves_usd: float
    low: float
    high: float
    share: float
    quality: Quality
    how: str
    confidence: float

    @property
    def is_sure(self) -> bool:
        """Whether it surely saves, and answers are surely not worse."""
        return self.low > 0 and self.quality == "not worse"

    def finding(self, period: str) -> Finding:
        """Return it as a finding, in USD a period."""
        interval = Interval(self.low, self.high, self.confidence)
        told = pd.notna(self.saves_usd)
        effect = Effect("saves", self.saves_usd, f"USD in {period}", interval) if told else None
        amount = value_of(self.saves_usd, "USD") if told else "nobody knows how much"
        span = f" ({interval_of(interval, 'USD')})" if pd.notna(self.low) else ""
        claim = f"{self.what}: saves {amount}{span} in {period}; {self.quality}. {self.how}"
        return Finding(claim, self.kind, "ok", "calls", effect)

    def row(self) -> tuple[object, ...]:
        """Return it as a row of `COLUMNS`."""
        ends = (self.saves_usd, self.low, self.high, self.share)
        return (self.what, *ends, self.quality, self.how)


def tabulated(savings: tuple[Saving, ...]) -> pd.DataFrame:
    """Return savings as a table, one row each."""
    return pd.DataFrame([each.row() for each in savings], columns=COLUMNS)
