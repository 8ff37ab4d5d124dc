"""Alerting policies of an error budget: which burn rates, over which windows, call for whom."""

from dataclasses import dataclass

import pandas as pd

from aiopslab.findings import Level


@dataclass(frozen=True)
class Policy:
    """A long window that shows that much is lost, and a short one that shows that it still is.

    Parameters
    ----------
    threshold
        Burn rate from which it fires.
    long, short
        The windows, both ending now.
    level
        ``act`` for a page, ``watch`` for a ticket.
    """

    threshold: float
    long: pd.Timedelta
    short: pd.Timedelta
    level: Level


POLICIES = (
    Policy(14.4, pd.Timedelta("1h"), pd.Timedelta("5min"), "act"),
    Policy(6.0, pd.Timedelta("6h"), pd.Timedelta("30min"), "act"),
    Policy(3.0, pd.Timedelta("1D"), pd.Timedelta("2h"), "watch"),
    Policy(1.0, pd.Timedelta("3D"), pd.Timedelta("6h"), "watch"),
)
